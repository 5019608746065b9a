/**
 * What BFD costs. First the machine alone, in virtual time: processor time per packet, and the
 * share of one core that so many sessions at such an interval take. Then the shipped engine over
 * real sockets on the loopback interface, its peer in another process: the share of a core it
 * takes, and how late its packets leave.
 *
 *   node dist/bench/bfd.js
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startWorkerBfdEngine } from "../src/agent/bfd/worker-engine.ts";
import { BfdSessions } from "../src/bfd/index.ts";
import type { BfdEffect, BfdSessionConfig } from "../src/bfd/sessions/contract.ts";
import { seededRng } from "../src/core/rng.ts";
import { after, type Micros, micros } from "../src/core/time.ts";

const AUTH = {
  type: "meticulous-keyed-sha1",
  sendKeyId: 1,
  keys: [{ id: 1, secret: new TextEncoder().encode("causeway") }],
} as const;

interface Case {
  readonly sessions: number;
  readonly intervalUs: number;
  readonly isAuthenticated?: boolean;
}

const CASES: readonly Case[] = [
  { sessions: 100, intervalUs: 50_000 },
  { sessions: 100, intervalUs: 10_000 },
  { sessions: 1_000, intervalUs: 300_000 },
  { sessions: 4_000, intervalUs: 1_000_000 },
  { sessions: 100, intervalUs: 50_000, isAuthenticated: true },
];

const PACKETS = 150_000;

if (process.argv[2] === "peer") {
  startEngine("61", "60", Number(process.argv[3]), Number(process.argv[4]));
} else {
  console.log("sessions  interval  auth  packets   us/packet  % of a core");
  for (const it of CASES) {
    const usPerPacket = measure(it);
    const perSecond = (2 * it.sessions * 1e6) / (it.intervalUs * 0.875);
    console.log(
      String(it.sessions).padStart(8),
      `${it.intervalUs / 1000} ms`.padStart(9),
      (it.isAuthenticated === true ? "sha1" : "-").padStart(5),
      String(PACKETS).padStart(8),
      usPerPacket.toFixed(2).padStart(11),
      ((usPerPacket * perSecond) / 1e4).toFixed(1).padStart(12),
    );
  }
  console.log("\nreal sockets  interval  up  failures  % of a core  tx late: p50 <=  p99 <= (us)");
  for (const [sessions, intervalUs] of [
    [10, 10_000],
    [100, 50_000],
  ] as const) {
    await measureEngine(sessions, intervalUs);
  }
  process.exit();
}

function startEngine(local: string, remote: string, sessions: number, intervalUs: number) {
  let failures = 0;
  const engine = startWorkerBfdEngine({ name: "bench" })({
    state: ({ from }) => {
      if (from === "Up") failures += 1;
    },
    log: () => {},
    failed: (text) => console.error(text),
  });
  engine.configure(configsOf({ sessions, intervalUs }, { local, remote, net: 127 }));
  return { engine, failures: () => failures };
}

async function measureEngine(sessions: number, intervalUs: number): Promise<void> {
  const args = ["peer", String(sessions), String(intervalUs)];
  const peer = fork(fileURLToPath(import.meta.url), args);
  const { engine, failures } = startEngine("60", "61", sessions, intervalUs);
  await new Promise((done) => setTimeout(done, 4_000));
  const usage = process.cpuUsage();
  const from = performance.now();
  await new Promise((done) => setTimeout(done, 4_000));
  const { user, system } = process.cpuUsage(usage);
  const share = (user + system) / (performance.now() - from) / 10;
  await new Promise<void>((done) =>
    engine.snapshot((views) => {
      const up = views.filter(({ state }) => state === "Up").length;
      const bounds = views[0]?.txLateness.boundsUs ?? [];
      const counts = bounds.map((_, bucket) =>
        views.reduce((sum, { txLateness }) => sum + (txLateness.counts[bucket] ?? 0), 0),
      );
      const quantile = (part: number) =>
        bounds[counts.findIndex((count) => count >= part * (counts.at(-1) ?? 0))] ?? 0;
      console.log(
        String(sessions).padStart(12),
        `${intervalUs / 1000} ms`.padStart(9),
        String(up).padStart(3),
        String(failures()).padStart(9),
        share.toFixed(1).padStart(12),
        String(quantile(0.5)).padStart(16),
        String(quantile(0.99)).padStart(8),
      );
      done();
    }),
  );
  peer.kill();
  await new Promise<void>((done) => engine.stop(done));
}

/**
 * Processor µs for one packet, sent or received, with both ends of every session in this process.
 */
function measure(it: Case): number {
  const ends = [
    {
      machine: new BfdSessions({ rng: seededRng(1) }),
      configs: configsOf(it, { local: "1", remote: "2", net: 10 }),
    },
    {
      machine: new BfdSessions({ rng: seededRng(2) }),
      configs: configsOf(it, { local: "2", remote: "1", net: 10 }),
    },
  ];
  const byName = ends.map((end) => new Map(end.configs.map((config) => [config.name, config])));
  let now: Micros = micros(0);
  let packets = 0;
  const carry = (from: number, out: BfdEffect[]): void => {
    for (const effect of out) {
      const config = effect.kind === "send" ? byName[from]?.get(effect.session) : undefined;
      if (effect.kind !== "send" || config === undefined) continue;
      packets += 2;
      const answer: BfdEffect[] = [];
      ends[1 - from]?.machine.handle(
        {
          kind: "packet",
          octets: effect.octets,
          remoteAddress: config.localAddress,
          localAddress: config.remoteAddress,
          device: "eth0",
          ttl: 255,
          port: 3784,
        },
        now,
        answer,
      );
      carry(1 - from, answer);
    }
  };
  for (const [index, end] of ends.entries()) {
    const out: BfdEffect[] = [];
    end.machine.handle({ kind: "configure", sessions: end.configs }, now, out);
    carry(index, out);
  }
  const runUntil = (end: Micros | undefined, count: number): void => {
    while (packets < count && (end === undefined || now < end)) {
      const due = ends.map(({ machine }) => machine.nextDeadline() ?? Number.POSITIVE_INFINITY);
      const index = (due[0] ?? 0) <= (due[1] ?? 0) ? 0 : 1;
      now = micros(Math.max(now, due[index] ?? now));
      const out: BfdEffect[] = [];
      ends[index]?.machine.expire(now, out);
      carry(index, out);
    }
  };
  runUntil(after(now, 5_000_000), Number.POSITIVE_INFINITY);
  const from = packets;
  const usage = process.cpuUsage();
  runUntil(undefined, from + PACKETS);
  const { user, system } = process.cpuUsage(usage);
  return (user + system) / (packets - from);
}

function configsOf(
  { sessions, intervalUs, isAuthenticated }: Case,
  { local, remote, net }: { readonly local: string; readonly remote: string; readonly net: number },
): BfdSessionConfig[] {
  return Array.from({ length: sessions }, (_, index) => ({
    name: `s${index}`,
    mode: "single-hop",
    localAddress: `${net}.${local}.${index >> 8}.${index & 255}`,
    remoteAddress: `${net}.${remote}.${index >> 8}.${index & 255}`,
    device: net === 127 ? undefined : "eth0",
    desiredMinTxIntervalUs: intervalUs,
    requiredMinRxIntervalUs: intervalUs,
    detectMult: 3,
    minTtl: 255,
    isPassive: false,
    isAdminDown: false,
    auth: isAuthenticated === true ? AUTH : undefined,
  }));
}
