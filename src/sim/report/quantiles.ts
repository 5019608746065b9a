/** What most probes took, and what the slowest did; null where none arrived. */
export function quantilesOf(tookUs: readonly number[]) {
  if (tookUs.length === 0) return null;
  const sorted = Float64Array.from(tookUs).sort();
  const rank = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? 0) / 1000;
  return { p50Ms: rank(0.5), p99Ms: rank(0.99) };
}
