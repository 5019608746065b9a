/** Figures of flows, tables and loads over made-up records, each with an answer known by hand. */
import t from "tap";
import { micros } from "../../../../src/core/time.ts";
import type { Drill } from "../../../../src/sim/drill/drill.ts";
import {
  findAsymmetry,
  findBareness,
  findLeak,
  findOverload,
} from "../../../../src/sim/drill/judge/always-routes.ts";
import { recoveryOf, withPaths } from "../../../../src/sim/drill/judge/flow-figures.ts";
import { linkLoads } from "../../../../src/sim/drill/judge/load-figures.ts";
import { restoredAt, routeChangesOf } from "../../../../src/sim/drill/judge/table-figures.ts";
import type { FlowChange, ProbeRecord } from "../../../../src/sim/lab/lab.ts";
import { RouteHistory } from "../../../../src/sim/lab/watch/route-history.ts";
import type { Evidence } from "../../../../src/sim/report/measure.ts";
import { load } from "../../../support/drills.ts";

const VPC = "10.64.0.0/16";
const IDC = "10.1.0.0/16";
const BOTH = ["circuit-1", "circuit-2"];
const SEC = 1_000_000;

const shipped = () => load("two-circuits.yaml").drill;

/** Two flows, a probe every 10 ms each for a second; flow 0 is silent from 300 to 500 ms. */
function probes(): ProbeRecord {
  const count = 200;
  const flow = Uint16Array.from({ length: count }, (_, row) => row % 2);
  const sentUs = Float64Array.from({ length: count }, (_, row) => row * 5_000);
  const isLost = (at: number, of: number) => of === 0 && at >= 300_000 && at < 500_000;
  const arrivedUs = sentUs.map((at, row) => (isLost(at, row % 2) ? 0 : at + 1));
  const columns = { count, flow, sentUs, arrivedUs };
  const whole = { ...columns, arrivedUs: sentUs.map((at) => at + 1) };
  return { flows: 2, directions: { "to-cloud": columns, "to-edge": whole } };
}

function evidence(drill: Drill, log: RouteHistory, flows: readonly FlowChange[] = []): Evidence {
  return {
    ...{ drill, zeroUs: SEC, endUs: 10 * SEC, deeds: [], edge: [], cloud: [] },
    ...{ probes: probes(), routeChanges: log.changes },
    watched: { flows, loops: [], ribFaults: [], updates: [] },
  };
}

function tables(): RouteHistory {
  const log = new RouteHistory();
  log.update("edge", new Map([[VPC, BOTH]]), micros(0));
  log.update("ecr-1", new Map([[IDC, BOTH]]), micros(0));
  log.update("edge", new Map([[VPC, ["circuit-2"]]]), micros(2 * SEC));
  log.update("ecr-1", new Map([[IDC, ["circuit-2"]]]), micros(3 * SEC));
  log.update("edge", new Map([[VPC, ["circuit-2", "circuit-1"]]]), micros(6 * SEC));
  log.update("ecr-1", new Map([[IDC, BOTH]]), micros(7 * SEC));
  return log;
}

t.test("recovery: when each flow that lost anything arrived for good", async (t) => {
  const window = { fromUs: 290_000, untilUs: 990_000 };
  t.same(recoveryOf(probes(), "to-cloud", window), {
    ...{ flows: 1, p50Ms: 210, p99Ms: 210, maxMs: 210 },
  });
  t.equal(recoveryOf(probes(), "to-edge", window), null, "nothing lost, nothing to recover");
  const open = recoveryOf(probes(), "to-cloud", { fromUs: 290_000, untilUs: 450_000 });
  t.equal(open?.maxMs, 150, "silent to the end: up to its last probe");
});

t.test("per flow: its group, and the way it took", async (t) => {
  const path: FlowChange[] = [
    { atUs: SEC, direction: "to-cloud", flow: 0, outcome: "delivered", circuit: "circuit-1" },
    { atUs: 2 * SEC, direction: "to-cloud", flow: 0, outcome: "cut", circuit: "circuit-1" },
  ];
  const nothing = { sent: 0, lost: 0, longestGapMs: 0, delay: null };
  const phases = { before: nothing, during: null, after: null };
  const flow = {
    direction: "to-cloud",
    flow: 0,
    sent: 1,
    lost: 0,
    longestGapMs: 0,
    phases,
  } as const;
  const records = evidence(shipped(), new RouteHistory(), path);
  const [told] = withPaths(records, { flows: [flow] }).flows;
  t.match(told, { group: "all", path: [{ fromMs: 0 }, { fromMs: 1000, outcome: "cut" }] });
  const blind = {
    ...records,
    watched: { flows: undefined, loops: [], ribFaults: [], updates: [] },
  };
  t.notOk("path" in (withPaths(blind, { flows: [flow] }).flows[0] ?? {}));
});

t.test("tables: changes of a way, and the moment the old state is back", async (t) => {
  const { changes } = tables();
  t.equal(routeChangesOf(changes, { fromUs: SEC, untilUs: 10 * SEC }), 2);
  t.equal(routeChangesOf(changes, { fromUs: SEC, untilUs: 5 * SEC }), 1);
  const at = (fromUs: number, untilUs: number) =>
    restoredAt(changes, { zeroUs: SEC, fromUs, untilUs });
  t.equal(at(5 * SEC, 10 * SEC), 7 * SEC, "the later of the two tables");
  t.equal(at(5 * SEC, 6.5 * SEC), undefined);
  t.equal(at(8 * SEC, 10 * SEC), 8 * SEC, "it was before the repair already");
});

function loaded(capacityBps: number | undefined): Drill {
  const drill = shipped();
  const circuits = drill.edge.circuits.map((one, index) => {
    return { ...one, capacityBps, weight: index === 0 ? 3 : 1 };
  });
  const traffic = { ...drill.traffic, rateBps: 800e6 };
  return { ...drill, traffic, edge: { ...drill.edge, circuits } };
}

t.test("load: rate times share, by the weights of the edge and evenly back", async (t) => {
  const loads = linkLoads(evidence(loaded(1e9), tables()));
  const of = (circuit: string, direction: string) =>
    loads.find((one) => one.circuit === circuit && one.direction === direction);
  t.match(of("circuit-1", "to-cloud"), { beforeBps: 600e6, peakBps: 600e6, overMs: 0 });
  t.match(of("circuit-2", "to-cloud"), { beforeBps: 200e6, peakBps: 800e6, peakAtMs: 1000 });
  t.match(of("circuit-1", "to-edge"), { beforeBps: 400e6, capacityBps: 1e9 });
  t.same(linkLoads(evidence(shipped(), tables())), [], "no rates, no loads");
});

t.test("capacity: what is left after a loss must carry the load", async (t) => {
  t.equal(findOverload(evidence(loaded(1e9), tables())), undefined);
  const over = findOverload(evidence(loaded(800e6), tables()));
  t.match(over, /circuit-2 to-cloud: 800 Mbps of 800 Mbps from \+1000/);
  t.match(findOverload(evidence(loaded(undefined), tables())), { unsure: /no rate/ });
});

t.test("capacity: circuits on one line share what it has", async (t) => {
  const drill = loaded(undefined);
  const on = (bandwidthBps: number): Drill => {
    const [first] = drill.cloud.connections;
    if (first === undefined) throw new Error("the shipped cloud has connections");
    const connections = [{ ...first, name: "pc-1", bandwidthBps }];
    const vbrs = drill.cloud.vbrs.map((vbr) => ({ ...vbr, connection: "pc-1" }));
    return { ...drill, cloud: { ...drill.cloud, connections, vbrs } };
  };
  const loads = linkLoads(evidence(on(1e9), tables()));
  const line = loads.filter(({ circuit }) => circuit === "pc-1");
  t.match(line, [{ beforeBps: 800e6, peakBps: 800e6, capacityBps: 1e9 }, { peakBps: 800e6 }]);
  t.equal(findOverload(evidence(on(1e9), tables())), undefined);
  t.match(findOverload(evidence(on(850e6), tables())), /^pc-1 to-cloud: 800 Mbps of 850 Mbps/);
});

t.test("no-leak: both ends take what was agreed on and nothing else", async (t) => {
  const drill = shipped();
  t.equal(findLeak(evidence(drill, tables())), undefined);
  const log = tables();
  log.update("edge", new Map([["0.0.0.0/0", BOTH]]), micros(8 * SEC));
  t.match(findLeak(evidence(drill, log)), /edge-1 took 0.0.0.0\/0 at \+7000/);
  t.equal(findLeak(evidence({ ...drill, allow: ["0.0.0.0/0"] }, log)), undefined);
  const back = tables();
  back.update("ecr-1", new Map([["192.168.0.0/24", BOTH]]), micros(8 * SEC));
  t.match(findLeak(evidence(drill, back)), /ecr-1 took 192.168.0.0\/24/);
});

t.test("symmetry: a flow may differ while tables follow, and not for longer", async (t) => {
  const drill = shipped();
  const step = (atUs: number, direction: FlowChange["direction"], circuit: string) =>
    ({ atUs, direction, flow: 0, outcome: "delivered", circuit }) as const;
  const brief = [
    step(SEC, "to-cloud", "circuit-1"),
    step(SEC, "to-edge", "circuit-1"),
    step(2 * SEC, "to-cloud", "circuit-2"),
    step(3 * SEC, "to-edge", "circuit-2"),
  ];
  t.equal(findAsymmetry(evidence(drill, tables(), brief)), undefined);
  const long = brief.slice(0, 3);
  t.match(findAsymmetry(evidence(drill, tables(), long)), /flow 0 goes by circuit-2 and comes by/);
  const blind = {
    ...evidence(drill, tables()),
    watched: { flows: undefined, loops: [], ribFaults: [], updates: [] },
  };
  t.match(findAsymmetry(blind), { unsure: /no eye/ });
});

t.test("redundancy: two sessions before and after, one all through", async (t) => {
  const entry = (atUs: number, event: string, peer: string) => {
    const at = micros(atUs);
    return { seq: 1, at, wallMs: 0, level: "info" as const, event, fields: { peer } };
  };
  const up = BOTH.map((name) => entry(0, "bgp.peer.up", name));
  const judge = (edge: Evidence["edge"]) =>
    findBareness({ ...evidence(shipped(), tables()), edge });
  const down = entry(2 * SEC, "bgp.peer.down", "circuit-1");
  t.equal(judge([...up, down, entry(5 * SEC, "bgp.peer.up", "circuit-1")]), undefined);
  t.match(judge([...up, down]), /only 1 circuits have a session at the end/);
  t.match(
    judge([...up, down, entry(3 * SEC, "bgp.peer.down", "circuit-2")]),
    /no session was left/,
  );
});

t.test("redundancy: every prefix has its ways in the table, too", async (t) => {
  const at = micros(0);
  const up = BOTH.map((peer) => ({
    ...{ seq: 1, at, wallMs: 0, level: "info" as const, event: "bgp.peer.up", fields: { peer } },
  }));
  const judge = (...ways: readonly (readonly string[])[]) => {
    const log = new RouteHistory();
    for (const [index, via] of ways.entries()) {
      log.update("edge", new Map([[VPC, via]]), micros(index * 2 * SEC));
    }
    return findBareness({ ...evidence(shipped(), log), edge: up });
  };
  t.equal(judge(BOTH, ["circuit-2"], BOTH), undefined);
  t.match(judge(["circuit-2"]), /10\.64\.0\.0\/16 had only circuit-2 at the beginning/);
  t.match(judge(BOTH, [], BOTH), /10\.64\.0\.0\/16 had no way at \+1000/);
  t.match(judge(BOTH, ["circuit-1"]), /had only circuit-1 at the end/);
});
