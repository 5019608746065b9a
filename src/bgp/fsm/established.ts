import { EMPTY } from "../../core/bytes.ts";
import type { Micros } from "../../core/time.ts";
import { ErrorCode } from "../wire/iana.ts";
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
  toIdle,
} from "./session.ts";
import type { BgpState } from "./state.ts";

/** RFC 4271 §8.2.2, Established: routes are exchanged. Returns the next state. */
export function established(s: Session, event: Event, now: Micros, out: FsmEffect[]): BgpState {
  switch (event.kind) {
    case "UpdateMsg": // Event 27
    case "KeepAliveMsg": // Event 26
    case "RouteRefreshMsg": // RFC 2918 §4; a sign of life like the others
      restartHold(s, now);
      return "Established";
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
      return "Established";
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
      return "Established";
    case "TcpConnectionFails": // Event 18
      return connectionLost(s, event.text, now, out);
    case "NotifMsgVerErr": // Events 24 and 25
    case "NotifMsg":
      return notified(s, event, now, out);
    case "BGPHeaderErr":
      // Event 21. Deviation: RFC 4271 §8.2.2 counts it as "any other event" and would send an FSM
      // error; §6.1 has a NOTIFICATION for it, and every speaker sends that.
      return faultToIdle(s, event.fault, now, out);
    case "UpdateMsgErr": // Event 28, RFC 7313 §5
    case "RouteRefreshMsgErr":
      return faultToIdle(s, event.fault, now, out);
    case "SendHoldTimer_Expires": // Event 29
      return sendHoldTimerExpired(s, now, out);
    default: // "Any other event": 9, 12–13, 19–20, 22
      return fsmError(s, event, now, out);
  }
}

/** RFC 9687 §3.2: what waits will not be taken, so the connection is reset rather than flushed. */
function sendHoldTimerExpired(s: Session, now: Micros, out: FsmEffect[]): "Idle" {
  const text = `send hold timer expired: peer took nothing for ${s.settings.sendHoldTimeSec} s`;
  return toIdle(
    s,
    {
      reason: "send_hold_timer",
      text,
      code: ErrorCode.SendHoldTimerExpired,
      subcode: 0,
      data: EMPTY,
      how: "reset",
      isFault: true,
    },
    now,
    out,
  );
}
