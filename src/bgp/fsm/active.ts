import type { Micros } from "../../core/time.ts";
import type { Event, FsmEffect } from "./event.ts";
import {
  acceptOpen,
  ceaseAndDamp,
  connectionLost,
  connectionUp,
  dropAttempt,
  faultToIdle,
  manualStop,
  notified,
  openConnection,
  type Session,
  sendOpen,
} from "./session.ts";
import type { BgpState } from "./state.ts";

/**
 * RFC 4271 §8.2.2, Active: waiting for the peer's connection, or to dial. Returns the next state.
 */
export function active(s: Session, event: Event, now: Micros, out: FsmEffect[]): BgpState {
  switch (event.kind) {
    case "ManualStart": // Events 1 and 3–7 are ignored in this state.
    case "AutomaticStart":
    case "ManualStart_with_PassiveTcpEstablishment":
    case "AutomaticStart_with_PassiveTcpEstablishment":
    case "AutomaticStart_with_DampPeerOscillations":
    case "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment":
    case "TcpConnection_Valid": // Events 14 and 15: hosts hand over whole connections only.
    case "Tcp_CR_Invalid":
      return "Active";
    case "ManualStop": // Event 2
      return manualStop(s, event.cease, now, out);
    case "ConnectRetryTimer_Expires": // Event 9; a connection that waits in DelayOpen has it off
      return openConnection(s, now, out);
    case "DelayOpenTimer_Expires": // Event 12: of an accepted connection
      return s.hasConnection ? sendOpen(s, now, out) : dropAttempt(s, event, now, out);
    case "Tcp_CR_Acked": // Event 16
    case "TcpConnectionConfirmed": // Event 17
      return connectionUp(s, now, out);
    case "TcpConnectionFails": // Event 18
      return connectionLost(s, event.text, now, out);
    case "BGPOpen_with_DelayOpenTimer_running": // Event 20
      if (!s.hasConnection) return dropAttempt(s, event, now, out);
      out.push({ kind: "send-open" });
      return acceptOpen(s, event.negotiated, now, out);
    case "BGPHeaderErr": // Events 21 and 22
    case "BGPOpenMsgErr":
      return faultToIdle(s, event.fault, now, out);
    case "NotifMsgVerErr": // Events 24 and 25
    case "NotifMsg":
      return notified(s, event, now, out);
    case "AutomaticStop": // Events 8 and 23 are "any other event" here, but say why they came.
    case "OpenCollisionDump":
      return ceaseAndDamp(s, event.cease, now, out);
    default: // "Any other event": 10–11, 13, 19, 26–29
      return dropAttempt(s, event, now, out);
  }
}
