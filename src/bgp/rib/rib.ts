import { Afi } from "../../core/address.ts";
import { assert } from "../../core/assert.ts";
import { equalBytes } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { parsePrefix } from "../../core/prefix.ts";
import type { Rng } from "../../core/rng.ts";
import type { Family, UpdateMessage } from "../wire/message.ts";
import { AdjRibIn } from "./adj-rib-in.ts";
import { type AttributeLimits, AttributeStore } from "./attribute-store.ts";
import type {
  NextHopState,
  OriginatedRoute,
  PeerSlot,
  ReceiveOutcome,
  RibEngine,
  RibOptions,
  RibPeer,
  RibSession,
  RibView,
  RouteChanges,
} from "./contract.ts";
import { LOCAL_SLOT } from "./contract.ts";
import { ExportGroup, isSameGroup } from "./export-group.ts";
import { HopGroups } from "./hop-groups.ts";
import { Import, type Router } from "./import.ts";
import { LocRib } from "./loc-rib.ts";
import { NextHopTable } from "./next-hop-table.ts";
import type { Peer } from "./peer.ts";
import { PeerColumns } from "./peer-columns.ts";
import { type OutInputs, PeerOut } from "./peer-out.ts";
import { isSameAvoidance } from "./standing-rules.ts";
import { UpdatePacker } from "./update-packer.ts";
import { ColumnsView } from "./view.ts";

/**
 * The RIB of a speaker (RFC 4271 §3.2, §9): prefixes, paths and attribute sets as columns, never as
 * objects (design §3).
 *
 *     UPDATE → AdjRibIn ─ Import ─▶ LocRib: paths by prefix ─ Decision ─▶ best, hop group
 *                                                      │ journal            │ FIB queue
 *                     UPDATEs ◀─ UpdatePacker ◀─ PeerOut ◀─ ExportGroup     ▼ RouteChanges
 *
 * It owns what peers said, what was chosen and what peers were told. It does not own sessions,
 * timers, sockets or the kernel's table, and it decodes nothing but NLRI.
 *
 * Invariants. Whoever keeps the number of an attribute set, next hop, hop group or row holds a
 * reference to it; caches keep the set's birth instead. The outcome of a decision depends on the
 * set of paths, not on the order they came in (save where oldest-path is asked for). A peer is
 * never told the same twice, nor more prefixes than its budget, not even between two messages.
 * Every call does bounded work; what is proportional to a table is done by `work` in slices.
 */
export class Rib implements RibEngine {
  readonly view: RibView;
  readonly #router: Router;
  readonly #nextHops = new NextHopTable();
  readonly #attributes: AttributeStore;
  readonly #columns = new PeerColumns();
  readonly #groups: HopGroups;
  readonly #ribs: readonly [LocRib, LocRib];
  readonly #import: Import;
  readonly #in: AdjRibIn;
  readonly #outInputs: OutInputs;
  readonly #peers: (Peer | undefined)[] = [];
  #exportGroups: { readonly config: RibPeer; readonly group: ExportGroup }[] = [];
  /** Adj-RIBs-Out of sessions that ended, let go of in slices. */
  readonly #closed: PeerOut[] = [];
  #importKeys = 0;

  constructor({ localAs, bgpIdentifier, rng, limits = LIMITS }: RibSetting) {
    this.#router = { localAs, bgpIdentifier };
    this.#attributes = new AttributeStore(this.#nextHops, rng, limits);
    const shared = {
      attributes: this.#attributes,
      nextHops: this.#nextHops,
      peers: this.#columns,
    };
    this.#groups = new HopGroups(shared);
    this.#ribs = [
      new LocRib(Afi.Ipv4, shared, this.#groups, rng),
      new LocRib(Afi.Ipv6, shared, this.#groups, rng),
    ];
    this.#import = new Import(this.#router, this.#attributes);
    this.#in = new AdjRibIn(this.#ribs, this.#attributes, this.#import, limits.routesPerPeer);
    const peerAt = (slot: number): Peer | undefined => this.#peers[slot];
    this.#outInputs = {
      ...shared,
      ribs: this.#ribs,
      packer: new UpdatePacker(this.#attributes, this.#nextHops),
      prefixes: [
        { afi: Afi.Ipv4, address: new Uint8Array(4), length: 0 },
        { afi: Afi.Ipv6, address: new Uint8Array(16), length: 0 },
      ],
      peerAt,
    };
    this.view = new ColumnsView({ ...shared, ribs: this.#ribs, importer: this.#import, peerAt });
  }

  setPeer(config: RibPeer): void {
    const { slot } = config;
    assert(slot !== LOCAL_SLOT, "slot 0 is this router itself");
    this.#columns.set(slot, config.policyPeer.kind === "ibgp", config.remoteAddress);
    const peer = this.#peers[slot];
    if (peer === undefined) {
      while (this.#peers.length < slot) this.#peers.push(undefined);
      this.#peers[slot] = {
        slot,
        config,
        importKey: this.#newImportKey(),
        session: undefined,
        out: undefined,
        limits: [newLimit(), newLimit()],
      };
      return;
    }
    const before = peer.config;
    peer.config = config;
    if (!isSameImport(before, config)) {
      peer.importKey = this.#newImportKey();
      this.#in.rejudge(peer);
    }
    this.#changeExport(peer, before);
  }

  removePeer(slot: PeerSlot): void {
    this.peerDown(slot);
    this.#peers[slot] = undefined;
  }

  setOptions(options: RibOptions): void {
    for (const rib of this.#ribs) {
      rib.decision.options = options;
      rib.redecideAll();
    }
  }

  setOriginated(routes: readonly OriginatedRoute[]): void {
    const kept = new Set<number>();
    for (const { prefix: text, attributes } of routes) {
      const prefix = parsePrefix(text);
      if (prefix === undefined) continue;
      const rib = this.#ribs[prefix.afi - 1] as LocRib;
      const set = this.#attributes.intern({ ...attributes, asPath: [], nextHop: NO_NEXT_HOP });
      if (set === 0) continue;
      rib.table.setKeyOf(prefix.address, prefix.length);
      const row = rib.insertKey();
      rib.setPath(LOCAL_SLOT, row, set, set);
      this.#attributes.release(set);
      kept.add(row * 2 + rib.index);
    }
    for (const rib of this.#ribs) {
      for (const path of rib.paths.pathsOf(LOCAL_SLOT)) {
        const row = rib.paths.prefix[path] ?? 0;
        if (!kept.has(row * 2 + rib.index)) rib.dropPath(path);
      }
    }
  }

  peerUp(slot: PeerSlot, session: RibSession, kept: readonly Family[] = []): void {
    const peer = this.#peerAt(slot);
    this.#endSession(peer, kept);
    peer.session = session;
    this.#columns.bgpIdentifier[slot] = session.bgpIdentifier;
    peer.out = new PeerOut(peer, this.#groupFor(peer.config), session.families, this.#outInputs);
    peer.out.begin(this.#in.hasWork);
  }

  peerDown(slot: PeerSlot): void {
    const peer = this.#peers[slot];
    if (peer !== undefined) this.#endSession(peer, []);
  }

  peerLost(slot: PeerSlot, kept: readonly Family[]): void {
    const peer = this.#peerAt(slot);
    for (const family of kept) {
      this.removeStale(slot, family);
      this.markStale(slot, family);
    }
    this.#endSession(peer, kept);
  }

  receive(slot: PeerSlot, update: UpdateMessage): ReceiveOutcome {
    const peer = this.#peerAt(slot);
    assert(peer.session !== undefined, "UPDATEs come from Established peers");
    return this.#in.receive(peer, update);
  }

  checkLimits(slot: PeerSlot): readonly ReceiveOutcome[] {
    const peer = this.#peerAt(slot);
    if (peer.session === undefined) return [];
    return this.#ribs.map((rib) => this.#in.checkLimit(peer, rib));
  }

  setNextHop(nextHop: string, state: NextHopState): void {
    for (const id of this.#nextHops.setState(nextHop, state)) {
      for (const rib of this.#ribs) rib.redecideNextHop(id);
    }
  }

  takeNextHopInterest(): {
    readonly added: readonly string[];
    readonly removed: readonly string[];
  } {
    return this.#nextHops.takeInterest();
  }

  work(prefixesMax: number): boolean {
    let left = prefixesMax - this.#in.walkSome(prefixesMax);
    for (const rib of this.#ribs) if (left > 0) left -= rib.decideSome(left);
    this.#beginFeeds();
    for (let out = this.#closed[0]; out !== undefined && left > 0; out = this.#closed[0]) {
      if (out.drain(left * 4)) break;
      this.#closed.shift();
    }
    return this.#in.hasWork || this.#closed.length > 0 || this.#ribs.some((rib) => rib.hasWork);
  }

  takeRouteChanges(): RouteChanges | undefined {
    const newGroups = this.#groups.takeNew();
    const batches = this.#ribs.flatMap((rib) => rib.takeBatch() ?? []);
    const removedGroups = this.#groups.takeRemoved();
    const isNothing = newGroups.length + batches.length + removedGroups.length === 0;
    return isNothing ? undefined : { newGroups, batches, removedGroups };
  }

  hasUpdates(slot: PeerSlot): boolean {
    return this.#peers[slot]?.out?.hasMore === true;
  }

  isFed(slot: PeerSlot): boolean {
    return this.#peers[slot]?.out?.isFed === true;
  }

  takeUpdates(slot: PeerSlot, octetsMax: number): readonly Uint8Array[] {
    return this.#peers[slot]?.out?.take(octetsMax) ?? [];
  }

  deferSelection(family: Family, isDeferred: boolean): void {
    const rib = this.#ribOf(family);
    if (rib === undefined) return;
    rib.isDeferred = isDeferred;
    this.#beginFeeds();
  }

  readvertise(slot: PeerSlot, family: Family): void {
    const rib = this.#ribOf(family);
    if (rib !== undefined) this.#peers[slot]?.out?.resend(rib);
  }

  markStale(slot: PeerSlot, family: Family): void {
    const rib = this.#ribOf(family);
    if (rib !== undefined) this.#in.markStale(this.#peerAt(slot), rib);
  }

  removeStale(slot: PeerSlot, family: Family): void {
    const rib = this.#ribOf(family);
    if (rib !== undefined) this.#in.removeStale(this.#peerAt(slot), rib);
  }

  #beginFeeds(): void {
    const isSettling = this.#in.hasWork;
    for (const peer of this.#peers) peer?.out?.begin(isSettling);
  }

  #endSession(peer: Peer, kept: readonly Family[]): void {
    for (const rib of this.#ribs) {
      if (!kept.some((family) => this.#ribOf(family) === rib)) rib.killPaths(peer.slot);
      Object.assign(peer.limits[rib.index], newLimit());
    }
    if (kept.length === 0) this.#in.forget(peer);
    peer.session = undefined;
    if (peer.out === undefined) return;
    peer.out.close();
    this.#closed.push(peer.out);
    peer.out = undefined;
    this.#dropEmptyGroups();
  }

  #changeExport(peer: Peer, before: RibPeer): void {
    const { config, out } = peer;
    if (out === undefined) return;
    if (!isSameGroup(before, config) || !isSameReflection(before, config)) {
      out.changeGroup(this.#groupFor(config));
      this.#dropEmptyGroups();
    }
    if (!isSameReflection(before, config)) {
      // Whether its routes are reflected to others is theirs to look at again.
      for (const other of this.#peers) other?.out?.reconsider();
    }
    if (before.budget !== config.budget) out.changeBudget();
  }

  #groupFor(config: RibPeer): ExportGroup {
    const known = this.#exportGroups.find((entry) => isSameGroup(entry.config, config));
    if (known !== undefined) return known.group;
    const group = new ExportGroup(config, this.#router, this.#attributes);
    this.#exportGroups.push({ config, group });
    return group;
  }

  #dropEmptyGroups(): void {
    this.#exportGroups = this.#exportGroups.filter(({ group }) => group.members > 0);
  }

  #ribOf({ afi, safi }: Family): LocRib | undefined {
    return safi === 1 ? this.#ribs.find((rib) => rib.afi === afi) : undefined;
  }

  #peerAt(slot: number): Peer {
    const peer = this.#peers[slot];
    assert(peer !== undefined, `peer slot ${slot} is set`);
    return peer;
  }

  #newImportKey(): number {
    this.#importKeys += 1;
    return this.#importKeys;
  }
}

export interface RibSetting extends Router {
  readonly rng: Rng;
  /** What one peer may hold, `LIMITS` unless a test wants less. */
  readonly limits?: AttributeLimits & { readonly routesPerPeer: number };
}

const newLimit = (): {
  isWarned: boolean;
  isExceeded: boolean;
  hasDropped: boolean;
  dropped: number;
} => ({ isWarned: false, isExceeded: false, hasDropped: false, dropped: 0 });

/** True where both would judge every received route alike. */
const isSameImport = (a: RibPeer, b: RibPeer): boolean =>
  a.importPolicy === b.importPolicy &&
  a.allowOwnAs === b.allowOwnAs &&
  a.role === b.role &&
  a.isInMaintenance === b.isInMaintenance &&
  isSameAvoidance(a, b) &&
  isSamePolicyPeer(a, b);

const isSameReflection = (a: RibPeer, b: RibPeer): boolean =>
  a.isRouteReflectorClient === b.isRouteReflectorClient && a.policyPeer.kind === b.policyPeer.kind;

function isSamePolicyPeer({ policyPeer: a }: RibPeer, { policyPeer: b }: RibPeer): boolean {
  return (
    a === b ||
    (a.name === b.name &&
      a.kind === b.kind &&
      a.remoteAs === b.remoteAs &&
      a.localAs === b.localAs &&
      isSameAddress(a.localAddress4, b.localAddress4) &&
      isSameAddress(a.localAddress6, b.localAddress6))
  );
}

const isSameAddress = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && equalBytes(a, b));

const NO_NEXT_HOP = new Uint8Array(0);
