/**
 * What happened, when, and what was lost, in the words every format shares: a reader who sees only
 * these lines knows the drill.
 */
import type { DrillReport, FaultReport, LossReport } from "./report.ts";
import { ms, signed } from "./units.ts";

export interface Story {
  readonly what: string;
  readonly when: string;
  readonly lost: string;
}

/** Faults told by name; of more the number is said, and the worst figures. */
const NAMED_MAX = 3;

export function tellStory(report: DrillReport): Story {
  return { what: whatHappened(report), when: whenIt(report), lost: whatWasLost(report) };
}

/** What it stood on, what would have broken it off, what it left behind; of newer reports. */
export function tellSafety({ safety }: DrillReport): string | undefined {
  const rollback = safety?.rollback;
  if (safety === undefined || rollback === undefined || rollback === null) return undefined;
  const held = safety.preChecks.filter(({ status }) => status === "pass").length;
  const before = `${held} of ${safety.preChecks.length} pre-checks held`;
  const tripped = safety.stopConditions.find(({ isTripped }) => isTripped);
  const stops = safety.stopConditions.length === 0 ? [] : ["no stop condition tripped"];
  const left =
    rollback.left === null ? "everything was as before" : `left behind: ${rollback.left}`;
  if (tripped === undefined) return [before, ...stops, `at the end ${left}`].join("; ");
  const took = rollback.tookMs === null ? "" : ` after ${ms(rollback.tookMs)}`;
  const when = tripped.atMs === null ? "" : ` at ${signed(tripped.atMs)}`;
  return `${before}; broken off${when}: ${tripped.condition}; ${left}${took}`;
}

/** Why the verdict is what it is, with what was expected instead. */
export function tellReason({ verdict, checks, because }: DrillReport): string {
  const bad = checks.filter((check) => check.status !== "pass");
  const first = bad.find((check) => check.status === "fail") ?? bad[0];
  if (verdict === "PASS") return `all ${checks.length} checks hold`;
  if (first === undefined) return because;
  const more = bad.length > 1 ? `; ${bad.length} of ${checks.length} checks do not hold` : "";
  return `${because} (expected ${first.expected})${more}`;
}

function whatHappened({ faults, traffic }: DrillReport): string {
  if (faults.length === 0) return traffic.length === 0 ? "it did not begin" : "no fault was made";
  const counts = new Map<string, number>();
  for (const { fault } of faults) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  const all = [...counts].map(([fault, count]) => (count > 1 ? `${fault}, ${count} times` : fault));
  const more = all.length - NAMED_MAX;
  return `${all.slice(0, NAMED_MAX).join("; then ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function whenIt({ faults, phases, traffic, durationMs }: DrillReport): string {
  const [first] = faults;
  if (first === undefined) {
    return traffic.length === 0
      ? `given up after ${ms(durationMs)}`
      : `watched for ${ms(durationMs)}`;
  }
  const of = worstFault(faults) ?? first;
  const parts = [faults.length === 1 ? `at ${signed(first.atMs)}` : timesOf(faults)];
  if (of.circuit !== null) {
    const by = of.detectedBy === null ? "" : ` by ${detectorName(of.detectedBy)}`;
    const worst = faults.length > 1 ? "at worst " : "";
    parts.push(
      of.detectionMs === null
        ? "never noticed"
        : `${worst}noticed${by} after ${ms(of.detectionMs)}`,
    );
    if (of.convergenceMs !== null) parts.push(`left by the edge ${ms(of.convergenceMs)} later`);
    if (of.cloudConvergenceMs !== null) {
      parts.push(`by the cloud ${ms(of.cloudConvergenceMs)} after the fault`);
    }
  }
  if (phases !== undefined) {
    parts.push(
      phases.afterFromMs === null
        ? "not as before at the end"
        : `as before at ${signed(phases.afterFromMs)}`,
    );
  }
  return parts.join(", ");
}

function timesOf(faults: readonly FaultReport[]): string {
  const told = faults.slice(0, NAMED_MAX).map((fault) => signed(fault.atMs));
  return `at ${told.join(", ")}${faults.length > told.length ? " …" : ""}`;
}

function whatWasLost(report: DrillReport): string {
  const over = overload(report);
  return `${lossOf(report)}${over === undefined ? "" : `; ${over}`}`;
}

/** Probes are few; a line too small for the load would lose what they stand for. */
function overload({ links = [] }: DrillReport): string | undefined {
  const worst = links
    .filter(({ overMs, capacityBps }) => overMs > 0 && capacityBps !== null)
    .toSorted((one, other) => other.overMs - one.overMs)[0];
  if (worst === undefined || worst.capacityBps === null) return undefined;
  const percent = Math.round((100 * worst.peakBps) / worst.capacityBps);
  const asked = `${worst.circuit} was asked for ${percent} % of its capacity`;
  return `${asked}, too much for ${ms(worst.overMs)}`;
}

function lossOf({ traffic }: DrillReport): string {
  if (traffic.length === 0) return "not measured: no probe was sent";
  const all = sumLoss(traffic);
  if (all.lost === 0) return `nothing: all ${all.sent} probes arrived`;
  const ways = traffic.map(
    (row) => `${row.lost} ${row.direction === "to-cloud" ? "to the cloud" : "to the edge"}`,
  );
  return (
    `${all.lost} of ${all.sent} probes (${share(all)}): ${ways.join(", ")}; ` +
    `longest silence of a flow ${ms(all.longestGapMs)}`
  );
}

/** The fault whose detection and convergence together took longest. */
export function worstFault(faults: readonly FaultReport[]): FaultReport | undefined {
  const tookMs = (fault: FaultReport) => (fault.detectionMs ?? -1) + (fault.convergenceMs ?? 0);
  const ofLines = faults.filter((fault) => fault.circuit !== null);
  return ofLines.toSorted((one, other) => tookMs(other) - tookMs(one))[0];
}

export function sumLoss(rows: readonly LossReport[]): LossReport {
  return {
    sent: rows.reduce((sum, row) => sum + row.sent, 0),
    lost: rows.reduce((sum, row) => sum + row.lost, 0),
    longestGapMs: Math.max(0, ...rows.map((row) => row.longestGapMs)),
  };
}

/** Of a loss that is there, never "0 %". */
export function share({ sent, lost }: LossReport): string {
  if (sent === 0 || lost === 0) return "0 %";
  const percent = (100 * lost) / sent;
  return percent < 0.01 ? "< 0.01 %" : `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

export const detectorName = (by: NonNullable<FaultReport["detectedBy"]>): string =>
  ({ bfd: "BFD", link: "carrier", "hold-timer": "the hold timer", bgp: "BGP" })[by];
