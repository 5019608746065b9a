import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus, xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { JumpableRandomGenerator } from "pure-rand/types/JumpableRandomGenerator";

/** Randomness as an argument: the host seeds it, the core draws from it, a seed repeats a run. */
export interface Rng {
  /** A uniform integer in [min, max], both included. */
  int(min: number, max: number): number;
  /** A uniform number in [0, 1). */
  unit(): number;
  /** A generator of its own; whatever is drawn from it leaves this one's sequence alone. */
  fork(): Rng;
  /** Where it stands: `resumedRng` of it draws what this one draws from here on. */
  state(): readonly number[];
}

export function seededRng(seed: number): Rng {
  const generator = xoroshiro128plus(seed | 0);
  // The first draws of neighbouring seeds are neighbours; these lie behind that.
  for (let draw = 0; draw < WARM_UP_DRAWS; draw += 1) generator.next();
  return rngOver(generator);
}

/** Goes on where the generator stood whose `state()` this was. */
export const resumedRng = (state: readonly number[]): Rng =>
  rngOver(xoroshiro128plusFromState(state));

function rngOver(generator: JumpableRandomGenerator): Rng {
  return {
    int: (min, max) => uniformInt(generator, min, max),
    unit: () => uniformFloat64(generator),
    fork: () => seededRng(uniformInt(generator, -0x8000_0000, 0x7fff_ffff)),
    state: () => [...generator.getState()],
  };
}

const WARM_UP_DRAWS = 20;
