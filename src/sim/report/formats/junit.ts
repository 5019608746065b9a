import { escapeMarkup as text } from "../page/escape.ts";
import type { CheckReport, DrillReport } from "../report.ts";
import { tellStory } from "../story.ts";
import { signed } from "../units.ts";

/**
 * Reports as JUnit XML: a suite for each drill, a case for each check. What did not hold is a
 * failure; what could not be set up or measured is an error, because it says nothing of the line.
 */
export function formatJunit(reports: readonly DrillReport[]): string {
  const total = (of: (report: DrillReport) => number) =>
    reports.reduce((sum, report) => sum + of(report), 0);
  const seconds = total((report) => report.durationMs) / 1000;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="causeway drills" tests="${total(({ checks }) => checks.length)}" \
failures="${total((report) => count(report, "fail"))}" \
errors="${total((report) => count(report, "inconclusive"))}" time="${seconds.toFixed(3)}">
${reports.map(suite).join("\n")}
</testsuites>
`;
}

const count = ({ checks }: DrillReport, status: CheckReport["status"]): number =>
  checks.filter((check) => check.status === status).length;

function suite(report: DrillReport): string {
  const properties = {
    mode: report.mode,
    substrate: report.substrate,
    seed: String(report.seed),
    version: report.version,
    commit: report.commit ?? "",
    configHash: report.configHash ?? "",
    verdict: report.verdict,
    traceHash: report.traceHash ?? "",
    score: report.score === undefined ? "" : String(report.score),
    operator: report.operator ?? "",
    approver: report.approver ?? "",
  };
  const rows = Object.entries(properties).map(
    ([name, value]) => `<property name="${name}" value="${text(value)}"/>`,
  );
  return (
    `<testsuite name="${text(report.drill)}" tests="${report.checks.length}" ` +
    `failures="${count(report, "fail")}" errors="${count(report, "inconclusive")}" ` +
    `time="${(report.durationMs / 1000).toFixed(3)}" timestamp="${text(report.startedAt)}">` +
    `<properties>${rows.join("")}</properties>` +
    `${report.checks.map((check) => testcase(report, check)).join("")}` +
    `<system-out>${text(systemOut(report))}</system-out></testsuite>`
  );
}

/** A case that took a measured time says so, so that a pipeline's trend shows it. */
function testcase(report: DrillReport, check: CheckReport): string {
  const { value, unit } = check;
  const time = unit === "ms" && value !== undefined ? ` time="${(value / 1000).toFixed(6)}"` : "";
  const open = `<testcase classname="${text(report.drill)}" name="${text(check.check)}"${time}`;
  if (check.status === "pass") return `${open}/>`;
  const element = check.status === "fail" ? "failure" : "error";
  const message = text(`expected ${check.expected}, observed ${check.observed}`);
  const type = element === "failure" ? "assertion" : "inconclusive";
  const body = `<${element} type="${type}" message="${message}">${message}</${element}>`;
  return `${open}>${body}</testcase>`;
}

function systemOut(report: DrillReport): string {
  const { what, when, lost } = tellStory(report);
  const deeds = report.timeline.filter((entry) => entry.lane === "drill");
  const lines = deeds.map((entry) => `${signed(entry.atMs)} ${entry.event}: ${entry.text}`);
  return [`happened: ${what}`, `when: ${when}`, `lost: ${lost}`, ...lines].join("\n");
}
