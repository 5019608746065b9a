import { after, type Micros, micros, US_PER_SEC } from "../../core/time.ts";

/** So many a minute, counted from the first of them; then none until the minute is over. */
export class Allowance {
  readonly #perMinute: number;
  #taken = 0;
  #renewsAt: Micros = micros(0);

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** False where this minute's are used up. */
  take(now: Micros): boolean {
    if (now >= this.#renewsAt) {
      this.#renewsAt = after(now, 60 * US_PER_SEC);
      this.#taken = 0;
    }
    if (this.#taken >= this.#perMinute) return false;
    this.#taken += 1;
    return true;
  }

  /** When there are some again. */
  get renewsAt(): Micros {
    return this.#renewsAt;
  }
}
