/** A report from the records of a run and what was judged of them. */
import { withPaths } from "../drill/judge/flow-figures.ts";
import { linkLoads } from "../drill/judge/load-figures.ts";
import type { EvidenceKeeper } from "../evidence/keeper.ts";
import type { ProbeRecord } from "../lab/lab.ts";
import { lossBetween } from "./loss.ts";
import { type Evidence, measureRepairs } from "./measure.ts";
import { bucketLoss } from "./page/buckets.ts";
import { findPhases, type Phases } from "./phases.ts";
import type { DrillReport, PhasesReport, TrafficReport } from "./report.ts";
import { reportRoundTrips } from "./round-trips.ts";
import { type FlowSample, reportRoutes, reportShares } from "./routes.ts";
import { reportTopology } from "./states.ts";
import { reportTimeline } from "./timeline.ts";
import { reportTraffic } from "./traffic.ts";

/** Everything a run leaves behind. */
export interface Records extends Evidence {
  readonly flowSamples: readonly FlowSample[];
  /** What the lab kept for an evidence folder, where one was asked for. */
  readonly kept?: EvidenceKeeper | undefined;
  /** Added to a stamp of the lab's clock it makes microseconds since 1970. */
  readonly epochUs: number;
}

/** What is not measured: who ran what, and what the judges said. */
export type Judgement = Pick<
  DrillReport,
  | "mode"
  | "substrate"
  | "version"
  | "startedAt"
  | "durationMs"
  | "traceHash"
  | "verdict"
  | "because"
  | "faults"
  | "checks"
  | "score"
  | "operator"
  | "approver"
  | "clockOffsetMaxMs"
  | "safety"
  | "commit"
  | "configHash"
  | "sources"
  | "host"
  | "lateMs"
  | "evidence"
>;

export function composeReport(records: Records, judgement: Judgement): DrillReport {
  const { drill, zeroUs, probes, routeChanges } = records;
  const phases = findPhases(records, routeChanges);
  const roundTrips = probes && reportRoundTrips(probes, phases);
  const { timeline, omitted } = reportTimeline(records, routeChanges);
  return {
    schema: "causeway.drill.report/v1",
    drill: drill.name,
    description: drill.description,
    seed: drill.seed,
    ...judgement,
    endedAt: endOf(judgement),
    ...(roundTrips === undefined ? {} : { roundTrips }),
    ...(probes === undefined ? { traffic: [] } : withPaths(records, reportTraffic(probes, phases))),
    timeline,
    repairs: measureRepairs(records),
    ...(omitted > 0 ? { timelineOmitted: omitted } : {}),
    ...(records.alerts === undefined ? {} : { alerts: records.alerts }),
    topology: reportTopology(records, phases),
    phases: phasesInMs(phases, zeroUs),
    routes: reportRoutes(routeChanges, phases),
    shares: reportShares(records.flowSamples, phases),
    links: linkLoads(records),
    lossOverTime: probes ? bucketLoss(probes, zeroUs, drill.traffic.intervalUs) : null,
  };
}

/** Loss by direction over a whole drill; what the one sentence of a verdict needs. */
export function lossOfDrill(probes: ProbeRecord | undefined): readonly TrafficReport[] {
  if (probes === undefined) return [];
  return (["to-cloud", "to-edge"] as const).map((direction) => ({
    direction,
    flows: probes.flows,
    ...lossBetween(probes.directions[direction], probes.flows, 0, Number.POSITIVE_INFINITY),
  }));
}

function phasesInMs(phases: Phases, zeroUs: number): PhasesReport {
  const inMs = (us: number) => (us - zeroUs) / 1000;
  const orNull = (us: number | undefined) => (us === undefined ? null : inMs(us));
  return {
    duringFromMs: orNull(phases.duringFromUs),
    afterFromMs: orNull(phases.afterFromUs),
    baselineAtMs: inMs(phases.baselineUs),
    duringAtMs: orNull(phases.duringUs),
    afterAtMs: inMs(phases.endUs),
  };
}

function endOf({ startedAt, durationMs }: Judgement): string {
  const startedMs = Date.parse(startedAt);
  return Number.isNaN(startedMs) ? startedAt : new Date(startedMs + durationMs).toISOString();
}
