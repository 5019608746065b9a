import type { Afi } from "../../core/address.ts";
import type { WireFault } from "./fault.ts";
import type { Origin, SegmentType } from "./iana.ts";

/** Decoded BGP messages. Octet fields are views on the input: whoever keeps one copies it. */
export type Message =
  | OpenMessage
  | UpdateMessage
  | NotificationMessage
  | KeepaliveMessage
  | RouteRefreshMessage;

/** AFI/SAFI as numbers: unknown families are carried, not refused. */
export interface Family {
  readonly afi: number;
  readonly safi: number;
}

export interface OpenMessage {
  readonly kind: "open";
  readonly version: number;
  /** My Autonomous System, as in the 2-octet field. */
  readonly myAs: number;
  readonly holdTimeSec: number;
  /** Unsigned 32 bits. */
  readonly bgpIdentifier: number;
  readonly capabilities: readonly Capability[];
  /**
   * Capabilities whose octets contradict their RFC: set aside as if never sent, and not among
   * `capabilities`. `reason` labels a counter, like that of a `WireFault`.
   */
  readonly ignoredCapabilities?: readonly IgnoredCapability[];
}

export interface IgnoredCapability {
  readonly code: number;
  readonly value: Uint8Array;
  readonly reason: string;
}

/** RFC 5492. What we do not know is kept with its octets. */
export type Capability =
  | { readonly kind: "multiprotocol"; readonly family: Family }
  | { readonly kind: "route-refresh" }
  | { readonly kind: "enhanced-route-refresh" }
  | { readonly kind: "extended-message" }
  | { readonly kind: "four-octet-as"; readonly as: number }
  | { readonly kind: "role"; readonly role: number }
  | {
      readonly kind: "graceful-restart";
      readonly restarted: boolean;
      /** N bit, RFC 8538 §2. */
      readonly notification: boolean;
      readonly restartTimeSec: number;
      readonly families: readonly (Family & { readonly forwardingPreserved: boolean })[];
    }
  | {
      readonly kind: "add-path";
      /** 1 receive, 2 send, 3 both (RFC 7911 §4). */
      readonly families: readonly (Family & { readonly mode: number })[];
    }
  | { readonly kind: "fqdn"; readonly host: string; readonly domain: string }
  | { readonly kind: "software-version"; readonly version: string }
  | { readonly kind: "unknown"; readonly code: number; readonly value: Uint8Array };

export interface AsSegment {
  readonly type: SegmentType;
  readonly ases: readonly number[];
}

export interface Aggregator {
  readonly as: number;
  /** 4 octets */
  readonly address: Uint8Array;
}

/** An optional transitive attribute unknown here; passed on with Partial set (RFC 4271 §5). */
export interface UnknownAttribute {
  readonly flags: number;
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * What a route carries, after RFC 7606 and the AS4 merge (RFC 6793 §4.2.3). MP_REACH and MP_UNREACH
 * are not in here: they frame routes rather than describe them.
 */
export interface PathAttributes {
  readonly origin: Origin;
  readonly asPath: readonly AsSegment[];
  /** 4 octets of NEXT_HOP, or 16 or 32 octets of MP_REACH_NLRI's (RFC 2545 §3). */
  readonly nextHop: Uint8Array;
  readonly med?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: boolean;
  readonly aggregator?: Aggregator;
  /** 32-bit values. */
  readonly communities?: readonly number[];
  /** 8 octets each, concatenated. */
  readonly extendedCommunities?: Uint8Array;
  /** 20 octets each, concatenated. */
  readonly ipv6ExtendedCommunities?: Uint8Array;
  /** Triples, flat: global administrator, data 1, data 2. */
  readonly largeCommunities?: readonly number[];
  /** Unsigned 32 bits. */
  readonly originatorId?: number;
  readonly clusterList?: readonly number[];
  /** Only To Customer (RFC 9234 §5). */
  readonly otc?: number;
  readonly unknown?: readonly UnknownAttribute[];
  /**
   * Types of the optional transitive attributes above that came with Partial set: someone on the
   * way did not know them, and the bit is never cleared again (RFC 4271 §5).
   */
  readonly partial?: readonly number[];
}

/** NLRI as received: a validated run of (length, prefix octets), with path ids where negotiated. */
export interface NlriRun {
  readonly afi: Afi;
  readonly octets: Uint8Array;
  readonly hasPathIds: boolean;
  /** Prefixes in the run. */
  readonly count: number;
}

/**
 * An UPDATE that leaves the session up. `reach` and `unreach` hold IPv4 and IPv6 unicast only;
 * families that were not negotiated are in `ignored`. Where `treatAsWithdraw`, every run of
 * `reach` is to be withdrawn and `attributes` is undefined (RFC 7606 §2).
 */
export interface UpdateMessage {
  readonly kind: "update";
  readonly reach: readonly (NlriRun & { readonly nextHop: Uint8Array })[];
  readonly unreach: readonly NlriRun[];
  /** `nextHop` in here is that of the first run of `reach`. */
  readonly attributes: PathAttributes | undefined;
  readonly treatAsWithdraw: boolean;
  /** Set on the End-of-RIB marker of a family (RFC 4724 §2). */
  readonly endOfRib?: Family;
  /** NLRI of families nobody negotiated. */
  readonly ignored: readonly Family[];
  /** Everything that was wrong and survived, in the order found. */
  readonly faults: readonly WireFault[];
}

export interface NotificationMessage {
  readonly kind: "notification";
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  /** RFC 9003 §2: the peer's words, made safe for a terminal; undefined where it sent none. */
  readonly shutdownCommunication?: string;
}

export interface KeepaliveMessage {
  readonly kind: "keepalive";
}

/** RFC 2918, RFC 7313 §3: subtype 0 request, 1 BoRR, 2 EoRR. */
export interface RouteRefreshMessage {
  readonly kind: "route-refresh";
  readonly family: Family;
  readonly subtype: number;
}

/** What both OPENs agreed on, as far as decoding and encoding need it. */
export interface WireContext {
  /** Both sides sent the 4-octet AS capability (RFC 6793 §4). */
  readonly as4: boolean;
  /** RFC 8654: messages of up to 65535 octets. */
  readonly extendedMessages: boolean;
  /** Families with path identifiers in the direction at hand (RFC 7911 §3). */
  readonly addPath: readonly Family[];
  /** Families of the session; undefined takes every family we know. */
  readonly families: readonly Family[] | undefined;
  readonly session: "ebgp" | "ibgp";
  /** For the first-AS check of RFC 4271 §6.3; undefined skips it. */
  readonly peerAs: number | undefined;
  /** The session itself runs over loopback, where next hops of 127/8 are hosts like any other. */
  readonly isLoopback?: boolean;
}
