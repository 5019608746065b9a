/** Reports as a person reads them in a terminal. */
import type {
  CheckReport,
  DrillReport,
  FaultReport,
  LossReport,
  TimelineEntry,
} from "../report.ts";
import { tableOf } from "../routers.ts";
import { detectorName, share, tellReason, tellSafety, tellStory } from "../story.ts";
import { ms, signed } from "../units.ts";

/** The verdict stands last, where the eye is when a command ends. */
export function formatReport(report: DrillReport): string {
  const { what, when, lost } = tellStory(report);
  const safety = tellSafety(report);
  const lines = [
    `drill ${report.drill}: ${report.description}`,
    `  ${report.mode} mode: ${report.substrate}; ` +
      `seed ${report.seed}; ${ms(report.durationMs)}${traceOf(report)}${lateOf(report)}`,
    "",
    "timeline",
    ...report.timeline.map(formatEntry),
    "",
    ...report.faults.flatMap(formatFault),
    ...formatRoutes(report),
    "checks",
    ...report.checks.map(formatCheck),
    "",
    "traffic",
    ...report.traffic.map(
      (row) => `  ${row.direction.padEnd(9)} ${row.flows} flows: ${formatLoss(row)}`,
    ),
    "",
    `${report.verdict}: ${report.verdict === "PASS" ? report.because : tellReason(report)}`,
    `  happened  ${what}`,
    `  when      ${when}`,
    `  lost      ${lost}`,
    ...(safety === undefined ? [] : [`  safety    ${safety}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** A lab in real time is as punctual as its machine. */
function lateOf({ lateMs }: DrillReport): string {
  return lateMs === undefined ? "" : `; the machine up to ${ms(lateMs)} late`;
}

/** One drill of many on one line; what did not pass is worth its whole report. */
export function formatReportLine(report: DrillReport): string {
  const { verdict, drill, because } = report;
  const sent = report.traffic.reduce((sum, row) => sum + row.sent, 0);
  const lost = report.traffic.reduce((sum, row) => sum + row.lost, 0);
  const worst = (figure: (fault: FaultReport) => number | null) => {
    const known = report.faults.map(figure).filter((value) => value !== null);
    return (known.length === 0 ? "-" : ms(Math.max(...known))).padStart(9);
  };
  const figures = [
    `detection ${worst((fault) => fault.detectionMs)}`,
    `convergence ${worst((fault) => fault.convergenceMs)}`,
    `lost ${`${lost} of ${sent}`.padStart(15)}`,
  ];
  const told = verdict === "PASS" ? `${figures.join("  ")}${traceOf(report)}` : because;
  return `${verdict.padEnd(12)}  ${drill.padEnd(24)}  ${told}\n`;
}

/** The last line under many drills. */
export function formatTally(reports: readonly DrillReport[], unreadCount: number): string {
  const count = (verdict: DrillReport["verdict"]) =>
    reports.filter((report) => report.verdict === verdict).length;
  const parts = [
    `${count("PASS")} passed`,
    `${count("FAIL")} failed`,
    `${count("INCONCLUSIVE")} inconclusive`,
    ...(unreadCount > 0 ? [`${unreadCount} could not be run`] : []),
  ];
  return `${reports.length + unreadCount} drills: ${parts.join(", ")}\n`;
}

/** What two runs of one seed have in common to the last event. */
const traceOf = ({ traceHash }: DrillReport): string =>
  traceHash === null ? "" : `; trace ${traceHash}`;

export function formatEntry(entry: TimelineEntry): string {
  const at = signed(entry.atMs).padStart(12);
  return `  ${at}  ${entry.actor.padEnd(10)} ${entry.event.padEnd(20)} ${entry.text}`.trimEnd();
}

function formatFault(fault: FaultReport): string[] {
  const by = fault.detectedBy === null ? "" : ` by ${detectorName(fault.detectedBy)}`;
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

const ROUTES_MAX = 12;

/** Only what moved: before → during → at the end. */
function formatRoutes({ routes, topology }: DrillReport): string[] {
  const moved = (routes?.rows ?? []).filter((row) => row.change !== "unchanged" || !row.isRestored);
  if (moved.length === 0) return [];
  const via = (circuits: readonly string[]) =>
    circuits.length === 0 ? "no way" : circuits.join(" + ");
  const lines = moved.slice(0, ROUTES_MAX).map((row) => {
    const node = tableOf(row, topology);
    const ways = [row.baseline, row.during ?? row.baseline, row.after].map(via);
    return `  ${node.padEnd(9)} ${row.prefix}: ${ways.join(" → ")}`;
  });
  const more = moved.length - ROUTES_MAX;
  return [
    "routes, before → during → at the end",
    ...lines,
    ...(more > 0 ? [`  … and ${more} more`] : []),
    "",
  ];
}

const formatLoss = (loss: LossReport): string =>
  `${loss.sent} probes sent, ${loss.lost} lost (${share(loss)}), ` +
  `${loss.gaps === undefined ? "" : `${loss.gaps} gaps, the `}longest ${ms(loss.longestGapMs)}`;

const MARKS = { pass: "ok  ", fail: "FAIL", inconclusive: "?   " } as const;

const formatCheck = (check: CheckReport): string =>
  `  ${MARKS[check.status]} ${check.check}: ${check.observed} (expected ${check.expected})`;

const msOrNone = (value: number | null): string => (value === null ? "none" : ms(value)).padEnd(9);
