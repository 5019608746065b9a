import type { Avoidance, NextHopState } from "../rib/contract.ts";
import type { Family } from "../wire/message.ts";
import type { SpeakerConfig } from "./config.ts";

/**
 * A TCP connection, by number. The speaker gives out odd ones for those it opens, the host even
 * ones.
 */
export type ConnectionId = number & { readonly unit: "connection" };

/** Everything that can happen to a speaker. Plain data: it can be logged, compared and replayed. */
export type SpeakerInput =
  /** First configuration, or a new one; the difference decides what is reset (design §5.5). */
  | { readonly kind: "configure"; readonly config: SpeakerConfig }
  /**
   * Before the first configuration: a run before this one restarted on purpose. `preserved` are the
   * families whose routes the kernel kept, `peers` those whose sessions are expected back.
   */
  | {
      readonly kind: "restarted";
      readonly preserved: readonly Family[];
      readonly peers: readonly string[];
    }
  /**
   * The end: every session gets Cease with this text (RFC 9003); then no connection is opened.
   * `isRestart`: sessions end so that peers with graceful restart keep our routes.
   */
  | { readonly kind: "stop"; readonly text: string; readonly isRestart?: boolean }
  // RFC 4271 §8.1.4: a connection of ours came up (Event 17), the peer's did (Event 16) …
  | {
      readonly kind: "tcp-connected";
      readonly connection: ConnectionId;
      readonly localAddress: string;
      readonly localPort: number;
      readonly remotePort: number;
    }
  | {
      readonly kind: "tcp-accepted";
      readonly connection: ConnectionId;
      readonly remoteAddress: string;
      readonly remotePort: number;
      readonly localAddress: string;
      readonly localPort: number;
    }
  // … or one could not be opened or ended (Event 18); never sent after our own `tcp-close`.
  | {
      readonly kind: "tcp-closed";
      readonly connection: ConnectionId;
      readonly cause: "fin" | "reset" | "refused" | "unreachable" | "timeout" | "error";
      readonly text: string;
    }
  | {
      readonly kind: "tcp-data";
      readonly connection: ConnectionId;
      /** Owned by the speaker from here on. */
      readonly octets: Uint8Array;
    }
  /**
   * The socket took octets; `queuedOctets` still wait in the host. Every `tcp-send` is followed by
   * one, sooner or later: the speaker counts what it queued by this, and feeds the SendHoldTimer.
   */
  | {
      readonly kind: "tcp-progress";
      readonly connection: ConnectionId;
      readonly queuedOctets: number;
    }
  /**
   * The path to the peer is known to be dead although TCP says nothing (BFD Down, carrier lost).
   * Sends Cease 6/10 for `bfd-down` (RFC 9384 §3) and leaves Established now.
   */
  | {
      readonly kind: "path-failed";
      readonly peer: string;
      readonly cause: "bfd-down" | "link-down";
      readonly text: string;
    }
  /** The path to the peer is proven again: BGP tries now, whatever it waits for. */
  | { readonly kind: "path-restored"; readonly peer: string }
  /** While on, the peer stays in Idle and its connections are refused (BFD strict mode). */
  | {
      readonly kind: "hold-off";
      readonly peer: string;
      readonly isOn: boolean;
      readonly reason: string;
    }
  /**
   * Both ends are to prefer every other path while `avoidance` is there; applied to the routes at
   * once, without a reset.
   */
  | {
      readonly kind: "avoid";
      readonly peer: string;
      readonly avoidance: Avoidance | undefined;
    }
  | { readonly kind: "next-hop"; readonly nextHop: string; readonly state: NextHopState }
  | {
      readonly kind: "admin";
      readonly peer: string;
      readonly action: "start" | "stop" | "reset";
      /** Sent to the peer (RFC 9003). */
      readonly text: string;
    }
  /** Soft refresh: ask the peer to send again, or send it everything again. */
  | {
      readonly kind: "refresh";
      readonly peer: string;
      readonly direction: "in" | "out";
      readonly family: Family | undefined;
    };
