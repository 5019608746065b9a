import { Afi } from "../../core/address.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Rng } from "../../core/rng.ts";
import { ChangeJournal } from "./change-journal.ts";
import { widened } from "./columns.ts";
import type { RouteChanges } from "./contract.ts";
import { Decision, type DecisionInputs } from "./decision.ts";
import type { HopGroups } from "./hop-groups.ts";
import { DEAD, isRejected, PathStore } from "./path-store.ts";
import { PrefixTable } from "./prefix-table.ts";
import { RowQueue } from "./row-queue.ts";

/**
 * Everything known about the prefixes of one family: the paths to each (Adj-RIBs-In), what was
 * chosen (Loc-RIB), which group of next hops packets take, and who has yet to hear of a change: the
 * FIB through `takeBatch`, peers through `journal`.
 *
 * A row lives while anything refers to it: a path, a best route, the FIB, or an Adj-RIB-Out
 * (`hold`). Decisions are taken in `decideSome`; until then the Loc-RIB keeps its last word, which
 * is why it remembers attribute set and peer of the best path rather than the path.
 */
export class LocRib {
  readonly afi: Afi;
  /** Place of the family where there is one of something for each: IPv4, IPv6. */
  readonly index: 0 | 1;
  readonly table: PrefixTable;
  readonly paths: PathStore = new PathStore();
  readonly decision: Decision;
  readonly journal: ChangeJournal = new ChangeJournal();
  /** Newest path of the prefix. */
  head: Uint32Array = new Uint32Array(ROWS_INITIAL);
  /** Attribute set of the best path, 0 where there is none; and whose it is. */
  best: Uint32Array = new Uint32Array(ROWS_INITIAL);
  bestSlot: Uint16Array = new Uint16Array(ROWS_INITIAL);
  /** Prefixes with a best path. */
  size = 0;
  /** RFC 4724 §4.1: nothing is decided, and so nobody is told anything. */
  isDeferred = false;
  /** By slot: paths import accepted, and prefixes whose best path is the peer's. */
  readonly acceptedCounts: Uint32Array = new Uint32Array(LIMITS.peers + 1);
  readonly bestCounts: Uint32Array = new Uint32Array(LIMITS.peers + 1);

  readonly #shared: DecisionInputs;
  readonly #groups: HopGroups;
  /** Hop group now, and as the FIB was told. */
  #group = new Uint32Array(ROWS_INITIAL);
  #installed = new Uint32Array(ROWS_INITIAL);
  /** Adj-RIBs-Out that say, or hold back, something about the prefix. */
  #holds = new Uint16Array(ROWS_INITIAL);
  #marks = new Uint8Array(ROWS_INITIAL);
  readonly #dirty = new RowQueue();
  readonly #fibQueue = new RowQueue();
  readonly #sweeps: Sweeps;

  constructor(afi: Afi, shared: DecisionInputs, groups: HopGroups, rng: Rng) {
    this.afi = afi;
    this.index = afi === Afi.Ipv4 ? 0 : 1;
    this.table = new PrefixTable(afi, rng);
    this.decision = new Decision(this.paths, shared);
    this.#shared = shared;
    this.#groups = groups;
    this.#sweeps = {
      nextHops: new Uint8Array(64),
      isOn: false,
      hasWrapped: false,
      path: 0,
      stop: 0,
      row: 0,
    };
  }

  /** The row of the prefix loaded as key, made where it is missing. */
  insertKey(): number {
    const row = this.table.insert();
    if (row >= this.head.length) this.#grow(this.head.length * 2);
    return row;
  }

  /** The path of a peer to a prefix, 0 where it has none. */
  pathOf(slot: number, row: number): number {
    let path = this.head[row] ?? 0;
    while (path !== 0 && this.paths.slotOf(path) !== slot) path = this.paths.next[path] ?? 0;
    return path;
  }

  /**
   * The peer's path to the prefix is now this one: `received`, and `accepted` or why not. One that
   * differs from what was there counts as newly arrived. True where it is the peer's first.
   */
  setPath(slot: number, row: number, received: number, accepted: number): boolean {
    const { paths } = this;
    let path = this.pathOf(slot, row);
    const isFirst = path === 0;
    if (isFirst) path = paths.allocate(slot);
    else {
      paths.mark(path, 0);
      if (paths.received[path] === received && paths.accepted[path] === accepted) return false;
      this.#unlink(path, row);
      this.#releaseSets(path, slot);
    }
    paths.prefix[path] = row;
    paths.received[path] = received;
    this.#shared.attributes.retain(received);
    this.#holdAccepted(path, slot, accepted);
    paths.next[path] = this.head[row] ?? 0;
    this.head[row] = path;
    this.markDirty(row);
    return isFirst;
  }

  /** Import judged the path anew; its age stays. */
  setAccepted(path: number, accepted: number): void {
    if (this.paths.accepted[path] === accepted) return;
    const slot = this.paths.slotOf(path);
    const before = this.paths.accepted[path] ?? 0;
    this.#holdAccepted(path, slot, accepted);
    this.#releaseAccepted(before, slot);
    this.markDirty(this.paths.prefix[path] ?? 0);
  }

  dropPath(path: number): void {
    const row = this.paths.prefix[path] ?? 0;
    const slot = this.paths.slotOf(path);
    this.#unlink(path, row);
    this.#releaseSets(path, slot);
    this.paths.free(path);
    this.markDirty(row);
  }

  /** The peer's paths are out of the game from the next decision on. */
  killPaths(slot: number): void {
    this.paths.kill(slot);
    this.acceptedCounts[slot] = 0;
  }

  markDirty(row: number): void {
    const marks = this.#marks[row] ?? 0;
    if ((marks & Mark.Dirty) !== 0) return;
    this.#marks[row] = marks | Mark.Dirty;
    this.#dirty.push(row);
  }

  /** Every prefix is to be decided again. */
  redecideAll(): void {
    this.#sweeps.row = 1;
  }

  /** Prefixes reached by way of this next hop are to be decided again. */
  redecideNextHop(nextHop: number): void {
    const sweeps = this.#sweeps;
    if (nextHop >= sweeps.nextHops.length) {
      sweeps.nextHops = widened(sweeps.nextHops, nextHop * 2);
    }
    sweeps.nextHops[nextHop] = 1;
    // Once around from wherever the walk stands: to the end, and from the beginning to here.
    sweeps.stop = sweeps.path;
    sweeps.hasWrapped = false;
    sweeps.isOn = true;
  }

  get hasWork(): boolean {
    return !this.isDeferred && (this.#dirty.length > 0 || this.isSweeping);
  }

  /** A walk is under way that may put any prefix in line for a decision. */
  get isSweeping(): boolean {
    const { row, isOn } = this.#sweeps;
    return this.paths.hasDead || row > 0 || isOn;
  }

  /** Prefixes ever put in line for a decision, for `hasDecided`. */
  get enqueued(): number {
    return this.#dirty.pushed;
  }

  /** Whatever was in line when `enqueued` was read is decided. */
  hasDecided(enqueued: number): boolean {
    return this.#dirty.pushed - this.#dirty.length >= enqueued;
  }

  /** Decides up to `prefixesMax` prefixes, lost peers' first; returns how many there were. */
  decideSome(prefixesMax: number): number {
    if (this.isDeferred) return 0;
    let done = 0;
    const reclaim = (path: number): void => this.#reclaim(path);
    while (done < prefixesMax / 2 && this.paths.hasDead) {
      done += 1 + this.paths.reclaimBlock(reclaim);
    }
    done += this.#sweepNextHops((prefixesMax - done) * 8);
    done += this.#sweepRows((prefixesMax - done) * 8);
    while (done < prefixesMax && this.#dirty.length > 0) {
      this.#decide(this.#dirty.shift());
      done += 1;
    }
    return done;
  }

  hold(row: number): void {
    this.#holds[row] = (this.#holds[row] ?? 0) + 1;
  }

  unhold(row: number): void {
    this.#holds[row] = (this.#holds[row] ?? 0) - 1;
    this.#freeIfUnused(row);
  }

  /** Rows whose hop group is no longer what the FIB was told; undefined where there are none. */
  takeBatch(): RouteChanges["batches"][number] | undefined {
    const max = this.#fibQueue.length;
    if (max === 0) return undefined;
    const { octets } = this.table;
    const addresses = new Uint8Array(max * octets);
    const lengths = new Uint8Array(max);
    const groups = new Uint32Array(max);
    let count = 0;
    for (let left = max; left > 0; left -= 1) {
      const row = this.#fibQueue.shift();
      this.#marks[row] = (this.#marks[row] ?? 0) & ~Mark.FibPending;
      const group = this.#group[row] ?? 0;
      const installed = this.#installed[row] ?? 0;
      if (group !== installed) {
        this.table.writeAddress(row, addresses, count * octets);
        lengths[count] = this.table.lengthOf(row);
        groups[count] = group;
        count += 1;
        this.#groups.retain(group);
        this.#groups.release(installed);
        this.#installed[row] = group;
      }
      this.#freeIfUnused(row);
    }
    if (count === 0) return undefined;
    return {
      afi: this.afi,
      count,
      addresses: addresses.subarray(0, count * octets),
      lengths: lengths.subarray(0, count),
      groups: groups.subarray(0, count),
    };
  }

  #decide(row: number): void {
    this.#marks[row] = (this.#marks[row] ?? 0) & ~Mark.Dirty;
    const { decision, paths } = this;
    decision.decide(this.head[row] ?? 0);
    const path = decision.chosenCount === 0 ? 0 : (decision.chosen[0] ?? 0);
    const attributes = path === 0 ? 0 : (paths.accepted[path] ?? 0);
    const slot = path === 0 ? 0 : paths.slotOf(path);
    const before = this.best[row] ?? 0;
    if (attributes !== before || slot !== this.bestSlot[row]) {
      this.#setBest(row, attributes, slot);
    }
    const group = this.#groups.retainDecided(this.afi, paths, decision);
    const groupBefore = this.#group[row] ?? 0;
    this.#groups.release(groupBefore);
    if (group !== groupBefore) {
      this.#group[row] = group;
      const marks = this.#marks[row] ?? 0;
      if ((marks & Mark.FibPending) === 0) {
        this.#marks[row] = marks | Mark.FibPending;
        this.#fibQueue.push(row);
      }
    }
    if (attributes === 0) this.#freeIfUnused(row);
  }

  #setBest(row: number, attributes: number, slot: number): void {
    const before = this.best[row] ?? 0;
    const slotBefore = this.bestSlot[row] ?? 0;
    if (attributes !== 0) {
      this.#shared.attributes.retain(attributes);
      this.bestCounts[slot] = (this.bestCounts[slot] ?? 0) + 1;
      this.size += 1;
    }
    if (before !== 0) {
      this.#shared.attributes.release(before);
      this.bestCounts[slotBefore] = (this.bestCounts[slotBefore] ?? 0) - 1;
      this.size -= 1;
    }
    this.best[row] = attributes;
    this.bestSlot[row] = slot;
    this.journal.note(row);
  }

  #reclaim(path: number): void {
    const row = this.paths.prefix[path] ?? 0;
    this.#unlink(path, row);
    this.#releaseSets(path, DEAD);
    this.paths.free(path);
    if (((this.#marks[row] ?? 0) & Mark.Dirty) === 0) this.#decide(row);
  }

  #sweepNextHops(pathsMax: number): number {
    const sweeps = this.#sweeps;
    if (!sweeps.isOn) return 0;
    const { paths } = this;
    const { nextHop } = this.#shared.attributes;
    let count = 0;
    for (; count < pathsMax && sweeps.isOn; count += 1) {
      const row = paths.prefix[sweeps.path] ?? 0;
      const accepted = paths.accepted[sweeps.path] ?? 0;
      if (row !== 0 && !isRejected(accepted)) {
        if (sweeps.nextHops[nextHop[accepted] ?? 0] === 1) this.markDirty(row);
      }
      sweeps.path += 1;
      if (sweeps.path >= paths.end) {
        sweeps.path = 0;
        sweeps.hasWrapped = true;
      }
      if (sweeps.hasWrapped && sweeps.path >= sweeps.stop) {
        sweeps.isOn = false;
        sweeps.nextHops.fill(0);
      }
    }
    return Math.ceil(count / 8);
  }

  #sweepRows(rowsMax: number): number {
    const sweeps = this.#sweeps;
    if (sweeps.row === 0 || rowsMax <= 0) return 0;
    const from = sweeps.row;
    const end = Math.min(this.table.end, from + rowsMax);
    for (let row = from; row < end; row += 1) {
      if (this.head[row] !== 0 && this.table.has(row)) this.markDirty(row);
    }
    sweeps.row = end >= this.table.end ? 0 : end;
    return Math.ceil((end - from) / 8);
  }

  #holdAccepted(path: number, slot: number, accepted: number): void {
    this.paths.accepted[path] = accepted;
    if (isRejected(accepted)) return;
    const { attributes, nextHops } = this.#shared;
    attributes.retain(accepted);
    nextHops.addUse(attributes.nextHop[accepted] ?? 0);
    this.acceptedCounts[slot] = (this.acceptedCounts[slot] ?? 0) + 1;
  }

  #releaseAccepted(accepted: number, slot: number): void {
    if (isRejected(accepted)) return;
    const { attributes, nextHops } = this.#shared;
    nextHops.dropUse(attributes.nextHop[accepted] ?? 0);
    attributes.release(accepted);
    if (slot !== DEAD) this.acceptedCounts[slot] = (this.acceptedCounts[slot] ?? 0) - 1;
  }

  #releaseSets(path: number, slot: number): void {
    this.#shared.attributes.release(this.paths.received[path] ?? 0);
    this.#releaseAccepted(this.paths.accepted[path] ?? 0, slot);
  }

  #unlink(path: number, row: number): void {
    const { next } = this.paths;
    const after = next[path] ?? 0;
    let at = this.head[row] ?? 0;
    if (at === path) {
      this.head[row] = after;
      return;
    }
    while (next[at] !== path) at = next[at] ?? 0;
    next[at] = after;
  }

  #freeIfUnused(row: number): void {
    if (this.head[row] !== 0 || this.best[row] !== 0 || this.#marks[row] !== 0) return;
    if (this.#group[row] !== 0 || this.#installed[row] !== 0 || this.#holds[row] !== 0) return;
    this.table.remove(row);
  }

  #grow(capacity: number): void {
    this.head = widened(this.head, capacity);
    this.best = widened(this.best, capacity);
    this.bestSlot = widened(this.bestSlot, capacity);
    this.#group = widened(this.#group, capacity);
    this.#installed = widened(this.#installed, capacity);
    this.#holds = widened(this.#holds, capacity);
    this.#marks = widened(this.#marks, capacity);
  }
}

const Mark = {
  /** In the queue of rows to decide. */
  Dirty: 1,
  /** In the queue of rows to tell the FIB. */
  FibPending: 2,
} as const;

/** Walks over everything, done a slice at a time. */
interface Sweeps {
  /** By next hop: 1 where its state changed. */
  nextHops: Uint8Array;
  /** The walk over all paths is under way: next path, where it ends, and whether past the end. */
  isOn: boolean;
  path: number;
  stop: number;
  hasWrapped: boolean;
  /** Next row to mark dirty, 0 while there is no walk. */
  row: number;
}

const ROWS_INITIAL = 256;
