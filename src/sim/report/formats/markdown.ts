/**
 * Reports for a change request, an issue or a wiki: the answer first, what only a doubter reads
 * folded. Hosts of change requests cut comments off at some length, so long lists end early.
 */
import type { CheckReport, DrillReport, FaultReport, RouteReport } from "../report.ts";
import { tableOf } from "../routers.ts";
import { detectorName, sumLoss, tellReason, tellSafety, tellStory, worstFault } from "../story.ts";
import { ms, signed } from "../units.ts";

/** Rows of one table; the JSON has them all. */
const ROWS_MAX = 60;

/** Of more drills than this only those that did not pass are told at length. */
const TOLD_MAX = 3;

export function formatMarkdown(reports: readonly DrillReport[]): string {
  const isCrowd = reports.length > TOLD_MAX;
  const told = isCrowd ? reports.filter((report) => report.verdict !== "PASS") : reports;
  const parts = told.map(formatOne);
  if (reports.length > 1) parts.unshift(overview(reports));
  return parts.join("\n---\n\n");
}

const SIGNS = { PASS: "✅", FAIL: "❌", INCONCLUSIVE: "❔" } as const;

function overview(reports: readonly DrillReport[]): string {
  const passed = reports.filter((report) => report.verdict === "PASS").length;
  const rows = reports.map((report) => {
    const loss = sumLoss(report.traffic);
    const what = report.verdict === "PASS" ? tellStory(report).what : tellReason(report);
    const worst = worstFault(report.faults);
    const figures = [worst?.detectionMs, worst?.convergenceMs].map(orDash);
    const verdict = `${SIGNS[report.verdict]} ${report.verdict}`;
    return [verdict, report.drill, what, ...figures, lossText(loss), ms(loss.longestGapMs)];
  });
  const head = ["verdict", "drill", "what", "detected", "edge left", "lost", "longest silence"];
  return `# ${passed} of ${reports.length} drills passed\n\n${table(head, rows).join("\n")}`;
}

function formatOne(report: DrillReport): string {
  const story = tellStory(report);
  const safety = tellSafety(report);
  const lines = [
    `# ${SIGNS[report.verdict]} ${cell(report.drill)}: ${report.verdict}`,
    "",
    `**${cell(tellReason(report))}**`,
    "",
    `- What happened: ${cell(story.what)}`,
    `- When: ${cell(story.when)}`,
    `- Lost: ${cell(story.lost)}`,
    ...(safety === undefined ? [] : [`- Safety: ${cell(safety)}`]),
    "",
  ];
  if (report.faults.length > 0) lines.push(...table(FAULT_HEAD, report.faults.map(faultRow)));
  const bad = report.checks.filter((check) => check.status !== "pass");
  if (bad.length > 0) lines.push(...table(CHECK_HEAD, bad.map(checkRow)));
  lines.push(...routes(report));
  lines.push(
    ...fold(`${report.checks.length} checks`, table(CHECK_HEAD, report.checks.map(checkRow))),
  );
  const told = report.timeline.filter((entry) => entry.atMs >= 0);
  const rows = told.map((entry) => [signed(entry.atMs), entry.actor, entry.event, entry.text]);
  lines.push(...fold(`${told.length} events`, table(["at", "actor", "event", ""], rows)));
  lines.push(origin(report));
  return `${lines.join("\n").trimEnd()}\n`;
}

const CHECK_HEAD = ["check", "status", "expected", "observed"];

const checkRow = (check: CheckReport): string[] => [
  check.check,
  check.status,
  check.expected,
  check.observed,
];

const FAULT_HEAD = [
  "fault",
  "at",
  "detected",
  "edge left",
  "cloud left",
  "lost",
  "longest silence",
];

function faultRow(fault: FaultReport): string[] {
  const loss = sumLoss([fault.lost.toCloud, fault.lost.toEdge]);
  const by = fault.detectedBy === null ? "" : ` by ${detectorName(fault.detectedBy)}`;
  return [
    fault.fault,
    signed(fault.atMs),
    `${orDash(fault.detectionMs)}${by}`,
    orDash(fault.convergenceMs),
    orDash(fault.cloudConvergenceMs),
    lossText(loss),
    ms(loss.longestGapMs),
  ];
}

const orDash = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : ms(value);

const lossText = ({ lost, sent }: { readonly lost: number; readonly sent: number }): string =>
  sent === 0 ? "–" : `${lost} of ${sent}`;

function routes({ routes, topology }: DrillReport): string[] {
  const isMoved = (row: RouteReport) => row.change !== "unchanged" || !row.isRestored;
  const moved = routes?.rows.filter(isMoved) ?? [];
  if (moved.length === 0) return [];
  const via = (circuits: readonly string[] | null) =>
    circuits === null ? "–" : circuits.length === 0 ? "no way" : circuits.join(" + ");
  const rows = moved.map((row) => [
    tableOf(row, topology),
    row.prefix,
    via(row.baseline),
    via(row.during),
    via(row.after),
  ]);
  return table(["at", "route to", "before", "during", "at the end"], rows);
}

function origin(report: DrillReport): string {
  const hash = report.traceHash === null ? "" : `, trace ${report.traceHash}`;
  const commit = report.commit === undefined ? "" : ` (${report.commit})`;
  return (
    `${cell(report.description)}. ${cell(report.substrate)}, seed ${report.seed}${hash}, ` +
    `causeway ${report.version}${cell(commit)}, ${report.startedAt}${cell(whoseText(report))}.`
  );
}

function whoseText({ operator, approver }: DrillReport): string {
  const by = operator === undefined ? "" : `, run by ${operator}`;
  return approver === undefined ? by : `${by}, approved by ${approver}`;
}

function fold(summary: string, content: readonly string[]): string[] {
  return ["<details>", `<summary>${summary}</summary>`, "", ...content, "</details>", ""];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  const shown = rows.slice(0, ROWS_MAX).map(line);
  const more = rows.length > ROWS_MAX ? ["", `… and ${rows.length - ROWS_MAX} more`] : [];
  return [line(head), `|${head.map(() => "---|").join("")}`, ...shown, ...more, ""];
}

/** One line, and nothing in it that Markdown or HTML would take for its own. */
const cell = (text: string): string =>
  text.replace(/\s+/g, " ").replace(/[\\|`*_<>[\]]/g, (sign) => `\\${sign}`);
