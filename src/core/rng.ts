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
  // The first draws of neighbouring seeds are neighbours; these lie behind that.
  for (let draw = 0; draw < WARM_UP_DRAWS; draw += 1) generator.next();
  return {
    int: (min, max) => uniformInt(generator, min, max),
    unit: () => uniformFloat64(generator),
    fork: () => seededRng(uniformInt(generator, -0x8000_0000, 0x7fff_ffff)),
  };
}

const WARM_UP_DRAWS = 20;
