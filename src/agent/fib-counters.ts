import type { RouteFailure } from "../platform/contract.ts";

/** Upper bounds of the programming histogram, seconds times a million. */
export const FIB_BOUNDS_US: readonly number[] = [
  ...[100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000],
];

export type FibOperation = "group-set" | "group-remove" | "route-apply";
/**
 * In the table but not in the kernel, in the kernel but not in the table, in both but not alike.
 */
export const DRIFT_KINDS = ["missing", "extra", "wrong"] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** Cumulative counts per bound, the last one for all, Prometheus style. */
export interface FibHistogram {
  readonly counts: readonly number[];
  readonly sumUs: number;
}

export interface FibCountersView {
  readonly errors: readonly {
    readonly op: string;
    readonly errno: string;
    readonly count: number;
  }[];
  readonly drift: Readonly<Record<DriftKind, number>>;
  readonly program: Readonly<Record<FibOperation, FibHistogram>>;
  /**
   * The last thing the kernel refused, until an audit finds everything in place; undefined where
   * all is well.
   */
  readonly lastFailure: RouteFailure | undefined;
}

/** Plain totals of the FIB; whoever draws them reads `view`. */
export class FibCounters {
  readonly #errors = new Map<string, { op: string; errno: string; count: number }>();
  readonly #drift: Record<DriftKind, number> = { missing: 0, extra: 0, wrong: 0 };
  readonly #program = new Map<FibOperation, { counts: number[]; sumUs: number }>();
  #lastFailure: RouteFailure | undefined;

  program(op: FibOperation, tookUs: number, failures: readonly RouteFailure[]): void {
    const histogram = this.#histogram(op);
    histogram.sumUs += tookUs;
    for (const [index, bound] of FIB_BOUNDS_US.entries()) {
      if (tookUs <= bound) histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
    }
    const all = FIB_BOUNDS_US.length;
    histogram.counts[all] = (histogram.counts[all] ?? 0) + 1;
    for (const failure of failures) {
      const key = `${failure.op} ${failure.errno}`;
      const found = this.#errors.get(key);
      if (found !== undefined) found.count += 1;
      else this.#errors.set(key, { op: failure.op, errno: failure.errno, count: 1 });
      this.#lastFailure = failure;
    }
  }

  get hasOpenFailures(): boolean {
    return this.#lastFailure !== undefined;
  }

  audited(found: Readonly<Record<DriftKind, number>>): void {
    for (const kind of DRIFT_KINDS) this.#drift[kind] += found[kind];
    if (DRIFT_KINDS.every((kind) => found[kind] === 0)) this.#lastFailure = undefined;
  }

  view(): FibCountersView {
    return {
      errors: [...this.#errors.values()].map((entry) => ({ ...entry })),
      drift: { ...this.#drift },
      program: {
        "group-set": this.#histogram("group-set"),
        "group-remove": this.#histogram("group-remove"),
        "route-apply": this.#histogram("route-apply"),
      },
      lastFailure: this.#lastFailure,
    };
  }

  #histogram(op: FibOperation): { counts: number[]; sumUs: number } {
    let histogram = this.#program.get(op);
    if (histogram === undefined) {
      histogram = { counts: new Array(FIB_BOUNDS_US.length + 1).fill(0), sumUs: 0 };
      this.#program.set(op, histogram);
    }
    return histogram;
  }
}
