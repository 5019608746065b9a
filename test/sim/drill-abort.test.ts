/** Stop conditions: what trips them, and that everything a drill did is undone at once. */
import t from "tap";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { passes, play, readDrill, type SoundLoad, sound, written } from "../support/drills.ts";
import { schemaFaults } from "../support/report-schema.ts";

const load = (abort: string, ...steps: readonly string[]) =>
  readDrill(
    written(`abort:
  - ${abort}
steps:
${steps.map((step) => `  - ${step}`).join("\n")}
always: [no-blackhole]`),
  );
const drillOf = (...args: Parameters<typeof load>) => sound(load(...args));

const ALL_DOWN = "{ session: all, is: down }";
const BOTH_CUT = "{ at: 2s, do: cut, circuit: all }";
const LATER = "{ at: 60s, do: expect, session: all, is: down, within: 1s }";

t.test("both circuits down: the drill is broken off, and what was cut is mended", async (t) => {
  const { drill } = drillOf(ALL_DOWN, BOTH_CUT, LATER);
  const report = await play(drill, new VirtualLab(drill));
  t.equal(report.verdict, "INCONCLUSIVE");
  t.match(report.because, /every circuit is down at \+2[5-9]\d\d.* as before after/);
  t.same(schemaFaults(report), []);
  t.match(report.safety, {
    stopConditions: [{ condition: "every circuit is down", isTripped: true }],
    rollback: { isByAbort: true, isRestored: true, left: null },
  });
  t.ok((report.safety?.rollback?.tookMs ?? 0) > 0);
  t.same(
    report.safety?.preChecks.map(({ check, status, observed }) => [check, status, observed]),
    [
      ["sessions are up", "pass", "2 of 2"],
      ["prefixes of the cloud have a way", "pass", "1 of 1"],
      ["flows arrive", "pass", "8 of 8"],
    ],
  );
  t.ok(report.durationMs < 30_000, "the step at 60 s was not played");
  t.equal(report.checks.length, 1, "budgets and invariants are not judged");
});

t.test("a condition that does not hold for as long as it says changes nothing", async (t) => {
  const { drill } = drillOf(
    "{ outage: 5s }",
    "{ at: 1s, do: cut, circuit: circuit-1 }",
    "{ do: expect, session: circuit-1, is: down, within: 2s }",
  );
  const report = await play(drill, new VirtualLab(drill));
  passes(t, report);
  t.match(report.safety?.stopConditions, [{ isTripped: false, atMs: null }]);
  t.match(report.safety?.rollback, { isByAbort: false, isRestored: false, left: /circuit-1/ });
});

t.test("outage: a flow that is lost for so long", async (t) => {
  const { drill } = drillOf(
    "{ outage: 500ms }",
    "{ at: 1s, do: forwarding-dead, circuit: circuit-1 }",
    LATER,
  );
  const report = await play(drill, new VirtualLab(drill));
  t.match(report.because, /a flow is lost for 500 ms at \+1500/);
  t.match(report.safety?.rollback, { isByAbort: true, isRestored: true });
});

t.test("a condition is judged again where there is news, not after every event", async (t) => {
  const { drill } = drillOf(
    "{ route: 10.64.0.0/16, via: [] }",
    "{ at: 1s, do: cut, circuit: circuit-1 }",
    "{ do: expect, session: circuit-1, is: down, within: 5s }",
  );
  const lab = new VirtualLab(drill);
  const via = t.capture(lab.routes, "via", lab.routes.via);
  passes(t, await play(drill, lab));
  const newsCount = lab.edgeJournal().length + lab.cloudJournal().length + lab.routes.changeCount;
  t.ok(via().length < newsCount, `asked ${via().length} times, with ${newsCount} pieces of news`);
});

/** Each is standing, or still has worse to come, when the condition trips. */
const STANDING: readonly string[] = [
  "{ at: 1s, do: withdraw, prefix: 10.64.0.0/16 }",
  "{ at: 1s, do: announce, prefix: 10.99.0.0/16 }",
  "{ at: 1s, do: announce-only, prefixes: [10.98.0.0/16] }",
  "{ at: 1s, do: flood, prefix: 10.128.0.0/12, count: 50 }",
  "{ at: 1s, do: flood, circuit: circuit-1, prefix: 10.128.0.0/12, count: 50 }",
  "{ at: 1s, do: storm, prefix: 10.128.0.0/12, count: 50, period: 1s, times: 500 }",
  "{ at: 1s, do: withdraw-own, prefix: 10.1.0.0/16 }",
  "{ at: 1s, do: degrade, circuit: circuit-1, loss: 100% }",
  "{ at: 1s, do: shut-port, circuit: circuit-1 }",
  "{ at: 1s, do: stop-bfd, circuit: circuit-1 }",
  "{ at: 1s, do: silence-bgp, circuit: circuit-1 }",
  "{ at: 1s, do: stall-bgp, circuit: circuit-1 }",
  "{ at: 1s, do: wrong-as, circuit: circuit-1, as: 65099 }",
  "{ at: 1s, do: drain, circuit: circuit-1, prepend: 3 }",
  "{ at: 1s, do: maintain, circuit: circuit-1, notice: 30s, for: 600s }",
  "{ at: 1s, do: restart-vbr, circuit: circuit-1, down: 600s }",
  "{ at: 1s, do: failover-test, circuit: circuit-1, for: 600s }",
  "{ at: 1s, do: lock, circuit: circuit-1 }",
  "{ at: 1s, do: down-interface, circuit: circuit-1, for: 600s }",
  "{ at: 1s, do: step-clock, offset: 1h }",
  "{ at: 1s, do: starve, for: 600s, share: 90% }",
  "{ at: 1s, do: police-icmp, perSec: 0 }",
  "{ at: 2500ms, do: freeze, for: 600s }",
  "{ at: 2500ms, do: kill, down: 600s }",
  "{ at: 2500ms, do: upgrade, down: 600s }",
];
for (const step of STANDING) {
  t.test(`undone at once: ${step}`, async (t) => {
    // The cloud still sees both circuits go where the edge's daemon is away.
    const isAway = /freeze|kill|upgrade/.test(step);
    const abort = isAway ? "{ outage: 8s }" : "{ session: circuit-2, is: down, for: 2s }";
    const { drill } = drillOf(abort, ...(isAway ? [BOTH_CUT, step] : [step, BOTH_CUT]), LATER);
    const report = await play(drill, new VirtualLab(drill));
    t.equal(report.verdict, "INCONCLUSIVE", report.because);
    t.match(report.safety?.rollback, { isByAbort: true, isRestored: true, left: null });
  });
}

const LABS: readonly (readonly [string, string | false, (of: SoundLoad) => Lab])[] = [
  ["on loopback sockets", false, ({ drill }) => new LoopbackLab(drill)],
  [
    "in network namespaces",
    whyNoNamespaces() ?? false,
    ({ drill, edgeFile }) => new NamespaceLab(drill, edgeFile),
  ],
];
for (const [where, skip, open] of LABS) {
  t.test(`broken off and restored, ${where}`, { skip }, async (t) => {
    const loaded = drillOf(
      ALL_DOWN,
      "{ at: 300ms, do: withdraw-own, prefix: 10.1.0.0/16 }",
      "{ at: 500ms, do: withdraw, prefix: 10.64.0.0/16 }",
      "{ at: 600ms, do: cut, circuit: all }",
      LATER,
    );
    const report = await play(loaded.drill, open(loaded));
    t.equal(report.verdict, "INCONCLUSIVE", report.because);
    t.match(report.safety?.rollback, { isByAbort: true, isRestored: true, left: null });
  });
}

t.test("what is no stop condition is refused with its place", async (t) => {
  const cases: [string, RegExp][] = [
    ["{ session: all, is: down, within: 1s }", /no "within", only "for"/],
    ["{ outage: 5s, for: 1s }", /"outage" stands alone/],
    ["{ session: circuit-9, is: down }", /no circuit "circuit-9"/],
    ["{ return: 10.0.0.0/8, via: [], node: nobody }", /no traffic comes back by "nobody"/],
    ["{ quiet: circuit-1 }", /is no stop condition/],
    ["{ for: 1s }", /a stop condition needs "session"/],
  ];
  for (const [abort, expected] of cases) {
    const { drill, problems } = load(abort, BOTH_CUT);
    t.equal(drill, undefined, abort);
    t.match(problems[0]?.message, expected);
    t.equal(problems[0]?.line, 9);
  }
});
