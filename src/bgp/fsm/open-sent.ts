import type { Micros } from "../../core/time.ts";
import type { Event, FsmEffect } from "./event.ts";
import {
  acceptOpen,
  armConnectRetry,
  ceaseAndDamp,
  faultToIdle,
  fsmError,
  holdTimerExpired,
  manualStop,
  notified,
  release,
  type Session,
} from "./session.ts";
import type { BgpState } from "./state.ts";

/** RFC 4271 §8.2.2, OpenSent: our OPEN is out, the peer's is awaited. Returns the next state. */
export function openSent(s: Session, event: Event, now: Micros, out: FsmEffect[]): BgpState {
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
      return "OpenSent";
    case "ManualStop": // Event 2
      return manualStop(s, event.cease, now, out);
    case "AutomaticStop": // Event 8
    case "OpenCollisionDump": // Event 23
      return ceaseAndDamp(s, event.cease, now, out);
    case "HoldTimer_Expires": // Event 10
      return holdTimerExpired(s, now, out);
    case "TcpConnectionFails": // Event 18
      release(s);
      out.push({ kind: "ended", ended: { reason: "tcp", text: event.text } });
      armConnectRetry(s, now);
      return "Active";
    case "BGPOpen": // Event 19
      return acceptOpen(s, event.negotiated, now, out);
    case "BGPHeaderErr": // Events 21 and 22
    case "BGPOpenMsgErr":
      return faultToIdle(s, event.fault, now, out);
    case "NotifMsgVerErr": // Event 24
      return notified(s, event, now, out);
    case "NotifMsg":
      // Event 25. Deviation: RFC 4271 §8.2.2 counts it as "any other event", to be answered with an
      // FSM error; §6.4 forbids to answer a NOTIFICATION, and the peer has closed by now.
      return notified(s, event, now, out);
    default: // "Any other event": 9, 11–13, 20, 26–29
      return fsmError(s, event, now, out);
  }
}
