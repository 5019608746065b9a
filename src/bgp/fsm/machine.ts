import { after, type Micros, US_PER_MS } from "../../core/time.ts";
import { active } from "./active.ts";
import { connect } from "./connect.ts";
import { established } from "./established.ts";
import type { Event, FsmEffect } from "./event.ts";
import { idle } from "./idle.ts";
import { openConfirm } from "./open-confirm.ts";
import { openSent } from "./open-sent.ts";
import type { Session, TimerName } from "./session.ts";
import type { BgpState } from "./state.ts";

/** Applies one event of RFC 4271 §8.1; effects are appended to `out`. Every event has an answer. */
export function handle(s: Session, event: Event, now: Micros, out: FsmEffect[]): void {
  const next = STATES[s.state](s, event, now, out);
  if (next === s.state) return;
  s.state = next;
  s.since = now;
}

/**
 * The event of the next timer due, which is disarmed by this; undefined where none is.
 *
 * A HoldTimer must prove the peer's silence, not our own absence. Where octets of the peer's wait
 * to be read (`isInputWaiting`), or where we come so late that they may wait in the socket, it is
 * armed again: until the input was looked at, and, for our lateness, once per silence.
 */
export function takeDueEvent(s: Session, now: Micros, isInputWaiting: boolean): Event | undefined {
  for (;;) {
    const dueAt = s.timers.next();
    const name = s.timers.takeDue(now);
    if (name === undefined || dueAt === undefined) return undefined;
    if (name !== "HoldTimer") return TIMER_EVENTS[name];
    const isLate = now - dueAt > LATE_US && !s.hasHoldGrace;
    if (!isInputWaiting && !isLate) return TIMER_EVENTS[name];
    if (!isInputWaiting) s.hasHoldGrace = true;
    s.timers.arm("HoldTimer", after(now, HOLD_GRACE_US));
  }
}

type Handler = (s: Session, event: Event, now: Micros, out: FsmEffect[]) => BgpState;

const STATES: Readonly<Record<BgpState, Handler>> = {
  Idle: idle,
  Connect: connect,
  Active: active,
  OpenSent: openSent,
  OpenConfirm: openConfirm,
  Established: established,
};

const TIMER_EVENTS: Readonly<Record<TimerName, Event>> = {
  ConnectRetryTimer: { kind: "ConnectRetryTimer_Expires" },
  HoldTimer: { kind: "HoldTimer_Expires" },
  KeepaliveTimer: { kind: "KeepaliveTimer_Expires" },
  DelayOpenTimer: { kind: "DelayOpenTimer_Expires" },
  IdleHoldTimer: { kind: "IdleHoldTimer_Expires" },
  SendHoldTimer: { kind: "SendHoldTimer_Expires" },
};

const LATE_US = 250 * US_PER_MS;
const HOLD_GRACE_US = 250 * US_PER_MS;
