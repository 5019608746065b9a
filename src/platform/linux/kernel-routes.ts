import { Afi } from "../../core/address.ts";
import type { Log } from "../../core/log.ts";
import type { Micros } from "../../core/time.ts";
import type {
  GroupsSite,
  KernelRoute,
  Links,
  RouteBatch,
  RouteFailure,
  RouteGroup,
  RouteResult,
  Routes,
} from "../contract.ts";
import { KernelFib, type KernelFibOptions, ROWS_PER_SEND } from "./kernel-fib.ts";
import type { Netns } from "./netns.ts";
import { type DumpedRoutes, toKernelRoutes } from "./route-dump.ts";
import { SysError } from "./sys.ts";

export interface KernelRoutesParts {
  readonly netns: Netns;
  /** How another thread names the namespace. */
  readonly place: string | undefined;
  readonly options: KernelFibOptions;
  readonly links: Links;
  readonly resolve: Routes["resolve"];
  readonly now: () => Micros;
  readonly log: Log;
}

/**
 * Kernel routes in order and in slices: batches, removals of groups and dumps wait in one queue and
 * are worked off one send at a time, with the event loop in between. Groups do not wait: setting
 * them is a matter of microseconds and what a failover hangs on, so it overtakes the queue. That is
 * sound, for rows point at groups by number; only a removal still queued has to let go of an id
 * that is set again.
 *
 * Before the first rows the kernel's routes of ours are adopted (a restart keeps forwarding). When
 * an interface comes back, groups that lost a hop by it, or were lost with it, are put right, with
 * their routes.
 */
export class KernelRoutes implements Routes {
  readonly kind = "kernel";
  readonly resolve: Routes["resolve"];
  readonly #parts: KernelRoutesParts;
  readonly #fib: KernelFib;
  readonly #watch: { close(): void };
  readonly #jobs: Generator<void, void>[] = [];
  /** Before all others: what follows a change of groups. */
  readonly #urgent: Generator<void, void>[] = [];
  /** Ids of group removals that are still queued. */
  readonly #removals = new Set<Set<number>>();
  #turn: NodeJS.Immediate | undefined;
  #isAdopted = false;

  constructor(parts: KernelRoutesParts) {
    this.#parts = parts;
    this.resolve = parts.resolve;
    this.#fib = new KernelFib(parts.netns, parts.options);
    if (this.#fib.compatWarning !== undefined) {
      this.#warn("fib.compat-mode", this.#fib.compatWarning);
    }
    this.#watch = parts.links.watch((device, state) => {
      if (state?.isAdminUp === true && state.hasCarrier) this.#heal(device);
    });
  }

  get site(): GroupsSite | undefined {
    const { epoch } = this.#fib;
    const { place: netns, options } = this.#parts;
    return epoch === undefined
      ? undefined
      : { netns, table: options.table, proto: options.proto, epoch };
  }

  setGroups(groups: readonly RouteGroup[], done: (result: RouteResult) => void): void {
    const startedAt = this.#parts.now();
    for (const { id } of groups) for (const removal of this.#removals) removal.delete(id);
    this.#define(groups, (failures, answeredAt) => {
      const failed = new Set(failures.map(({ subject }) => subject));
      const tookUs = answeredAt - startedAt;
      done({ applied: groups.length - failed.size, failures, tookUs, answeredAt });
    });
  }

  removeGroups(ids: readonly number[], done: (result: RouteResult) => void): void {
    const removal = new Set(ids);
    this.#removals.add(removal);
    this.#enqueue(this.#removing(removal, done));
  }

  apply(batch: RouteBatch, done: (result: RouteResult) => void): void {
    this.#enqueue(this.#applying(copyOf(batch), done));
  }

  dump(done: (routes: readonly KernelRoute[]) => void): void {
    const { options } = this.#parts;
    this.dumpColumns((dumped) => this.#enqueue(converting(dumped, options, done)));
  }

  /** As `dump`, without an object a route, and with rows under whatever metric. */
  dumpColumns(done: (dumped: DumpedRoutes) => void): void {
    this.#enqueue(this.#dumping(done));
  }

  /** What is queued is dropped, unanswered. */
  flush(): RouteResult {
    const startedAt = this.#parts.now();
    this.#jobs.length = 0;
    this.#urgent.length = 0;
    this.#removals.clear();
    const outcome = this.#guarded("flush", () => this.#fib.flush());
    const { applied, failures } = outcome ?? { applied: 0, failures: [] };
    return { applied, failures, tookUs: this.#parts.now() - startedAt };
  }

  close(): void {
    this.#jobs.length = 0;
    this.#urgent.length = 0;
    clearImmediate(this.#turn);
    this.#watch.close();
    this.#fib.close();
  }

  *#applying(batch: RouteBatch, done: (result: RouteResult) => void): Generator<void, void> {
    const startedAt = this.#parts.now();
    yield* this.#adopting();
    const failures: RouteFailure[] = [];
    let applied = 0;
    for (let from = 0; from < batch.count; from += ROWS_PER_SEND) {
      if (from > 0) yield;
      const to = Math.min(from + ROWS_PER_SEND, batch.count);
      const outcome = this.#guarded("apply", () => this.#fib.applyRows(batch, from, to));
      if (outcome === undefined) continue;
      applied += outcome.applied;
      for (const failure of outcome.failures) {
        if (failures.length < FAILURES_MAX) failures.push(failure);
      }
    }
    done({ applied, failures, tookUs: this.#parts.now() - startedAt });
  }

  *#removing(ids: Set<number>, done: (result: RouteResult) => void): Generator<void, void> {
    const startedAt = this.#parts.now();
    this.#removals.delete(ids);
    const failures = this.#guarded("remove", () => this.#fib.groups.remove([...ids])) ?? [];
    const tookUs = this.#parts.now() - startedAt;
    done({ applied: ids.size - failures.length, failures, tookUs });
    yield;
  }

  *#dumping(done: (dumped: DumpedRoutes) => void): Generator<void, void> {
    yield* this.#adopting();
    done(yield* this.#fib.dump());
  }

  *#adopting(): Generator<void, void> {
    if (this.#isAdopted) return;
    this.#isAdopted = true;
    yield* this.#fib.adopt();
    if (this.#fib.size === 0) return;
    const fields = { routes: this.#fib.size };
    this.#parts.log.write({ level: "info", event: "fib.adopted", fields }, this.#parts.now());
  }

  /** `done` comes from the loop, when routes that had to be written again are. */
  #define(
    groups: readonly RouteGroup[],
    done: (failures: readonly RouteFailure[], answeredAt: Micros) => void,
  ): void {
    const outcome = this.#guarded("groups", () => this.#fib.groups.define(groups));
    const failures = outcome?.failures ?? groups.map(({ id }) => unanswered(id));
    const answeredAt = this.#parts.now();
    const rewrite = new Set(outcome?.rewrite);
    const isDone = rewrite.size === 0;
    const answered = () => done(failures, isDone ? answeredAt : this.#parts.now());
    this.#urgent.push(this.#rewriting(rewrite, answered));
    this.#turn ??= setImmediate(this.#work);
  }

  *#rewriting(groups: ReadonlySet<number>, done: () => void): Generator<void, void> {
    if (groups.size > 0) {
      for (const batch of this.#fib.rowsOf(groups)) {
        this.#guarded("rewrite", () => this.#fib.rewrite(batch));
        yield;
      }
    }
    done();
  }

  #heal(device: string): void {
    const groups = this.#fib.groups.over(device);
    if (groups.length > 0) this.#define(groups, () => undefined);
  }

  #enqueue(job: Generator<void, void>): void {
    this.#jobs.push(job);
    this.#turn ??= setImmediate(this.#work);
  }

  readonly #work = (): void => {
    this.#turn = undefined;
    const queue = this.#urgent.length > 0 ? this.#urgent : this.#jobs;
    const [job] = queue;
    if (job === undefined) return;
    // A job may drop the queue it stands in.
    if (job.next().done === true && queue[0] === job) queue.shift();
    if (this.#urgent.length + this.#jobs.length > 0) this.#turn ??= setImmediate(this.#work);
  };

  /** The netlink socket itself failed: told, and left to the next audit. */
  #guarded<Outcome>(doing: string, act: () => Outcome): Outcome | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#warn("fib.netlink", `${doing}: ${error.message}`);
      return undefined;
    }
  }

  #warn(event: string, text: string): void {
    this.#parts.log.write({ level: "warn", event, fields: { text } }, this.#parts.now());
  }
}

/** Failures listed in one result; the rest are only missing from `applied`. */
const FAILURES_MAX = 1_000;

const unanswered = (id: number): RouteFailure => ({
  ...{ op: "group-set", subject: `group ${id}`, errno: "ENOBUFS" },
  text: "the kernel's answer did not arrive",
});

function* converting(
  dumped: DumpedRoutes,
  owner: KernelFibOptions,
  done: (routes: readonly KernelRoute[]) => void,
): Generator<void, void> {
  done(yield* toKernelRoutes(dumped, owner));
}

/** The caller may use its columns again; those of the kernel's work are its own. */
function copyOf(batch: RouteBatch): RouteBatch {
  const octets = batch.afi === Afi.Ipv4 ? 4 : 16;
  return {
    afi: batch.afi,
    count: batch.count,
    addresses: batch.addresses.slice(0, batch.count * octets),
    lengths: batch.lengths.slice(0, batch.count),
    groups: batch.groups.slice(0, batch.count),
  };
}
