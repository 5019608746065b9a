/** `budgets: default` and `always: default`: which limits a drill gets that writes none. */
import t from "tap";
import { DEFAULT_INVARIANTS } from "../../../../src/sim/drill/drill.ts";
import { budgetsOf } from "../../../../src/sim/drill/judge/default-budgets.ts";
import { judgeBudgets } from "../../../../src/sim/drill/judge/judge.ts";
import type { FaultReport } from "../../../../src/sim/report/report.ts";
import { readDrill, sound, written } from "../../../support/drills.ts";

const load = (budgets: string, of: Parameters<typeof written>[1] = {}) =>
  readDrill(
    written(
      `steps:
  - { at: 1s, do: cut, circuit: circuit-1 }
always: default
budgets: ${budgets}`,
      of,
    ),
  );

const drillOf = (...args: Parameters<typeof load>) => sound(load(...args)).drill;

t.test("300 ms x 3: a detection time and an interval; 500 ms more for traffic", async (t) => {
  const drill = drillOf("default");
  t.match(budgetsOf(drill, "circuit-1"), {
    ...{ detectionUsMax: 1_200_000, convergenceUsMax: 200_000, cloudUsMax: 1_400_000 },
    rtoUsMax: { max: 1_400_000 },
    ...{ routeChangesMax: 2, restoreUsMax: 30_000_000, restoreLostMax: 0, capacityPercentMax: 90 },
  });
  t.equal(budgetsOf(drill, null).detectionUsMax, undefined, "a fault of no circuit is not timed");
  t.same(drill.always, DEFAULT_INVARIANTS);
});

t.test("200 ms x 3, and 9 s of hold time where there is no BFD", async (t) => {
  const fast = drillOf("default", { edge: "edge-bfd200", cloud: "cloud-bfd200" });
  t.match(budgetsOf(fast, "circuit-2"), { detectionUsMax: 800_000, rtoUsMax: { max: 1_100_000 } });
  const slow = drillOf("default", { edge: "edge-no-bfd", cloud: "cloud-no-bfd" });
  t.match(budgetsOf(slow, "circuit-1"), {
    ...{ detectionUsMax: 12_000_000, rtoUsMax: { max: 9_500_000 } },
  });
});

t.test("what is written goes before; without the word nothing is judged unasked", async (t) => {
  const drill = drillOf("{ default: true, detection: 5s, outage: 2s }");
  t.match(budgetsOf(drill, "circuit-1"), {
    ...{ detectionUsMax: 5_000_000, outageUsMax: 2_000_000, convergenceUsMax: 200_000 },
  });
  const plain = drillOf("{ outage: 2s }");
  t.equal(budgetsOf(plain, "circuit-1").detectionUsMax, undefined);
});

t.test("a check for each, of each fault", async (t) => {
  const none = { sent: 0, lost: 0, longestGapMs: 0 };
  const fault: FaultReport = {
    ...{ fault: "cut", circuit: "circuit-1", atMs: 0, detectionMs: 1201, detectedBy: "bfd" },
    ...{ silenceMs: null, convergenceMs: 1, cloudConvergenceMs: null, routeChanges: 3 },
    lost: { toCloud: none, toEdge: none },
  };
  const found = judgeBudgets(drillOf("default"), [fault], []);
  t.same(
    found.map(({ check, status }) => [check.split(" ")[0], status]),
    [
      ["detection", "fail"],
      ["convergence", "pass"],
      ["cloud", "inconclusive"],
      ["rto", "pass"],
      ["changes", "fail"],
    ],
  );
});

t.test("another word is an error with its place", async (t) => {
  const { drill, problems } = load("usual");
  t.equal(drill, undefined);
  t.match(problems[0]?.message, /the word default, or a mapping of budgets/);
});
