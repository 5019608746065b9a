import { Afi } from "../core/address.ts";
import { formatPrefix } from "../core/prefix.ts";
import type {
  Alarm,
  Clock,
  KernelRoute,
  RouteBatch,
  RouteGroup,
  RouteResult,
  Routes,
} from "../platform/contract.ts";
import { FibTable } from "./fib-table.ts";

/**
 * `fib: virtual`: routes are kept here and nowhere else, for a box without privileges and for those
 * who only want to look. It answers as a kernel would, from the host's loop and in order, and holds
 * a million routes in columns. Which way an address lies is still asked of the host.
 */
export class MemoryRoutes implements Routes {
  readonly kind = "virtual";
  readonly #clock: Clock;
  readonly #resolve: Routes["resolve"];
  readonly #bell: Alarm;
  readonly #outbox: (() => void)[] = [];
  readonly #groups = new Map<number, RouteGroup>();
  #tables = { [Afi.Ipv4]: new FibTable(4, 0), [Afi.Ipv6]: new FibTable(16, 0) };

  constructor(clock: Clock, resolve: Routes["resolve"]) {
    this.#clock = clock;
    this.#resolve = resolve;
    this.#bell = clock.createAlarm(() => {
      for (const deliver of this.#outbox.splice(0)) deliver();
    });
  }

  setGroups(groups: readonly RouteGroup[], done: (result: RouteResult) => void): void {
    for (const group of groups) this.#groups.set(group.id, group);
    this.#answer(groups.length, done);
  }

  removeGroups(ids: readonly number[], done: (result: RouteResult) => void): void {
    for (const id of ids) this.#groups.delete(id);
    this.#answer(ids.length, done);
  }

  apply(batch: RouteBatch, done: (result: RouteResult) => void): void {
    const table = this.#tables[batch.afi];
    const octets = batch.afi === Afi.Ipv4 ? 4 : 16;
    for (let row = 0; row < batch.count; row += 1) {
      const group = batch.groups[row] ?? 0;
      const length = batch.lengths[row] ?? 0;
      if (group === 0) table.remove(batch.addresses, row * octets, length);
      else table.set(batch.addresses, row * octets, length, group);
    }
    this.#answer(batch.count, done);
  }

  dump(done: (routes: readonly KernelRoute[]) => void): void {
    this.#post(() => done([Afi.Ipv4, Afi.Ipv6].flatMap((afi) => this.#rows(afi))));
  }

  resolve(address: string): { readonly device: string; readonly gateway?: string } | undefined {
    return this.#resolve(address);
  }

  flush(): RouteResult {
    const applied = this.#tables[Afi.Ipv4].size + this.#tables[Afi.Ipv6].size;
    this.#tables = { [Afi.Ipv4]: new FibTable(4, 0), [Afi.Ipv6]: new FibTable(16, 0) };
    this.#groups.clear();
    return { applied, failures: [], tookUs: 0 };
  }

  close(): void {
    this.#outbox.length = 0;
    this.#bell.set(undefined);
  }

  #rows(afi: Afi): KernelRoute[] {
    const table = this.#tables[afi];
    const rows: KernelRoute[] = [];
    for (let slot = 0; slot < table.slots; slot += 1) {
      const length = table.lengthAt(slot);
      if (length === undefined) continue;
      const { hops } = this.#groups.get(table.groupAt(slot)) ?? { hops: [] };
      rows.push({ prefix: formatPrefix({ afi, address: table.addressAt(slot), length }), hops, proto: 0 });
    }
    return rows;
  }

  #answer(applied: number, done: (result: RouteResult) => void): void {
    this.#post(() => done({ applied, failures: [], tookUs: 0 }));
  }

  #post(deliver: () => void): void {
    this.#outbox.push(deliver);
    this.#bell.set(this.#clock.now());
  }
}
