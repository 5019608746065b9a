import { Afi } from "../../core/address.ts";
import { equalBytes } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import type { NlriRun, PathAttributes, UpdateMessage } from "../wire/message.ts";
import { NlriCursor } from "../wire/nlri.ts";
import type { AttributeStore } from "./attribute-store.ts";
import type { ReceiveOutcome } from "./contract.ts";
import type { Import, PolicyPrefix } from "./import.ts";
import type { LocRib } from "./loc-rib.ts";
import { isRejected, PathMark } from "./path-store.ts";
import type { Peer } from "./peer.ts";

/**
 * Adj-RIBs-In (RFC 4271 §3.2): what peers sent goes into the columns of its family with what import
 * made of it. Refused paths are kept too, so that a changed policy is applied to what is here
 * instead of asking the peer to send it again.
 */
export class AdjRibIn {
  readonly #ribs: readonly LocRib[];
  readonly #attributes: AttributeStore;
  readonly #import: Import;
  /** `routesPerPeer`, whatever a peer's own limit says. */
  readonly #routesMax: number;
  readonly #cursor = new NlriCursor();
  readonly #prefixes: readonly [MutablePrefix, MutablePrefix] = [
    { afi: Afi.Ipv4, address: new Uint8Array(4), length: 0 },
    { afi: Afi.Ipv6, address: new Uint8Array(16), length: 0 },
  ];
  /** Walks over all paths of a peer, a block at a time. */
  readonly #walks: Walk[] = [];

  constructor(
    ribs: readonly LocRib[],
    attributes: AttributeStore,
    importer: Import,
    routesMax: number = LIMITS.routesPerPeer,
  ) {
    this.#ribs = ribs;
    this.#routesMax = routesMax;
    this.#attributes = attributes;
    this.#import = importer;
  }

  receive(peer: Peer, update: UpdateMessage): ReceiveOutcome {
    for (const run of update.unreach) this.#withdraw(peer, run);
    const { attributes } = update;
    let outcome = OK;
    for (const run of update.reach) {
      if (update.treatAsWithdraw || attributes === undefined) {
        this.#withdraw(peer, run);
        continue;
      }
      const isFirst = equalBytes(run.nextHop, attributes.nextHop);
      const own = isFirst ? attributes : { ...attributes, nextHop: run.nextHop };
      const announced = this.#announce(peer, run, own);
      if (outcome.kind !== "limit-exceeded" && announced.kind !== "ok") outcome = announced;
    }
    return outcome;
  }

  /** Applies the peer's import policy again to what it sent. */
  rejudge(peer: Peer): void {
    for (const rib of this.#ribs) this.#startWalk({ kind: "rejudge", peer, rib, block: 0 });
  }

  markStale(peer: Peer, rib: LocRib): void {
    const { paths } = rib;
    this.#forEachPath(peer, rib, (path) => {
      // What is doomed is as good as gone already.
      if (((paths.marks[path] ?? 0) & PathMark.Doomed) === 0) paths.mark(path, PathMark.Stale);
    });
  }

  /**
   * What is stale now is doomed: another BoRR before the walk is through changes nothing of that.
   */
  removeStale(peer: Peer, rib: LocRib): void {
    const { paths } = rib;
    let isAny = false;
    this.#forEachPath(peer, rib, (path) => {
      if (((paths.marks[path] ?? 0) & PathMark.Stale) === 0) return;
      paths.mark(path, PathMark.Doomed);
      isAny = true;
    });
    if (isAny) this.#startWalk({ kind: "reap", peer, rib, block: 0 });
  }

  /** The limit is another one now: how what is here stands to it. Excess is let go of in slices. */
  checkLimit(peer: Peer, rib: LocRib): ReceiveOutcome {
    Object.assign(peer.limits[rib.index], { isWarned: false, isExceeded: false });
    const isExcessive = rib.paths.countOf(peer.slot) > dropLimitOf(peer);
    if (isExcessive) this.#startWalk({ kind: "shed", peer, rib, block: 0 });
    return limitOutcome(peer, rib);
  }

  /** The peer's paths are gone: nothing is left to walk over. */
  forget(peer: Peer): void {
    for (let index = this.#walks.length - 1; index >= 0; index -= 1) {
      if (this.#walks[index]?.peer === peer) this.#walks.splice(index, 1);
    }
  }

  get hasWork(): boolean {
    return this.#walks.length > 0;
  }

  /** Goes on with the walks for about `pathsMax` paths; returns how many there were. */
  walkSome(pathsMax: number): number {
    let done = 0;
    while (done < pathsMax) {
      const walk = this.#walks[0];
      if (walk === undefined) break;
      const { rib, peer } = walk;
      if (walk.block >= rib.paths.blockCountOf(peer.slot)) {
        this.#walks.shift();
        continue;
      }
      if (walk.kind === "shed") done += this.#shed(walk);
      else {
        rib.paths.forEachInBlock(peer.slot, walk.block, (path) => {
          done += 1;
          if (walk.kind === "rejudge") this.#rejudgePath(peer, rib, path);
          else if (((rib.paths.marks[path] ?? 0) & PathMark.Doomed) !== 0) rib.dropPath(path);
        });
      }
      walk.block += 1;
      done += 1;
    }
    return done;
  }

  #announce(peer: Peer, run: NlriRun, attributes: PathAttributes): ReceiveOutcome {
    const rib = this.#ribOf(run.afi);
    const { slot } = peer;
    const received = this.#attributes.intern(attributes, slot);
    if (received === 0) {
      this.#withdraw(peer, run); // RFC 7606 §2 has no milder answer
      return noRoom(rib, run.count, "attribute-sets");
    }
    const limit = Math.min(dropLimitOf(peer), this.#routesMax);
    let refused = 0;
    const perPrefix = peer.config.importPolicy.looksAtPrefix;
    const prefix = this.#prefixes[run.afi === Afi.Ipv4 ? 0 : 1];
    const cursor = this.#cursor;
    cursor.reset(run);
    let accepted = perPrefix ? 0 : this.#import.judge(peer, received, attributes, prefix);
    while (cursor.next()) {
      rib.table.setKey(cursor);
      if (rib.paths.countOf(slot) >= limit) {
        const row = rib.table.find();
        if (row === 0 || rib.pathOf(slot, row) === 0) {
          refused += 1;
          continue;
        }
      }
      if (perPrefix) {
        cursor.copyAddress(prefix.address, 0);
        prefix.length = cursor.length;
        accepted = this.#import.judge(peer, received, attributes, prefix);
      }
      rib.setPath(slot, rib.insertKey(), received, accepted);
      if (perPrefix) this.#releaseVerdict(accepted);
    }
    if (!perPrefix) this.#releaseVerdict(accepted);
    this.#attributes.release(received);
    const state = peer.limits[rib.index];
    state.dropped += refused;
    state.hasDropped = refused > 0 && limit < this.#routesMax;
    const outcome = limitOutcome(peer, rib);
    const isFull = refused > 0 && limit === this.#routesMax;
    return isFull ? noRoom(rib, refused, "routes") : outcome;
  }

  #withdraw(peer: Peer, run: NlriRun): void {
    const rib = this.#ribOf(run.afi);
    const cursor = this.#cursor;
    cursor.reset(run);
    while (cursor.next()) {
      rib.table.setKey(cursor);
      const row = rib.table.find();
      const path = row === 0 ? 0 : rib.pathOf(peer.slot, row);
      if (path !== 0) rib.dropPath(path);
    }
    limitOutcome(peer, rib);
  }

  #rejudgePath(peer: Peer, rib: LocRib, path: number): void {
    const received = rib.paths.received[path] ?? 0;
    const row = rib.paths.prefix[path] ?? 0;
    const prefix = this.#prefixes[rib.index];
    rib.table.writeAddress(row, prefix.address, 0);
    prefix.length = rib.table.lengthOf(row);
    const accepted = this.#import.judge(peer, received, undefined, prefix);
    rib.setAccepted(path, accepted);
    this.#releaseVerdict(accepted);
  }

  /**
   * One block's share of what is too much, the last blocks first: near enough to what came last.
   */
  #shed({ peer, rib, block }: Walk): number {
    const { paths } = rib;
    const found: number[] = [];
    const index = paths.blockCountOf(peer.slot) - 1 - block;
    paths.forEachInBlock(peer.slot, index, (path) => found.push(path));
    const excess = Math.max(0, paths.countOf(peer.slot) - dropLimitOf(peer));
    const dropped = excess === 0 ? [] : found.slice(-excess);
    for (const path of dropped) rib.dropPath(path);
    peer.limits[rib.index].dropped += dropped.length;
    return found.length;
  }

  #releaseVerdict(accepted: number): void {
    if (!isRejected(accepted)) this.#attributes.release(accepted);
  }

  #forEachPath(peer: Peer, rib: LocRib, visit: (path: number) => void): void {
    const blocks = rib.paths.blockCountOf(peer.slot);
    for (let block = 0; block < blocks; block += 1) {
      rib.paths.forEachInBlock(peer.slot, block, visit);
    }
  }

  #startWalk(walk: Walk): void {
    const same = this.#walks.find(
      ({ kind, peer, rib }) => kind === walk.kind && peer === walk.peer && rib === walk.rib,
    );
    if (same === undefined) this.#walks.push(walk);
    else same.block = 0;
  }

  #ribOf(afi: Afi): LocRib {
    return this.#ribs[afi - 1] as LocRib;
  }
}

const noRoom = (
  { afi }: LocRib,
  count: number,
  reason: "attribute-sets" | "routes",
): ReceiveOutcome => ({ kind: "no-room", family: { afi, safi: 1 }, count, reason });

function dropLimitOf({ config }: Peer): number {
  const { maxPrefix } = config;
  return maxPrefix?.action === "drop-newest" ? maxPrefix.limit : Number.POSITIVE_INFINITY;
}

/**
 * How the count stands after an UPDATE; what was reported once is not said again until it falls.
 */
function limitOutcome(peer: Peer, rib: LocRib): ReceiveOutcome {
  const { maxPrefix } = peer.config;
  if (maxPrefix === undefined) return OK;
  const state = peer.limits[rib.index];
  const count = rib.paths.countOf(peer.slot);
  const family = { afi: rib.afi, safi: 1 };
  const isBeyond = count > maxPrefix.limit || state.hasDropped;
  state.hasDropped = false;
  if (isBeyond && !state.isExceeded) {
    state.isExceeded = true;
    state.isWarned = true;
    return { kind: "limit-exceeded", family, count };
  }
  if (
    count < maxPrefix.limit ||
    (count === maxPrefix.limit && maxPrefix.action !== "drop-newest")
  ) {
    state.isExceeded = false;
  }
  const isHigh = count * 100 >= maxPrefix.limit * maxPrefix.warnAtPercent;
  const isNews = isHigh && !state.isWarned;
  state.isWarned = isHigh;
  return isNews ? { kind: "limit-warning", family, count } : OK;
}

interface MutablePrefix extends PolicyPrefix {
  length: number;
}

interface Walk {
  readonly kind: "rejudge" | "reap" | "shed";
  readonly peer: Peer;
  readonly rib: LocRib;
  block: number;
}

const OK: ReceiveOutcome = { kind: "ok" };
