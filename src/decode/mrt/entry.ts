import type { Family } from "../../bgp/wire/message.ts";
import type { Prefix } from "../../core/prefix.ts";

/** What a record says; one of a table says several things, one for every path. */
export type Entry = BgpMessage | StateChange | PeerIndexTable | RibEntry | Unread | Broken;

/** One end of a session. */
export interface SessionEnd {
  readonly as: number;
  readonly address: Uint8Array;
  /** Only a peer index table names it. */
  readonly bgpIdentifier?: Uint8Array;
}

export interface BgpMessage {
  readonly kind: "message";
  readonly peer: SessionEnd;
  readonly local: SessionEnd;
  readonly interfaceIndex: number | undefined;
  /** Sent by the collector, not received. */
  readonly isLocal: boolean;
  readonly as4: boolean;
  readonly hasPathIds: boolean;
  readonly messageType: number;
  /** Behind the header, up to the end the header tells or the record has. */
  readonly body: Uint8Array;
}

/** RFC 4271 §8.2.2 states as RFC 6396 §4.4.1 numbers them. */
export interface StateChange {
  readonly kind: "state-change";
  readonly peer: SessionEnd;
  readonly local: SessionEnd | undefined;
  readonly oldState: number;
  readonly newState: number;
}

/** RFC 6396 §4.3.1. */
export interface PeerIndexTable {
  readonly kind: "peer-index-table";
  readonly collectorId: Uint8Array;
  readonly viewName: Uint8Array;
  readonly peers: readonly SessionEnd[];
}

/** A path of a table: one entry of RFC 6396 §4.3.4, or a whole record of §4.2. */
export interface RibEntry {
  readonly kind: "rib-entry";
  readonly family: Family;
  /** Undefined for a family whose prefixes are something else. */
  readonly prefix: Prefix | undefined;
  /** As it stood there. */
  readonly nlri: Uint8Array;
  readonly sequence: number;
  readonly pathId: number | undefined;
  readonly peer: SessionEnd;
  readonly originatedTimeSec: number;
  readonly as4: boolean;
  /** Whole path attributes; an MP_REACH_NLRI that was cut to its next hop is whole again. */
  readonly attributes: Uint8Array;
}

/** Well formed as far as its header goes, and not about BGP as we know it. */
export interface Unread {
  readonly kind: "unread";
  readonly octets: Uint8Array;
}

export interface Broken {
  readonly kind: "broken";
  readonly error: string;
}

export const broken = (error: string): Broken => ({ kind: "broken", error });
