import type { Micros } from "../../core/time.ts";
import type { BgpState } from "../fsm/state.ts";
import type { PeerSlot, RibView } from "../rib/contract.ts";
import type { Capability, Family } from "../wire/message.ts";
import type { PeerConfig } from "./config.ts";
import type { ResetReason } from "./effects.ts";
import type { Deferral } from "./restarting.ts";

/** Read model of a speaker for CLI, API, metrics and tests; never the speaker's own fields. */
export interface SpeakerView {
  readonly localAs: number;
  readonly bgpIdentifier: number;
  peers(): readonly PeerView[];
  peer(name: string): PeerView | undefined;
  /** The name behind a slot; LOCAL_SLOT is `local`. */
  peerName(slot: PeerSlot): string;
  readonly rib: RibView;
  /** Families that wait for a restart of ours to have heard everybody (RFC 4724 §4.1). */
  readonly deferrals: readonly Deferral[];
  /** Whatever was received so far is decided and handed out. */
  readonly isSettled: boolean;
  /** Accepted connections no peer was found for, by reason. */
  readonly refusedConnections: Readonly<Record<string, number>>;
}

export interface PeerView {
  readonly name: string;
  readonly slot: PeerSlot;
  readonly config: PeerConfig;
  readonly state: BgpState;
  /** Since when it is in `state`. */
  readonly since: Micros;
  /** Why it is not Established, in one sentence; undefined while it is. */
  readonly downReason: string | undefined;
  readonly isHeldOff: boolean;
  readonly negotiated: NegotiatedView | undefined;
  readonly timers: readonly { readonly name: string; readonly at: Micros }[];
  readonly establishedTransitions: number;
  readonly lastReset: LastReset | undefined;
  readonly counters: PeerCounters;
  readonly outQueueOctets: number;
  /** Families the peer has told us everything of since the session came up. */
  readonly endOfRib: readonly Family[];
  readonly lastMessageAt: Micros | undefined;
  /** Families whose routes are kept for a peer that restarts (RFC 4724 §4.2). */
  readonly keptFamilies: readonly Family[];
}

export interface NegotiatedView {
  readonly holdTimeSec: number;
  readonly keepaliveTimeSec: number;
  readonly remoteBgpIdentifier: number;
  readonly families: readonly Family[];
  readonly as4: boolean;
  readonly extendedMessages: boolean;
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  readonly localCapabilities: readonly Capability[];
  readonly remoteCapabilities: readonly Capability[];
  readonly localAddress: string;
  readonly localPort: number;
  readonly remotePort: number;
}

export interface LastReset {
  readonly at: Micros;
  readonly reason: ResetReason;
  readonly text: string;
  /** Of the NOTIFICATION, where one was sent or received. */
  readonly code?: number;
  readonly subcode?: number;
}

/** Plain totals since the peer was configured. */
export interface PeerCounters {
  readonly messagesIn: Readonly<Record<MessageKind, number>>;
  readonly messagesOut: Readonly<Record<MessageKind, number>>;
  readonly resets: Readonly<Partial<Record<ResetReason, number>>>;
  /**
   * WireFault.reason → count: what was discarded or treated as withdraw, and refused connections.
   */
  readonly discards: Readonly<Record<string, number>>;
}

export type MessageKind = "open" | "update" | "notification" | "keepalive" | "route-refresh";
