/**
 * From the RIB's route changes to the kernel. Routes are rows pointing at groups; a group is a set
 * of ways out. This file owns three things: which circuit a BGP next hop means (asked of `hopOf`),
 * which paths are dead right now, and the table of what the kernel is to hold, against which `fib-
 * audit.ts` compares what it does hold.
 *
 * A path that dies leaves by its groups, at once and whatever the number of routes (design §4):
 * every group with a hop over it is replaced, by its living hops, else by its backup. A group with
 * nothing left stays as it is until the RIB takes its routes away, for an empty group would take
 * them before their new groups exist. A path comes back only when its BGP session is Established
 * again.
 *
 * New groups go in before rows point at them, old ones go out after. A group whose next hop cannot
 * be resolved yet is not placed; its rows are kept here and go in with it later. What the kernel
 * refuses is counted with its errno and healed by the next audit.
 */

import type { GroupHop, PeerSlot, RouteChangeGroup, RouteChanges } from "../bgp/rib/contract.ts";
import { Afi } from "../core/address.ts";
import { parsePrefix } from "../core/prefix.ts";
import { PrefixGroups } from "../core/prefix-groups.ts";
import type { Micros } from "../core/time.ts";
import type {
  Clock,
  RouteBatch,
  RouteFailure,
  RouteGroup,
  RouteHop,
  RouteResult,
  Routes,
} from "../platform/contract.ts";
import type { ExitGroup } from "./bfd/exits.ts";
import type { Events } from "./event-journal.ts";
import { type DriftKind, FibCounters, type FibCountersView } from "./fib-counters.ts";

export interface FibParts {
  readonly routes: Routes;
  readonly clock: Clock;
  readonly events: Events;
  /** Keys the hash of the prefix table. */
  readonly seed: number;
  /** The way out a hop means now, with the weight of its circuit; undefined where there is none. */
  hopOf(hop: GroupHop): RouteHop | undefined;
  /** Names for events. */
  pathOf(slot: PeerSlot): { readonly peer: string; readonly circuit: string };
  /** Groups or what may stand in them changed: `exits` answers anew. */
  groupsChanged?(): void;
}

export interface FibView {
  readonly kind: "kernel" | "virtual";
  readonly routes: { readonly ipv4: number; readonly ipv6: number };
  groups(): readonly FibGroupView[];
  /** Where the FIB sends exactly this prefix; undefined where it has no such route. */
  route(prefix: string): FibGroupView | undefined;
  /** Everything asked so far was acknowledged without an error. */
  readonly isSynced: boolean;
  readonly pendingOperations: number;
  readonly counters: FibCountersView;
}

export interface FibGroupView {
  readonly id: number;
  readonly afi: Afi;
  readonly hops: readonly RouteHop[];
  /** Circuits (or neighbours) in use. */
  readonly circuits: readonly string[];
  /**
   * `unplaced`: no next hop can be resolved; `stranded`: every hop is dead, the RIB will follow.
   */
  readonly via: GroupSource;
}

export type GroupSource = "primary" | "backup" | "stranded" | "unplaced";

interface GroupState {
  readonly spec: RouteChangeGroup;
  hops: readonly RouteHop[];
  /** Of the backup: what the kernel falls back on by itself; undefined where there is no backup. */
  spare: readonly RouteHop[] | undefined;
  slots: readonly PeerSlot[];
  via: GroupSource;
}

/** Told of every row and group that is changed, so that an audit under way leaves them alone. */
export interface FibObserver {
  rowsChanged(batch: RouteBatch): void;
  groupChanged(id: number): void;
  failed(): void;
}

export class Fib {
  readonly #parts: FibParts;
  readonly #groups = new Map<number, GroupState>();
  readonly #groupsOfSlot = new Map<PeerSlot, Set<number>>();
  readonly #dead = new Set<PeerSlot>();
  /** Paths the kernel has a group over, for `fib.circuit.joined`; value undefined until it has. */
  readonly #joining = new Map<PeerSlot, Micros>();
  readonly #inUse = new Set<PeerSlot>();
  readonly #counters = new FibCounters();
  #pending = 0;
  #unsyncedSince: Micros | undefined;
  #observer: FibObserver | undefined;
  readonly ipv4: PrefixGroups;
  readonly ipv6: PrefixGroups;

  constructor(parts: FibParts) {
    this.#parts = parts;
    this.ipv4 = new PrefixGroups(4, parts.seed);
    this.ipv6 = new PrefixGroups(16, parts.seed);
  }

  observe(observer: FibObserver): void {
    this.#observer = observer;
  }

  table(afi: Afi): PrefixGroups {
    return afi === Afi.Ipv4 ? this.ipv4 : this.ipv6;
  }

  /** Groups first, then rows, then what no row needs any more. */
  apply(changes: RouteChanges): void {
    const placed: RouteGroup[] = [];
    for (const spec of changes.newGroups) {
      const group = this.#adopt(spec);
      if (group.via !== "unplaced") placed.push(routeGroup(group));
    }
    this.#setGroups(placed);
    for (const batch of changes.batches) this.#applyRows(batch);
    const gone = changes.removedGroups.filter((id) => this.#forget(id));
    if (changes.newGroups.length + gone.length > 0) this.#parts.groupsChanged?.();
    if (gone.length === 0) return;
    this.#started();
    this.#parts.routes.removeGroups(gone, (result) => this.#done("group-remove", result));
  }

  /** The path must not be used from now on; the event says when the kernel has moved. */
  leave(slot: PeerSlot, reason: string): void {
    if (this.#dead.has(slot)) return;
    this.#dead.add(slot);
    this.#joining.delete(slot);
    const since = this.#parts.clock.now();
    const moved: RouteGroup[] = [];
    for (const id of this.#groupsOfSlot.get(slot) ?? []) {
      const group = this.#groups.get(id);
      if (group !== undefined && this.#choose(group)) moved.push(routeGroup(group));
    }
    this.#parts.groupsChanged?.();
    const wasInUse = this.#inUse.delete(slot);
    this.#setGroups(moved, (at) => {
      if (!wasInUse) return;
      const way = { ...this.#parts.pathOf(slot), groups: moved.length };
      const fields = { ...way, tookUs: at - since, leftAtUs: at, reason };
      this.#parts.events.emit("info", "fib.circuit.left", fields);
    });
  }

  /** The session is Established again: the path may be used where the RIB says so. */
  join(slot: PeerSlot): void {
    this.#dead.delete(slot);
    this.#joining.set(slot, this.#parts.clock.now());
    this.#replace(this.#groupsOfSlot.get(slot) ?? [], true);
  }

  /** Links, next hops or weights changed: every group is chosen anew. */
  refresh(): void {
    this.#replace(this.#groups.keys(), false);
  }

  /** Every placed group with all that may stand in it, for whoever sees a path fail first. */
  exits(): readonly ExitGroup[] {
    const ways = (hops: readonly GroupHop[]) =>
      hops.flatMap((hop) => {
        const [way] = this.#alive([hop], []);
        return way === undefined ? [] : [{ ...way, session: this.#parts.pathOf(hop.slot).peer }];
      });
    return [...this.#groups.values()].flatMap(({ spec, via }) =>
      via === "unplaced"
        ? []
        : [
            {
              ...{ id: spec.id, afi: spec.afi, hasSpare: spec.backup.length > 0 },
              ways: [ways(spec.primary), ways(spec.backup)],
            },
          ],
    );
  }

  /** What the kernel is to have for a group; undefined while it is not placed. */
  desired(id: number): RouteGroup | undefined {
    const group = this.#groups.get(id);
    return group === undefined || group.via === "unplaced" ? undefined : routeGroup(group);
  }

  /** Puts groups and rows in again that the kernel lost or bent. */
  heal(groups: readonly number[], batches: readonly RouteBatch[]): void {
    const wanted = groups.flatMap((id) => this.desired(id) ?? []);
    this.#setGroups(wanted);
    for (const batch of batches) this.#send(batch);
  }

  /** What an audit found; nothing at all closes what failed before. */
  audited(drift: Readonly<Record<DriftKind, number>>): void {
    this.#counters.audited(drift);
  }

  get view(): FibView {
    const { routes } = this.#parts;
    return {
      kind: routes.kind,
      routes: { ipv4: this.ipv4.size, ipv6: this.ipv6.size },
      groups: () => [...this.#groups.values()].map((group) => this.#groupView(group)),
      route: (prefix) => this.#route(prefix),
      isSynced: this.#pending === 0 && !this.#counters.hasOpenFailures,
      pendingOperations: this.#pending,
      counters: this.#counters.view(),
    };
  }

  #route(text: string): FibGroupView | undefined {
    const prefix = parsePrefix(text);
    if (prefix === undefined) return undefined;
    const id = this.table(prefix.afi).group(prefix.address, 0, prefix.length);
    const group = this.#groups.get(id);
    return group && this.#groupView(group);
  }

  #groupView(group: GroupState): FibGroupView {
    const { id, afi } = group.spec;
    const circuits = [...new Set(group.slots.map((slot) => this.#parts.pathOf(slot).circuit))];
    return { id, afi, hops: group.hops, circuits, via: group.via };
  }

  #adopt(spec: RouteChangeGroup): GroupState {
    const group: GroupState = {
      ...{ spec, hops: [], slots: [], via: "unplaced" },
      spare: spec.backup.length > 0 ? [] : undefined,
    };
    this.#forget(spec.id);
    this.#groups.set(spec.id, group);
    for (const { slot } of [...spec.primary, ...spec.backup]) {
      const ids = this.#groupsOfSlot.get(slot);
      if (ids === undefined) this.#groupsOfSlot.set(slot, new Set([spec.id]));
      else ids.add(spec.id);
    }
    this.#choose(group);
    return group;
  }

  /** True where the kernel has the group. */
  #forget(id: number): boolean {
    const group = this.#groups.get(id);
    if (group === undefined) return false;
    this.#groups.delete(id);
    for (const { slot } of [...group.spec.primary, ...group.spec.backup]) {
      const ids = this.#groupsOfSlot.get(slot);
      ids?.delete(id);
      if (ids?.size === 0) this.#groupsOfSlot.delete(slot);
    }
    return group.via !== "unplaced";
  }

  /** Picks living hops; true where the kernel must be told. */
  #choose(group: GroupState): boolean {
    const before = [group.hops, group.spare ?? []] as const;
    for (const via of ["primary", "backup"] as const) {
      const slots: PeerSlot[] = [];
      const hops = this.#alive(group.spec[via], slots);
      if (hops.length === 0) continue;
      group.hops = hops;
      group.slots = slots;
      const isNew = group.via === "unplaced";
      group.via = via;
      const spare = via === "primary" ? this.#spareOf(group) : [];
      if (group.spare !== undefined) group.spare = spare;
      return isNew || !sameHops(before[0], hops) || !sameHops(before[1], spare);
    }
    if (group.via !== "unplaced") group.via = "stranded";
    return false;
  }

  /** The first living hop of the backup over another link than those in use. */
  #spareOf({ spec, hops }: GroupState): readonly RouteHop[] {
    const devices = new Set(hops.map(({ device }) => device));
    return this.#alive(spec.backup, [])
      .filter(({ device }) => !devices.has(device))
      .slice(0, 1);
  }

  #alive(hops: readonly GroupHop[], slots: PeerSlot[]): RouteHop[] {
    const chosen: RouteHop[] = [];
    for (const hop of hops) {
      if (this.#dead.has(hop.slot)) continue;
      const way = this.#parts.hopOf(hop);
      if (way === undefined) continue;
      slots.push(hop.slot);
      const isKnown = chosen.some(
        (other) => other.gateway === way.gateway && other.device === way.device,
      );
      if (!isKnown) chosen.push(way);
    }
    return chosen;
  }

  /** Chooses anew; groups that get their first hop bring their rows in with them. */
  #replace(ids: Iterable<number>, always: boolean): void {
    const moved: RouteGroup[] = [];
    const owed = new Set<number>();
    for (const id of ids) {
      const group = this.#groups.get(id);
      if (group === undefined) continue;
      const was = group.via;
      const hasChanged = this.#choose(group);
      if (group.via === "unplaced" || group.via === "stranded") continue;
      // The kernel drops a group, and every route on it, with the last link it had.
      if (was === "unplaced" || was === "stranded") owed.add(id);
      if (hasChanged || always || owed.has(id)) moved.push(routeGroup(group));
    }
    this.#setGroups(moved);
    this.#parts.groupsChanged?.();
    if (owed.size > 0) for (const batch of this.#rowsOf(owed)) this.#send(batch);
  }

  #applyRows(batch: RouteBatch): void {
    const table = this.table(batch.afi);
    const octets = batch.afi === Afi.Ipv4 ? 4 : 16;
    let groups = batch.groups;
    // Rows of one group come in long runs.
    let last = 0;
    let isUnplaced = false;
    for (let row = 0; row < batch.count; row += 1) {
      const length = batch.lengths[row] ?? 0;
      const id = batch.groups[row] ?? 0;
      if (id === 0) table.remove(batch.addresses, row * octets, length);
      else table.set(batch.addresses, row * octets, length, id);
      if (id !== last) {
        last = id;
        isUnplaced = id !== 0 && this.#groups.get(id)?.via === "unplaced";
      }
      if (isUnplaced) {
        if (groups === batch.groups) groups = batch.groups.slice();
        groups[row] = 0;
      }
    }
    this.#send({ ...batch, groups });
  }

  #rowsOf(ids: ReadonlySet<number>): RouteBatch[] {
    return [Afi.Ipv4, Afi.Ipv6].flatMap((afi) => {
      const table = this.table(afi);
      const slots: number[] = [];
      for (let slot = 0; slot < table.slots; slot += 1) {
        if (table.lengthAt(slot) !== undefined && ids.has(table.groupAt(slot))) slots.push(slot);
      }
      return slots.length === 0 ? [] : [batchOf(table, afi, slots)];
    });
  }

  /** `moved` is told when the kernel had answered. */
  #setGroups(groups: readonly RouteGroup[], moved?: (at: Micros) => void): void {
    if (groups.length === 0) {
      moved?.(this.#parts.clock.now());
      return;
    }
    for (const group of groups) this.#observer?.groupChanged(group.id);
    this.#started();
    this.#parts.routes.setGroups(groups, (result) => {
      moved?.(result.answeredAt ?? this.#parts.clock.now());
      this.#reportJoined(groups);
      this.#done("group-set", result);
    });
  }

  #send(batch: RouteBatch): void {
    if (batch.count === 0) return;
    this.#observer?.rowsChanged(batch);
    this.#started();
    this.#parts.routes.apply(batch, (result) => this.#done("route-apply", result));
  }

  /** A path is in use once the kernel has a group over it. */
  #reportJoined(groups: readonly RouteGroup[]): void {
    const joined = new Map<PeerSlot, number>();
    for (const { id } of groups) {
      const group = this.#groups.get(id);
      if (group?.via !== "primary" && group?.via !== "backup") continue;
      for (const slot of group.slots) {
        if (!this.#dead.has(slot) && !this.#inUse.has(slot)) {
          joined.set(slot, (joined.get(slot) ?? 0) + 1);
        }
      }
    }
    const now = this.#parts.clock.now();
    for (const [slot, count] of joined) {
      this.#inUse.add(slot);
      const tookUs = now - (this.#joining.get(slot) ?? now);
      this.#joining.delete(slot);
      const fields = { ...this.#parts.pathOf(slot), groups: count, tookUs };
      this.#parts.events.emit("info", "fib.circuit.joined", fields);
    }
  }

  #started(): void {
    this.#pending += 1;
    this.#unsyncedSince ??= this.#parts.clock.now();
  }

  #done(op: "group-set" | "group-remove" | "route-apply", result: RouteResult): void {
    this.#pending -= 1;
    this.#counters.program(op, result.tookUs, result.failures);
    if (result.failures.length > 0) this.#reportFailures(result.failures);
    if (this.#pending > 0) return;
    const tookUs = this.#parts.clock.now() - (this.#unsyncedSince ?? this.#parts.clock.now());
    this.#unsyncedSince = undefined;
    const routes = this.ipv4.size + this.ipv6.size;
    this.#parts.events.emit("debug", "fib.synced", { routes, tookUs });
  }

  /** Where all of it is a link that went down meanwhile, the news of that is on its way. */
  #reportFailures(failures: readonly RouteFailure[]): void {
    const refused = failures.find(({ errno }) => errno !== "ENETDOWN");
    const told = refused ?? failures[0];
    if (told === undefined) return;
    const fields = { ...told, failures: failures.length };
    if (refused === undefined) this.#parts.events.emit("info", "fib.link.down", fields);
    else this.#parts.events.emit("error", "fib.error", fields);
    this.#observer?.failed();
  }
}

/** The rows in these slots as one batch. */
function batchOf(table: PrefixGroups, afi: Afi, slots: readonly number[]): RouteBatch {
  const octets = afi === Afi.Ipv4 ? 4 : 16;
  const addresses = new Uint8Array(slots.length * octets);
  const lengths = new Uint8Array(slots.length);
  const groups = new Uint32Array(slots.length);
  for (const [row, slot] of slots.entries()) {
    addresses.set(table.addressAt(slot), row * octets);
    lengths[row] = table.lengthAt(slot) ?? 0;
    groups[row] = table.groupAt(slot);
  }
  return { afi, count: slots.length, addresses, lengths, groups };
}

const routeGroup = ({ spec: { id, afi }, hops, spare }: GroupState): RouteGroup => {
  return { id, afi, hops, ...(spare && { spare }) };
};

function sameHops(a: readonly RouteHop[], b: readonly RouteHop[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((hop, index) => {
    const other = b[index];
    return (
      hop.gateway === other?.gateway && hop.device === other.device && hop.weight === other.weight
    );
  });
}
