/** Figures of single flows, from probes (what arrived) and from walks (which way they took). */
import type { Direction, FlowChange, ProbeRecord } from "../../lab/lab.ts";
import type { Evidence } from "../../report/measure.ts";
import type { FlowReport, RecoveryReport } from "../../report/report.ts";
import { groupOfFlows } from "../traffic.ts";

export interface Window {
  readonly fromUs: number;
  readonly untilUs: number;
}

/**
 * When each flow that lost anything in the window arrived for good: its first probe that arrived
 * with none lost behind it. A flow that was silent at the end counts up to there.
 */
export function recoveryOf(
  probes: ProbeRecord | undefined,
  direction: Direction,
  { fromUs, untilUs }: Window,
): RecoveryReport | null {
  if (probes === undefined) return null;
  const { count, sentUs, arrivedUs, flow } = probes.directions[direction];
  const hasLost = new Uint8Array(probes.flows);
  const goodSince = new Float64Array(probes.flows).fill(Number.NaN);
  const lastSent = new Float64Array(probes.flows);
  for (let row = 0; row < count; row += 1) {
    const at = sentUs[row] ?? 0;
    if (at < fromUs) continue;
    if (at >= untilUs) break;
    const of = flow[row] ?? 0;
    lastSent[of] = at;
    if (arrivedUs[row] === 0) {
      hasLost[of] = 1;
      goodSince[of] = Number.NaN;
    } else if (Number.isNaN(goodSince[of] ?? 0)) goodSince[of] = at;
  }
  const tookMs: number[] = [];
  for (let of = 0; of < probes.flows; of += 1) {
    if (hasLost[of] === 0) continue;
    const since = goodSince[of] ?? Number.NaN;
    tookMs.push(((Number.isNaN(since) ? (lastSent[of] ?? fromUs) : since) - fromUs) / 1000);
  }
  if (tookMs.length === 0) return null;
  tookMs.sort((a, b) => a - b);
  const quantile = (share: number) => tookMs[Math.ceil(share * tookMs.length) - 1] ?? 0;
  return {
    flows: tookMs.length,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
  };
}

/** A report is read by people and pages: so many changes of one flow's path. */
const PATH_MAX = 64;

/** Each flow of a report with its group, and with the ways it took where the lab has seen them. */
export function withPaths<T extends { readonly flows: readonly FlowReport[] }>(
  { drill, watched, zeroUs }: Evidence,
  report: T,
): T {
  const groups = groupOfFlows(drill.traffic);
  const flows = report.flows.map((flow): FlowReport => {
    const group = groups[flow.flow]?.name ?? "";
    if (watched.flows === undefined) return { ...flow, group };
    const own = watched.flows.filter(
      (change) => change.flow === flow.flow && change.direction === flow.direction,
    );
    return { ...flow, group, path: own.slice(0, PATH_MAX).map((one) => pathStep(one, zeroUs)) };
  });
  return { ...report, flows };
}

const pathStep = ({ atUs, circuit, outcome }: FlowChange, zeroUs: number) => ({
  fromMs: (atUs - zeroUs) / 1000,
  circuit: circuit ?? null,
  outcome,
});
