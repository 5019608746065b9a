/** Drills end to end: the shipped files, in virtual time and in a lab, and what they must catch. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { type FileAccess, loadDrill } from "../../src/sim/drill/file/load.ts";
import { runDrill } from "../../src/sim/drill/runner.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { formatReport } from "../../src/sim/report/formats/text.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";
import { playPatiently } from "../support/patience.ts";
import { schemaFaults } from "../support/report-schema.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const TWO_CIRCUITS = join(root, "fixtures", "drills", "two-circuits.yaml");

const files: FileAccess = {
  resolve: (from, name) => resolve(dirname(from), name),
  read(file) {
    try {
      return { text: readFileSync(file, "utf8") };
    } catch (cause) {
      return { error: String(cause) };
    }
  },
};

function shipped(file = TWO_CIRCUITS): { drill: Drill; edgeFile: string } {
  const { drill, problems, edgeFile } = loadDrill(file, readFileSync(file, "utf8"), files);
  if (drill === undefined) throw new Error(JSON.stringify(problems));
  return { drill, edgeFile };
}

async function play(drill: Drill, lab: Lab): Promise<DrillReport> {
  return runDrill(drill, lab, {
    version: "test",
    startedAt: "2026-01-01T00:00:00.000Z",
    progress: () => undefined,
    traceHash: () => (lab instanceof VirtualLab ? lab.traceHash : null),
  });
}

function verdictIs(t: Test, report: DrillReport, verdict: DrillReport["verdict"]): void {
  t.equal(report.verdict, verdict, `${report.drill} is ${verdict}`);
  if (report.verdict !== verdict) t.comment(formatReport(report));
}

function mustPass(t: Test, report: DrillReport): void {
  verdictIs(t, report, "PASS");
  const [fault] = report.faults;
  t.equal(fault?.detectedBy, "bfd");
  t.ok((fault?.detectionMs ?? 0) > 550, "detection takes the detection time, not less");
  t.ok((fault?.lost.toCloud.lost ?? 0) > 0 && (fault?.lost.toEdge.lost ?? 0) > 0);
  t.ok((fault?.cloudConvergenceMs ?? 0) > 0, "the cloud's side moved as well");
}

t.test("two-circuits in virtual time: PASS, and the same seed repeats it exactly", async (t) => {
  const { drill } = shipped();
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
    const { drill, edgeFile } = shipped();
    const inLab = () => play(drill, new NamespaceLab(drill, edgeFile));
    mustPass(t, await playPatiently(t, inLab));
  },
);

t.test("the same file on loopback sockets", async (t) => {
  const { drill } = shipped();
  const inLab = () => play(drill, new LoopbackLab(drill));
  mustPass(t, await playPatiently(t, inLab));
});

t.test("a budget that is missed is a FAIL with its figure", async (t) => {
  const { drill } = shipped();
  const strict = { ...drill, budgets: { ...drill.budgets, detectionUsMax: 100_000 } };
  const report = await play(strict, new VirtualLab(strict));
  t.equal(report.verdict, "FAIL");
  t.match(report.because, /^detection of "cut circuit-1/);
});

t.test("a cut that carrier shows is noticed by the link, long before BFD", async (t) => {
  const { drill } = shipped();
  const seen: Drill = {
    ...drill,
    steps: drill.steps.map((step) =>
      step.do === "cut" ? { ...step, direction: "both", carrier: "seen" } : step,
    ),
  };
  const report = await play(seen, new VirtualLab(seen));
  verdictIs(t, report, "PASS");
  t.equal(report.faults[0]?.detectedBy, "link");
  t.ok((report.faults[0]?.detectionMs ?? 1000) < 50);
});

t.test("one-way cuts, a restarted VBR, withdrawn and leaked routes", async (t) => {
  const { drill } = shipped();
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
    verdictIs(t, report, "PASS");
  }
});

t.test("what cannot be set up is INCONCLUSIVE and says what was missing", async (t) => {
  const { drill } = shipped();
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

t.test("files with errors: every problem with its place, nothing thrown", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-drill-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const good = readFileSync(TWO_CIRCUITS, "utf8");
  const lab = join(root, "fixtures", "lab");
  const at = (text: string) => text.replaceAll("../lab/", `${lab}/`);
  const cases: [string, RegExp][] = [
    [
      at(good).replace("circuit: circuit-1, direction", "circuit: circuit-9, direction"),
      /no circuit "circuit-9"/,
    ],
    [at(good).replace("interval: 1ms", "interval: 1"), /written duration/],
    [at(good).replace("do: cut", "do: cutt"), /cut, restore/],
    [at(good).replace("vpc: 10.64.0.10", "vpc: 10.99.0.10"), /no prefix that lab-cloud tells/],
    [good.replace("../lab/edge.yaml", "missing.yaml"), /cannot read/],
    [`${at(good)}\nseed: 3\n`, /given twice/],
    ["drill: [", /./],
    ["", /./],
  ];
  for (const [text, expected] of cases) {
    const file = join(folder, "bad.yaml");
    writeFileSync(file, text);
    const { drill, problems } = loadDrill(file, text, files);
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
