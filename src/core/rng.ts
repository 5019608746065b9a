import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Randomness as an argument: the host seeds it, the core draws from it, a seed repeats a run. */
export interface Rng {
  /** A uniform integer in [min, max], both included. */
  int(min: number, max: number): number;
  /** A uniform number in [0, 1). */
  unit(): number;
  /** A generator of its own; whatever is drawn from it leaves this one's sequence alone. */
  fork(): Rng;
}

export function seededRng(seed: number): Rng {
  const generator = xoroshiro128plus(seed | 0);
  return {
    int: (min, max) => uniformInt(generator, min, max),
    unit: () => uniformFloat64(generator),
    fork: () => seededRng(uniformInt(generator, -0x8000_0000, 0x7fff_ffff)),
  };
}
