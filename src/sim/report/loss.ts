import type { ProbeColumns } from "../lab/lab.ts";
import type { LossReport } from "./report.ts";

/** Counts the probes sent in [fromUs, untilUs) and finds the longest silence of any one flow. */
export function lossBetween(
  probes: ProbeColumns,
  flows: number,
  fromUs: number,
  untilUs: number,
): LossReport {
  let sent = 0;
  let lost = 0;
  let longestGapUs = 0;
  const lastArrivedSentUs = new Float64Array(flows).fill(Number.NaN);
  const lastSentUs = new Float64Array(flows).fill(Number.NaN);
  const lostSince = new Uint32Array(flows);
  for (let row = 0; row < probes.count; row += 1) {
    const at = probes.sentUs[row] ?? 0;
    if (at >= untilUs) break;
    const flow = probes.flow[row] ?? 0;
    const isLost = probes.arrivedUs[row] === 0;
    if (at >= fromUs) {
      sent += 1;
      if (isLost) {
        lost += 1;
        lostSince[flow] = (lostSince[flow] ?? 0) + 1;
      }
    }
    if (!isLost) {
      if ((lostSince[flow] ?? 0) > 0) {
        const since = lastArrivedSentUs[flow] ?? Number.NaN;
        longestGapUs = Math.max(longestGapUs, at - (Number.isNaN(since) ? fromUs : since));
        lostSince[flow] = 0;
      }
      lastArrivedSentUs[flow] = at;
    }
    lastSentUs[flow] = at;
  }
  for (let flow = 0; flow < flows; flow += 1) {
    if ((lostSince[flow] ?? 0) === 0) continue; // the flow was still silent at the end
    const since = lastArrivedSentUs[flow] ?? Number.NaN;
    const end = lastSentUs[flow] ?? fromUs;
    longestGapUs = Math.max(longestGapUs, end - (Number.isNaN(since) ? fromUs : since));
  }
  return { sent, lost, longestGapMs: longestGapUs / 1000 };
}
