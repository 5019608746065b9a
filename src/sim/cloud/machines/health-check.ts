/**
 * The cloud's health check of one circuit as a machine: an ICMP echo every interval, `threshold`
 * losses in a row and it has failed, `recovery` answers in a row and it is well again. It knows
 * neither BGP nor BFD; whoever runs it moves the traffic.
 */
import { Deadlines } from "../../../core/deadlines.ts";
import type { Machine } from "../../../core/machine.ts";
import { after, type Micros } from "../../../core/time.ts";

export type HealthInput =
  | { readonly kind: "switch"; readonly isOn: boolean }
  | { readonly kind: "answer"; readonly probe: number; readonly isAnswered: boolean };

export type HealthEffect =
  | { readonly kind: "probe"; readonly probe: number }
  | { readonly kind: "failed"; readonly losses: number }
  | { readonly kind: "recovered"; readonly answers: number };

export interface HealthTiming {
  readonly intervalUs: number;
  readonly threshold: number;
  readonly recovery: number;
}

export class HealthCheck implements Machine<HealthInput, HealthEffect> {
  readonly #timing: HealthTiming;
  readonly #deadlines = new Deadlines<"probe">();
  #isOn = false;
  #isFailed = false;
  #probe = 0;
  #sent = 0;
  #lost = 0;
  /** Of one kind, without one of the other in between. */
  #lossesInRow = 0;
  #answersInRow = 0;

  constructor(timing: HealthTiming) {
    this.#timing = timing;
  }

  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** `VbrHealthyCheckLossRate`, over everything since it was switched on. */
  get lossPercent(): number {
    return this.#sent === 0 ? 0 : (this.#lost / this.#sent) * 100;
  }

  handle(input: HealthInput, now: Micros, out: HealthEffect[]): void {
    if (input.kind === "switch") this.#switch(input.isOn, now, out);
    // An answer to a probe of an earlier life says nothing about this one.
    else if (this.#isOn && input.probe > this.#probe - this.#sent) this.#count(input, out);
  }

  expire(now: Micros, out: HealthEffect[]): void {
    if (this.#deadlines.takeDue(now) !== undefined) this.#send(now, out);
  }

  nextDeadline(): Micros | undefined {
    return this.#deadlines.next();
  }

  #switch(isOn: boolean, now: Micros, out: HealthEffect[]): void {
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    this.#sent = 0;
    this.#lost = 0;
    this.#lossesInRow = 0;
    this.#answersInRow = 0;
    this.#deadlines.disarmAll();
    if (isOn) this.#send(now, out);
    else if (this.#isFailed) {
      this.#isFailed = false;
      out.push({ kind: "recovered", answers: 0 });
    }
  }

  #send(now: Micros, out: HealthEffect[]): void {
    this.#probe += 1;
    this.#sent += 1;
    this.#deadlines.arm("probe", after(now, this.#timing.intervalUs));
    out.push({ kind: "probe", probe: this.#probe });
  }

  #count({ isAnswered }: { readonly isAnswered: boolean }, out: HealthEffect[]): void {
    if (isAnswered) {
      this.#answersInRow += 1;
      this.#lossesInRow = 0;
    } else {
      this.#lost += 1;
      this.#lossesInRow += 1;
      this.#answersInRow = 0;
    }
    const { threshold, recovery } = this.#timing;
    if (!this.#isFailed && this.#lossesInRow >= threshold) {
      this.#isFailed = true;
      out.push({ kind: "failed", losses: this.#lossesInRow });
    } else if (this.#isFailed && this.#answersInRow >= recovery) {
      this.#isFailed = false;
      out.push({ kind: "recovered", answers: this.#answersInRow });
    }
  }
}
