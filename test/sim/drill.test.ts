/** Drills end to end: the shipped files, in virtual time and in a lab, and what they must catch. */
import t, { type Test } from "tap";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";
import { load, passes, play, readDrill, shippedText } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";
import { schemaFaults } from "../support/report-schema.ts";

const TWO_CIRCUITS = "two-circuits.yaml";

function mustPass(t: Test, report: DrillReport): void {
  passes(t, report);
  const [fault] = report.faults;
  t.equal(fault?.detectedBy, "bfd");
  t.ok((fault?.detectionMs ?? 0) > 550, "detection takes the detection time, not less");
  t.ok((fault?.lost.toCloud.lost ?? 0) > 0 && (fault?.lost.toEdge.lost ?? 0) > 0);
  t.ok((fault?.cloudConvergenceMs ?? 0) > 0, "the cloud's side moved as well");
}

t.test("two-circuits in virtual time: PASS, and the same seed repeats it exactly", async (t) => {
  const { drill } = load(TWO_CIRCUITS);
  const first = await play(drill, new VirtualLab(drill));
  mustPass(t, first);
  const again = await play(drill, new VirtualLab(drill));
  t.same(again, first, "the same report to the last digit");
  t.match(first.traceHash, /^[0-9a-f]{16}$/);
  const other = { ...drill, seed: drill.seed + 1 };
  t.not((await play(other, new VirtualLab(other))).traceHash, first.traceHash);
});

t.test(
  "the same file in a lab of network namespaces",
  { skip: whyNoNamespaces() ?? false },
  async (t) => {
    const { drill, edgeFile } = load(TWO_CIRCUITS);
    const inLab = () => play(drill, new NamespaceLab(drill, edgeFile));
    mustPass(t, await playPatiently(t, inLab));
  },
);

t.test("the same file on loopback sockets", async (t) => {
  const { drill } = load(TWO_CIRCUITS);
  const inLab = () => play(drill, new LoopbackLab(drill));
  mustPass(t, await playPatiently(t, inLab));
});

t.test("a budget that is missed is a FAIL with its figure", async (t) => {
  const { drill } = load(TWO_CIRCUITS);
  const strict = { ...drill, budgets: { ...drill.budgets, detectionUsMax: 100_000 } };
  const report = await play(strict, new VirtualLab(strict));
  t.equal(report.verdict, "FAIL");
  t.match(report.because, /^detection of "cut circuit-1/);
});

t.test("a cut that carrier shows is noticed by the link, long before BFD", async (t) => {
  const { drill } = load(TWO_CIRCUITS);
  const seen: Drill = {
    ...drill,
    steps: drill.steps.map((step) =>
      step.do === "cut" ? { ...step, direction: "both", carrier: "seen" } : step,
    ),
  };
  const report = await play(seen, new VirtualLab(seen));
  passes(t, report);
  t.equal(report.faults[0]?.detectedBy, "link");
  t.ok((report.faults[0]?.detectionMs ?? 1000) < 50);
});

t.test("one-way cuts, a restarted VBR, withdrawn and leaked routes", async (t) => {
  const { drill } = load(TWO_CIRCUITS);
  const reports: [string, Drill["steps"]][] = [
    ["to-cloud", oneWay("to-cloud")],
    ["to-edge", oneWay("to-edge")],
    [
      "restart",
      [
        {
          do: "restart-vbr",
          atUs: 1_000_000,
          circuit: "circuit-2",
          how: "silent",
          without: "nothing",
          downUs: 3_000_000,
        },
        expectRoute("10.64.0.0/16", ["circuit-1"], 2_000_000),
        expectRoute("10.64.0.0/16", ["circuit-1", "circuit-2"], 30_000_000),
      ],
    ],
    [
      "withdrawn and back",
      [
        { do: "withdraw", atUs: 500_000, prefix: "10.64.0.0/16" },
        expectRoute("10.64.0.0/16", [], 1_000_000),
        { do: "announce", atUs: 3_000_000, prefix: "10.64.0.0/16" },
        expectRoute("10.64.0.0/16", ["circuit-1", "circuit-2"], 1_000_000),
      ],
    ],
  ];
  for (const [name, steps] of reports) {
    const one: Drill = { ...drill, name, steps, budgets: NO_BUDGETS };
    const report = await play(one, new VirtualLab(one));
    passes(t, report);
  }
});

t.test("what cannot be set up is INCONCLUSIVE and says what was missing", async (t) => {
  const { drill } = load(TWO_CIRCUITS);
  const vbrs = drill.cloud.vbrs.map((vbr, index) =>
    index === 0
      ? { ...vbr, groups: vbr.groups.map((group) => ({ ...group, peerAs: 65099 })) }
      : vbr,
  );
  const broken = { ...drill, cloud: { ...drill.cloud, vbrs } };
  const report = await play(broken, new VirtualLab(broken));
  t.equal(report.verdict, "INCONCLUSIVE");
  t.match(report.because, /circuit-1/);
  t.same(schemaFaults(report), [], "it is a report all the same");
});

t.test("routers beside the edge in a lab: INCONCLUSIVE, and nothing is started", async (t) => {
  const { drill } = load("two-routers.yaml");
  const lab = new LoopbackLab({ ...drill, steps: [] });
  const report = await play({ ...drill, steps: [] }, lab);
  t.equal(report.verdict, "INCONCLUSIVE");
  t.match(report.because, /this lab cannot add second-router: routers .* of virtual time only/);
  t.same(lab.edgeJournal(), []);
});

t.test("files with errors: every problem with its place, nothing thrown", async (t) => {
  const good = shippedText(TWO_CIRCUITS);
  const cases: [string, RegExp][] = [
    [
      good.replace("circuit: circuit-1, direction", "circuit: circuit-9, direction"),
      /no circuit "circuit-9"/,
    ],
    [good.replace("interval: 1ms", "interval: 1"), /written duration/],
    [good.replace("do: cut", "do: cutt"), /cut, restore/],
    [good.replace("vpc: 10.64.0.10", "vpc: 10.99.0.10"), /no prefix that lab-cloud tells/],
    [good.replace("../lab/edge.yaml", "missing.yaml"), /cannot read/],
    [`${good}\nseed: 3\n`, /given twice/],
    ["drill: [", /./],
    ["", /./],
  ];
  for (const [text, expected] of cases) {
    const { drill, problems } = readDrill(text);
    t.equal(drill, undefined);
    const [problem] = problems.filter((one) => one.severity === "error");
    t.match(`${problem?.code} ${problem?.message}`, expected);
    t.ok((problem?.line ?? 0) >= 1 && (problem?.column ?? 0) >= 1);
  }
});

const NO_BUDGETS = {
  detectionUsMax: undefined,
  convergenceUsMax: undefined,
  outageUsMax: undefined,
  lostPercentMax: undefined,
} as const;

const expectRoute = (prefix: string, via: string[], withinUs: number): Drill["steps"][number] => ({
  do: "expect",
  atUs: undefined,
  expect: { kind: "route", prefix, via, withinUs },
});

function oneWay(direction: "to-cloud" | "to-edge"): Drill["steps"] {
  return [
    { do: "cut", atUs: 1_000_000, circuit: "circuit-1", direction, carrier: "hidden" },
    expectRoute("10.64.0.0/16", ["circuit-2"], 2_500_000),
    { do: "restore", atUs: 5_000_000, circuit: "circuit-1" },
    expectRoute("10.64.0.0/16", ["circuit-1", "circuit-2"], 30_000_000),
  ];
}
