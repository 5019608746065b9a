import type { Rng } from "../../core/rng.ts";
import { US_PER_SEC } from "../../core/time.ts";

/**
 * How long a peer stays in Idle after a fault (RFC 4271 §8.1.1 DampPeerOscillations leaves the
 * method to us): the first delay, doubled with every further fault up to a maximum, with the jitter
 * of §10 so that two routers that fell out do not meet in the same wrong moment again and again.
 * ConnectRetryCounter is the memory: a session that lasted puts it back to zero.
 */
export interface DampingSettings {
  readonly idleHoldTimeSec: number;
  readonly idleHoldTimeSecMax: number;
}

/** The IdleHoldTimer after the `faults`-th fault in a row. */
export function idleHoldUs(settings: DampingSettings, faults: number, rng: Rng): number {
  const doublings = Math.min(Math.max(faults - 1, 0), DOUBLINGS_MAX);
  const sec = Math.min(settings.idleHoldTimeSec * 2 ** doublings, settings.idleHoldTimeSecMax);
  return jitteredUs(rng, sec * US_PER_SEC);
}

/** A session that was Established this long has earned a fresh start. */
export const isStable = (settings: DampingSettings, establishedUs: number): boolean =>
  establishedUs >= settings.idleHoldTimeSecMax * US_PER_SEC;

/** RFC 4271 §10: a uniform factor between 0.75 and 1.0. */
export const jitteredUs = (rng: Rng, us: number): number =>
  Math.round(us * (0.75 + rng.unit() / 4));

const DOUBLINGS_MAX = 30;
