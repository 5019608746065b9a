import type { ProbeColumns } from "../lab/lab.ts";
import type { LossReport } from "./report.ts";

/** What became of each flow's probes, by its number. */
export interface FlowTally {
  readonly sent: Uint32Array;
  readonly lost: Uint32Array;
  /** Longest time between two arrivals with a loss between them. */
  readonly longestGapUs: Float64Array;
  /** How many such times there were. */
  readonly gaps: Uint32Array;
}

/** Counts the probes sent in [fromUs, untilUs), all flows together; the gap is the worst flow's. */
export function lossBetween(
  probes: ProbeColumns,
  flows: number,
  fromUs: number,
  untilUs: number,
): LossReport {
  return sumOf(tallyFlows(probes, flows, fromUs, untilUs));
}

export function sumOf({ sent, lost, longestGapUs, gaps }: FlowTally): LossReport {
  let [sentSum, lostSum, longestUs, gapSum] = [0, 0, 0, 0];
  for (let flow = 0; flow < sent.length; flow += 1) {
    sentSum += sent[flow] ?? 0;
    lostSum += lost[flow] ?? 0;
    longestUs = Math.max(longestUs, longestGapUs[flow] ?? 0);
    gapSum += gaps[flow] ?? 0;
  }
  return { sent: sentSum, lost: lostSum, longestGapMs: longestUs / 1000, gaps: gapSum };
}

export function lossOfFlow(tally: FlowTally, flow: number): LossReport {
  const { sent, lost, longestGapUs, gaps } = tally;
  const longestGapMs = (longestGapUs[flow] ?? 0) / 1000;
  return { sent: sent[flow] ?? 0, lost: lost[flow] ?? 0, longestGapMs, gaps: gaps[flow] ?? 0 };
}

/** Counts the probes sent in [fromUs, untilUs) and finds the longest silence of each flow. */
export function tallyFlows(
  probes: ProbeColumns,
  flows: number,
  fromUs: number,
  untilUs: number,
): FlowTally {
  const sent = new Uint32Array(flows);
  const lost = new Uint32Array(flows);
  const longestGapUs = new Float64Array(flows);
  const gaps = new Uint32Array(flows);
  const lastArrivedSentUs = new Float64Array(flows).fill(Number.NaN);
  const lastSentUs = new Float64Array(flows).fill(Number.NaN);
  const lostSince = new Uint32Array(flows);
  const silent = (flow: number, untilSentUs: number) => {
    const since = lastArrivedSentUs[flow] ?? Number.NaN;
    const gapUs = untilSentUs - (Number.isNaN(since) ? fromUs : since);
    longestGapUs[flow] = Math.max(longestGapUs[flow] ?? 0, gapUs);
    gaps[flow] = (gaps[flow] ?? 0) + 1;
  };
  for (let row = 0; row < probes.count; row += 1) {
    const at = probes.sentUs[row] ?? 0;
    if (at >= untilUs) break;
    const flow = probes.flow[row] ?? 0;
    const isLost = probes.arrivedUs[row] === 0;
    if (at >= fromUs) {
      sent[flow] = (sent[flow] ?? 0) + 1;
      if (isLost) {
        lost[flow] = (lost[flow] ?? 0) + 1;
        lostSince[flow] = (lostSince[flow] ?? 0) + 1;
      }
    }
    if (!isLost) {
      if ((lostSince[flow] ?? 0) > 0) {
        silent(flow, at);
        lostSince[flow] = 0;
      }
      lastArrivedSentUs[flow] = at;
    }
    lastSentUs[flow] = at;
  }
  for (let flow = 0; flow < flows; flow += 1) {
    // the flow was still silent at the end
    if ((lostSince[flow] ?? 0) > 0) silent(flow, lastSentUs[flow] ?? fromUs);
  }
  return { sent, lost, longestGapUs, gaps };
}
