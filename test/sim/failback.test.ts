/**
 * The way back of a circuit, with the shipped agent and the cloud on one virtual clock: both ends
 * stay away until the soak and its step are over, return together, and lose nothing on the way.
 */
import t, { type Test } from "tap";
import type { FailbackConfig } from "../../src/agent/config/edge-config.ts";
import type { JournalEntry } from "../../src/agent/journal.ts";
import { after, US_PER_SEC } from "../../src/core/time.ts";
import type { Claim, Drill, Step } from "../../src/sim/drill/drill.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";
import { load, passes, play } from "../support/drills.ts";

const VPC = "10.64.0.0/16";
const IDC = "10.1.0.0/16";
const sec = (count: number) => count * US_PER_SEC;

const RULE: FailbackConfig = {
  ...{ soakUs: sec(5), stepUs: sec(2), flapsMax: 3, perUs: sec(3_600) },
};

function shipped(name: string, failback: FailbackConfig, steps: readonly Step[]): Drill {
  const { drill } = load(name);
  const { edge } = drill;
  return { ...drill, steps, edge: { ...edge, failover: { ...edge.failover, failback } } };
}

async function played(t: Test, drill: Drill) {
  const lab = new VirtualLab(drill);
  const report = await play(drill, lab);
  passes(t, report);
  const journal = lab.edgeJournal();
  const only = (event: string): JournalEntry => {
    const found = journal.filter((entry) => entry.event === event);
    t.equal(found.length, 1, `one ${event}`);
    const [entry] = found;
    if (entry === undefined) throw new Error(`no ${event}`);
    return entry;
  };
  return { report, journal, only };
}

const cut = (atUs: number, circuit = "circuit-1"): Step => {
  return { do: "cut", atUs, circuit, direction: "both", carrier: "hidden" };
};
const restore = (atUs: number, circuit = "circuit-1"): Step => ({ do: "restore", atUs, circuit });
const expect = (claim: Claim, withinUs: number, forUs?: number): Step => {
  const lasting = forUs === undefined ? {} : { forUs };
  return { do: "expect", atUs: undefined, expect: { ...claim, withinUs, ...lasting } };
};
const route = (...via: string[]): Claim => ({ kind: "route", prefix: VPC, via });
const back = (...via: string[]): Claim => ({ kind: "return", prefix: IDC, via });
const session = (circuit: string): Claim => ({ kind: "session", circuit, is: "up" });

/** Probes of both directions that were sent after `fromMs` and never arrived. */
function lostAfter({ lossOverTime }: DrillReport, fromMs: number): number {
  if (lossOverTime === null) throw new Error("probes were sent");
  const { fromMs: zeroMs, bucketMs, directions } = lossOverTime;
  const first = Math.ceil((fromMs - zeroMs) / bucketMs);
  return directions.flatMap(({ lost }) => lost.slice(first)).reduce((sum, lost) => sum + lost, 0);
}

t.test("failback: away while it soaks, back together, nothing lost on the way", async (t) => {
  const drill = shipped("two-circuits.yaml", RULE, [
    expect(route("circuit-1", "circuit-2"), sec(5)),
    cut(sec(1)),
    expect(route("circuit-2"), sec(2)),
    expect(back("circuit-2"), sec(2)),
    restore(sec(3)),
    expect(session("circuit-1"), sec(30)),
    expect(route("circuit-2"), sec(1), RULE.soakUs),
    expect(back("circuit-2"), sec(1), RULE.stepUs / 2),
    expect(route("circuit-1", "circuit-2"), sec(3)),
    expect(back("circuit-1", "circuit-2"), sec(1), sec(2)),
  ]);
  const { report, only } = await played(t, drill);
  const soaking = only("circuit.soaking");
  t.match(soaking.fields, { circuit: "circuit-1", forMs: 5_000, isNeeded: false });
  const returning = only("circuit.returning");
  const returned = only("circuit.returned");
  t.equal(returning.at - soaking.at, RULE.soakUs);
  t.equal(returned.at - returning.at, RULE.stepUs);
  t.equal(lostAfter(report, 3_000), 0, "the way back is free of loss");
});

t.test("failback: active-standby gives the traffic back after soak and step", async (t) => {
  const drill = shipped("standby-takes-over.yaml", RULE, [
    expect(route("circuit-1"), sec(5)),
    expect(back("circuit-1"), sec(5)),
    cut(sec(1)),
    expect(route("circuit-2"), sec(2)),
    expect(back("circuit-2"), sec(2)),
    restore(sec(3)),
    expect(session("circuit-1"), sec(30)),
    expect(route("circuit-2"), sec(1), RULE.soakUs),
    expect(route("circuit-1"), sec(5)),
    expect(back("circuit-1"), sec(1), sec(1)),
  ]);
  const { report, only } = await played(t, drill);
  t.equal(only("circuit.returned").at - only("circuit.soaking").at, RULE.soakUs + RULE.stepUs);
  t.equal(lostAfter(report, 3_000), 0);
});

t.test("failback: a circuit that soaks takes over at once when the other fails", async (t) => {
  const drill = shipped("two-circuits.yaml", RULE, [
    cut(sec(1)),
    restore(sec(3)),
    expect(session("circuit-1"), sec(30)),
    expect(route("circuit-2"), sec(1), sec(1)),
    cut(sec(20), "circuit-2"),
    expect(route("circuit-1"), sec(2)),
    expect(back("circuit-1"), sec(2)),
  ]);
  const soak = { ...RULE, soakUs: sec(600) };
  const { report, only } = await played(t, {
    ...drill,
    edge: { ...drill.edge, failover: { ...drill.edge.failover, failback: soak } },
  });
  t.match(only("circuit.needed").fields, { circuit: "circuit-1", phase: "soaking" });
  const [, second] = report.faults;
  t.ok((second?.convergenceMs ?? 1_000) < 50, `${second?.convergenceMs} ms`);
});

t.test("failback: a line that flaps is held, and does not come back by itself", async (t) => {
  const drill = shipped("flapping-line.yaml", { ...RULE, soakUs: sec(2), stepUs: 0 }, [
    ...[0, 1, 2].flatMap((count) => [
      cut(sec(1 + count * 20)),
      expect(route("circuit-2"), sec(2)),
      restore(sec(3 + count * 20)),
      expect(session("circuit-1"), sec(15)),
    ]),
    expect(route("circuit-2"), sec(1), sec(60)),
    expect(back("circuit-2"), sec(1), sec(1)),
  ]);
  const { journal, only } = await played(t, drill);
  t.equal(journal.filter((entry) => entry.event === "circuit.returned").length, 2);
  t.match(only("circuit.held").fields, { circuit: "circuit-1", failures: 3, per: "3600s" });
});

t.test("failback: the operator's verbs, against the running edge", async (t) => {
  const drill = shipped("two-circuits.yaml", { ...RULE, flapsMax: 1 }, []);
  const lab = new VirtualLab(drill);
  t.teardown(() => lab.stop());
  const within = (us: number, claim: () => boolean) => lab.waitFor(claim, after(lab.now(), us));
  const goes = (...via: string[]) => {
    const sorted = (found: readonly string[]) => [...found].sort().join();
    return () =>
      sorted(lab.routes.via("edge", VPC)) === via.join() &&
      sorted(lab.routes.via("ecr-1", IDC)) === via.join();
  };
  await lab.start();
  t.ok(await within(sec(30), goes("circuit-1", "circuit-2")));
  await within(sec(5), () => false);

  const { edgeOrders: orders } = lab;
  t.match(orders.releaseCircuit("circuit-1"), { kind: "refused", text: /is not held/ });
  t.match(orders.releaseCircuit("circuit-7"), {
    kind: "unknown",
    known: ["circuit-1", "circuit-2"],
  });
  lab.perform({ do: "cut", circuit: "circuit-1", direction: "both", carrier: "hidden" });
  t.ok(await within(sec(3), goes("circuit-2")));
  lab.perform({ do: "restore", circuit: "circuit-1" });
  t.notOk(await within(sec(120), goes("circuit-1", "circuit-2")), "held");
  t.match(orders.releaseCircuit("circuit-1"), { kind: "done", text: /it soaks now/ });
  const releasedAt = lab.now();
  t.ok(await within(sec(10), goes("circuit-1", "circuit-2")));
  t.ok(lab.now() - releasedAt >= RULE.soakUs + RULE.stepUs);

  t.match(orders.drainCircuit("circuit-2"), { kind: "done", isChanged: true });
  t.ok(await within(sec(1), goes("circuit-1")), "both ends left it");
  t.match(orders.drainCircuit("circuit-2"), { isChanged: false, text: /drained already/ });
  t.match(orders.undrainCircuit("circuit-2"), { kind: "done", isChanged: true });
  t.notOk(await within(RULE.stepUs - 1, goes("circuit-1", "circuit-2")));
  t.ok(await within(sec(1), goes("circuit-1", "circuit-2")));
  t.match(orders.startPeer("circuit-1"), { kind: "done", text: /started already/ });
  t.match(orders.startPeer("circuit-9"), { kind: "unknown" });
});
