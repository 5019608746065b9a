/**
 * Round trips, made of two probes that were sent at one instant, one each way: the sum of what they
 * took. Nobody has to answer a probe for it, and both ends are on one clock.
 */
import type { ProbeRecord } from "../lab/lab.ts";
import type { Phases } from "./phases.ts";
import { quantilesOf } from "./quantiles.ts";
import type { RoundTripsReport } from "./report.ts";

/** Of more flows the first are told one by one. */
const FLOWS_MAX = 64;
/** A power of two is cut into so many buckets: none is wider than an eighth of its value. */
const BUCKETS_PER_OCTAVE = 8;
/** Shorter ones share the first bucket. */
const FIRST_US = 100;

export function reportRoundTrips(
  { flows, directions }: ProbeRecord,
  phases: Phases,
): RoundTripsReport | undefined {
  const there = directions["to-cloud"];
  const back = directions["to-edge"];
  const { duringFromUs, afterFromUs } = phases;
  const phaseOf = (atUs: number): Phase => {
    if (duringFromUs === undefined || atUs < duringFromUs) return "before";
    return afterFromUs === undefined || atUs < afterFromUs ? "during" : "after";
  };
  const all = newPhases();
  const byFlow = Array.from({ length: Math.min(flows, FLOWS_MAX) }, newPhases);
  const counts = new Map<number, number>();
  let sumUs = 0;
  let count = 0;
  for (let row = 0; row < Math.min(there.count, back.count); row += 1) {
    const [outUs, homeUs] = [there.arrivedUs[row] ?? 0, back.arrivedUs[row] ?? 0];
    if (outUs === 0 || homeUs === 0) continue;
    const sentUs = there.sentUs[row] ?? 0;
    const tookUs = outUs - sentUs + (homeUs - (back.sentUs[row] ?? 0));
    const phase = phaseOf(sentUs);
    all[phase].push(tookUs);
    byFlow[there.flow[row] ?? 0]?.[phase].push(tookUs);
    const bucket = bucketOf(tookUs);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    sumUs += tookUs;
    count += 1;
  }
  if (count === 0) return undefined;
  return {
    ...{ count, sumMs: Math.round(sumUs) / 1000, phases: quantiles(all) },
    flows: byFlow.map((of, flow) => ({ flow, phases: quantiles(of) })),
    histogram: [...counts]
      .sort(([one], [other]) => one - other)
      .map(([bucket, of]) => ({ upToMs: upperUs(bucket) / 1000, count: of })),
  };
}

type Phase = "before" | "during" | "after";

const newPhases = (): Record<Phase, number[]> => ({ before: [], during: [], after: [] });

const quantiles = ({ before, during, after }: Record<Phase, number[]>) => ({
  before: quantilesOf(before),
  during: quantilesOf(during),
  after: quantilesOf(after),
});

const bucketOf = (us: number): number =>
  us <= FIRST_US ? 0 : Math.ceil(BUCKETS_PER_OCTAVE * Math.log2(us / FIRST_US));

const upperUs = (bucket: number): number =>
  Math.round(FIRST_US * 2 ** (bucket / BUCKETS_PER_OCTAVE));
