import type { Micros } from "../../core/time.ts";
import type { Event, FsmEffect } from "./event.ts";
import { armConnectRetry, openConnection, type Session } from "./session.ts";
import type { BgpState } from "./state.ts";

/**
 * RFC 4271 §8.2.2, Idle: nothing is allocated, every connection is refused. Returns the next state.
 */
export function idle(s: Session, event: Event, now: Micros, out: FsmEffect[]): BgpState {
  switch (event.kind) {
    case "ManualStart": // Event 1
    case "AutomaticStart": // Event 3
      s.connectRetryCounter = 0;
      return start(s, s.settings.isPassive, now, out);
    case "ManualStart_with_PassiveTcpEstablishment": // Event 4
    case "AutomaticStart_with_PassiveTcpEstablishment": // Event 5
      s.connectRetryCounter = 0;
      return start(s, true, now, out);
    case "AutomaticStart_with_DampPeerOscillations": // Event 6: not before the idle hold is over
      if (s.timers.isArmed("IdleHoldTimer")) return "Idle";
      return start(s, s.settings.isPassive, now, out);
    case "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment": // Event 7
      return s.timers.isArmed("IdleHoldTimer") ? "Idle" : start(s, true, now, out);
    case "IdleHoldTimer_Expires": // Event 13
      return start(s, s.settings.isPassive, now, out);
    case "ManualStop": // Event 2: an order to stop is an order not to come back
      s.timers.disarm("IdleHoldTimer");
      s.connectRetryCounter = 0;
      return "Idle";
    default: // Events 8–12 and 14–29 change nothing.
      return "Idle";
  }
}

function start(s: Session, isPassive: boolean, now: Micros, out: FsmEffect[]): BgpState {
  s.timers.disarm("IdleHoldTimer");
  if (!isPassive) return openConnection(s, now, out);
  armConnectRetry(s, now);
  return "Active";
}
