import type { WireFault } from "../wire/fault.ts";
import { MessageType } from "../wire/iana.ts";
import type { Negotiated } from "./negotiate.ts";
import type { ResetReason } from "./state.ts";

/** A stop of ours: what the peer is told (Cease, RFC 4486) and what people are told. */
export interface Cease {
  readonly subcode: number;
  readonly data: Uint8Array;
  readonly reason: ResetReason;
  /** One sentence, for the log and `downReason`. */
  readonly text: string;
}

/** A NOTIFICATION of the peer's, as the FSM needs it. */
export interface PeerNotification {
  readonly code: number;
  readonly subcode: number;
  /** One sentence: `peer sent Cease/Administrative Shutdown: "maintenance"`. */
  readonly text: string;
}

/** RFC 4271 §8.1, names verbatim; Event 29 is RFC 9687's, the last two RFC 2918's message. */
export type Event =
  | { readonly kind: BareEvent }
  | { readonly kind: "ManualStop" | "AutomaticStop" | "OpenCollisionDump"; readonly cease: Cease }
  /** `text` says what the system said: `connection refused`. */
  | { readonly kind: "TcpConnectionFails"; readonly text: string }
  | {
      readonly kind: "BGPOpen" | "BGPOpen_with_DelayOpenTimer_running";
      readonly negotiated: Negotiated;
    }
  | { readonly kind: FaultEvent; readonly fault: WireFault }
  | { readonly kind: "NotifMsgVerErr" | "NotifMsg"; readonly notification: PeerNotification };

type BareEvent =
  | "ManualStart"
  | "AutomaticStart"
  | "ManualStart_with_PassiveTcpEstablishment"
  | "AutomaticStart_with_PassiveTcpEstablishment"
  | "AutomaticStart_with_DampPeerOscillations"
  | "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment"
  | "ConnectRetryTimer_Expires"
  | "HoldTimer_Expires"
  | "KeepaliveTimer_Expires"
  | "DelayOpenTimer_Expires"
  | "IdleHoldTimer_Expires"
  | "TcpConnection_Valid"
  | "Tcp_CR_Invalid"
  | "Tcp_CR_Acked"
  | "TcpConnectionConfirmed"
  | "KeepAliveMsg"
  | "UpdateMsg"
  | "SendHoldTimer_Expires"
  | "RouteRefreshMsg";

type FaultEvent = "BGPHeaderErr" | "BGPOpenMsgErr" | "UpdateMsgErr" | "RouteRefreshMsgErr";

/** RFC 4271 §8.1 and RFC 9687 §3.1 number their events; ROUTE-REFRESH came without a number. */
export const EVENT_NUMBERS: Readonly<Record<Event["kind"], number | undefined>> = {
  ManualStart: 1,
  ManualStop: 2,
  AutomaticStart: 3,
  ManualStart_with_PassiveTcpEstablishment: 4,
  AutomaticStart_with_PassiveTcpEstablishment: 5,
  AutomaticStart_with_DampPeerOscillations: 6,
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: 7,
  AutomaticStop: 8,
  ConnectRetryTimer_Expires: 9,
  HoldTimer_Expires: 10,
  KeepaliveTimer_Expires: 11,
  DelayOpenTimer_Expires: 12,
  IdleHoldTimer_Expires: 13,
  TcpConnection_Valid: 14,
  Tcp_CR_Invalid: 15,
  Tcp_CR_Acked: 16,
  TcpConnectionConfirmed: 17,
  TcpConnectionFails: 18,
  BGPOpen: 19,
  BGPOpen_with_DelayOpenTimer_running: 20,
  BGPHeaderErr: 21,
  BGPOpenMsgErr: 22,
  OpenCollisionDump: 23,
  NotifMsgVerErr: 24,
  NotifMsg: 25,
  KeepAliveMsg: 26,
  UpdateMsg: 27,
  UpdateMsgErr: 28,
  SendHoldTimer_Expires: 29,
  RouteRefreshMsg: undefined,
  RouteRefreshMsgErr: undefined,
};

/** Events that are a message: RFC 6608 §4 names its type to the peer when it came too early. */
export const MESSAGE_TYPE_OF: Readonly<Partial<Record<Event["kind"], MessageType>>> = {
  BGPOpen: MessageType.Open,
  BGPOpen_with_DelayOpenTimer_running: MessageType.Open,
  BGPOpenMsgErr: MessageType.Open,
  KeepAliveMsg: MessageType.Keepalive,
  UpdateMsg: MessageType.Update,
  UpdateMsgErr: MessageType.Update,
  RouteRefreshMsg: MessageType.RouteRefresh,
  RouteRefreshMsgErr: MessageType.RouteRefresh,
};

/** What a session wants done, in this order. */
export type FsmEffect =
  /** Open a TCP connection to the peer. */
  | { readonly kind: "open-connection" }
  /** `reset` where waiting for the peer to take what is queued makes no sense. */
  | { readonly kind: "close-connection"; readonly how: "flush" | "reset" }
  | { readonly kind: "send-open" }
  | { readonly kind: "send-keepalive" }
  | {
      readonly kind: "send-notification";
      readonly code: number;
      readonly subcode: number;
      readonly data: Uint8Array;
    }
  /** The connection, or the attempt at one, is over. */
  | { readonly kind: "ended"; readonly ended: Ended };

export interface Ended {
  readonly reason: ResetReason;
  /** One sentence for people. */
  readonly text: string;
  /** Of the NOTIFICATION, where one was sent or received. */
  readonly code?: number;
  readonly subcode?: number;
}
