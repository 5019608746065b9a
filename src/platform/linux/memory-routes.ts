import { randomInt } from "node:crypto";
import { Afi, formatAddress } from "../../core/address.ts";
import { PrefixGroups } from "../../core/prefix-groups.ts";
import type { Micros } from "../../core/time.ts";
import type {
  KernelRoute,
  RouteBatch,
  RouteFailure,
  RouteGroup,
  RouteResult,
  Routes,
} from "../contract.ts";

/**
 * Routes kept in memory: `fib: { kind: virtual }`, for those who only want to look, or may not
 * touch a kernel.
 * Answers as a kernel would, from the loop; sends no packet anywhere. `resolve` is somebody else's:
 * next hops are still looked up in the real tables.
 */
export class MemoryRoutes implements Routes {
  readonly kind = "virtual";
  readonly #now: () => Micros;
  readonly #proto: number;
  readonly #groups = new Map<number, RouteGroup>();
  readonly #tables = {
    [Afi.Ipv4]: new PrefixGroups(4, randomInt(2 ** 31)),
    [Afi.Ipv6]: new PrefixGroups(16, randomInt(2 ** 31)),
  };
  readonly resolve: Routes["resolve"];
  #isClosed = false;

  constructor(options: {
    readonly now: () => Micros;
    readonly proto: number;
    readonly resolve: Routes["resolve"];
  }) {
    this.#now = options.now;
    this.#proto = options.proto;
    this.resolve = options.resolve;
  }

  setGroups(groups: readonly RouteGroup[], done: (result: RouteResult) => void): void {
    for (const group of groups) this.#groups.set(group.id, group);
    this.#answer(groups.length, [], done);
  }

  removeGroups(ids: readonly number[], done: (result: RouteResult) => void): void {
    const removed = new Set(ids.filter((id) => this.#groups.delete(id)));
    // As in the kernel: a group takes the routes it still has along.
    for (const table of Object.values(this.#tables)) {
      const rows = rowsWhere(table, (group) => removed.has(group));
      for (const { address, length } of rows) table.remove(address, 0, length);
    }
    this.#answer(ids.length, [], done);
  }

  apply(batch: RouteBatch, done: (result: RouteResult) => void): void {
    const table = this.#tables[batch.afi];
    const failures: RouteFailure[] = [];
    let last = 0;
    let isKnown = false;
    for (let row = 0; row < batch.count; row += 1) {
      const group = batch.groups[row] ?? 0;
      if (group !== last) isKnown = this.#groups.has(group);
      last = group;
      const length = batch.lengths[row] ?? 0;
      const offset = row * table.octets;
      if (group === 0) table.remove(batch.addresses, offset, length);
      else if (isKnown) table.set(batch.addresses, offset, length, group);
      else {
        const address = formatAddress(batch.addresses.subarray(offset, offset + table.octets));
        const text = "Nexthop id does not exist";
        failures.push({ op: "route-add", subject: `${address}/${length}`, errno: "EINVAL", text });
      }
    }
    this.#answer(batch.count, failures, done);
  }

  dump(done: (routes: readonly KernelRoute[]) => void): void {
    const routes: KernelRoute[] = [];
    for (const table of Object.values(this.#tables)) {
      for (const { address, length, group } of rowsWhere(table, () => true)) {
        const hops = this.#groups.get(group)?.hops ?? [];
        routes.push({ prefix: `${formatAddress(address)}/${length}`, hops, proto: this.#proto });
      }
    }
    this.#later(() => done(routes));
  }

  flush(): RouteResult {
    const tables = Object.values(this.#tables);
    const applied = tables.reduce((sum, table) => sum + table.size, 0);
    for (const table of tables) table.clear();
    this.#groups.clear();
    return { applied, failures: [], tookUs: 0 };
  }

  close(): void {
    this.#isClosed = true;
  }

  #answer(count: number, failures: RouteFailure[], done: (result: RouteResult) => void): void {
    const startedAt = this.#now();
    const applied = count - failures.length;
    this.#later(() => done({ applied, failures, tookUs: this.#now() - startedAt }));
  }

  #later(act: () => void): void {
    setImmediate(() => {
      if (!this.#isClosed) act();
    });
  }
}

interface Row {
  readonly address: Uint8Array;
  readonly length: number;
  readonly group: number;
}

function rowsWhere(table: PrefixGroups, isWanted: (group: number) => boolean): Row[] {
  const rows: Row[] = [];
  for (let slot = 0; slot < table.slots; slot += 1) {
    const length = table.lengthAt(slot);
    const group = table.groupAt(slot);
    if (length === undefined || !isWanted(group)) continue;
    rows.push({ address: table.addressAt(slot), length, group });
  }
  return rows;
}
