import type { Micros } from "../../core/time.ts";
import type { Event, FsmEffect } from "./event.ts";
import {
  ceaseAndDamp,
  connectionLost,
  faultToIdle,
  fsmError,
  holdTimerExpired,
  manualStop,
  notified,
  restartHold,
  restartKeepalive,
  type Session,
} from "./session.ts";
import type { BgpState } from "./state.ts";

/**
 * RFC 4271 §8.2.2, OpenConfirm: both OPENs are good, a KEEPALIVE is awaited. Returns the next
 * state.
 */
export function openConfirm(s: Session, event: Event, now: Micros, out: FsmEffect[]): BgpState {
  switch (event.kind) {
    case "ManualStart": // Events 1 and 3–7 are ignored in this state.
    case "AutomaticStart":
    case "ManualStart_with_PassiveTcpEstablishment":
    case "AutomaticStart_with_PassiveTcpEstablishment":
    case "AutomaticStart_with_DampPeerOscillations":
    case "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment":
    case "TcpConnection_Valid": // Events 14–17: a second connection is another session (§6.8).
    case "Tcp_CR_Invalid":
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return "OpenConfirm";
    case "ManualStop": // Event 2
      return manualStop(s, event.cease, now, out);
    case "AutomaticStop": // Event 8
    case "OpenCollisionDump": // Event 23
      return ceaseAndDamp(s, event.cease, now, out);
    case "HoldTimer_Expires": // Event 10
      return holdTimerExpired(s, now, out);
    case "KeepaliveTimer_Expires": // Event 11
      out.push({ kind: "send-keepalive" });
      restartKeepalive(s, now);
      return "OpenConfirm";
    case "TcpConnectionFails": // Event 18
      return connectionLost(s, event.text, now, out);
    case "BGPHeaderErr": // Events 21 and 22
    case "BGPOpenMsgErr":
      return faultToIdle(s, event.fault, now, out);
    case "NotifMsgVerErr": // Events 24 and 25
    case "NotifMsg":
      return notified(s, event, now, out);
    case "KeepAliveMsg": // Event 26
      restartHold(s, now);
      return "Established";
    default:
      // "Any other event": 9, 12–13, 20, 27–29, and 19: a collision is between two connections
      // and was judged with the first OPEN of each, so a second OPEN on one is out of place.
      return fsmError(s, event, now, out);
  }
}
