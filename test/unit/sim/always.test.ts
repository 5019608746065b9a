/** Invariants over made-up records: each holds where it should, and each can be broken. */
import t from "tap";
import type { JournalEntry } from "../../../src/agent/journal.ts";
import { micros } from "../../../src/core/time.ts";
import type { Invariant } from "../../../src/sim/drill/drill.ts";
import { judgeAlways } from "../../../src/sim/drill/judge/always.ts";
import type { ProbeColumns } from "../../../src/sim/lab/lab.ts";
import {
  type Deed,
  type Evidence,
  measureFaults,
  settleDeeds,
} from "../../../src/sim/report/measure.ts";
import { load } from "../../support/drills.ts";

const drill = () => load("two-circuits.yaml").drill;

const MS = 1000;
let seq = 0;
function entry(atMs: number, event: string, fields: JournalEntry["fields"]): JournalEntry {
  seq += 1;
  return { seq, at: micros(atMs * MS), wallMs: 0, level: "info", event, fields };
}

/** Ten flows, one probe a millisecond for four seconds, lost where `isLost` says so. */
function probes(isLost: (atMs: number, flow: number) => boolean): ProbeColumns {
  const count = 4000;
  const flow = Uint16Array.from({ length: count }, (_, row) => row % 10);
  const sentUs = Float64Array.from({ length: count }, (_, row) => row * MS);
  const arrivedUs = sentUs.map((at, row) => (isLost(at / MS, row % 10) ? 0 : at + 1));
  return { count, flow, sentUs, arrivedUs };
}

function evidence(
  isLost: (atMs: number, flow: number) => boolean,
  edge: readonly JournalEntry[],
  deeds: readonly Deed[] = [CUT],
): Evidence {
  const source = drill();
  const columns = probes(isLost);
  return {
    drill: { ...source, traffic: { ...source.traffic, flows: 10, intervalUs: MS } },
    zeroUs: 0,
    endUs: 4000 * MS,
    deeds,
    edge,
    cloud: [],
    routeChanges: [],
    watched: { flows: undefined, loops: [], ribFaults: [], updates: [] },
    probes: { flows: 10, directions: { "to-cloud": columns, "to-edge": probes(() => false) } },
  };
}

const CUT: Deed = {
  kind: "fault",
  text: "cut circuit-1",
  circuit: "circuit-1",
  touches: ["circuit-1"],
  atUs: 1000 * MS,
  begunUs: 1000 * MS,
  change: undefined,
};
const JOINED = ["circuit-1", "circuit-2"].map((circuit) =>
  entry(-100, "fib.circuit.joined", { circuit }),
);
const NOTICED = [
  ...JOINED,
  entry(1600, "bfd.session.down", { session: "circuit-1", text: "nothing heard" }),
  entry(1601, "fib.circuit.left", { circuit: "circuit-1" }),
];

function judge(invariant: Invariant, records: Evidence) {
  const [check] = judgeAlways([invariant], records, measureFaults(records));
  return check;
}

t.test(
  "no-blackhole: loss until the circuit was left is the fault's, later it is not",
  async (t) => {
    const until = (endMs: number) => (at: number, flow: number) =>
      flow < 5 && at >= 999 && at < endMs;
    t.equal(judge("no-blackhole", evidence(until(1605), NOTICED))?.status, "pass");
    const late = judge("no-blackhole", evidence(until(2500), NOTICED));
    t.equal(late?.status, "fail");
    t.match(late?.observed, /to-cloud was silent for \d+ ms from \+170\d/);
    const open = judge("no-blackhole", evidence(until(9999), NOTICED));
    t.equal(open?.status, "fail", "a flow that never came back");
    const unnoticed = judge("no-blackhole", evidence(until(1605), JOINED));
    t.equal(unnoticed?.status, "fail", "a fault that nobody noticed excuses nothing");
    const single = (at: number) => at === 500 || at === 3000;
    t.equal(
      judge("no-blackhole", evidence(single, NOTICED))?.status,
      "pass",
      "a packet is no flow",
    );
    const none = { ...evidence(single, NOTICED), probes: undefined };
    t.equal(judge("no-blackhole", none)?.status, "inconclusive");
  },
);

t.test("no-blackhole: without a way, and while the VPC is withdrawn, loss is right", async (t) => {
  const all = [...NOTICED, entry(1700, "fib.circuit.left", { circuit: "circuit-2" })];
  const back = entry(3000, "fib.circuit.joined", { circuit: "circuit-2" });
  const lost = (at: number) => at >= 999 && at < 3050;
  t.equal(judge("no-blackhole", evidence(lost, [...all, back]))?.status, "pass");
  const early = entry(2000, "fib.circuit.joined", { circuit: "circuit-2" });
  t.equal(judge("no-blackhole", evidence(lost, [...all, early]))?.status, "fail");
  const withdraw: Deed = { ...CUT, circuit: undefined, change: "withdraw" };
  const announce: Deed = { ...withdraw, atUs: 3000 * MS, change: "announce" };
  t.equal(judge("no-blackhole", evidence(lost, JOINED, [withdraw, announce]))?.status, "pass");
  const sooner = { ...announce, atUs: 2000 * MS };
  t.equal(judge("no-blackhole", evidence(lost, JOINED, [withdraw, sooner]))?.status, "fail");
});

t.test("session-isolation: a circuit that nothing touched, or not yet", async (t) => {
  const never = () => false;
  t.equal(judge("session-isolation", evidence(never, NOTICED))?.status, "pass");
  const other = entry(1700, "bgp.peer.down", { peer: "circuit-2", text: "hold timer" });
  const broken = judge("session-isolation", evidence(never, [...NOTICED, other]));
  t.equal(broken?.status, "fail");
  t.match(broken?.observed, /circuit-2 went down at \+1700/);
  const before = entry(500, "bfd.session.down", { session: "circuit-1" });
  const records = evidence(never, [before, ...NOTICED]);
  t.equal(judge("session-isolation", records)?.status, "fail");
});

t.test("what a machine that was late explains as well is INCONCLUSIVE", async (t) => {
  const late = (ofMs: number) => ({ lateUs: () => ofMs * MS });
  const down = { session: "circuit-2", detectionTimeUs: 900 * MS };
  const stranger = [...NOTICED, entry(1700, "bfd.session.down", down)];
  const records = evidence(() => false, stranger);
  t.equal(judge("session-isolation", { ...records, ...late(200) })?.status, "fail");
  const told = judge("session-isolation", { ...records, ...late(300) });
  t.equal(told?.status, "inconclusive", "an interval is enough to be silent");
  t.match(told?.observed, /machine was up to 300 ms late$/);
  const silent = evidence((at, flow) => flow < 5 && at >= 999 && at < 2500, NOTICED);
  t.equal(judge("no-blackhole", { ...silent, ...late(100) })?.status, "fail");
  t.equal(judge("no-blackhole", { ...silent, ...late(1500) })?.status, "inconclusive");
});

t.test("no-fib-error: of any node", async (t) => {
  const never = () => false;
  t.equal(judge("no-fib-error", evidence(never, NOTICED))?.status, "pass");
  const error = entry(5, "fib.error", { op: "replace", subject: "10.0.0.0/8", text: "no space" });
  const cloud = [{ ...error, node: "vbr-1" }];
  t.match(judge("no-fib-error", { ...evidence(never, NOTICED), cloud }), {
    status: "fail",
    observed: "replace 10.0.0.0/8: no space",
  });
});

t.test("a fault noticed while it was being done counts from its beginning", async (t) => {
  const restart = { ...CUT, begunUs: 1590 * MS, atUs: 1610 * MS };
  const [settled] = settleDeeds([restart], NOTICED);
  t.match(settled, { atUs: 1590 * MS });
  const records = evidence(() => false, NOTICED, settled === undefined ? [] : [settled]);
  t.match(measureFaults(records), [{ detectionMs: 10, convergenceMs: 1 }]);
  t.match(judge("session-isolation", records), { status: "pass" });
  const later = { ...restart, begunUs: 1601 * MS };
  t.match(settleDeeds([later], NOTICED), [{ atUs: 1610 * MS }], "else when it is done");
});

t.test("a circuit of two families is noticed, and left, when both have", async (t) => {
  const left = (atMs: number, peer: string) =>
    entry(atMs, "fib.circuit.left", { circuit: "circuit-1", peer });
  const down = (atMs: number, session: string) => entry(atMs, "bfd.session.down", { session });
  const both = [
    ...JOINED,
    down(1600, "circuit-1-v6"),
    left(1601, "circuit-1-v6"),
    entry(1602, "bgp.peer.down", { peer: "circuit-1-v6", reason: "bfd" }),
    down(1650, "circuit-1"),
    left(1653, "circuit-1"),
  ];
  t.match(measureFaults(evidence(() => false, both)), [{ detectionMs: 650, convergenceMs: 3 }]);
  const one = both.filter(({ at }) => at < 1650 * MS);
  t.match(measureFaults(evidence(() => false, one)), [{ detectionMs: 600, convergenceMs: 1 }]);
});
