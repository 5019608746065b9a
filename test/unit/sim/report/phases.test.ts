/** Phases, routes and shares from a history of tables, written by hand. */
import t from "tap";
import { micros } from "../../../../src/core/time.ts";
import { type RouteChange, RouteHistory } from "../../../../src/sim/lab/watch/route-history.ts";
import type { Deed } from "../../../../src/sim/report/measure.ts";
import { findPhases, tableAt } from "../../../../src/sim/report/phases.ts";
import { reportRoutes, reportShares } from "../../../../src/sim/report/routes.ts";

const change = (at: number, via: readonly string[], prefix = "10.64.0.0/16"): RouteChange => ({
  at: micros(at),
  node: "edge",
  prefix,
  via,
});

function deed(kind: Deed["kind"], atUs: number): Deed {
  return {
    kind,
    text: kind,
    circuit: "c1",
    touches: ["c1"],
    atUs,
    begunUs: atUs,
    change: undefined,
  };
}

const evidence = (deeds: readonly Deed[]) => ({ deeds, endUs: 10_000 });

const CUT_AND_REPAIR = [deed("fault", 1000), deed("repair", 5000)];
const MOVED = [change(-50, ["c1", "c2"]), change(2000, ["c2"]), change(6000, ["c1", "c2"])];

t.test(
  "a cut and its repair: during is the lasting state, after begins with the table",
  async (t) => {
    const phases = findPhases(evidence(CUT_AND_REPAIR), MOVED);
    t.match(phases, { duringFromUs: 1000, duringUs: 2000, afterFromUs: 6000, baselineUs: 1000 });
    const { rows, redundant, nonRedundant } = reportRoutes(MOVED, phases);
    t.match(rows, [{ change: "moved", during: ["c2"], after: ["c1", "c2"], isRestored: true }]);
    t.equal(redundant.count, 1);
    t.equal(nonRedundant.count, 0);
  },
);

t.test("a gap of a moment between two ways is a passage, not the state of the fault", async (t) => {
  const changes = [
    change(-50, ["c1"]),
    change(2000, []),
    change(2010, ["c2"]),
    change(6000, ["c1"]),
  ];
  t.equal(findPhases(evidence(CUT_AND_REPAIR), changes).duringUs, 2010);
  const lasting = [
    change(-50, ["c1"]),
    change(2000, []),
    change(4000, ["c2"]),
    change(6000, ["c1"]),
  ];
  t.equal(findPhases(evidence(CUT_AND_REPAIR), lasting).duringUs, 2000, "no way is worst");
});

t.test("what never comes back has no after, and only one way is told", async (t) => {
  const gone = [change(-50, ["c1"]), change(-50, ["c1"], "10.65.0.0/16"), change(2000, [])];
  const phases = findPhases(evidence([deed("fault", 1000)]), gone);
  t.equal(phases.afterFromUs, undefined);
  const { rows, nonRedundant } = reportRoutes(gone, phases);
  t.match(rows[0], { prefix: "10.64.0.0/16", change: "lost", isRestored: false });
  t.same(nonRedundant, { count: 2, prefixes: ["10.64.0.0/16", "10.65.0.0/16"] });
});

t.test("a fault that no table followed is over with its repair, not before", async (t) => {
  const still = [change(-50, ["c1"])];
  t.match(findPhases(evidence([deed("fault", 1000)]), still), {
    afterFromUs: undefined,
    duringUs: 9999,
    hasMoved: false,
  });
  const mended = findPhases(evidence(CUT_AND_REPAIR), still);
  t.match(mended, { afterFromUs: 5000, duringUs: 4999 }, "seen just before it is mended");
  const circuits = { "to-cloud": ["c1"], "to-edge": ["c1"] } as const;
  t.match(reportShares([{ atUs: 0, circuits }], mended), [{ flows: { during: 1 } }]);
  t.match(findPhases(evidence([]), still), { duringFromUs: undefined, afterFromUs: undefined });
});

t.test("shares are of the moments that the phases name", async (t) => {
  const phases = findPhases(evidence(CUT_AND_REPAIR), MOVED);
  const both = { "to-cloud": ["c1", "c2"], "to-edge": ["c1", "c2"] } as const;
  const samples = [
    { atUs: 0, circuits: both },
    { atUs: 2500, circuits: { "to-cloud": ["c2", "c2"], "to-edge": [null, "c2"] } },
    { atUs: 9000, circuits: both },
  ];
  t.same(reportShares(samples, phases), [
    { direction: "to-cloud", circuit: "c1", flows: { baseline: 1, during: 0, after: 1 } },
    { direction: "to-cloud", circuit: "c2", flows: { baseline: 1, during: 2, after: 1 } },
    { direction: "to-edge", circuit: "c1", flows: { baseline: 1, during: 0, after: 1 } },
    { direction: "to-edge", circuit: "c2", flows: { baseline: 1, during: 1, after: 1 } },
    { direction: "to-edge", circuit: null, flows: { baseline: 0, during: 1, after: 0 } },
  ]);
  t.same(reportShares([], phases), []);
});

t.test("the history keeps changes only, whatever the order of the circuits", async (t) => {
  const history = new RouteHistory();
  const table = (via: readonly string[]) => new Map([["10.64.0.0/16", via]]);
  history.update("edge", table(["c2", "c1"]), micros(1));
  history.update("edge", table(["c1", "c2"]), micros(2));
  history.update("ecr-1", table(["c1"]), micros(3));
  history.update("edge", new Map(), micros(4));
  t.same(history.via("edge", "10.64.0.0/16"), []);
  t.same(
    history.changes.map(({ at, node, via }) => [at, node, via.join()]),
    [
      [1, "edge", "c1,c2"],
      [3, "ecr-1", "c1"],
      [4, "edge", ""],
    ],
  );
  t.same([...tableAt(history.changes, "edge", 3).keys()], ["10.64.0.0/16"]);
});
