/** What became of the probes: by direction and by flow, in each phase, with their delays. */
import type { Direction, ProbeColumns, ProbeRecord } from "../lab/lab.ts";
import { type FlowTally, lossOfFlow, sumOf, tallyFlows } from "./loss.ts";
import type { Phases } from "./phases.ts";
import { quantilesOf } from "./quantiles.ts";
import type { FlowReport, LossReport, PhaseLoss, TrafficReport } from "./report.ts";

/** Of more flows than this in a direction only those that lost most are told one by one. */
const FLOWS_MAX = 64;
const DIRECTIONS: readonly Direction[] = ["to-cloud", "to-edge"];

export interface Traffic {
  readonly traffic: readonly TrafficReport[];
  readonly flows: readonly FlowReport[];
}

export function reportTraffic(probes: ProbeRecord, phases: Phases): Traffic {
  const rows = DIRECTIONS.map((direction) => reportDirection(direction, probes, phases));
  return { traffic: rows.map((row) => row.traffic), flows: rows.flatMap((row) => row.flows) };
}

function reportDirection(direction: Direction, { flows, directions }: ProbeRecord, phases: Phases) {
  const columns = directions[direction];
  const tally = (fromUs: number, untilUs: number) => tallyFlows(columns, flows, fromUs, untilUs);
  const whole = tally(0, Number.POSITIVE_INFINITY);
  const spans = spansOf(phases).map((span) => {
    if (span === null) return null;
    const delays = delaysByFlow(columns, flows, span);
    return { tally: tally(span.fromUs, span.untilUs), delays };
  });
  const inPhases = (phase: (span: Told) => PhaseLoss): FlowReport["phases"] => {
    const [before, during, after] = spans.map((span) => (span === null ? null : phase(span)));
    return { before: before ?? NOTHING, during: during ?? null, after: after ?? null };
  };
  const traffic: TrafficReport = {
    direction,
    flows,
    ...sumOf(whole),
    phases: inPhases((span) => withDelay(sumOf(span.tally), span.delays.flat())),
  };
  const told = worstFlows(whole).map((flow) => ({
    direction,
    flow,
    ...lossOfFlow(whole, flow),
    phases: inPhases((span) => withDelay(lossOfFlow(span.tally, flow), span.delays[flow] ?? [])),
  }));
  return { traffic, flows: told };
}

interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

interface Told {
  readonly tally: FlowTally;
  readonly delays: readonly (readonly number[])[];
}

const NOTHING: PhaseLoss = { sent: 0, lost: 0, longestGapMs: 0, delay: null };

/** Before, during, after. */
function spansOf({ duringFromUs, afterFromUs }: Phases): readonly (Span | null)[] {
  const end = Number.POSITIVE_INFINITY;
  const before = { fromUs: 0, untilUs: duringFromUs ?? end };
  if (duringFromUs === undefined) return [before, null, null];
  const during = { fromUs: duringFromUs, untilUs: afterFromUs ?? end };
  return [before, during, afterFromUs === undefined ? null : { fromUs: afterFromUs, untilUs: end }];
}

function delaysByFlow(columns: ProbeColumns, flows: number, { fromUs, untilUs }: Span): number[][] {
  const delays = Array.from({ length: flows }, (): number[] => []);
  for (let row = 0; row < columns.count; row += 1) {
    const [sentUs, arrivedUs] = [columns.sentUs[row] ?? 0, columns.arrivedUs[row] ?? 0];
    if (sentUs < fromUs || sentUs >= untilUs || arrivedUs === 0) continue;
    delays[columns.flow[row] ?? 0]?.push(arrivedUs - sentUs);
  }
  return delays;
}

const withDelay = (loss: LossReport, delaysUs: readonly number[]): PhaseLoss => {
  return { ...loss, delay: quantilesOf(delaysUs) };
};

/** In the order of their numbers. */
function worstFlows({ sent, lost }: FlowTally): readonly number[] {
  const all = Array.from(sent, (_, flow) => flow);
  if (all.length <= FLOWS_MAX) return all;
  const byLoss = all.sort((one, other) => (lost[other] ?? 0) - (lost[one] ?? 0) || one - other);
  return byLoss.slice(0, FLOWS_MAX).sort((one, other) => one - other);
}
