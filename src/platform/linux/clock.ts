import { after, type Micros, micros, US_PER_MS } from "../../core/time.ts";
import type { Alarm, Clock } from "../contract.ts";

/**
 * CLOCK_MONOTONIC in microseconds, the same in every thread of the process, and alarms on Node's
 * timers (grain: a millisecond; never early).
 *
 * Before an alarm rings, everything that arrived before it was due is read: a program that was held
 * up, by a collection or a busy machine, then finds the packets that came in time first and does
 * not take its own lateness for the silence of a peer.
 */
export class LinuxClock implements Clock {
  readonly #drains = new Set<() => void>();
  readonly #armed = new Set<LinuxAlarm>();
  #drainedAt = micros(-1);
  #isClosed = false;

  now(): Micros {
    return micros(Number(process.hrtime.bigint() / 1000n));
  }

  createAlarm(ring: () => void): Alarm {
    return new LinuxAlarm(this, ring, this.#armed);
  }

  /** `drain` reads all that waits at a socket; it is called before alarms ring. */
  addDrain(drain: () => void): { close(): void } {
    this.#drains.add(drain);
    return { close: () => this.#drains.delete(drain) };
  }

  /** Reads what waits, unless that was done since `at`. */
  drainSince(at: Micros): void {
    if (this.#drainedAt >= at) return;
    this.#drainedAt = this.now();
    for (const drain of this.#drains) drain();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** No alarm rings any more, nor can one be set. */
  close(): void {
    this.#isClosed = true;
    for (const alarm of this.#armed) alarm.set(undefined);
  }
}

/** Far alarms are reached in hops: Node's timers take at most 2^31-1 ms. */
const HOP_US_MAX = 2 ** 30 * US_PER_MS;

class LinuxAlarm implements Alarm {
  readonly #clock: LinuxClock;
  readonly #ring: () => void;
  readonly #armed: Set<LinuxAlarm>;
  #at: Micros | undefined;
  #wakesAt: Micros | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(clock: LinuxClock, ring: () => void, armed: Set<LinuxAlarm>) {
    this.#clock = clock;
    this.#ring = ring;
    this.#armed = armed;
  }

  set(wanted: Micros | undefined): void {
    const at = this.#clock.isClosed ? undefined : wanted;
    this.#at = at;
    if (at === undefined) {
      this.#cancel();
      this.#armed.delete(this);
      return;
    }
    this.#armed.add(this);
    // A wake-up that comes too soon only looks again; cheaper than a new timer for every packet.
    if (this.#wakesAt === undefined || this.#wakesAt > at) this.#sleep(at);
  }

  #sleep(at: Micros): void {
    this.#cancel();
    const now = this.#clock.now();
    const delayUs = Math.min(at - now, HOP_US_MAX);
    this.#wakesAt = after(now, Math.max(delayUs, 0));
    if (delayUs <= 0) this.#immediate = setImmediate(this.#wake);
    else this.#timer = setTimeout(this.#wake, Math.ceil(delayUs / US_PER_MS));
  }

  readonly #wake = (): void => {
    this.#cancel();
    if (this.#isDue()) this.#clock.drainSince(this.#at ?? micros(0));
    // What was read may have put the alarm off, or called it off.
    if (this.#at === undefined || this.#wakesAt !== undefined) return;
    if (!this.#isDue()) {
      this.#sleep(this.#at);
      return;
    }
    this.#at = undefined;
    this.#armed.delete(this);
    this.#ring();
  };

  #isDue(): boolean {
    return this.#at !== undefined && this.#at <= this.#clock.now();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#wakesAt = undefined;
  }
}
