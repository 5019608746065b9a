import type { LogFields, LogLevel } from "../../core/log.ts";
import type { BgpState, ResetReason } from "../fsm/state.ts";
import type { RouteChanges } from "../rib/contract.ts";
import type { Family } from "../wire/message.ts";
import type { ConnectionId } from "./inputs.ts";
import type { SelectionDue } from "./restarting.ts";

/** What a speaker wants done, in this order, before its next input. */
export type SpeakerEffect =
  /** Open a connection to the peer; its address, key and TTL are known to whoever configured it. */
  | { readonly kind: "tcp-connect"; readonly connection: ConnectionId; readonly peer: string }
  | { readonly kind: "tcp-send"; readonly connection: ConnectionId; readonly octets: Uint8Array }
  /** `flush` lets what was sent (a NOTIFICATION) go out first. No `tcp-closed` follows. */
  | {
      readonly kind: "tcp-close";
      readonly connection: ConnectionId;
      readonly how: "flush" | "reset";
    }
  /** Stop or resume reading: the peer is ahead of us (backpressure). */
  | { readonly kind: "tcp-pause"; readonly connection: ConnectionId; readonly isPaused: boolean }
  /** An accepted connection belongs to this peer; the host may tag it for logs. */
  | { readonly kind: "tcp-adopt"; readonly connection: ConnectionId; readonly peer: string }
  | {
      readonly kind: "session";
      readonly peer: string;
      readonly from: BgpState;
      readonly to: BgpState;
      /** Why, when a session ends; see `ResetReason`. */
      readonly reason: ResetReason | undefined;
      /** One sentence for people: `hold timer expired after 30 s of silence`. */
      readonly text: string;
    }
  | { readonly kind: "routes"; readonly changes: RouteChanges }
  /**
   * Next hops to watch or forget; answered by `next-hop` inputs (unanswered ones count as
   * reachable).
   */
  | {
      readonly kind: "next-hop-interest";
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  /** A peer got its whole first feed and End-of-RIB from us. */
  | { readonly kind: "feed-complete"; readonly peer: string }
  /** RFC 4724 §4.2: the peer did not come back in time, and what was kept for it is gone. */
  | { readonly kind: "restart-overdue"; readonly peer: string }
  /** RFC 4724 §4.1: routes of the family are chosen from now on, after a restart of ours. */
  | ({ readonly kind: "selection-due" } & SelectionDue)
  /** The peer has told us everything of a family once (RFC 4724 §2). */
  | { readonly kind: "end-of-rib"; readonly peer: string; readonly family: Family }
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly event: string;
      readonly fields: LogFields;
    };

export type { ResetReason } from "../fsm/state.ts";
