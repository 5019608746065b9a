/**
 * The shipped program, twice, on loopback addresses with a FIB in memory: what an operator sees of it
 * from the outside. Ports are free ones, sockets stand in a directory of their own.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import type { Bfd, BgpPeer, BgpSummary, Events, Fib } from "../../src/agent/api/schemas.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const program = join(root, "bin", "causeway");
/** As from a shell: what the test runner loads into its children is not for the program. */
const command = (...words: readonly string[]) =>
  ["/usr/bin/env", ["-u", "NODE_OPTIONS", process.execPath, program, ...words]] as const;

function causeway(...words: readonly string[]) {
  const [file, args] = command(...words);
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Its own 127.x.y.0/24, so that runs beside each other do not meet. */
const net = `127.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
const PATIENCE_MS = 20_000;

t.setTimeout(180_000);

interface Side {
  readonly index: 1 | 2;
  readonly port: number;
  readonly directory: string;
  readonly as?: number;
  readonly remoteAs?: number;
  readonly more?: string;
}

const socketOf = ({ directory, index }: Side) => join(directory, `edge${index}.sock`);
const fileOf = ({ directory, index }: Side) => join(directory, `edge${index}.yaml`);

function configOf(side: Side): string {
  const other = side.index === 1 ? 2 : 1;
  const { as = 65_000 + side.index, remoteAs = 65_000 + other } = side;
  return `
router:
  name: edge-${side.index}
  as: ${as}
  id: 10.0.0.${side.index}
  listen: { addresses: [${net}.${side.index}], port: ${side.port} }
circuits:
  - name: line
    profile: none
    local: ${net}.${side.index}/24
    remote: ${net}.${other}
    remoteAs: ${remoteAs}
    port: ${side.port}
    bfd: { interval: 100ms, multiplier: 3 }
    import: accept-all
    export: accept-all
announce:
  - { prefix: 10.${side.index}.0.0/16, rank: 1 }
fib: { kind: virtual }
api: { listen: off, socket: ${socketOf(side)} }
${side.more ?? ""}`;
}

class Agent {
  readonly side: Side;
  readonly #child: ChildProcess;
  out = "";
  err = "";
  readonly exited: Promise<number | null>;

  constructor(side: Side) {
    this.side = side;
    const [file, args] = command("agent", "-c", fileOf(side));
    this.#child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (chunk) => {
      this.out += chunk;
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.err += chunk;
    });
    this.exited = new Promise((resolve) => this.#child.once("exit", (code) => resolve(code)));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  cli(...words: readonly string[]) {
    return causeway("--socket", socketOf(this.side), ...words);
  }

  json<Answer>(...words: readonly string[]): Answer | undefined {
    const { status, stdout } = this.cli("-o", "json", ...words);
    return status === 0 ? (JSON.parse(stdout) as Answer) : undefined;
  }

  peer(): BgpSummary["peers"][number] | undefined {
    return this.json<BgpSummary>("show", "bgp", "summary")?.peers[0];
  }
}

async function until(claim: () => boolean): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!claim()) {
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, `${net}.1`);
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function place(t: Tap): Promise<{ directory: string; port: number }> {
  const directory = mkdtempSync(join(tmpdir(), "causeway-e2e-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return { directory, port: await freePort() };
}
type Tap = Pick<typeof t, "teardown">;

function start(t: Tap, side: Side): Agent {
  writeFileSync(fileOf(side), configOf(side));
  const agent = new Agent(side);
  t.teardown(() => agent.end());
  return agent;
}

const events = (agent: Agent) =>
  agent
    .cli("-o", "json", "events")
    .stdout.split("\n")
    .filter((line) => line !== "")
    .map((line): Events["events"][number] => JSON.parse(line));

t.test("e2e: two edges meet, show themselves, and the one says why the other went", async (t) => {
  const at = await place(t);
  const one = start(t, { ...at, index: 1 });
  const two = start(t, { ...at, index: 2 });
  t.ok(await until(() => one.peer()?.state === "Established"), one.err + one.out);
  t.ok(await until(() => one.peer()?.bfd?.state === "Up"), "BFD is Up");
  t.ok(await until(() => one.json<Fib>("show", "fib")?.routes.ipv4 === 1), "the route is in");
  t.match(one.peer(), { prefixes: { received: 1, accepted: 1, advertised: 1 }, reason: null });
  t.match(one.json<Bfd>("show", "bfd")?.sessions[0], { state: "Up", detectionTimeUs: 300_000 });
  t.match(one.json<BgpPeer>("show", "bgp", "neighbor", "line")?.negotiated, {
    remoteRouterId: "10.0.0.2",
  });
  t.match(one.cli("show", "fib", "10.2.0.0/16").stdout, `10.2.0.0/16 goes by ${net}.2 on lo`);
  t.match(one.cli("explain", "route", "10.2.3.4").stdout, `10.2.0.0/16 goes to ${net}.2 (line)`);
  t.equal(one.cli("health").status, 0);
  const ids = events(one).map((entry) => entry.event);
  for (const id of ["agent.started", "bgp.peer.up", "bfd.session.up", "circuit.up"]) {
    t.ok(ids.includes(id), id);
  }

  two.signal("SIGKILL");
  t.ok(await until(() => one.peer()?.state !== "Established"));
  t.match(one.cli("show", "bgp", "summary").stdout.split("\n")[0], /^line: /);
  const down = events(one).find((entry) => entry.event === "bgp.peer.down");
  t.match(down?.fields.reason, /^(bfd_down|tcp)$/, "its kernel said so, or BFD did");
  t.equal(one.json<Fib>("show", "fib")?.routes.ipv4, 0);
  t.equal(one.cli("health").status, 5);
});

t.test("e2e: SIGTERM ends with Cease and its reason, exit code 0", async (t) => {
  const at = await place(t);
  const one = start(t, { ...at, index: 1 });
  const two = start(t, { ...at, index: 2 });
  t.ok(await until(() => one.peer()?.state === "Established"), one.err + one.out);
  two.signal("SIGTERM");
  t.equal(await two.exited, 0);
  t.ok(await until(() => one.peer()?.lastReset?.code === 6));
  t.match(one.peer()?.lastReset, {
    ...{ reason: "notification_in", code: 6, subcode: 2 },
    text: /edge-2 is stopped by its administrator \(SIGTERM\)/,
  });
  const lines = two.out.trim().split("\n");
  t.match(JSON.parse(lines.at(-1) ?? "{}"), { event: "agent.stopped", level: "info" });
  t.equal(two.cli("show", "bgp", "summary").status, 3, "nobody answers any more");
});

t.test("e2e: SIGQUIT leaves a note and exit code 75; the next start reads it once", async (t) => {
  const at = await place(t);
  const more = `stateDirectory: ${at.directory}`;
  const graceful = (side: Side) =>
    configOf(side).replace(
      "profile: none",
      "profile: none\n    capabilities: { gracefulRestart: true }",
    );
  const run = (side: Side) => {
    writeFileSync(fileOf(side), graceful(side));
    const agent = new Agent(side);
    t.teardown(() => agent.end());
    return agent;
  };
  const one = run({ ...at, index: 1 });
  const two = run({ ...at, index: 2, more });
  t.ok(await until(() => one.peer()?.state === "Established"), one.err + one.out);
  const note = join(at.directory, "restart.json");
  two.signal("SIGQUIT");
  t.equal(await two.exited, 75);
  t.match(JSON.parse(readFileSync(note, "utf8")), { version: 1, peers: ["line"], localAs: 65_002 });
  const again = run({ ...at, index: 2, more });
  t.ok(await until(() => again.peer()?.state === "Established"), again.err + again.out);
  t.notOk(existsSync(note), "used up");
  const resumed = events(again).find(({ event }) => event === "agent.resumed");
  t.match(resumed?.fields, { peers: "line" });
  t.ok(await until(() => events(again).some(({ event }) => event === "bgp.selection.due")));
});

t.test("e2e: SIGHUP takes over a good file and nothing of a bad one", async (t) => {
  const at = await place(t);
  const one = start(t, { ...at, index: 1 });
  const two = start(t, { ...at, index: 2 });
  t.ok(await until(() => one.peer()?.state === "Established"), one.err + one.out);
  const since = one.peer()?.since.ms;
  const good = configOf(one.side);
  writeFileSync(
    fileOf(one.side),
    good.replace("holdTime", "holdtime").replace("as: 65001", "as: x"),
  );
  one.signal("SIGHUP");
  t.ok(await until(() => events(one).some((entry) => entry.event === "agent.reload.failed")));
  t.ok(await until(() => /edge1\.yaml:4:\d+: error /.test(one.err)), one.err);
  t.equal(one.peer()?.since.ms, since, "nothing changed");
  writeFileSync(fileOf(one.side), good.replace("10.1.0.0/16", "10.7.0.0/16"));
  one.signal("SIGHUP");
  t.ok(await until(() => two.cli("show", "fib", "10.7.0.0/16").status === 0));
  t.equal(one.peer()?.since.ms, since, "the session stayed up");
  t.equal(two.cli("show", "fib", "10.1.0.0/16").status, 4);
});

t.test("e2e: a wrong AS is named on both sides", async (t) => {
  const at = await place(t);
  const one = start(t, { ...at, index: 1, remoteAs: 65_099 });
  start(t, { ...at, index: 2 });
  const first = () => one.cli("show", "bgp", "summary").stdout.split("\n")[0] ?? "";
  // Between two attempts it may be that the peer, which waits itself, refused the connection.
  const isNamed = () => /^line: .*(65099.*65002|65002.*65099)/.test(first());
  t.ok(await until(isNamed), first() + one.err);
});

t.test("e2e: a taken port and a wrong file are one sentence and an exit code", async (t) => {
  const at = await place(t);
  const one = start(t, { ...at, index: 1 });
  t.ok(await until(() => one.peer() !== undefined), one.err + one.out);
  const other = { ...at, index: 1, directory: mkdtempSync(join(at.directory, "second-")) } as const;
  const second = start(t, other);
  t.equal(await second.exited, 1);
  t.match(
    second.err,
    new RegExp(`^causeway: .*${net}\\.1 port ${at.port} failed: the port is taken`),
  );
  t.equal(second.err.trim().split("\n").length, 1);

  const file = join(at.directory, "bad.yaml");
  writeFileSync(file, configOf(one.side).replace("100ms", "100").replace("remoteAs", "remoteas"));
  const bad = causeway("agent", "-c", file);
  t.equal(bad.status, 2);
  t.match(bad.stderr, /bad\.yaml:12:\d+: error /);
  t.match(bad.stderr, /bad\.yaml:14:\d+: error /);
  t.equal(bad.stdout, "", "nothing was started");
  const check = causeway("check", file);
  t.equal(check.status, 2);
  t.equal(check.stderr, bad.stderr);
  const blocked = join(at.directory, "blocked.yaml");
  const ours = configOf({ ...at, index: 2 });
  for (const [text, sentence] of [
    [`${ours}stateDirectory: ${file}/below`, /nothing can be written into stateDirectory/],
    [ours.replace(/socket: .*sock/, `socket: ${file}`), /is there and no socket/],
    [ours.replace(/socket: .*sock/, `socket: ${file}/s.sock`), /the API cannot listen on/],
  ] as const) {
    writeFileSync(blocked, text);
    const refused = causeway("agent", "-c", blocked);
    t.equal(refused.status, 1);
    t.match(refused.stderr, sentence);
    t.equal(refused.stderr.trim().split("\n").length, 1, refused.stderr);
    t.equal(refused.stdout, "", "nothing was started");
  }
  writeFileSync(blocked, ours.replace(/socket: .*sock/, `socket: /tmp/${"x".repeat(110)}`));
  t.match(causeway("check", blocked).stderr, /E005: .*1 to 107 octets/);
  const [shell, words] = command("config", "schema");
  const full = openSync("/dev/full", "w");
  const unwritten = spawnSync(shell, words, { encoding: "utf8", stdio: ["ignore", full, "pipe"] });
  closeSync(full);
  t.equal(unwritten.status, 1);
  t.match(unwritten.stderr, /^causeway: the answer could not be written: ENOSPC.*\n$/);
  const gone = causeway("agent", "-c", "/no/such");
  t.equal(gone.status, 2);
  t.match(gone.stderr, /^causeway: the configuration .* cannot be read: there is no such file/);
});

const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;
const skip = hasPromtool ? false : "promtool is not installed (Debian package prometheus)";

t.test("e2e: the metrics page of a running edge passes promtool", { skip }, async (t) => {
  const at = await place(t);
  const apiPort = await freePort();
  const side: Side = { ...at, index: 1 };
  writeFileSync(
    fileOf(side),
    configOf(side).replace("listen: off, socket", `listen: "127.0.0.1:${apiPort}", socket`),
  );
  const one = new Agent(side);
  t.teardown(() => one.end());
  t.ok(await until(() => one.peer() !== undefined), one.err + one.out);
  const scrape = async () => (await fetch(`http://127.0.0.1:${apiPort}/metrics`)).text();
  const page = await scrape();
  const promtool = spawnSync("promtool", ["check", "metrics"], { input: page, encoding: "utf8" });
  t.equal(promtool.status, 0, promtool.stdout + promtool.stderr);
  t.match(page, /^causeway_bgp_peer_up\{peer="line"\} 0$/m);
  let rssMb = 0;
  for (let round = 0; round < 20; round += 1) {
    const rss = /^process_resident_memory_bytes (\d+)/m.exec(await scrape())?.[1];
    rssMb = Math.round(Number(rss) / (1 << 20));
    if (rssMb <= 100) break;
    await sleep(1_000);
  }
  t.ok(rssMb <= 100, `${rssMb} MB resident once the start is over`);
});
