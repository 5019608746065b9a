/** Upper bounds (µs) of the buckets that tx lateness and rx gaps are counted in. */
export const BOUNDS_US: readonly number[] = [
  ...[100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000],
  ...[250_000, 500_000, 1_000_000, 2_500_000, 5_000_000],
];

export interface HistogramView {
  readonly boundsUs: readonly number[];
  /** Cumulative; one entry more than `boundsUs`, the last counts every observation. */
  readonly counts: readonly number[];
  readonly sumUs: number;
}

/** Durations, counted into fixed buckets without allocating. */
export class Histogram {
  readonly #counts = new Float64Array(BOUNDS_US.length + 1);
  #sumUs = 0;

  observe(us: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_US.length && us > (BOUNDS_US[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumUs += us;
  }

  view(): HistogramView {
    let seen = 0;
    const counts: number[] = [];
    for (const count of this.#counts) {
      seen += count;
      counts.push(seen);
    }
    return { boundsUs: BOUNDS_US, counts, sumUs: this.#sumUs };
  }
}
