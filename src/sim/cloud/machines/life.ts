/**
 * The life of things that are ordered, as a machine over a table: what an order needs, what it goes
 * through, what the vendor answers in any other state. One machine keeps all things of a kind.
 */
import { Deadlines } from "../../../core/deadlines.ts";
import type { Machine } from "../../../core/machine.ts";
import { after, type Micros } from "../../../core/time.ts";
import type { DeedFault } from "../deeds/deeds.ts";

export interface LifeRule<Status extends string> {
  readonly from: readonly Status[];
  /** Where it is while the order is being carried out; without it that takes no time. */
  readonly through?: Status;
  readonly to: Status;
  /** In this state the order is accepted, and nothing happens. */
  readonly isDoneIn?: Status;
  /** It may come while another order is being carried out, which then is not. */
  readonly overtakes?: true;
  /** The vendor's code in any state that is not in `from`. */
  readonly refusal: string;
}

export interface LifeOrder<Order extends string> {
  readonly name: string;
  readonly order: Order;
}

export type LifeEffect<Status extends string> =
  | { readonly kind: "entered"; readonly name: string; readonly was: Status; readonly is: Status }
  | { readonly kind: "refused"; readonly fault: DeedFault };

export interface LifeParts<Status extends string, Order extends string> {
  readonly rules: Readonly<Record<Order, LifeRule<Status>>>;
  readonly transitionUs: number;
  /** Each thing and the state it begins in. */
  readonly born: readonly (readonly [name: string, status: Status])[];
  /** Why the vendor says no for another reason than the state; asked where the state would do. */
  guard(order: LifeOrder<Order>): DeedFault | undefined;
}

export class Life<Status extends string, Order extends string>
  implements Machine<LifeOrder<Order>, LifeEffect<Status>>
{
  readonly #parts: LifeParts<Status, Order>;
  readonly #statuses: Map<string, Status>;
  readonly #coming = new Map<string, Status>();
  readonly #deadlines = new Deadlines<string>();

  constructor(parts: LifeParts<Status, Order>) {
    this.#parts = parts;
    this.#statuses = new Map(parts.born);
  }

  status(name: string): Status | undefined {
    return this.#statuses.get(name);
  }

  handle(input: LifeOrder<Order>, now: Micros, out: LifeEffect<Status>[]): void {
    const { name, order } = input;
    const rule = this.#parts.rules[order];
    const status = this.#statuses.get(name);
    if (status === undefined || status === rule.isDoneIn) return;
    const fault = this.#refusal(rule, status, input);
    if (fault !== undefined) {
      out.push({ kind: "refused", fault });
      return;
    }
    this.#deadlines.disarm(name);
    this.#coming.delete(name);
    if (rule.through === undefined) {
      this.#enter(name, rule.to, out);
      return;
    }
    this.#enter(name, rule.through, out);
    this.#coming.set(name, rule.to);
    this.#deadlines.arm(name, after(now, this.#parts.transitionUs));
  }

  expire(now: Micros, out: LifeEffect<Status>[]): void {
    for (let name = this.#deadlines.takeDue(now); name !== undefined; ) {
      const is = this.#coming.get(name);
      this.#coming.delete(name);
      if (is !== undefined) this.#enter(name, is, out);
      name = this.#deadlines.takeDue(now);
    }
  }

  nextDeadline(): Micros | undefined {
    return this.#deadlines.next();
  }

  #refusal(
    { from, refusal, overtakes }: LifeRule<Status>,
    status: Status,
    input: LifeOrder<Order>,
  ): DeedFault | undefined {
    if (!from.includes(status)) return { code: refusal, text: `${input.name} is ${status}` };
    const coming = this.#coming.get(input.name);
    if (coming !== undefined && overtakes !== true) {
      return { code: "TaskConflict", text: `${input.name} is on its way to ${coming}` };
    }
    return this.#parts.guard(input);
  }

  #enter(name: string, is: Status, out: LifeEffect<Status>[]): void {
    const was = this.#statuses.get(name);
    if (was === undefined || was === is) return;
    this.#statuses.set(name, is);
    out.push({ kind: "entered", name, was, is });
  }
}
