import type { Afi } from "../../core/address.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { type GroupHop, LOCAL_SLOT, type PeerSlot, type RouteChangeGroup } from "./contract.ts";
import type { Decision, DecisionInputs } from "./decision.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { PathStore } from "./path-store.ts";
import type { PeerColumns } from "./peer-columns.ts";

/**
 * Sets of next hops that prefixes share, as (primary, backup) by number. A table of a million
 * prefixes over two circuits has two of them: what a dead circuit costs is counted in groups.
 *
 * References are counted twice over: by the rows of the Loc-RIB and by what the FIB was told. A
 * group is announced before the first row that uses it and removed after the last.
 */
export class HopGroups {
  readonly #attributes: AttributeStore;
  readonly #nextHops: NextHopTable;
  readonly #peers: PeerColumns;
  /** By id; index 0 stays empty: no group. */
  readonly #groups: (Group | undefined)[] = [undefined];
  readonly #byHash = new Map<number, number[]>();
  /** By family: a kernel that still has the old group takes no hops of another family into it. */
  readonly #free: Readonly<Record<Afi, number[]>> = { 1: [], 2: [] };
  /** Ids made or dropped since the last take. */
  readonly #fresh = new Set<number>();
  readonly #unused = new Set<number>();
  /** The members of the group asked for: AFI and primary count, then slot and next hop of each. */
  #key = new Uint32Array(16);
  #keyLength = 0;
  #last = 0;

  constructor(shared: DecisionInputs) {
    this.#attributes = shared.attributes;
    this.#nextHops = shared.nextHops;
    this.#peers = shared.peers;
  }

  /** The group of what was just decided, with one reference; 0 where there is no way out. */
  retainDecided(afi: Afi, paths: PathStore, decision: Decision): number {
    const best = decision.chosen[0] ?? 0;
    if (decision.chosenCount === 0 || paths.slotOf(best) === LOCAL_SLOT) return 0;
    const members = decision.chosenCount + decision.backupCount;
    if (this.#key.length < 2 + members * 2) this.#key = new Uint32Array(2 + members * 4);
    this.#key[0] = afi;
    this.#key[1] = decision.chosenCount;
    this.#keyLength = KEY_HEAD;
    this.#append(paths, decision.chosen, decision.chosenCount);
    this.#append(paths, decision.backup, decision.backupCount);
    const id = this.#isLast() ? this.#last : this.#intern();
    this.retain(id);
    this.#last = id;
    return id;
  }

  retain(id: number): void {
    const group = this.#groups[id];
    if (group === undefined) return;
    group.refs += 1;
    if (group.refs === 1) this.#unused.delete(id);
  }

  release(id: number): void {
    const group = this.#groups[id];
    if (group === undefined) return;
    group.refs -= 1;
    if (group.refs === 0) this.#unused.add(id);
  }

  /** Groups to define before the rows at hand refer to them. */
  takeNew(): RouteChangeGroup[] {
    const groups: RouteChangeGroup[] = [];
    for (const id of this.#fresh) {
      const group = this.#groups[id];
      if (group === undefined || group.refs === 0) continue;
      group.isAnnounced = true;
      groups.push({ id, afi: (group.key[0] ?? 0) as Afi, ...this.#hopsOf(group) });
    }
    this.#fresh.clear();
    return groups;
  }

  /** Groups nothing refers to any more. */
  takeRemoved(): number[] {
    const removed: number[] = [];
    for (const id of this.#unused) {
      const group = this.#groups[id];
      if (group === undefined) continue;
      if (group.isAnnounced) removed.push(id);
      this.#drop(id, group);
    }
    this.#unused.clear();
    return removed;
  }

  #hopsOf(group: Group): { primary: GroupHop[]; backup: GroupHop[] } {
    const primary: GroupHop[] = [];
    const backup: GroupHop[] = [];
    const primaryEnd = KEY_HEAD + (group.key[1] ?? 0) * 2;
    for (let index = KEY_HEAD; index < group.key.length; index += 2) {
      const slot = group.key[index] ?? 0;
      const nextHop = this.#nextHops.hopTextOf(
        group.key[index + 1] ?? 0,
        this.#peers.remoteAddress[slot],
      );
      const hops = index < primaryEnd ? primary : backup;
      hops.push({ slot: slot as PeerSlot, nextHop });
    }
    return { primary, backup };
  }

  #append(paths: PathStore, members: Uint32Array, count: number): void {
    for (let index = 0; index < count; index += 1) {
      const path = members[index] ?? 0;
      const slot = paths.slotOf(path);
      if (slot === LOCAL_SLOT) continue; // no way out of the router
      this.#key[this.#keyLength] = slot;
      const attributes = paths.accepted[path] ?? 0;
      this.#key[this.#keyLength + 1] = this.#attributes.nextHop[attributes] ?? 0;
      this.#keyLength += 2;
    }
  }

  #isLast(): boolean {
    const group = this.#groups[this.#last];
    return group !== undefined && this.#isKeyOf(group);
  }

  #isKeyOf(group: Group): boolean {
    if (group.key.length !== this.#keyLength) return false;
    for (let index = 0; index < this.#keyLength; index += 1) {
      if (group.key[index] !== this.#key[index]) return false;
    }
    return true;
  }

  #intern(): number {
    let hash = this.#keyLength;
    for (let index = 0; index < this.#keyLength; index += 1) {
      hash = Math.imul(hash ^ (this.#key[index] ?? 0), 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    let ids = this.#byHash.get(hash);
    for (const id of ids ?? []) {
      const group = this.#groups[id];
      if (group !== undefined && this.#isKeyOf(group)) return id;
    }
    const id = this.#free[(this.#key[0] ?? 1) as Afi].shift() ?? this.#groups.length;
    const key = this.#key.slice(0, this.#keyLength);
    for (let index = KEY_HEAD + 1; index < key.length; index += 2)
      this.#nextHops.hold(key[index] ?? 0);
    this.#groups[id] = { key, hash, refs: 0, isAnnounced: false };
    if (ids === undefined) {
      ids = [];
      this.#byHash.set(hash, ids);
    }
    ids.push(id);
    this.#fresh.add(id);
    return id;
  }

  #drop(id: number, group: Group): void {
    for (let index = KEY_HEAD + 1; index < group.key.length; index += 2) {
      this.#nextHops.release(group.key[index] ?? 0);
    }
    const ids = (this.#byHash.get(group.hash) ?? []).filter((other) => other !== id);
    if (ids.length === 0) this.#byHash.delete(group.hash);
    else this.#byHash.set(group.hash, ids);
    this.#groups[id] = undefined;
    this.#fresh.delete(id);
    // Reused oldest first: an id rests before it means something else.
    this.#free[(group.key[0] ?? 1) as Afi].push(id);
    if (this.#last === id) this.#last = 0;
  }
}

interface Group {
  readonly key: Uint32Array;
  readonly hash: number;
  refs: number;
  isAnnounced: boolean;
}

const KEY_HEAD = 2;
