import type { CheckReport, DrillReport, FaultReport, LossReport, TimelineEntry } from "./report.ts";

/** The report as a person reads it in a terminal: verdict last, figures in milliseconds. */
export function formatReport(report: DrillReport): string {
  const lines = [
    `drill ${report.drill}: ${report.description}`,
    `  ${report.mode} mode: ${report.substrate}; seed ${report.seed}; ${ms(report.durationMs)}`,
    "",
    "timeline",
    ...report.timeline.map(formatEntry),
    "",
    ...report.faults.flatMap(formatFault),
    "checks",
    ...report.checks.map(formatCheck),
    "",
    "traffic",
    ...report.traffic.map(
      (row) => `  ${row.direction.padEnd(9)} ${row.flows} flows: ${formatLoss(row)}`,
    ),
    "",
    `${report.verdict}: ${report.because}`,
  ];
  return `${lines.join("\n")}\n`;
}

export function formatEntry(entry: TimelineEntry): string {
  const at = signed(entry.atMs).padStart(12);
  return `  ${at}  ${entry.actor.padEnd(10)} ${entry.event.padEnd(20)} ${entry.text}`.trimEnd();
}

function formatFault(fault: FaultReport): string[] {
  const by = fault.detectedBy === null ? "" : ` by ${fault.detectedBy}`;
  return [
    `fault: ${fault.fault} at ${signed(fault.atMs)}`,
    `  detection     ${msOrNone(fault.detectionMs)} fault → session down at the edge${by}`,
    `  convergence   ${msOrNone(fault.convergenceMs)} detection → the edge's FIB left the circuit`,
    `  cloud         ${msOrNone(fault.cloudConvergenceMs)} fault → the cloud's FIB left it`,
    `  to the cloud  ${formatLoss(fault.lost.toCloud)}`,
    `  to the edge   ${formatLoss(fault.lost.toEdge)}`,
    "",
  ];
}

const formatLoss = (loss: LossReport): string =>
  `${loss.sent} probes sent, ${loss.lost} lost, longest gap ${ms(loss.longestGapMs)}`;

const MARKS = { pass: "ok  ", fail: "FAIL", inconclusive: "?   " } as const;

const formatCheck = (check: CheckReport): string =>
  `  ${MARKS[check.status]} ${check.check}: ${check.observed} (expected ${check.expected})`;

/** Three digits where they matter, none where they do not. */
export function ms(value: number): string {
  if (value === 0) return "0 ms";
  return value < 100 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

const msOrNone = (value: number | null): string => (value === null ? "none" : ms(value)).padEnd(9);

/** Milliseconds from the drill's zero. */
export const signed = (value: number): string =>
  `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(1)} ms`;
