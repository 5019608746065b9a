/**
 * Changes of transit routers that take their time: the API answers at once, the object says
 * `Creating` or `Deleting`, and while it does so it refuses to be changed again.
 */
import { after, type Micros } from "../../../core/time.ts";
import type { Alarm, Clock } from "../../../platform/contract.ts";
import type { DeedFault } from "../deeds/deeds.ts";
import type { CloudState } from "../deeds/state.ts";

interface Waiting {
  readonly key: string;
  readonly due: Micros;
  readonly run: () => void;
}

export class Changes {
  readonly #clock: Clock;
  readonly #state: CloudState;
  readonly #delayUs: number;
  readonly #alarm: Alarm;
  /** All wait as long, so the first is the next. */
  #waiting: readonly Waiting[] = [];

  constructor(clock: Clock, state: CloudState, delayUs: number) {
    this.#clock = clock;
    this.#state = state;
    this.#delayUs = delayUs;
    this.#alarm = clock.createAlarm(() => this.#expire());
  }

  /** `code` is what the vendor answers while an earlier change of the same object is under way. */
  start(key: string, code: string, run: () => void): DeedFault | undefined {
    if (this.#state.changing.has(key)) return { code, text: `${key} is being changed` };
    if (this.#delayUs === 0) {
      run();
      return undefined;
    }
    this.#state.changing.add(key);
    const due = after(this.#clock.now(), this.#delayUs);
    this.#waiting = [...this.#waiting, { key, due, run }];
    this.#alarm.set(this.#waiting[0]?.due);
    return undefined;
  }

  stop(): void {
    this.#alarm.set(undefined);
  }

  #expire(): void {
    const now = this.#clock.now();
    const ready = this.#waiting.filter(({ due }) => due <= now);
    this.#waiting = this.#waiting.filter(({ due }) => due > now);
    this.#alarm.set(this.#waiting[0]?.due);
    for (const { key, run } of ready) {
      this.#state.changing.delete(key);
      run();
    }
  }
}
