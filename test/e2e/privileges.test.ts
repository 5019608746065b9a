/**
 * The daemon without any capability: what needs none works, what needs one is a sentence that names
 * it and exit code 1, and nothing is left half done. As root the capabilities are dropped with
 * setpriv; who is not root has none anyway.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const isRoot = process.getuid?.() === 0;
const DROP = ["/usr/bin/setpriv", "--inh-caps=-all", "--bounding-set=-all"];
/** Without the options the test runner forces upon every Node it starts. */
const PLAIN = ["/usr/bin/env", "-u", "NODE_OPTIONS", process.execPath];
const skip = isRoot && !existsSync("/usr/bin/setpriv") ? "no setpriv (package util-linux)" : false;

/** Its own 127.x.y.0/24, so that runs beside each other do not meet. */
const net = `127.${128 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
const PORT = 11_790;

function command(...words: readonly string[]): [string, string[]] {
  const [file = "", ...args] = [...(isRoot ? DROP : []), ...PLAIN, join(root, "bin", "causeway")];
  return [file, [...args, ...words]];
}

function place(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), "causeway-bare-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function configure(directory: string, index: 1 | 2, port = PORT, fib = "virtual"): string {
  const file = join(directory, `edge${index}.yaml`);
  const other = 3 - index;
  const session = `local: ${net}.${index}, remote: ${net}.${other}, remoteAs: ${65_000 + other}`;
  const rest = `port: ${PORT}, md5: a-key, import: accept-all, export: accept-all`;
  writeFileSync(
    file,
    `router:
  { name: edge-${index}, as: ${65_000 + index}, id: 10.0.0.${index}, listen: { addresses: [${net}.${index}], port: ${port} } }
allowPlaintextSecrets: true
neighbors: [{ name: other, ${session}, ${rest} }]
announce: [{ prefix: 10.${index}.0.0/16 }]
fib: { kind: ${fib} }
api: { listen: off, socket: ${join(directory, `edge${index}.sock`)} }
`,
  );
  return file;
}

t.setTimeout(120_000);

t.test("e2e: a session with an MD5 key needs no capability", { skip }, async (t) => {
  const directory = place(t);
  for (const index of [1, 2] as const) {
    const [file, args] = command("agent", "-c", configure(directory, index));
    const child = spawn(file, args, { stdio: "ignore" });
    t.teardown(() => child.kill("SIGKILL"));
  }
  const socket = join(directory, "edge1.sock");
  const [file, args] = command("--socket", socket, "-o", "json", "show", "bgp", "summary");
  const peer = () => {
    const { status, stdout } = spawnSync(file, args, { encoding: "utf8" });
    return status === 0 ? JSON.parse(stdout).peers[0] : undefined;
  };
  const deadline = Date.now() + 60_000;
  while (peer()?.state !== "Established" && Date.now() < deadline) await sleep(200);
  t.match(peer(), { peer: "other", state: "Established" });
});

t.test("e2e: what needs a capability names it, exit code 1", { skip }, async (t) => {
  const directory = place(t);
  const cases = [
    [179, "virtual", /port 179 failed: a port below 1024 needs root or .*CAP_NET_BIND_SERVICE\n$/],
    [
      PORT,
      "kernel",
      /^causeway: changing kernel routes needs root or CAP_NET_ADMIN .*virtual }\n$/,
    ],
  ] as const;
  for (const [port, fib, sentence] of cases) {
    const [file, args] = command("agent", "-c", configure(directory, 1, port, fib));
    const { status, stderr, stdout } = spawnSync(file, args, { encoding: "utf8" });
    const said = stderr.split("\n").filter((line) => !/ warning [EW]\d{3}: /.test(line));
    t.equal(status, 1);
    t.match(said.join("\n"), sentence);
    t.equal(said.length, 2, "one sentence");
    t.notMatch(stdout, /agent\.started/);
    t.notOk(existsSync(join(directory, "edge1.sock")), "the API's socket is gone again");
  }
});
