import type { Micros } from "./time.ts";

/**
 * Armed timers as data. The driver asks when to wake, sleeps on the host's clock (real or virtual)
 * and takes what is due. Nothing here calls back, so no timer fires in the middle of an input.
 */
export class Deadlines<Name extends string> {
  readonly #at = new Map<Name, Micros>();
  #next: Micros | undefined;
  #stale = false;

  arm(name: Name, at: Micros): void {
    this.#at.delete(name); // re-arming moves the name behind its equals
    this.#at.set(name, at);
    this.#stale = true;
  }

  disarm(name: Name): void {
    if (this.#at.delete(name)) this.#stale = true;
  }

  disarmAll(): void {
    this.#at.clear();
    this.#stale = true;
  }

  isArmed(name: Name): boolean {
    return this.#at.has(name);
  }

  /** When `name` fires, undefined while it is not armed. */
  at(name: Name): Micros | undefined {
    return this.#at.get(name);
  }

  /** The soonest deadline, or undefined while nothing is armed. */
  next(): Micros | undefined {
    if (this.#stale) {
      this.#next = undefined;
      for (const at of this.#at.values()) {
        if (this.#next === undefined || at < this.#next) this.#next = at;
      }
      this.#stale = false;
    }
    return this.#next;
  }

  /** Removes and returns one due name, soonest first; equal deadlines keep arming order. */
  takeDue(now: Micros): Name | undefined {
    const soonest = this.next();
    if (soonest === undefined || soonest > now) return undefined;
    for (const [name, at] of this.#at) {
      if (at === soonest) {
        this.disarm(name);
        return name;
      }
    }
    return undefined;
  }
}
