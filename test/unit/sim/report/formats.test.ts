/** CSV, the terminal, Markdown's length, and predictions against measurements. */
import t from "tap";
import { diffReports, formatDiff, isBad } from "../../../../src/sim/report/diff.ts";
import { formatCsv } from "../../../../src/sim/report/formats/csv.ts";
import { formatMarkdown } from "../../../../src/sim/report/formats/markdown.ts";
import { formatReport } from "../../../../src/sim/report/formats/text.ts";
import type { DrillReport, FaultReport } from "../../../../src/sim/report/report.ts";
import { aFullReport, aReport } from "../../../support/drill-report.ts";

t.test("CSV: microseconds, quoted fields, no formula", async (t) => {
  const said = { atMs: 1.5, lane: "edge", actor: "edge", event: "x" } as const;
  const timeline = [
    { ...said, text: 'a "b", c' },
    { ...said, atMs: -0.001, text: "=1+1" },
  ];
  const [head, first, second] = formatCsv([aReport({ timeline })]).split("\r\n");
  t.equal(head, "drill,mode,seed,t_rel_us,lane,actor,event,text");
  t.equal(first, 'a-drill,virtual,1,1500,edge,edge,x,"a ""b"", c"');
  t.equal(second, "a-drill,virtual,1,-1,edge,edge,x,'=1+1");
});

t.test("the terminal ends with the verdict and the three lines", async (t) => {
  const lines = formatReport(aFullReport()).trimEnd().split("\n").slice(-4);
  t.match(lines[0], /^PASS: /);
  t.match(lines.slice(1), [/^ {2}happened {2}/, /^ {2}when {6}/, /^ {2}lost {6}/]);
  t.match(
    formatReport(aFullReport()),
    /edge-1 {4}10\.64\.0\.0\/16: circuit-1 → no way → circuit-1/,
  );
});

t.test("Markdown of a long drill still fits a comment", async (t) => {
  const one = aFullReport();
  const timeline = Array.from({ length: 2000 }, () => one.timeline[2] ?? []).flat();
  const checks = Array.from({ length: 500 }, () => one.checks).flat();
  const text = formatMarkdown([aFullReport({ timeline, checks })]);
  t.ok(text.length < 65_536, `${text.length} characters`);
  t.match(text, /… and 1940 more/);
  const many = Array.from({ length: 50 }, () => one);
  const failed = aFullReport({ verdict: "FAIL", drill: "the-one" });
  const page = formatMarkdown([...many, failed]);
  t.match(page, /^# 50 of 51 drills passed\n/);
  t.same(page.match(/^# .*: (PASS|FAIL)$/gm), ["# ❌ the-one: FAIL"]);
  t.ok(page.length < 20_000, `${page.length} characters`);
});

function lab(change: Partial<FaultReport>): DrillReport {
  const report = aReport({ mode: "lab" });
  return { ...report, faults: report.faults.map((fault) => ({ ...fault, ...change })) };
}

t.test("virtual against lab: predicted, measured, difference", async (t) => {
  const near = diffReports([aReport()], [lab({ detectionMs: 66, convergenceMs: 9 })], undefined);
  t.notOk(isBad(near));
  t.same(near.rows, []);
  t.match(
    near.predictions.find((row) => row.figure === "detection"),
    {
      predicted: "50 ms",
      measured: "66 ms",
      difference: "+16 ms (+32 %)",
      agrees: true,
    },
  );
  t.match(formatDiff(near), /predicted +measured +difference/);
  t.match(formatDiff(near), /1 drills compared: measured as predicted/);
  const far = diffReports([lab({ detectionMs: 90 })], [aReport()], undefined);
  t.ok(isBad(far));
  t.match(formatDiff(far), /detection +50 ms +90 ms +\+40 ms \(\+80 %\) +DIFFERS/);
  t.match(formatDiff(far), /1 of 3 figures are not as predicted/);
  t.ok(isBad(diffReports([aReport()], [lab({ convergenceMs: null })], undefined)));
});

t.test("detection by BFD is predicted for the moment of the interval that was met", async (t) => {
  const virtual = { ...lab({ detectedBy: "bfd", detectionMs: 664, silenceMs: 900 }) };
  const predicted = { ...virtual, mode: "virtual" } as const;
  const near = lab({ detectedBy: "bfd", detectionMs: 894, silenceMs: 901 });
  const compared = diffReports([predicted], [near], undefined);
  t.notOk(isBad(compared));
  t.match(formatDiff(compared), /detection +893 ms +894 ms +\+1 ms/);
  t.match(formatDiff(compared), /cut as in virtual time +664 ms +894 ms +\+230 ms \(\+35 %\) *\n/);
  const slow = lab({ detectedBy: "bfd", detectionMs: 1194, silenceMs: 1201 });
  t.ok(isBad(diffReports([predicted], [slow], undefined)), "an interval too late is told");
  const other = lab({ detectedBy: "hold-timer", detectionMs: 894, silenceMs: 901 });
  t.ok(isBad(diffReports([predicted], [other], undefined)), "what another timer saw is not BFD's");
});
