import type { Deadlines } from "../../core/deadlines.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Micros } from "../../core/time.ts";
import { sameFamily } from "../fsm/negotiate.ts";
import type { Family } from "../wire/message.ts";
import { Allowance } from "./allowance.ts";
import type { Tally } from "./tally.ts";

type Timers = Pick<Deadlines<"RefreshTimer">, "arm" | "disarm">;

/**
 * The peer asks to be told a family again (RFC 2918 §4). Each request costs it 23 octets and us a
 * table, so only a few a minute are served at once; of those beyond, one a family is kept until the
 * minute is over, for its sender may have dropped what it asks for. All of them count.
 */
export class RefreshOut {
  readonly #timers: Timers;
  readonly #tally: Tally;
  readonly #readvertise: (family: Family) => void;
  readonly #allowance = new Allowance(LIMITS.refreshesPerMinute);
  #waiting: Family[] = [];

  constructor(timers: Timers, tally: Tally, readvertise: (family: Family) => void) {
    this.#timers = timers;
    this.#tally = tally;
    this.#readvertise = readvertise;
  }

  requested(family: Family, now: Micros): void {
    if (this.#waiting.length === 0 && this.#allowance.take(now)) {
      this.#readvertise(family);
      return;
    }
    this.#tally.discard("route-refresh-rate");
    if (this.#waiting.some((other) => sameFamily(other, family))) return;
    this.#waiting.push(family);
    this.#timers.arm("RefreshTimer", this.#allowance.renewsAt);
  }

  /** The timer is out: those that waited are served, and count for the new minute. */
  expire(now: Micros): void {
    const families = this.#waiting;
    this.#waiting = [];
    for (const family of families) {
      this.#allowance.take(now);
      this.#readvertise(family);
    }
  }

  /** The session is over. */
  forget(): void {
    this.#waiting = [];
    this.#timers.disarm("RefreshTimer");
  }
}
