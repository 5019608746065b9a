import type { Micros } from "./time.ts";

/**
 * What every protocol core looks like from outside: synchronous, total, without clock, I/O or
 * randomness of its own. One input, then all of its effects, then the next input.
 */
export interface Machine<Input, Effect> {
  /** Applies one input. Effects are appended to `out` in the order they must happen. */
  handle(input: Input, now: Micros, out: Effect[]): void;
  /** Fires every timer due at `now`. */
  expire(now: Micros, out: Effect[]): void;
  /** When `expire` must next be called; undefined while no timer is armed. */
  nextDeadline(): Micros | undefined;
}
