/**
 * A hub whose forwarding follows its routing late: changes wait while a failover without a failover
 * group is being worked on in the cloud, then go down in order. The agent above it sees a slow
 * kernel, which is what the customer sees of the cloud.
 */
import { after, type Micros } from "../../../core/time.ts";
import type { Alarm, Clock, KernelRoute, RouteResult, Routes } from "../../../platform/contract.ts";

export class DelayedRoutes implements Routes {
  readonly kind: Routes["kind"];
  readonly #routes: Routes;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #waiting: (() => void)[] = [];
  #heldUntil: Micros | undefined;

  constructor(routes: Routes, clock: Clock) {
    this.kind = routes.kind;
    this.#routes = routes;
    this.#clock = clock;
    this.#alarm = clock.createAlarm(() => this.#release());
  }

  /** From now on changes wait this long; a second failure meanwhile starts the time again. */
  hold(delayUs: number): void {
    if (delayUs === 0) return;
    this.#heldUntil = after(this.#clock.now(), delayUs);
    this.#alarm.set(this.#heldUntil);
  }

  setGroups(...[groups, done]: Parameters<Routes["setGroups"]>): void {
    this.#enqueue(() => this.#routes.setGroups(groups, done));
  }

  removeGroups(...[ids, done]: Parameters<Routes["removeGroups"]>): void {
    this.#enqueue(() => this.#routes.removeGroups(ids, done));
  }

  apply(...[batch, done]: Parameters<Routes["apply"]>): void {
    this.#enqueue(() => this.#routes.apply(batch, done));
  }

  dump(done: (routes: readonly KernelRoute[]) => void): void {
    this.#enqueue(() => this.#routes.dump(done));
  }

  resolve(address: string): ReturnType<Routes["resolve"]> {
    return this.#routes.resolve(address);
  }

  flush(): RouteResult {
    this.#waiting.length = 0;
    this.#alarm.set(undefined);
    this.#heldUntil = undefined;
    return this.#routes.flush();
  }

  close(): void {
    this.#alarm.set(undefined);
    this.#routes.close();
  }

  #enqueue(run: () => void): void {
    if (this.#heldUntil === undefined) run();
    else this.#waiting.push(run);
  }

  #release(): void {
    this.#heldUntil = undefined;
    for (const run of this.#waiting.splice(0)) run();
  }
}
