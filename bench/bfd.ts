/**
 * What BFD costs: the machine alone, in virtual time, as processor time per packet and as the share of
 * one core that so many sessions at such an interval take. Sockets and timers come on top.
 *
 *   node dist/bench/bfd.js
 */
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

/** Processor µs for one packet, sent or received, with both ends of every session in this process. */
function measure({ sessions, intervalUs, isAuthenticated }: Case): number {
  const configs = (local: string, remote: string): BfdSessionConfig[] =>
    Array.from({ length: sessions }, (_, index) => ({
      name: `s${index}`,
      mode: "single-hop",
      localAddress: `10.${local}.${index >> 8}.${index & 255}`,
      remoteAddress: `10.${remote}.${index >> 8}.${index & 255}`,
      device: "eth0",
      desiredMinTxIntervalUs: intervalUs,
      requiredMinRxIntervalUs: intervalUs,
      detectMult: 3,
      minTtl: 255,
      isPassive: false,
      isAdminDown: false,
      auth: isAuthenticated === true ? AUTH : undefined,
    }));
  const ends = [
    { machine: new BfdSessions({ rng: seededRng(1) }), configs: configs("1", "2") },
    { machine: new BfdSessions({ rng: seededRng(2) }), configs: configs("2", "1") },
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
