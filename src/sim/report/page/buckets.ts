import type { Direction, ProbeColumns, ProbeRecord } from "../../lab/lab.ts";
import type { LossOverTime } from "../report.ts";

/** Cells a strip has at most: what a page as wide as a hand can show. */
const BUCKETS_MAX = 300;
const DIRECTIONS: readonly Direction[] = ["to-cloud", "to-edge"];

/**
 * Probes sent and lost over time, in equal buckets of 1, 2 or 5 times a power of ten milliseconds;
 * a bucket is never shorter than the probe interval, so that no bucket is empty for want of probes.
 */
export function bucketLoss(
  probes: ProbeRecord,
  zeroUs: number,
  intervalUs: number,
): LossOverTime | null {
  let fromUs = Number.POSITIVE_INFINITY;
  let untilUs = Number.NEGATIVE_INFINITY;
  for (const direction of DIRECTIONS) {
    const { sentUs, count } = probes.directions[direction];
    if (count === 0) continue;
    fromUs = Math.min(fromUs, sentUs[0] ?? fromUs);
    untilUs = Math.max(untilUs, sentUs[count - 1] ?? untilUs);
  }
  if (fromUs > untilUs) return null;
  const bucketUs = 1000 * roundStep(Math.max((untilUs - fromUs) / BUCKETS_MAX, intervalUs) / 1000);
  const buckets = Math.floor((untilUs - fromUs) / bucketUs) + 1;
  return {
    fromMs: (fromUs - zeroUs) / 1000,
    bucketMs: bucketUs / 1000,
    directions: DIRECTIONS.map((direction) => ({
      direction,
      ...count(probes.directions[direction], { fromUs, bucketUs, buckets }),
    })),
  };
}

function count(
  probes: ProbeColumns,
  { fromUs, bucketUs, buckets }: { fromUs: number; bucketUs: number; buckets: number },
): { sent: readonly number[]; lost: readonly number[] } {
  const sent = new Array<number>(buckets).fill(0);
  const lost = new Array<number>(buckets).fill(0);
  for (let row = 0; row < probes.count; row += 1) {
    const bucket = Math.floor(((probes.sentUs[row] ?? 0) - fromUs) / bucketUs);
    sent[bucket] = (sent[bucket] ?? 0) + 1;
    if (probes.arrivedUs[row] === 0) lost[bucket] = (lost[bucket] ?? 0) + 1;
  }
  return { sent, lost };
}

/** The least of 1, 2, 5, 10, 20, 50 … that is not below `value`; 1 at least. */
export function roundStep(value: number): number {
  let decade = 1;
  for (;;) {
    for (const digit of [1, 2, 5]) if (digit * decade >= value) return digit * decade;
    decade *= 10;
  }
}
