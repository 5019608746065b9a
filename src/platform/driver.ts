import type { Machine } from "../core/machine.ts";
import type { Micros } from "../core/time.ts";
import type { Alarm, Clock } from "./contract.ts";

/** Sees what goes in before the machine does, and what comes out before it is performed. */
export interface DriverObserver<Input, Effect> {
  observe(input: Input | "alarm", at: Micros): void;
  answered?(effects: readonly Effect[]): void;
}

/**
 * Joins a machine to a host: feeds inputs, performs effects, keeps one alarm. It is the only run
 * loop there is, and both hosts use it. An input raised while an effect is being performed waits
 * its turn, so no machine is ever entered twice.
 */
export class Driver<Input, Effect> {
  readonly #machine: Machine<Input, Effect>;
  readonly #clock: Clock;
  readonly #perform: (effect: Effect) => void;
  readonly #observer: DriverObserver<Input, Effect> | undefined;
  readonly #alarm: Alarm;
  readonly #inbox: (Input | "alarm")[] = [];
  #isRunning = false;
  #isStopped = false;

  constructor(
    machine: Machine<Input, Effect>,
    clock: Clock,
    perform: (effect: Effect) => void,
    observer?: DriverObserver<Input, Effect>,
  ) {
    this.#machine = machine;
    this.#clock = clock;
    this.#perform = perform;
    this.#observer = observer;
    this.#alarm = clock.createAlarm(() => this.deliver("alarm"));
  }

  deliver(input: Input | "alarm"): void {
    if (this.#isStopped) return;
    this.#inbox.push(input);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        const out: Effect[] = [];
        const now = this.#clock.now();
        this.#observer?.observe(next, now);
        if (next === "alarm") this.#machine.expire(now, out);
        else this.#machine.handle(next, now, out);
        this.#observer?.answered?.(out);
        for (const effect of out) this.#perform(effect);
      }
    } finally {
      this.#isRunning = false;
    }
    if (!this.#isStopped) this.#alarm.set(this.#machine.nextDeadline());
  }

  /** No input is delivered and no alarm rings any more. */
  stop(): void {
    this.#isStopped = true;
    this.#inbox.length = 0;
    this.#alarm.set(undefined);
  }
}
