import type { DrillReport, FaultReport } from "./report.ts";
import { ms, signed } from "./text.ts";

/** Reports for an issue, a change request or a wiki. */
export function formatMarkdown(reports: readonly DrillReport[]): string {
  return `${reports.map(formatOne).join("\n---\n\n")}`;
}

function formatOne(report: DrillReport): string {
  const hash = report.traceHash === null ? "" : `, trace \`${report.traceHash}\``;
  const lines = [
    `# ${cell(report.drill)}: ${report.verdict}`,
    "",
    `**${report.verdict}**: ${cell(report.because)}`,
    "",
    `${cell(report.description)}. ${cell(report.substrate)}, seed ${report.seed}${hash}, ` +
      `causeway ${report.version}, ${report.startedAt}.`,
    "",
  ];
  if (report.faults.length > 0) lines.push(...table(FAULT_HEAD, report.faults.map(faultRow)));
  lines.push(
    ...table(
      ["check", "status", "expected", "observed"],
      report.checks.map((one) => [one.check, one.status, one.expected, one.observed]),
    ),
  );
  const told = report.timeline.filter((entry) => entry.atMs >= 0);
  lines.push(
    ...table(
      ["at", "actor", "event", ""],
      told.map((entry) => [signed(entry.atMs), entry.actor, entry.event, entry.text]),
    ),
  );
  return `${lines.join("\n").trimEnd()}\n`;
}

const FAULT_HEAD = ["fault", "at", "detected", "FIB left", "cloud left", "lost", "longest gap"];

function faultRow(fault: FaultReport): string[] {
  const { toCloud, toEdge } = fault.lost;
  const by = fault.detectedBy === null ? "" : ` by ${fault.detectedBy}`;
  const figure = (value: number | null) => (value === null ? "–" : ms(value));
  return [
    fault.fault,
    signed(fault.atMs),
    `${figure(fault.detectionMs)}${by}`,
    figure(fault.convergenceMs),
    figure(fault.cloudConvergenceMs),
    `${toCloud.lost + toEdge.lost} of ${toCloud.sent + toEdge.sent}`,
    ms(Math.max(toCloud.longestGapMs, toEdge.longestGapMs)),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line), ""];
}

/** One line, and nothing in it that Markdown or HTML would take for its own. */
const cell = (text: string): string =>
  text.replace(/\s+/g, " ").replace(/[\\|`*_<>[\]]/g, (sign) => `\\${sign}`);
