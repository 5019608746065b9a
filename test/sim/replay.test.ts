/** A recording of a live agent, taken over real sockets, replayed by command: the same answers. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
/** As from a shell: what the test runner loads into its children is not for the program. */
const CAUSEWAY = ["-u", "NODE_OPTIONS", process.execPath, join(root, "bin", "causeway")] as const;
/** Its own 127.x.y.0/24, so that runs beside each other do not meet. */
const net = `127.${128 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
const PATIENCE_MS = 60_000;

t.setTimeout(180_000);

function causeway(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync("/usr/bin/env", [...CAUSEWAY, ...words], {
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

const configOf = (index: 1 | 2, port: number, state: string) => `
router:
  name: edge-${index}
  as: ${65_000 + index}
  id: 10.0.0.${index}
  listen: { addresses: [${net}.${index}], port: ${port} }
circuits:
  - name: line
    profile: none
    local: ${net}.${index}/24
    remote: ${net}.${3 - index}
    remoteAs: ${65_000 + 3 - index}
    port: ${port}
    import: accept-all
    export: accept-all
    bfd: { interval: 100ms, multiplier: 3, hops: 1 }
announce:
  - { prefix: 10.${index}.0.0/16, rank: 1 }
fib: { kind: virtual }
api: { listen: off, socket: off }
stateDirectory: ${state}
`;

class LiveAgent {
  readonly #child: ChildProcess;
  out = "";

  constructor(file: string) {
    const words = [...CAUSEWAY, "agent", "-c", file];
    this.#child = spawn("/usr/bin/env", words, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.out += text;
      });
    }
  }

  async said(words: string): Promise<boolean> {
    for (const start = Date.now(); Date.now() - start < PATIENCE_MS; await sleep(20)) {
      if (this.out.includes(words)) return true;
    }
    return false;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, `${net}.1`, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Two agents meet; the first is asked for its recordings after the other one was killed. */
async function record(t: Test, directory: string): Promise<string> {
  const port = await freePort();
  const state = join(directory, "state");
  for (const index of [1, 2] as const) {
    const text = configOf(index, port, index === 1 ? state : join(directory, "other"));
    writeFileSync(join(directory, `edge${index}.yaml`), text);
  }
  const first = new LiveAgent(join(directory, "edge1.yaml"));
  const second = new LiveAgent(join(directory, "edge2.yaml"));
  t.teardown(() => {
    first.signal("SIGKILL");
    second.signal("SIGKILL");
  });
  t.ok(await first.said("bgp.feed.received"), first.out.slice(-2_000));
  t.ok(await first.said("bfd.session.up"), first.out.slice(-2_000));
  second.signal("SIGKILL");
  t.ok(await first.said("bgp.peer.down"), "the session was lost");
  t.ok(await first.said("bfd.session.down"), "and the path");
  first.signal("SIGUSR2");
  t.ok(await first.said("bfd.recorded"), "the recordings are written");
  t.match(first.out, /"event":"agent.debug"/);
  return state;
}

t.test(
  "a live agent's recording gives the same answers again, and a changed one does not",
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "causeway-replay-"));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const state = await record(t, directory);
    const named = (start: string) =>
      join(state, readdirSync(state).find((name) => name.startsWith(start)) ?? "none");
    const file = named("speaker-");
    const config = join(directory, "edge1.yaml");

    const same = causeway("replay", file, "--config", config);
    t.equal(same.code, 0, same.err + same.out);
    t.match(same.out, /line \w+ → Established/, "it tells the story again");
    t.match(same.out, /line Established → Idle/);
    const [, count = "0", all = "1"] = /SAME: (\d+) of (\d+) inputs/.exec(same.out) ?? [];
    t.equal(count, all, "every answer was recorded and is the same");
    t.ok(Number(count) > 10);
    const json = JSON.parse(causeway("replay", file, "--config", config, "-o", "json").out);
    t.match(json, { schema: "causeway.replay/v1", verdict: "SAME", firstDifference: null });

    const bfd = causeway("replay", named("bfd-"));
    t.equal(bfd.code, 0, bfd.err + bfd.out);
    t.match(bfd.out, /line (Down|Init) → Up: No Diagnostic, the peer last said (Init|Up)/);
    t.match(bfd.out, /line Up → Down: Control Detection Time Expired, the peer last said Up/);
    t.match(bfd.out, /SAME: (\d+) of \1 inputs/);
    t.match(
      causeway("decode", named("bfd-")).out,
      new RegExp(`${net}\\.2`),
      "its packets are read",
    );

    // One octet of an UPDATE: 10.2.0.0/16 was learned, 10.3.0.0/16 is now.
    const text = readFileSync(file, "utf8");
    const changed = text.replace(/("tcp-data"[^\n]*?)100a02/, (_, before) => `${before}100a03`);
    t.not(changed, text, "an UPDATE with the other's prefix is in it");
    const other = join(directory, "changed.jsonl");
    writeFileSync(other, changed);
    const differs = causeway("replay", other, "--config", config);
    t.equal(differs.code, 4, differs.err);
    t.match(differs.out, /first difference: input \d+ at \+[\d.]+ ms, (tcp-data \d+|a timer)/);
    t.match(differs.out, /recorded answer [0-9a-f]{8}, now [0-9a-f]{8}:/);

    writeFileSync(other, text.replace('"dropped":0', '"dropped":5'));
    const middle = causeway("replay", other, "--config", config);
    t.equal(middle.code, 1);
    t.match(middle.out, /INCONCLUSIVE: the recording begins in the middle: 5 inputs/);

    const nothing = causeway("replay", config);
    t.equal(nothing.code, 2);
    t.match(nothing.err, /edge1\.yaml: line 2: this is no JSON object/);
    const nowhere = causeway("replay", join(directory, "nowhere.jsonl"));
    t.equal(nowhere.code, 2);
    t.match(nowhere.err, /cannot be read/);
  },
);
