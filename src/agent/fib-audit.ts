/**
 * Compares the kernel with the table of `fib.ts`, now and then and soon after a failure, and puts
 * right what differs: someone else's `ip route del`, a flap of a sub-interface that took its routes
 * along, a refused message. The kernel is read in one dump and compared in slices, so that nothing
 * waits for a large table; rows and groups that change meanwhile are left to the next audit.
 *
 * Routes nobody wants are reaped only once the agent has converged: after a restart they are the
 * last run's, and traffic still uses them (design §4).
 */

import { Afi } from "../core/address.ts";
import { type Prefix, parsePrefix } from "../core/prefix.ts";
import { PrefixGroups } from "../core/prefix-groups.ts";
import { after, US_PER_SEC } from "../core/time.ts";
import type {
  Alarm,
  Clock,
  KernelRoute,
  RouteBatch,
  RouteGroup,
  RouteHop,
  Routes,
} from "../platform/contract.ts";
import type { Events } from "./event-journal.ts";
import type { Fib, FibObserver } from "./fib.ts";
import type { DriftKind } from "./fib-counters.ts";

const INTERVAL_US = 60 * US_PER_SEC;
/** A dump of a large table is work for the kernel and for us. */
const LARGE_INTERVAL_US = 600 * US_PER_SEC;
const LARGE_ROUTES = 50_000;
const RETRY_US = US_PER_SEC;
const KERNEL_ROWS_PER_SLICE = 2_000;
/** Rows one round puts right; what is more waits for the next. */
const HEAL_ROWS_MAX = 100_000;
const TABLE_SLOTS_PER_SLICE = 50_000;

export interface FibAuditParts {
  readonly fib: Fib;
  readonly routes: Routes;
  readonly clock: Clock;
  readonly events: Events;
  /** Whether what the RIB does not want may be taken for unwanted. */
  hasConverged(): boolean;
}

interface Round {
  readonly mark: number;
  readonly touched: { readonly [afi in Afi]: PrefixGroups };
  readonly touchedGroups: Set<number>;
  readonly mayReap: boolean;
  kernel: readonly KernelRoute[];
  kernelAt: number;
  tableAfi: Afi;
  slotAt: number;
  readonly drift: Record<DriftKind, number>;
  readonly groups: Set<number>;
  readonly wanted: Prefix[];
  readonly extra: Prefix[];
}

export class FibAudit implements FibObserver {
  readonly #parts: FibAuditParts;
  readonly #alarm: Alarm;
  readonly #slice: Alarm;
  #round: Round | undefined;
  #rounds = 0;
  #retryUs = RETRY_US;
  #isStopped = false;
  /** Completed comparisons. */
  completed = 0;

  constructor(parts: FibAuditParts) {
    this.#parts = parts;
    this.#alarm = parts.clock.createAlarm(() => void this.start());
    this.#slice = parts.clock.createAlarm(() => this.#compare());
    parts.fib.observe(this);
    this.#schedule(INTERVAL_US);
  }

  /** Compares now; false where a round is under way, which is not disturbed. */
  start(): boolean {
    if (this.#round !== undefined || this.#isStopped) return false;
    this.#rounds = (this.#rounds % 255) + 1;
    const round = newRound(this.#rounds, this.#parts.hasConverged());
    this.#round = round;
    this.#parts.routes.dump((kernel) => {
      if (this.#isStopped) return;
      round.kernel = kernel;
      this.#slice.set(this.#parts.clock.now());
    });
    return true;
  }

  /** A link changed or the kernel refused something: look soon. */
  soon(): void {
    if (this.#round === undefined) this.#schedule(this.#retryUs);
  }

  failed(): void {
    this.soon();
    this.#retryUs = Math.min(this.#retryUs * 2, INTERVAL_US);
  }

  rowsChanged(batch: RouteBatch): void {
    const touched = this.#round?.touched[batch.afi];
    if (touched === undefined) return;
    const octets = batch.afi === Afi.Ipv4 ? 4 : 16;
    for (let row = 0; row < batch.count; row += 1) {
      touched.set(batch.addresses, row * octets, batch.lengths[row] ?? 0, 1);
    }
  }

  groupChanged(id: number): void {
    this.#round?.touchedGroups.add(id);
  }

  stop(): void {
    this.#isStopped = true;
    this.#round = undefined;
    this.#alarm.set(undefined);
    this.#slice.set(undefined);
  }

  #schedule(delayUs: number): void {
    if (!this.#isStopped) this.#alarm.set(after(this.#parts.clock.now(), delayUs));
  }

  #compare(): void {
    const round = this.#round;
    if (round === undefined) return;
    if (this.#compareKernel(round) || this.#compareTable(round)) {
      this.#slice.set(this.#parts.clock.now());
      return;
    }
    this.#round = undefined;
    this.#finish(round);
  }

  /** Kernel rows against the table; true while some are left. */
  #compareKernel(round: Round): boolean {
    const end = Math.min(round.kernel.length, round.kernelAt + KERNEL_ROWS_PER_SLICE);
    if (round.kernelAt === round.kernel.length) return false;
    for (; round.kernelAt < end; round.kernelAt += 1) {
      const route = round.kernel[round.kernelAt];
      if (route !== undefined) this.#compareRoute(round, route);
    }
    return true;
  }

  #compareRoute(round: Round, route: KernelRoute): void {
    const prefix = parsePrefix(route.prefix);
    if (prefix === undefined) return;
    const { afi, address, length } = prefix;
    const id = this.#parts.fib.table(afi).mark(address, 0, length, round.mark);
    if (round.touched[afi].group(address, 0, length) !== 0 || round.touchedGroups.has(id)) return;
    const group = id === 0 ? undefined : this.#parts.fib.desired(id);
    if (group === undefined) {
      if (!round.mayReap) return;
      round.drift.extra += 1;
      if (round.extra.length < HEAL_ROWS_MAX) round.extra.push(prefix);
    } else if (!isAlike(group, route)) {
      round.drift.wrong += 1;
      this.#want(round, id, prefix);
    }
  }

  /** Table rows the kernel did not show; true while some are left. */
  #compareTable(round: Round): boolean {
    const table = this.#parts.fib.table(round.tableAfi);
    const end = Math.min(table.slots, round.slotAt + TABLE_SLOTS_PER_SLICE);
    for (; round.slotAt < end; round.slotAt += 1) {
      const length = table.lengthAt(round.slotAt);
      if (length === undefined || table.markAt(round.slotAt) === round.mark) continue;
      const id = table.groupAt(round.slotAt);
      const address = table.addressAt(round.slotAt);
      if (round.touched[round.tableAfi].group(address, 0, length) !== 0) continue;
      if (round.touchedGroups.has(id) || this.#parts.fib.desired(id) === undefined) continue;
      round.drift.missing += 1;
      this.#want(round, id, { afi: round.tableAfi, address, length });
    }
    if (round.slotAt < table.slots) return true;
    round.slotAt = 0;
    if (round.tableAfi === Afi.Ipv6) return false;
    round.tableAfi = Afi.Ipv6;
    return true;
  }

  #want(round: Round, id: number, row: Prefix): void {
    if (round.wanted.length >= HEAL_ROWS_MAX) return;
    round.groups.add(id);
    round.wanted.push({ ...row, address: row.address.slice() });
  }

  #finish(round: Round): void {
    const { fib, events } = this.#parts;
    const { missing, extra, wrong } = round.drift;
    this.completed += 1;
    fib.audited(round.drift);
    const isLarge = fib.ipv4.size + fib.ipv6.size > LARGE_ROUTES;
    if (missing + extra + wrong === 0) {
      this.#retryUs = RETRY_US;
      this.#schedule(isLarge ? LARGE_INTERVAL_US : INTERVAL_US);
      return;
    }
    events.emit("warn", "fib.drift.healed", { missing, extra, wrong });
    this.#schedule(this.#retryUs);
    this.#retryUs = Math.min(this.#retryUs * 2, INTERVAL_US);
    const groupOf = ({ afi, address, length }: Prefix) => fib.table(afi).group(address, 0, length);
    // What is no longer in the table is being removed already; it must not be set again.
    const wanted = round.wanted.filter((row) => groupOf(row) !== 0);
    const batches = [Afi.Ipv4, Afi.Ipv6].flatMap((afi) => [
      batchOf(afi, wanted, groupOf),
      batchOf(afi, round.extra, () => 0),
    ]);
    fib.heal([...round.groups], batches);
  }
}

function batchOf(
  afi: Afi,
  prefixes: readonly Prefix[],
  groupOf: (row: Prefix) => number,
): RouteBatch {
  const rows = prefixes.filter((row) => row.afi === afi);
  const octets = afi === Afi.Ipv4 ? 4 : 16;
  const addresses = new Uint8Array(rows.length * octets);
  for (const [row, { address }] of rows.entries()) addresses.set(address, row * octets);
  return {
    afi,
    count: rows.length,
    addresses,
    lengths: Uint8Array.from(rows, (row) => row.length),
    groups: Uint32Array.from(rows, groupOf),
  };
}

function newRound(mark: number, mayReap: boolean): Round {
  return {
    mark,
    touched: { [Afi.Ipv4]: new PrefixGroups(4, 0), [Afi.Ipv6]: new PrefixGroups(16, 0) },
    touchedGroups: new Set(),
    mayReap,
    kernel: [],
    kernelAt: 0,
    tableAfi: Afi.Ipv4,
    slotAt: 0,
    drift: { missing: 0, extra: 0, wrong: 0 },
    groups: new Set(),
    wanted: [],
    extra: [],
  };
}

/** The kernel's order of hops is its own; weights mean something only where they differ. */
function isAlike(group: RouteGroup, route: KernelRoute): boolean {
  if (group.hops.length !== route.hops.length) return false;
  const wanted = new Set(wordsOf(group.hops));
  return wordsOf(route.hops).every((word) => wanted.has(word));
}

function wordsOf(hops: readonly RouteHop[]): readonly string[] {
  const isEven = hops.every(({ weight }) => weight === hops[0]?.weight);
  return hops.map(({ device, gateway, weight }) => `${device} ${gateway} ${isEven ? 1 : weight}`);
}
