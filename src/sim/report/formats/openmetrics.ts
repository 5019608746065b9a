/**
 * Reports as a page of metrics, for node_exporter's textfile collector or a push gateway: a drill
 * that runs every night is a time series, and its regression an alert. Names follow
 * docs/operations.md: base units, the drill's name, mode and seed as labels.
 */
import { labelsText } from "../../../agent/metrics/registry.ts";
import type { DrillReport } from "../report.ts";

interface Sample {
  /** Of a histogram: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null | undefined;
}

interface Family {
  readonly name: string;
  readonly type: "gauge" | "histogram";
  readonly help: string;
  samples(report: DrillReport, nowMs: number): readonly Sample[];
}

/**
 * A drill that was played twice is told once, as it was the last time. `nowMs` is when that was,
 * since 1970: a report of virtual time has no date that anybody could wait for.
 */
export function formatOpenMetrics(reports: readonly DrillReport[], nowMs = Date.now()): string {
  const latest = new Map(reports.map((one) => [`${one.drill} ${one.mode} ${one.seed}`, one]));
  const lines = FAMILIES.flatMap(({ name, type, help, samples }) => {
    const rows = [...latest.values()].flatMap((report) => {
      const { drill, mode, seed } = report;
      const own = { drill, mode, seed: String(seed) };
      return samples(report, nowMs).flatMap(({ suffix = "", labels, value }) => {
        if (value === null || value === undefined) return [];
        return `${name}${suffix}{${labelsText({ ...own, ...labels })}} ${value}`;
      });
    });
    return rows.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...rows];
  });
  return `${[...lines, "# EOF"].join("\n")}\n`;
}

const sec = (ms: number | null | undefined): number | null | undefined =>
  typeof ms === "number" ? Math.round(ms * 1000) / 1e6 : ms;

/** One of a fault; two of a drill may have the same words, so they are counted. */
const ofFaults = (
  name: string,
  help: string,
  value: (fault: DrillReport["faults"][number]) => number | null,
): Family => ({
  ...{ name, help, type: "gauge" },
  samples: ({ faults }) =>
    faults.map((fault, index) => ({
      labels: { number: String(index + 1), fault: fault.fault, circuit: fault.circuit ?? "" },
      value: sec(value(fault)),
    })),
});

const ofTraffic = (
  name: string,
  help: string,
  value: (row: DrillReport["traffic"][number]) => number | null | undefined,
): Family => ({
  ...{ name, help, type: "gauge" },
  samples: ({ traffic }) =>
    traffic.map((row) => ({ labels: { direction: row.direction }, value: value(row) })),
});

const VERDICTS = ["PASS", "FAIL", "INCONCLUSIVE"] as const;
const STATUSES = ["pass", "fail", "inconclusive"] as const;

const FAMILIES: readonly Family[] = [
  {
    ...{ name: "causeway_drill_last_run_timestamp_seconds", type: "gauge" },
    help: "When the drill was last played, since 1970.",
    samples: (_report, nowMs) => [{ labels: {}, value: Math.round(nowMs / 1000) }],
  },
  {
    ...{ name: "causeway_drill_verdict", type: "gauge" },
    help: "1 for the verdict of the drill, 0 for the others.",
    samples: ({ verdict }) =>
      VERDICTS.map((one) => ({ labels: { verdict: one }, value: one === verdict ? 1 : 0 })),
  },
  {
    ...{ name: "causeway_drill_score_ratio", type: "gauge" },
    help: "Checks that passed, of all checks.",
    samples: ({ score }) => [{ labels: {}, value: score === undefined ? null : score / 100 }],
  },
  {
    ...{ name: "causeway_drill_checks", type: "gauge" },
    help: "Checks of the drill by what became of them.",
    samples: ({ checks }) =>
      STATUSES.map((status) => ({
        labels: { status },
        value: checks.filter((check) => check.status === status).length,
      })),
  },
  {
    ...{ name: "causeway_drill_aborted", type: "gauge" },
    help: "1 where a stop condition broke the drill off.",
    samples: ({ safety }) => [
      { labels: {}, value: safety && (safety.rollback?.isByAbort === true ? 1 : 0) },
    ],
  },
  {
    ...{ name: "causeway_drill_duration_seconds", type: "gauge" },
    help: "How long the drill took, on its own clock.",
    samples: ({ durationMs }) => [{ labels: {}, value: sec(durationMs) }],
  },
  ofFaults(
    "causeway_drill_detection_seconds",
    "From a fault to the session down at the edge.",
    ({ detectionMs }) => detectionMs,
  ),
  ofFaults(
    "causeway_drill_convergence_seconds",
    "From detection to an edge that left the circuit.",
    ({ convergenceMs }) => convergenceMs,
  ),
  ofFaults(
    "causeway_drill_cloud_convergence_seconds",
    "From a fault to a cloud that left the circuit.",
    ({ cloudConvergenceMs }) => cloudConvergenceMs,
  ),
  ofFaults(
    "causeway_drill_outage_seconds",
    "Longest silence of a flow after a fault, the worse direction.",
    ({ lost }) => Math.max(lost.toCloud.longestGapMs, lost.toEdge.longestGapMs),
  ),
  ofTraffic("causeway_drill_probes_sent", "Probes sent.", ({ sent }) => sent),
  ofTraffic("causeway_drill_probes_lost", "Probes that never arrived.", ({ lost }) => lost),
  ofTraffic("causeway_drill_silence_seconds", "Longest silence of a flow.", (row) =>
    sec(row.longestGapMs),
  ),
  {
    ...{ name: "causeway_drill_round_trip_seconds", type: "histogram" },
    help: "Round trips of the probes that arrived.",
    samples: ({ roundTrips }) => {
      if (roundTrips === undefined) return [];
      const { count, sumMs, histogram } = roundTrips;
      let sum = 0;
      const buckets = histogram.map((bucket) => {
        sum += bucket.count;
        const le = String(sec(bucket.upToMs));
        return { suffix: "_bucket", labels: { le }, value: sum };
      });
      return [
        ...buckets,
        { suffix: "_bucket", labels: { le: "+Inf" }, value: count },
        { suffix: "_sum", labels: {}, value: sec(sumMs) },
        { suffix: "_count", labels: {}, value: count },
      ];
    },
  },
];

/** Names of all, for whoever writes rules about them. */
export const DRILL_METRICS: readonly string[] = FAMILIES.map(({ name }) => name);
