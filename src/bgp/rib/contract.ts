import type { Afi } from "../../core/address.ts";
import type { Policy, PolicyPeer } from "../policy/policy.ts";
import type { Family, PathAttributes, UpdateMessage } from "../wire/message.ts";

/**
 * The RIB as the speaker sees it (RFC 4271 §3.2): Adj-RIBs-In, decision, Loc-RIB, Adj-RIBs-Out in
 * one object over shared columns (design §3). It knows no session, timer or socket. Every call does
 * bounded work; what is left over is done by `work`, in slices the speaker schedules.
 */
export interface RibEngine {
  /** Adds a peer or changes it; changed policies are applied again to what is already here. */
  setPeer(peer: RibPeer): void;
  removePeer(slot: PeerSlot): void;
  setOptions(options: RibOptions): void;
  /** Replaces the routes this router originates itself (peer slot LOCAL_SLOT). */
  setOriginated(routes: readonly OriginatedRoute[]): void;

  /**
   * The session is Established: paths may come, and the peer is to be told everything. Paths of
   * `kept` families stay, as `peerLost` left them, until `removeStale`.
   */
  peerUp(slot: PeerSlot, session: RibSession, kept?: readonly Family[]): void;
  /**
   * The session is gone and the peer is expected back (RFC 4724 §4.2): paths of these families are
   * stale but go on as candidates, all others end as by `peerDown`. What was stale before is
   * removed.
   */
  peerLost(slot: PeerSlot, kept: readonly Family[]): void;
  /**
   * The session is gone: its paths stop being candidates at once, storage is reclaimed in slices.
   */
  peerDown(slot: PeerSlot): void;
  /** Applies one decoded UPDATE of an Established peer. */
  receive(slot: PeerSlot, update: UpdateMessage): ReceiveOutcome;

  /**
   * How an Established peer stands to a limit that was changed, by family. What is more than
   * `drop-newest` allows now is dropped by `work`.
   */
  checkLimits(slot: PeerSlot): readonly ReceiveOutcome[];

  /** RFC 4271 §9.1.2: unresolvable next hops lose; `igpMetric` is step e of the tie-break. */
  setNextHop(nextHop: string, state: NextHopState): void;
  /** Next hops of candidate paths that appeared or vanished since the last call. */
  takeNextHopInterest(): { readonly added: readonly string[]; readonly removed: readonly string[] };

  /**
   * RFC 4724 §4.1: while on, no route of the family is chosen, and nobody is told anything of it.
   */
  deferSelection(family: Family, isDeferred: boolean): void;
  /** Decides up to `prefixesMax` dirty prefixes; true while work is left. */
  work(prefixesMax: number): boolean;
  /** What the FIB must change since the last call; undefined where nothing did. */
  takeRouteChanges(): RouteChanges | undefined;

  /** True while `takeUpdates` has something for the peer. */
  hasUpdates(slot: PeerSlot): boolean;
  /**
   * The peer was told everything, End-of-RIB included. A first feed waits until what the session
   * found undecided is decided, so a peer may have neither updates to take nor all of them.
   */
  isFed(slot: PeerSlot): boolean;
  /**
   * Whole UPDATE messages (header and all), about `octetsMax` in sum; End-of-RIB closes a first
   * feed.
   */
  takeUpdates(slot: PeerSlot, octetsMax: number): readonly Uint8Array[];
  /** Queues the whole Adj-RIB-Out of a family again (ROUTE-REFRESH from the peer, RFC 2918 §4). */
  readvertise(slot: PeerSlot, family: Family): void;
  /**
   * RFC 7313 §4: after BoRR every path of the family is stale; EoRR removes what is still stale.
   */
  markStale(slot: PeerSlot, family: Family): void;
  removeStale(slot: PeerSlot, family: Family): void;

  readonly view: RibView;
}

/** Index of a peer in the columns; given out by the speaker, reused after `removePeer`. */
export type PeerSlot = number & { readonly unit: "peer-slot" };
/** Routes this router originates itself. */
export const LOCAL_SLOT = 0 as PeerSlot;

export interface RibOptions {
  /** Equal best paths one prefix may use, per kind (RFC 4271 leaves multipath to us). */
  readonly ebgpPathsMax: number;
  readonly ibgpPathsMax: number;
  /** AS_PATHs of equal length but other ASes count as equal for multipath. */
  readonly multipathRelax: boolean;
  /** Compares MED between different neighbour ASes. */
  readonly alwaysCompareMed: boolean;
  /** Prefers the path received first over a lower BGP identifier between eBGP paths. */
  readonly preferOldest: boolean;
  /** The same between iBGP paths. */
  readonly preferOldestInternal?: boolean;
}

export interface RibPeer {
  readonly slot: PeerSlot;
  readonly policyPeer: PolicyPeer;
  /** 4 or 16 octets; the last tie-break (RFC 4271 §9.1.2.2 g). */
  readonly remoteAddress: Uint8Array;
  readonly importPolicy: Policy;
  readonly exportPolicy: Policy;
  /** iBGP peer whose routes are reflected (RFC 4456). */
  readonly isRouteReflectorClient: boolean;
  /** Overwrite the next hop with our session address even towards iBGP. */
  readonly nextHopSelf: boolean;
  /** Accept up to this many own ASes in AS_PATH; 0 is the loop check of RFC 4271 §9.1.2. */
  readonly allowOwnAs: number;
  /** Ours towards the peer (RFC 9234 §4.1): guards against route leaks; undefined is no guard. */
  readonly role?: number | undefined;
  /** RFC 8326 §4.2: the session is about to go; routes over it are the last resort of both ends. */
  readonly isInMaintenance?: boolean | undefined;
  /** While there are other paths both ends are to keep off those of this session. */
  readonly avoidance?: Avoidance | undefined;
  readonly maxPrefix: MaxPrefix | undefined;
  readonly budget: PrefixBudget | undefined;
}

/**
 * How both ends are made to prefer every other path: LOCAL_PREF 0 for what is heard, and what is
 * announced is longer by `prependCount`, for peers that look at AS_PATH, and carries
 * GRACEFUL_SHUTDOWN (RFC 8326 §4.2), for peers that know it.
 */
export interface Avoidance {
  readonly isShutdownAnnounced: boolean;
  readonly prependCount: number;
}

export interface MaxPrefix {
  readonly limit: number;
  /** Percent of `limit` at which a warning is due. */
  readonly warnAtPercent: number;
  /** `drop-newest` keeps what came first; `reset` and `shutdown` are the speaker's to do. */
  readonly action: "warn" | "drop-newest" | "reset" | "shutdown";
}

/** What we may announce to a peer, and which prefixes go first when it does not fit. */
export interface PrefixBudget {
  readonly limit: number;
  /** Lower rank survives longer; prefixes no entry covers rank last, ties by prefix order. */
  readonly ranks: readonly { readonly prefix: string; readonly rank: number }[];
}

export interface RibSession {
  /** The peer's BGP Identifier, unsigned 32 bits. */
  readonly bgpIdentifier: number;
  readonly as4: boolean;
  readonly messageOctetsMax: number;
  readonly families: readonly Family[];
}

export interface OriginatedRoute {
  readonly prefix: string;
  readonly attributes: Omit<PathAttributes, "asPath" | "nextHop">;
}

export type ReceiveOutcome =
  | { readonly kind: "ok" }
  /** Crossed `warnAtPercent`; reported once until the count falls below again. */
  | { readonly kind: "limit-warning"; readonly family: Family; readonly count: number }
  /** Crossed `limit`; with `drop-newest` the excess was dropped and counted. */
  | { readonly kind: "limit-exceeded"; readonly family: Family; readonly count: number }
  /** `count` prefixes were not taken: the peer holds all that `core/limits.ts` lets one hold. */
  | {
      readonly kind: "no-room";
      readonly family: Family;
      readonly count: number;
      readonly reason: "attribute-sets" | "routes";
    };

export interface NextHopState {
  readonly isReachable: boolean;
  readonly igpMetric: number;
}

/** One way out of the router, as BGP sees it: which peer's path, which next hop. */
export interface GroupHop {
  readonly slot: PeerSlot;
  /** Canonical text; link-local where MP_REACH gave one and the session is on that link. */
  readonly nextHop: string;
}

/**
 * A set of next hops many prefixes share. `primary` is in use; `backup` is what the decision
 * process would choose if all of `primary` were lost, so that a dead circuit can be left by
 * replacing groups, before and independent of any route change (design §4).
 */
export interface RouteChangeGroup {
  readonly id: number;
  readonly afi: Afi;
  readonly primary: readonly GroupHop[];
  readonly backup: readonly GroupHop[];
}

/**
 * Same columns as the platform's RouteBatch: row i points prefix i at `groups[i]`, 0 removes it.
 */
export interface RouteChanges {
  /** New groups, to be defined before any row refers to them. */
  readonly newGroups: readonly RouteChangeGroup[];
  readonly batches: readonly {
    readonly afi: Afi;
    readonly count: number;
    readonly addresses: Uint8Array;
    readonly lengths: Uint8Array;
    readonly groups: Uint32Array;
  }[];
  /** Groups no row refers to any more once `batches` are applied. */
  readonly removedGroups: readonly number[];
}

/** Read model for CLI, API and metrics; text and plain numbers, built on demand. */
export interface RibView {
  counts(slot: PeerSlot, family: Family): RibCounts;
  /** Prefixes in the Loc-RIB. */
  locRibCount(family: Family): number;
  /** Candidates and the decision for one prefix; undefined where nobody announced it. */
  explain(prefix: string): RouteExplanation | undefined;
  /** Longest prefix of the Loc-RIB that covers the address. */
  lookup(address: string): string | undefined;
  routes(filter: RouteFilter): readonly RouteRow[];
  attributeSetCount(): number;
}

export interface RibCounts {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Of those received: not said again yet by a peer that restarts, or sends all again. */
  readonly stale: number;
  readonly best: number;
  readonly advertised: number;
  /** Left out of the announcement for want of budget. */
  readonly overBudget: number;
  /** Refused by `drop-newest` since the session came up. */
  readonly overLimit: number;
}

export interface RouteFilter {
  readonly family?: Family;
  readonly slot?: PeerSlot;
  readonly rib: "adj-rib-in" | "loc-rib" | "adj-rib-out" | "rejected";
  /** Rows under this prefix, itself included. */
  readonly within?: string;
  readonly offset: number;
  readonly limit: number;
}

export interface RouteRow {
  readonly prefix: string;
  readonly slot: PeerSlot;
  readonly nextHop: string;
  readonly attributes: PathAttributes;
  readonly isBest: boolean;
  /** One of several equal best paths in use. */
  readonly isMultipath: boolean;
  /** RFC 4724 §4.2, RFC 7313 §4: not said again yet by a peer that sends everything again. */
  readonly isStale: boolean;
  /**
   * `rejected`: the policy term, `own-as-loop`, `route-leak`, `over-budget` …; else
   * undefined.
   */
  readonly rejectedBy?: string;
}

export interface RouteExplanation {
  readonly prefix: string;
  readonly candidates: readonly (RouteRow & {
    /** The step of RFC 4271 §9.1.2.2 (or rule of ours) that removed it; undefined for the best. */
    readonly lostAt?: string;
    /** `LOCAL_PREF 100 < 200`: the values compared. */
    readonly because?: string;
  })[];
}
