/**
 * What virtual time costs: events a second, raw and as packets, how long an hour of a private line
 * takes (two circuits with BFD at 1000 ms × 3, the shipped agents and all), and what a drill costs.
 *
 *   node dist/bench/sim.js [hour]
 *
 * Three times a line: that of the clock on the wall; the processor's, compiling and collecting
 * threads included; and that of the main thread alone, which is what the wall shows where nothing
 * else runs. With `hour` one hour only, which is then the first of its process.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BfdRuntime } from "../src/agent/bfd/runtime.ts";
import type { BfdSessionConfig } from "../src/bfd/sessions/contract.ts";
import { micros } from "../src/core/time.ts";
import type { TcpConnection, TcpHandler } from "../src/platform/contract.ts";
import { Call, Timeline } from "../src/platform/virtual/timeline.ts";
import { World } from "../src/platform/virtual/world.ts";
import type { Drill } from "../src/sim/drill/drill.ts";
import { loadDrill } from "../src/sim/drill/file/load.ts";
import { runDrill } from "../src/sim/drill/runner.ts";
import { VirtualLab } from "../src/sim/lab/virtual/virtual-lab.ts";

const HOUR_US = 3_600_000_000;

const DRILL = join("fixtures", "drills", "two-circuits.yaml");
if (process.argv[2] === "hour") {
  report("an hour, 20 × 100 probes/s, first", await hour(500));
  process.exit();
}
report("timeline, 10 000 waiting", timeline(10_000, 2_000_000));
report("timeline, 10 waiting", timeline(10, 2_000_000));
report("UDP there and back", udp(200_000));
report("TCP, 200 MB over 1 Gbit/s", tcp(200_000_000));
report("walks over five hosts", walks(200_000));
report("BFD, two circuits, one hour", bfd(2, 1_000_000, HOUR_US));
report("BFD, 100 circuits at 50 ms, 10 s", bfd(100, 50_000, HOUR_US / 360));
for (let run = 0; run < 3; run += 1) {
  spawnSync(process.execPath, [fileURLToPath(import.meta.url), "hour"], { stdio: "inherit" });
}
// The first of each pays for compiling; a campaign's workers pay it once for thousands of runs.
for (const name of ["an hour, 100 probes/s", "the same again"]) {
  report(name, await hour(10_000));
}
for (const name of ["an hour, 20 × 100 probes/s", "the same again"]) {
  report(name, await hour(500));
}
for (const name of ["50 single-cut drills", "50 more"]) report(name, await drills(50));

interface Taken {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly mainSeconds: number;
}

interface Figures extends Taken {
  readonly events: number;
  readonly virtualSeconds?: number;
}

function stopwatch(): () => Taken {
  const wall = process.hrtime.bigint();
  const before = process.cpuUsage();
  const mainBefore = mainThreadSeconds();
  return () => {
    const { user, system } = process.cpuUsage(before);
    const seconds = Number(process.hrtime.bigint() - wall) / 1e9;
    const mainSeconds = mainThreadSeconds() - mainBefore;
    return { seconds, processorSeconds: (user + system) / 1e6, mainSeconds };
  };
}

/** On a processor so far, as the kernel's scheduler counts; the first number is nanoseconds. */
function mainThreadSeconds(): number {
  const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8");
  return Number(text.split(" ")[0]) / 1e9;
}

function report(name: string, figures: Figures): void {
  const { seconds, processorSeconds, mainSeconds, events, virtualSeconds } = figures;
  const rate = `${(events / seconds / 1e6).toFixed(2)} M events/s`;
  const faster = virtualSeconds === undefined ? "" : `${Math.round(virtualSeconds / seconds)} ×`;
  console.log(
    name.padEnd(34),
    `${(seconds * 1e3).toFixed(0)} ms`.padStart(9),
    `${(processorSeconds * 1e3).toFixed(0)} ms`.padStart(9),
    `${(mainSeconds * 1e3).toFixed(0)} ms`.padStart(9),
    rate.padStart(19),
    faster.padStart(10),
  );
}

function timed(world: World, run: () => void): Figures {
  const from = { events: world.eventCount, now: world.now };
  const taken = stopwatch();
  run();
  return {
    ...taken(),
    events: world.eventCount - from.events,
    virtualSeconds: (world.now - from.now) / 1e6,
  };
}

/** Events that schedule themselves again at uneven intervals. */
function timeline(waiting: number, count: number): Figures {
  const line = new Timeline();
  let state = 1;
  for (let index = 0; index < waiting; index += 1) {
    const event = new Call(() => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      line.schedule(event, line.now + (state >> 12));
    });
    line.schedule(event, index);
  }
  const taken = stopwatch();
  for (let index = 0; index < count; index += 1) line.step();
  return { ...taken(), events: count };
}

function line(bandwidthBps?: number) {
  const world = new World({ seed: 1 });
  const a = world.addHost("a");
  const b = world.addHost("b");
  world.link({
    between: [
      { host: a, device: "eth0", addresses: ["10.0.0.1/30"] },
      { host: b, device: "eth0", addresses: ["10.0.0.2/30"] },
    ],
    latencyUs: 1_000,
    ...(bandwidthBps === undefined ? {} : { bandwidthBps }),
  });
  return { world, a, b };
}

function udp(count: number): Figures {
  const { world, a, b } = line();
  const bounce = (host: typeof a, localAddress: string) => {
    const socket = host.udp.open({ localAddress, port: 7, ttl: 64 }, (datagram) => {
      socket.send(datagram.octets, datagram.remoteAddress, 7);
    });
    return socket;
  };
  bounce(b, "10.0.0.2");
  bounce(a, "10.0.0.1").send(new Uint8Array(24), "10.0.0.2", 7);
  return timed(world, () => world.run({ forUs: count * 1_000 }));
}

function tcp(octets: number): Figures {
  const { world, a, b } = line(1_000_000_000);
  let received = 0;
  const quiet: TcpHandler = {
    connected: () => undefined,
    data: (part) => {
      received += part.length;
    },
    progress: () => undefined,
    closed: () => undefined,
  };
  b.tcp.listen({ localAddress: "10.0.0.2", port: 179 }, () => quiet);
  const piece = new Uint8Array(4_096);
  let sent = 0;
  const fill = (connection: TcpConnection) => {
    for (; sent < octets; sent += piece.length) if (connection.send(piece) > 1 << 20) return;
  };
  const connection: TcpConnection = a.tcp.connect(
    { remoteAddress: "10.0.0.2", remotePort: 179 },
    { ...quiet, connected: () => fill(connection), progress: () => fill(connection) },
  );
  return timed(world, () => {
    world.runUntil(() => received >= octets, HOUR_US);
  });
}

/** A walk counts as an event. */
function walks(count: number): Figures {
  const world = new World({ seed: 1 });
  const hosts = [0, 1, 2, 3, 4].map((index) => world.addHost(`r${index}`));
  for (const [index, left] of hosts.entries()) {
    const right = hosts[index + 1];
    if (right === undefined) {
      left.addLocalPrefix("172.16.0.0/12");
      continue;
    }
    const addresses = (end: number) => [`10.0.${index}.${end}/30`];
    world.link({
      between: [
        { host: left, device: "right", addresses: addresses(1) },
        { host: right, device: "left", addresses: addresses(2) },
      ],
    });
    const hops = [{ gateway: `10.0.${index}.2`, device: "right" }];
    left.addRoute({ prefix: "172.16.0.0/12", hops });
  }
  const taken = stopwatch();
  for (let index = 0; index < count; index += 1) {
    const destination = `172.16.${(index >> 8) & 15}.${index & 255}`;
    const { outcome } = world.forward({ host: "r0", source: "10.0.0.1", destination });
    if (outcome !== "delivered") throw new Error(outcome);
  }
  return { ...taken(), events: count };
}

function bfd(circuits: number, intervalUs: number, durationUs: number): Figures {
  const world = new World({ seed: 1 });
  const edge = world.addHost("edge");
  const sessions: BfdSessionConfig[] = [];
  for (let index = 0; index < circuits; index += 1) {
    const vbr = world.addHost(`vbr${index}`);
    const [ours, theirs] = [`10.0.${index}.1`, `10.0.${index}.2`];
    world.link({
      between: [
        { host: edge, device: `eth${index}`, addresses: [`${ours}/30`] },
        { host: vbr, device: "port", addresses: [`${theirs}/30`] },
      ],
      latencyUs: 2_000,
      jitterUs: 100,
    });
    const session = (name: string, device: string, from: string, to: string) => ({
      ...{ name, device, localAddress: from, remoteAddress: to },
      ...{ mode: "single-hop" as const, detectMult: 3, minTtl: 255, auth: undefined },
      ...{ desiredMinTxIntervalUs: intervalUs, requiredMinRxIntervalUs: intervalUs },
      ...{ isPassive: false, isAdminDown: false },
    });
    sessions.push(session(`vbr${index}`, `eth${index}`, ours, theirs));
    const runtime = new BfdRuntime(vbr, { state: () => undefined, log: () => undefined });
    runtime.configure([session("edge", "port", theirs, ours)]);
  }
  const states: string[] = [];
  const runtime = new BfdRuntime(edge, {
    state: ({ to }) => states.push(to),
    log: () => undefined,
  });
  runtime.configure(sessions);
  const figures = timed(world, () => world.run({ forUs: durationUs }));
  const upCount = runtime.view().filter(({ state }) => state === "Up").length;
  if (upCount !== circuits) throw new Error(`${upCount} of ${circuits} sessions are Up`);
  return figures;
}

/** The shipped two-circuit drill, read with its BFD of 300 ms × 3 or another interval. */
function shippedDrill(bfdInterval: string, flows: number, intervalUs: number): Drill {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
  const file = join(root, DRILL);
  const read = (name: string) => readFileSync(name, "utf8").replaceAll("300ms", bfdInterval);
  const { drill } = loadDrill(file, read(file), {
    resolve: (from, name) => resolve(dirname(from), name),
    read: (name) => ({ text: read(name) }),
  });
  if (drill === undefined) throw new Error(`${DRILL} cannot be read`);
  return { ...drill, traffic: { ...drill.traffic, flows, intervalUs } };
}

/** A failure of 30 s every five minutes; probes from half a second before until it is left. */
async function hour(probeIntervalUs: number): Promise<Figures> {
  const drill = shippedDrill("1s", 20, probeIntervalUs);
  const taken = stopwatch();
  const lab = new VirtualLab(drill);
  await lab.start();
  const minuteUs = HOUR_US / 60;
  for (let atUs = minuteUs; atUs < HOUR_US; atUs += 5 * minuteUs) {
    const circuit = (atUs / minuteUs) % 2 === 0 ? "circuit-2" : "circuit-1";
    await lab.sleepUntil(micros(atUs - 500_000));
    lab.startProbes();
    await lab.sleepUntil(micros(atUs));
    lab.perform({ do: "cut", circuit, direction: "both", carrier: "hidden" });
    await lab.sleepUntil(micros(atUs + 4_500_000));
    await lab.stopProbes(500_000);
    await lab.sleepUntil(micros(atUs + 30_000_000));
    lab.perform({ do: "restore", circuit });
  }
  await lab.sleepUntil(micros(HOUR_US));
  const time = taken();
  const lost = lab.edgeJournal().filter(({ event }) => event === "bfd.session.down").length;
  if (lost !== 12) throw new Error(`${lost} of 12 failures were detected`);
  const events = lab.eventCount;
  await lab.stop();
  return { ...time, events, virtualSeconds: HOUR_US / 1e6 };
}

/** Set up, cut, detected, left, judged: what a campaign does ten thousand times. */
async function drills(count: number): Promise<Figures> {
  const taken = stopwatch();
  const whole = shippedDrill("300ms", 16, 10_000);
  // Route, cut, session down, route: the way back is another drill.
  const budgets = { ...whole.budgets, outageUsMax: undefined }; // judged with 1 ms, probed with 10
  const singleCut = { ...whole, budgets, steps: whole.steps.slice(0, 4) };
  let events = 0;
  for (let seed = 0; seed < count; seed += 1) {
    const drill = { ...singleCut, seed };
    const lab = new VirtualLab(drill);
    const report = await runDrill(drill, lab, {
      version: "bench",
      startedAt: "",
      progress: () => undefined,
      traceHash: () => lab.traceHash,
    });
    if (report.verdict !== "PASS") throw new Error(report.because);
    events += lab.eventCount;
  }
  return { ...taken(), events };
}
