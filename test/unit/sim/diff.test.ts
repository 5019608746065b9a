/** Two runs held against each other, and files that hold no report. */
import t from "tap";
import { diffReports, formatDiff } from "../../../src/sim/report/diff.ts";
import { readReports } from "../../../src/sim/report/read.ts";
import type { DrillReport, FaultReport } from "../../../src/sim/report/report.ts";
import { aReport } from "../../support/drill-report.ts";

function withFault(change: Partial<FaultReport>): DrillReport {
  const report = aReport();
  return { ...report, faults: report.faults.map((fault) => ({ ...fault, ...change })) };
}

const diff = (after: readonly DrillReport[], before = [aReport()], tolerance = 0.1) =>
  diffReports(before, after, tolerance).rows.map(({ what, change }) => `${change} ${what}`);

t.test("the same, and what varies within tolerance or floor, is no change", async (t) => {
  t.same(diff([aReport()]), []);
  t.same(diff([withFault({ detectionMs: 55 })]), []);
  t.same(diff([withFault({ convergenceMs: 5.9 })]), [], "below the floor of 5 ms");
  t.same(diff([withFault({ detectionMs: 69 })], [aReport()], 0.4), []);
  t.match(formatDiff(diffReports([aReport()], [aReport()], 0)), /1 drills compared: nothing/);
});

t.test("figures, verdicts and checks that got worse or better", async (t) => {
  const slow = withFault({ detectionMs: 70 });
  t.same(diff([slow]), ['worse detection of "cut circuit-1"']);
  t.same(diff([aReport()], [slow]), ['better detection of "cut circuit-1"']);
  t.same(diff([withFault({ convergenceMs: null })]), ['worse convergence of "cut circuit-1"']);
  const lossy = { sent: 100, lost: 90, longestGapMs: 91 };
  t.same(diff([withFault({ lost: { toCloud: lossy, toEdge: lossy } })]), [
    'worse longest gap of "cut circuit-1"',
    'worse loss of "cut circuit-1"',
  ]);
  const checks = aReport().checks.map((check) => ({ ...check, status: "fail" as const }));
  t.same(diff([aReport({ verdict: "FAIL", checks })]), [
    "worse verdict",
    'worse check "circuit-1 is down"',
  ]);
  t.same(diff([aReport({ checks: [] })]), ['worse check "circuit-1 is down"']);
});

t.test("what is no longer there is worse", async (t) => {
  t.same(diff([]), ["worse the drill in virtual mode"]);
  t.same(diff([aReport({ drill: "another" })]), ["worse the drill in virtual mode"]);
  t.same(diff([aReport({ faults: [] })]), ["worse fault"]);
});

t.test("files: one report, one a line, and none", async (t) => {
  const text = JSON.stringify(aReport());
  t.equal(readReports(text).length, 1);
  t.equal(readReports(`${text}\n${text}\n`).length, 2);
  const { topology: _, lossOverTime: __, ...older } = aReport();
  t.equal(readReports(JSON.stringify(older)).length, 1, "of before these fields were added");
  for (const bad of ["", "{}", "[]", "null", `${text}\n{`, text.replace("/v1", "/v2")]) {
    t.type(readReports(bad), "string");
  }
  for (const key of ["checks", "faults", "drill", "verdict"]) {
    t.type(readReports(JSON.stringify({ ...aReport(), [key]: 7 })), "string");
  }
  t.type(readReports(JSON.stringify({ ...aReport(), faults: [{ fault: "x" }] })), "string");
});
