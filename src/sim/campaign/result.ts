import type { DrillReport } from "../report/report.ts";

/** What one run came to: a line of a campaign's results, schema `causeway.campaign.result/v1`. */
export interface RunResult {
  readonly schema: "causeway.campaign.result/v1";
  readonly index: number;
  readonly id: string;
  readonly key: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly seed: number;
  /** `ERROR`: it could not be played. */
  readonly verdict: DrillReport["verdict"] | "ERROR";
  readonly because: string;
  /** Names of the checks that failed. */
  readonly failed: readonly string[];
  /** The worst of its faults; null where none was measured. */
  readonly detectionMs: number | null;
  readonly convergenceMs: number | null;
  readonly longestGapMs: number | null;
  readonly sent: number;
  readonly lost: number;
  readonly traceHash: string | null;
  /** How long it took on this machine; the one field that a repetition does not repeat. */
  readonly wallMs: number;
}

export type Outcome = Omit<RunResult, "schema" | "index" | "id" | "key" | "axes" | "seed">;

export function outcomeOf(report: DrillReport, wallMs: number): Outcome {
  const { faults, traffic } = report;
  return {
    verdict: report.verdict,
    because: report.because,
    failed: report.checks.filter(({ status }) => status === "fail").map(({ check }) => check),
    detectionMs: worst(faults.map(({ detectionMs }) => detectionMs)),
    convergenceMs: worst(faults.map(({ convergenceMs }) => convergenceMs)),
    longestGapMs: worst(traffic.map(({ longestGapMs }) => longestGapMs)),
    sent: traffic.reduce((sum, { sent }) => sum + sent, 0),
    lost: traffic.reduce((sum, { lost }) => sum + lost, 0),
    traceHash: report.traceHash,
    wallMs,
  };
}

export function errorOutcome(because: string, wallMs: number): Outcome {
  return {
    ...{ verdict: "ERROR", because, failed: [], sent: 0, lost: 0, traceHash: null, wallMs },
    ...{ detectionMs: null, convergenceMs: null, longestGapMs: null },
  };
}

function worst(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
