import type { FibHistogram } from "../fib-counters.ts";

export const LAG_BOUNDS_US: readonly number[] = [
  ...[1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000],
];

const SAMPLE_MS = 100;

/** How late this event loop runs a timer, sampled ten times a second (design §5.4). */
export class LoopLag {
  readonly #counts: number[] = new Array(LAG_BOUNDS_US.length + 1).fill(0);
  #sumUs = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    const expected = performance.now() + SAMPLE_MS;
    this.#timer = setTimeout(() => {
      this.#count(Math.max(0, performance.now() - expected) * 1_000);
      this.start();
    }, SAMPLE_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  view(): FibHistogram {
    return { counts: this.#counts, sumUs: this.#sumUs };
  }

  #count(lagUs: number): void {
    this.#sumUs += lagUs;
    for (const [index, bound] of LAG_BOUNDS_US.entries()) {
      if (lagUs <= bound) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    }
    const all = LAG_BOUNDS_US.length;
    this.#counts[all] = (this.#counts[all] ?? 0) + 1;
  }
}
