import type { Rng } from "../../core/rng.ts";
import { type Micros, US_PER_SEC } from "../../core/time.ts";

/** RFC 5880 §6.8.3: a session that is not Up advertises no smaller DesiredMinTxInterval. */
export const SLOW_START_US = US_PER_SEC;

/** RFC 5880 §6.8.7. A peer that asks for 0 wants no periodic packets: the caller's question. */
export const txIntervalUs = (desiredMinTxUs: number, remoteMinRxUs: number): number =>
  Math.max(desiredMinTxUs, remoteMinRxUs);

/**
 * RFC 5880 §6.8.4, Asynchronous mode: the remote system's multiplier, the agreed interval of its
 * packets. At most 255 × (2³² − 1) µs, about 12 days: far inside what a number holds exactly.
 */
export const detectionTimeUs = (
  remoteDetectMult: number,
  requiredMinRxUs: number,
  remoteDesiredMinTxUs: number,
): number => remoteDetectMult * Math.max(requiredMinRxUs, remoteDesiredMinTxUs);

/**
 * RFC 5880 §6.8.7: 75–100 % of the interval, drawn per packet; at most 90 % if one loss is Down.
 */
export function jitteredUs(intervalUs: number, detectMult: number, rng: Rng): number {
  const shareMax = detectMult === 1 ? 0.9 : 1;
  const drawn = Math.ceil(intervalUs * (0.75 + rng.unit() * (shareMax - 0.75)));
  return Math.max(1, Math.min(drawn, Math.floor(intervalUs * shareMax)));
}

/**
 * Limits what a peer can make us send outside the schedule: `burst` at once, then one a `refillUs`
 * (RFC 5880 §6.8.7 allows that for packets with F, as long as DesiredMinTxInterval is no smaller).
 */
export class TokenBucket {
  readonly #burst: number;
  #tokens: number;
  #filledAt: Micros;

  constructor(burst: number, now: Micros) {
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  save(): BucketMemory {
    return { tokens: this.#tokens, filledAt: this.#filledAt };
  }

  load({ tokens, filledAt }: BucketMemory): void {
    this.#tokens = tokens;
    this.#filledAt = filledAt;
  }

  take(refillUs: number, now: Micros): boolean {
    const earned = (now - this.#filledAt) / refillUs;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

export interface BucketMemory {
  readonly tokens: number;
  readonly filledAt: Micros;
}

/** What we advertise of ourselves. */
export interface OwnParameters {
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly detectMult: number;
}

const equalParameters = (a: OwnParameters, b: OwnParameters): boolean =>
  a.desiredMinTxUs === b.desiredMinTxUs &&
  a.requiredMinRxUs === b.requiredMinRxUs &&
  a.detectMult === b.detectMult;

export interface TimingMemory {
  readonly wanted: OwnParameters;
  readonly advertised: OwnParameters;
  readonly txInForceUs: number;
  readonly rxInForceUs: number;
  readonly isPolling: boolean;
  readonly polledAt: Micros | undefined;
  readonly quietUntil: Micros;
}

/**
 * Our own timing parameters and the Poll Sequence that makes a change of them safe (RFC 5880 §6.5,
 * §6.8.3). There are three layers: what is wanted, what is advertised, what is in force. While Up,
 * a slower transmission and a faster detection are in force only after the peer's Final; everything
 * else at once. One poll is in flight at a time, and it carries one set of values: what is wanted
 * in the meantime waits for the Final, and then for a round trip more, so that a Final still on its
 * way to the first poll cannot end the second.
 */
export class OwnTiming {
  #wanted: OwnParameters;
  #advertised: OwnParameters;
  #txInForceUs: number;
  #rxInForceUs: number;
  #isPolling = false;
  #polledAt: Micros | undefined;
  #quietUntil: Micros;

  constructor(first: OwnParameters, now: Micros) {
    this.#wanted = first;
    this.#advertised = first;
    this.#txInForceUs = first.desiredMinTxUs;
    this.#rxInForceUs = first.requiredMinRxUs;
    this.#quietUntil = now;
  }

  save(): TimingMemory {
    return {
      wanted: this.#wanted,
      advertised: this.#advertised,
      txInForceUs: this.#txInForceUs,
      rxInForceUs: this.#rxInForceUs,
      isPolling: this.#isPolling,
      polledAt: this.#polledAt,
      quietUntil: this.#quietUntil,
    };
  }

  load(memory: TimingMemory): void {
    this.#wanted = memory.wanted;
    this.#advertised = memory.advertised;
    this.#txInForceUs = memory.txInForceUs;
    this.#rxInForceUs = memory.rxInForceUs;
    this.#isPolling = memory.isPolling;
    this.#polledAt = memory.polledAt;
    this.#quietUntil = memory.quietUntil;
  }

  get advertised(): OwnParameters {
    return this.#advertised;
  }

  get desiredMinTxInForceUs(): number {
    return this.#txInForceUs;
  }

  get requiredMinRxInForceUs(): number {
    return this.#rxInForceUs;
  }

  get isPolling(): boolean {
    return this.#isPolling;
  }

  /** A change that waits for its turn to be polled. */
  get isPending(): boolean {
    return !equalParameters(this.#wanted, this.#advertised);
  }

  /** Values of a session that is Up, where nothing but the configuration changed. */
  want(wanted: OwnParameters, now: Micros): void {
    this.#wanted = wanted;
    this.startPending(now);
  }

  /** Before a periodic packet is built: a change whose turn has come goes out with it. */
  startPending(now: Micros): void {
    if (this.#isPolling || now < this.#quietUntil || !this.isPending) return;
    this.#advertised = this.#wanted;
    this.#txInForceUs = Math.min(this.#txInForceUs, this.#wanted.desiredMinTxUs);
    this.#rxInForceUs = Math.max(this.#rxInForceUs, this.#wanted.requiredMinRxUs);
    this.#poll();
  }

  /**
   * Values that come with a state: in force at once, unless the session just became Up, which only
   * ever makes transmission faster. A poll in flight is given up for the new one; nothing of its
   * values was waiting for its Final.
   */
  enterState(wanted: OwnParameters, isRemoteKnown: boolean): void {
    const isChanged = !equalParameters(wanted, this.#advertised);
    this.#wanted = wanted;
    this.#advertised = wanted;
    this.#txInForceUs = wanted.desiredMinTxUs;
    this.#rxInForceUs = wanted.requiredMinRxUs;
    if (isChanged && isRemoteKnown) this.#poll();
  }

  /** Nobody is there to answer: what was polled is in force. */
  forgetRemote(): void {
    this.#isPolling = false;
    this.#advertised = this.#wanted;
    this.#txInForceUs = this.#wanted.desiredMinTxUs;
    this.#rxInForceUs = this.#wanted.requiredMinRxUs;
  }

  /** A packet with the P bit left. */
  pollSent(now: Micros): void {
    this.#polledAt ??= now;
  }

  /** A packet with the F bit came; true where it ended our poll. */
  finalReceived(now: Micros): boolean {
    if (!this.#isPolling || this.#polledAt === undefined) return false;
    this.#isPolling = false;
    this.#txInForceUs = this.#advertised.desiredMinTxUs;
    this.#rxInForceUs = this.#advertised.requiredMinRxUs;
    this.#quietUntil = (now + (now - this.#polledAt)) as Micros;
    return true;
  }

  #poll(): void {
    this.#isPolling = true;
    this.#polledAt = undefined;
  }
}
