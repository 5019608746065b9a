import { escapeMarkup as text } from "./escape.ts";
import type { CheckReport, DrillReport } from "./report.ts";

/**
 * Reports as JUnit XML: a suite for each drill, a case for each check; inconclusive is an error.
 */
export function formatJunit(reports: readonly DrillReport[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="causeway drills">
${reports.map(suite).join("\n")}
</testsuites>
`;
}

function suite(report: DrillReport): string {
  const count = (status: CheckReport["status"]) =>
    report.checks.filter((check) => check.status === status).length;
  const properties = {
    mode: report.mode,
    substrate: report.substrate,
    seed: String(report.seed),
    version: report.version,
    verdict: report.verdict,
    traceHash: report.traceHash ?? "",
  };
  const rows = Object.entries(properties).map(
    ([name, value]) => `<property name="${name}" value="${text(value)}"/>`,
  );
  return (
    `<testsuite name="${text(report.drill)}" tests="${report.checks.length}" ` +
    `failures="${count("fail")}" errors="${count("inconclusive")}" ` +
    `time="${(report.durationMs / 1000).toFixed(3)}" timestamp="${text(report.startedAt)}">` +
    `<properties>${rows.join("")}</properties>` +
    `${report.checks.map((check) => testcase(report, check)).join("")}</testsuite>`
  );
}

function testcase(report: DrillReport, check: CheckReport): string {
  const open = `<testcase classname="${text(report.drill)}" name="${text(check.check)}"`;
  if (check.status === "pass") return `${open}/>`;
  const element = check.status === "fail" ? "failure" : "error";
  const message = text(`expected ${check.expected}, observed ${check.observed}`);
  return `${open}><${element} message="${message}"/></testcase>`;
}
