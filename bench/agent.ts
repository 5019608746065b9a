/**
 * What the shipped daemon costs and how fast it is, against our own cloud over two circuits with BFD
 * at 300 ms × 3 (root, network namespaces, kernel routes):
 *
 *   node dist/bench/agent.js [routes]
 *
 * start until Established; resident memory and processor time when nothing happens; a silent cut
 * until BFD is Down, and from there until the kernel has moved; a table learned from one peer while
 * BFD of the circuits goes on.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Bfd, Event, Events, Fib } from "../src/agent/api/schemas.ts";
import { ApiClient } from "../src/cli/client.ts";
import { Namespaces, whyNoNamespaces } from "../src/sim/lab/namespaces/namespaces.ts";

const ROUTES = Number(process.argv[2] ?? 100_000);
const TRIALS = 5;
const IDLE_SEC = 10;
const PATIENCE_MS = 60_000;
const CLOCK_TICKS_PER_SEC = 100;
const FEEDER_AS = 65_020;

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = mkdtempSync(join(tmpdir(), "causeway-bench-"));
const socketPath = join(folder, "edge.sock");
const api = new ApiClient(socketPath);
const spaces = new Namespaces();
const children: ChildProcess[] = [];

async function measure(): Promise<void> {
  try {
    cable();
    run("cloud", join(root, "bin", "causeway"), "cloud", "-c", write("cloud.yaml", CLOUD));
    await sleep(2_000);
    const startedMs = Date.now();
    const edge = run(
      "edge",
      join(root, "bin", "causeway"),
      "agent",
      "-c",
      write("edge.yaml", EDGE),
    );
    await reportStart(startedMs);
    await reportIdle(edge.pid ?? 0);
    await reportFailovers();
    await reportTable();
    report("memory with that table", [rssMb(edge.pid ?? 0)], "MB");
  } finally {
    await tidy();
  }
}

async function tidy(): Promise<void> {
  for (const child of children) child.kill("SIGTERM");
  await sleep(1_000);
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  spaces.dispose();
  rmSync(folder, { recursive: true, force: true });
}

function cable(): void {
  for (const node of ["edge", "cloud"]) spaces.add(node, {});
  for (const number of [1, 2, 3]) {
    spaces.veth(
      { node: "edge", device: `c${number}`, addresses: [`10.0.${number}.2/30`] },
      { node: "cloud", device: `v${number}`, addresses: [`10.0.${number}.1/30`] },
    );
  }
}

async function reportStart(startedMs: number): Promise<void> {
  const ups = await until(async () => {
    const found = (await events()).filter(({ event }) => event === "bgp.peer.up");
    return found.length >= 2 ? found : undefined;
  });
  report(
    "start until Established, each circuit",
    ups.map(({ at }) => at.ms - startedMs),
    "ms",
  );
  await bothUp();
}

async function reportIdle(pid: number): Promise<void> {
  await sleep(5_000); // what the start left behind is collected by then
  const before = cpuSec(pid);
  await sleep(IDLE_SEC * 1_000);
  const percent = ((cpuSec(pid) - before) / IDLE_SEC) * 100;
  report("idle, of one processor", [percent], "%");
  report("idle, resident memory", [rssMb(pid)], "MB");
}

async function reportFailovers(): Promise<void> {
  const detection: number[] = [];
  const fromLastPacket: number[] = [];
  const moved: number[] = [];
  for (let trial = 0; trial < TRIALS; trial += 1) {
    await sleep(500 + trial * 137); // anywhere in the interval
    const lastSeq = (await events()).at(-1)?.seq ?? 0;
    const cutMs = Date.now();
    for (const [node, device] of ENDS) spaces.tc(node, [...QDISC, device, "root", "blackhole"]);
    const [down, left] = await until(async () => {
      const news = (await events()).filter(({ seq }) => seq > lastSeq);
      const found = ["bfd.session.down", "fib.circuit.left"].map((id) =>
        news.find(({ event, fields }) => event === id && isOfCircuit1(fields)),
      );
      return found.every((event) => event !== undefined) ? (found as [Event, Event]) : undefined;
    });
    const detectedUs = Number(down.fields.detectedAtUs);
    detection.push(down.at.ms - cutMs);
    fromLastPacket.push((detectedUs - Number(down.fields.lastPacketAtUs)) / 1_000);
    moved.push((left.monotonicUs - detectedUs) / 1_000);
    for (const [node, device] of ENDS) spaces.tc(node, [...QDISC, device, "root", "pfifo"]);
    await bothUp();
  }
  report("silent cut until BFD is Down", detection, "ms");
  report("last packet until BFD is Down", fromLastPacket, "ms");
  report("BFD Down until the kernel has moved", moved, "ms");
}

async function reportTable(): Promise<void> {
  const before = await bfd();
  const feeder = join(root, "dist", "bench", "lib", "feeder.js");
  const child = run("cloud", feeder, "10.0.3.1", "10.0.3.2", String(FEEDER_AS), String(ROUTES));
  const sentMs = await new Promise<number>((resolve) => {
    child.stdout?.once("data", (line) => resolve(JSON.parse(String(line)).atMs));
  });
  await until(async () => {
    const fib = await api.get<Fib>("causeway.fib/v1", "/v1/fib");
    return fib.routes.ipv4 >= ROUTES && fib.isSynced ? fib : undefined;
  });
  report(`${ROUTES} routes learned and in the kernel`, [Date.now() - sentMs], "ms");
  const after = await bfd();
  const downs = (await events()).filter(({ event, at }) => {
    return event === "bfd.session.down" && at.ms >= sentMs;
  });
  report("BFD sessions lost meanwhile", [downs.length], "");
  for (const session of after.sessions) {
    const earlier = before.sessions.find((other) => other.session === session.session);
    const { boundsUs, counts } = session.txLateness;
    // Cumulative buckets: the last one that holds more than the one before it, of new packets.
    const fresh = counts.map((count, index) => count - (earlier?.txLateness.counts[index] ?? 0));
    const worst = fresh.indexOf(fresh.at(-1) ?? 0);
    report(`${session.session}: packets late by at most`, [(boundsUs[worst] ?? 0) / 1_000], "ms");
  }
}

const isOfCircuit1 = (fields: Event["fields"]): boolean =>
  fields.session === "circuit-1" || fields.circuit === "circuit-1";

async function bothUp(): Promise<void> {
  await until(async () => {
    const up = (await bfd()).sessions.filter(({ state }) => state === "Up").length;
    const fib = await api.get<Fib>("causeway.fib/v1", "/v1/fib");
    const isWhole = fib.groups.some(({ circuits }) => circuits.length === 2);
    return up === 2 && isWhole && fib.isSynced ? true : undefined;
  });
}

const bfd = () => api.get<Bfd>("causeway.bfd/v1", "/v1/bfd");
const events = async () => (await api.get<Events>("causeway.events/v1", "/v1/events")).events;

async function until<Answer>(ask: () => Promise<Answer | undefined>): Promise<Answer> {
  const deadline = Date.now() + PATIENCE_MS;
  let cause: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      cause = error; // the daemon is not there yet
    }
    await sleep(50);
  }
  throw new Error("what was waited for did not happen", { cause });
}

/** A program of ours in a node; `ip netns exec` becomes it, so the process is the child. */
function run(node: string, file: string, ...words: string[]): ChildProcess {
  const place = ["netns", "exec", spaces.nameOf(node), process.execPath, file];
  const child = spawn("ip", [...place, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout?.on("data", () => undefined);
  children.push(child);
  return child;
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function cpuSec(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SEC;
}

function rssMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}

function report(what: string, values: readonly number[], unit: string): void {
  const shown = values.map((value) => value.toFixed(value < 10 ? 2 : 0)).join("  ");
  console.log(what.padEnd(46), shown, unit);
}

const QDISC = ["qdisc", "replace", "dev"] as const;
const ENDS = [
  ["edge", "c1"],
  ["cloud", "v1"],
] as const;

const circuit = (number: number): string => `
  - name: circuit-${number}
    profile: alibaba-vbr
    interface: { device: c${number}, vlan: 0 }
    local: 10.0.${number}.2/30
    remote: 10.0.${number}.1
    bfd: { interval: 300ms, multiplier: 3, hops: 255 }`;

const EDGE = `
router: { name: edge-1, as: 65010, id: 10.255.0.1 }
circuits:${circuit(1)}${circuit(2)}
neighbors:
  - { name: core, remote: 10.0.3.1, local: 10.0.3.2, remoteAs: ${FEEDER_AS}, passive: true,
      import: accept-all }
announce:
  - { prefix: 10.1.0.0/16, rank: 1 }
failover: { failback: immediate }
fib: { kind: kernel }
api: { listen: 127.0.0.1:9179, socket: ${socketPath} }
log: { level: warn }
`;

const vbr = (number: number): string => `
  - name: vbr-${number}
    circuit: circuit-${number}
    local: 10.0.${number}.1/30
    peer: 10.0.${number}.2
    peerAs: 65010
    bfd: { tx: 300ms, rx: 300ms, multiplier: 3, hops: 255 }`;

const CLOUD = `
cloud: { name: bench-cloud, as: 45104 }
vbrs:${vbr(1)}${vbr(2)}
ecr: { name: ecr-1, prefixes: [10.64.0.0/16] }
`;

const why = whyNoNamespaces();
if (why !== undefined) console.log(`nothing to measure: ${why}`);
else {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => void tidy().then(() => process.exit(1)));
  }
  await measure();
}
