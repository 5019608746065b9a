import type { Policy } from "../policy/policy.ts";
import type { MaxPrefix, OriginatedRoute, PrefixBudget, RibOptions } from "../rib/contract.ts";
import type { Family } from "../wire/message.ts";

/** The validated shape a speaker accepts; built by the agent from its configuration file. */
export interface SpeakerConfig {
  readonly localAs: number;
  /** BGP Identifier, unsigned 32 bits, not 0 (RFC 6286 §2.1). */
  readonly bgpIdentifier: number;
  readonly rib: RibOptions;
  readonly peers: readonly PeerConfig[];
  readonly originated: readonly OriginatedRoute[];
  /**
   * Packets are forwarded by a kernel that keeps our routes while this process restarts. Without
   * that, graceful restart makes us a helper only (RFC 4724 §4).
   */
  readonly preservesForwarding?: boolean;
}

export interface PeerConfig {
  /** Unique; the word for the peer in every log line, metric and command. */
  readonly name: string;
  readonly remoteAddress: string;
  /** Our end; undefined lets the host choose (then taken from the connection). */
  readonly localAddress: string | undefined;
  readonly remoteAs: number;
  /** Our AS towards this peer where it differs from the speaker's. */
  readonly localAs: number | undefined;
  /** Never opens a connection itself (RFC 4271 §8.1.1 PassiveTcpEstablishment). */
  readonly isPassive: boolean;
  /** RFC 4271 AdminDown of ours: configured, but kept in Idle. */
  readonly isShutdown: boolean;

  /** Proposed hold time; 0 disables, else ≥ 3 (RFC 4271 §4.2). */
  readonly holdTimeSec: number;
  /** Smallest hold time accepted from the peer; 0 accepts any legal one. */
  readonly holdTimeSecMin: number;
  /** Interval where the negotiated hold time allows it; else a third of that. */
  readonly keepaliveTimeSec: number;
  readonly connectRetryTimeSec: number;
  /** RFC 4271 §8.1.1 DelayOpenTime: waits for the peer's OPEN before it sends its own; off at 0. */
  readonly delayOpenTimeSec?: number;
  /** RFC 9687 §3; 0 disables. */
  readonly sendHoldTimeSec: number;
  /** Idle back-off after a fault: first delay, doubled with jitter up to the maximum. */
  readonly idleHoldTimeSec: number;
  readonly idleHoldTimeSecMax: number;

  readonly families: readonly Family[];
  /**
   * Ours towards the peer, by its number in RFC 9234 §4.1; a peer that names none is refused if
   * strict.
   */
  readonly role?: { readonly value: number; readonly isStrict: boolean };
  readonly capabilities: {
    readonly routeRefresh: boolean;
    readonly enhancedRouteRefresh: boolean;
    readonly extendedMessage: boolean;
    readonly fourOctetAs: boolean;
    /** RFC 4724, RFC 8538: helper, and restarting speaker where forwarding is preserved. */
    readonly gracefulRestart: boolean;
  };

  readonly importPolicy: Policy;
  readonly exportPolicy: Policy;
  readonly maxPrefix: (MaxPrefix & { readonly restartSec: number | undefined }) | undefined;
  readonly budget: PrefixBudget | undefined;
  readonly isRouteReflectorClient: boolean;
  readonly nextHopSelf: boolean;
  /** RFC 8326 §4.2: both ends are to use other paths where there are any. */
  readonly isInMaintenance?: boolean;
  readonly allowOwnAs: number;
}
