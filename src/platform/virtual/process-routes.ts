import type {
  KernelRoute,
  Links,
  RouteBatch,
  RouteFailure,
  RouteGroup,
  RouteResult,
  Routes,
} from "../contract.ts";
import type { Process } from "./process.ts";
import type { KernelRoutes } from "./routes.ts";
import type { Timeline } from "./timeline.ts";

/**
 * Kernel routes as one process has them, with the order and the healing the Linux host has.
 * Batches,
 * removals and dumps wait in one queue and are worked off slice by slice, each taking its time;
 * groups overtake them, for a failover hangs on them. When an interface comes back, the groups of
 * this process that lost a hop by it are put right, and the routes that went with them.
 *
 * Groups mean something else in every process, and the routes of the one before still point at its
 * own: each numbers them in an epoch of its own, as the Linux host does.
 *
 * The process does the work: while it is frozen nothing goes on, and when it is killed a batch
 * stays half done, as it would.
 */
export class ProcessRoutes implements Routes {
  readonly kind = "kernel";
  readonly #kernel: KernelRoutes;
  readonly #process: Process;
  readonly #timeline: Timeline;
  readonly #epoch: number;
  readonly #wanted = new Map<number, RouteGroup>();
  /** Ids of group removals that are still queued. */
  readonly #removals = new Set<Set<number>>();
  /** Each yields how long its next step takes. */
  readonly #jobs: Generator<number, void>[] = [];
  #isWorking = false;

  constructor(parts: {
    readonly kernel: KernelRoutes;
    readonly process: Process;
    readonly timeline: Timeline;
    readonly links: Links;
    readonly epoch: number;
  }) {
    this.#epoch = parts.epoch;
    this.#kernel = parts.kernel;
    this.#process = parts.process;
    this.#timeline = parts.timeline;
    parts.links.watch((device, state) => {
      if (state?.isAdminUp === true && state.hasCarrier) this.#heal(device);
    });
  }

  setGroups(groups: readonly RouteGroup[], done: (result: RouteResult) => void): void {
    const tookUs = this.#kernel.costs.callUs;
    for (const { id } of groups) for (const removal of this.#removals) removal.delete(id);
    this.#process.postLater(() => {
      const failures = this.#define(groups);
      const failedCount = new Set(failures.map(({ subject }) => subject)).size;
      done(this.#answer(groups.length - failedCount, failures, tookUs));
    }, tookUs);
  }

  removeGroups(ids: readonly number[], done: (result: RouteResult) => void): void {
    const removal = new Set(ids);
    this.#removals.add(removal);
    this.#enqueue(this.#removing(removal, this.#timeline.now, done));
  }

  apply(batch: RouteBatch, done: (result: RouteResult) => void): void {
    this.#enqueue(this.#applying(copyOf(batch), this.#timeline.now, done));
  }

  dump(done: (routes: readonly KernelRoute[]) => void): void {
    this.#enqueue(this.#dumping(done));
  }

  resolve(address: string): { readonly device: string; readonly gateway?: string } | undefined {
    return this.#kernel.resolve(address);
  }

  /** What is queued is dropped, unanswered. */
  flush(): RouteResult {
    this.#jobs.length = 0;
    this.#removals.clear();
    this.#wanted.clear();
    return this.#answer(this.#kernel.flush(), [], 0);
  }

  close(): void {
    this.#jobs.length = 0;
    this.#wanted.clear();
  }

  *#applying(
    batch: RouteBatch,
    startedAt: number,
    done: (result: RouteResult) => void,
  ): Generator<number, void> {
    const { costs } = this.#kernel;
    const width = batch.afi === 1 ? 4 : 16;
    const failures: RouteFailure[] = [];
    yield costs.callUs;
    for (let from = 0; from < batch.count; from += ROWS_PER_SLICE) {
      const to = Math.min(from + ROWS_PER_SLICE, batch.count);
      yield (to - from) * costs.routeUs;
      for (let row = from; row < to; row += 1) {
        const address = batch.addresses.subarray(row * width, (row + 1) * width);
        const [length = 0, group = 0] = [batch.lengths[row], batch.groups[row]];
        const failure = this.#kernel.setRoute(batch.afi, address, length, this.#own(group));
        if (failure !== undefined) failures.push(failure);
      }
    }
    const tookUs = this.#timeline.now - startedAt;
    done(this.#answer(batch.count - failures.length, failures, tookUs));
  }

  *#removing(
    ids: Set<number>,
    startedAt: number,
    done: (result: RouteResult) => void,
  ): Generator<number, void> {
    yield this.#kernel.costs.callUs;
    this.#removals.delete(ids);
    const failures: RouteFailure[] = [];
    for (const id of ids) {
      this.#wanted.delete(id);
      const failure = this.#kernel.removeGroup(this.#own(id));
      if (failure !== undefined) failures.push(failure);
    }
    const tookUs = this.#timeline.now - startedAt;
    done(this.#answer(ids.size - failures.length, failures, tookUs));
  }

  *#dumping(done: (routes: readonly KernelRoute[]) => void): Generator<number, void> {
    const { callUs, routeUs } = this.#kernel.costs;
    yield callUs + this.#kernel.count * routeUs;
    done(this.#kernel.dump());
  }

  #define(groups: readonly RouteGroup[]): readonly RouteFailure[] {
    const failures: RouteFailure[] = [];
    const lost: number[] = [];
    for (const group of groups) {
      this.#wanted.set(group.id, group);
      failures.push(...this.#kernel.define({ ...group, id: this.#own(group.id) }));
      if (this.#kernel.lostRouteCount(this.#own(group.id)) > 0) lost.push(group.id);
    }
    if (lost.length > 0) this.#enqueue(this.#rewriting(lost), "first");
    return failures;
  }

  *#rewriting(groups: readonly number[]): Generator<number, void> {
    for (const id of groups) {
      yield this.#kernel.lostRouteCount(this.#own(id)) * this.#kernel.costs.routeUs;
      this.#kernel.rewrite(this.#own(id));
    }
    this.#note(`groups ${groups} rewritten`);
  }

  #heal(device: string): void {
    const groups = [...this.#wanted.values()].filter(({ hops }) =>
      hops.some((hop) => hop.device === device),
    );
    if (groups.length > 0) this.#define(groups);
  }

  /** The kernel's number of a group of this process; 0 is no group to either. */
  #own(id: number): number {
    return id === 0 ? 0 : this.#epoch * EPOCH_RANGE + id;
  }

  #enqueue(job: Generator<number, void>, where: "first" | "last" = "last"): void {
    if (where === "first") this.#jobs.unshift(job);
    else this.#jobs.push(job);
    if (!this.#isWorking) this.#work();
  }

  /** Takes the first job one step on, then waits for as long as its next one takes. */
  #work(): void {
    const [job] = this.#jobs;
    this.#isWorking = job !== undefined;
    if (job === undefined) return;
    const { done, value } = job.next();
    if (done === true) {
      const index = this.#jobs.indexOf(job);
      if (index >= 0) this.#jobs.splice(index, 1);
      this.#work();
    } else {
      this.#process.postLater(() => this.#work(), value);
    }
  }

  #answer(applied: number, failures: readonly RouteFailure[], tookUs: number): RouteResult {
    this.#note(`routes ${applied} ${failures.length}`);
    return { applied, failures, tookUs };
  }

  #note(text: string): void {
    this.#timeline.trace.note(this.#timeline.now, this.#process.place, text);
  }
}

const copyOf = (batch: RouteBatch): RouteBatch => ({
  ...batch,
  addresses: batch.addresses.slice(),
  lengths: batch.lengths.slice(),
  groups: batch.groups.slice(),
});

const EPOCH_RANGE = 2 ** 17;
const ROWS_PER_SLICE = 4096;
