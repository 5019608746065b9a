import { EMPTY } from "../../core/bytes.ts";
import { Deadlines } from "../../core/deadlines.ts";
import type { Rng } from "../../core/rng.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import type { WireFault } from "../wire/fault.ts";
import { ErrorCode, FsmSubcode } from "../wire/iana.ts";
import { type DampingSettings, idleHoldUs, isStable, jitteredUs } from "./damping.ts";
import { type Cease, type Ended, type Event, type FsmEffect, MESSAGE_TYPE_OF } from "./event.ts";
import type { LocalOpen, Negotiated } from "./negotiate.ts";
import type { BgpState } from "./state.ts";

/**
 * `bgp/fsm` is the finite state machine of RFC 4271 §8: one session, which is one TCP connection or
 * the attempt at one. It knows no octets, no RIB and no other session; who owns two of them for a
 * peer decides between them by `collision.ts`. What it wants done comes out as `FsmEffect`s, in
 * order.
 *
 *   event.ts      the 28 events, and the effects       session.ts    state, timers, shared moves
 *   machine.ts    dispatch, timers to events           idle.ts … established.ts   §8.2.2, one each
 *   negotiate.ts  §6.2, capabilities                   collision.ts  §6.8
 *   damping.ts    idle hold                            texts.ts      NOTIFICATIONs in words
 *
 * Invariants: in Idle nothing is armed but the IdleHoldTimer, and there is no connection; a session
 * sends at most one NOTIFICATION, as its last message; whatever leaves OpenSent, OpenConfirm or
 * Established downwards says why in exactly one `ended`.
 *
 * RFC 4271 §6, §8 and §10; RFC 6608 (subcodes), RFC 9687 (SendHoldTimer). Of the optional session
 * attributes of §8.1.1 there are DelayOpen, DampPeerOscillations (always on) and
 * PassiveTcpEstablishment; SendNOTIFICATIONwithoutOPEN is off.
 */
export interface Session {
  /** Replaced when the configuration changes softly; in force from the next use of each value. */
  settings: SessionSettings;
  readonly rng: Rng;
  readonly timers: Deadlines<TimerName>;
  state: BgpState;
  /** Since when it is in `state`. */
  since: Micros;
  /** Faults in a row (RFC 4271 §8): the exponent of the idle hold. */
  connectRetryCounter: number;
  /** A TCP connection is being opened, or is up. */
  hasConnection: boolean;
  /** From OpenConfirm on. */
  negotiated: Negotiated | undefined;
  /** A HoldTimer that fired because we were late was given its second chance. */
  hasHoldGrace: boolean;
}

export interface SessionSettings extends DampingSettings {
  readonly local: LocalOpen;
  /** Never opens a connection. */
  readonly isPassive: boolean;
  readonly connectRetryTimeSec: number;
  /** RFC 4271 §8.1.1 DelayOpenTime; 0: DelayOpen is off. */
  readonly delayOpenTimeSec: number;
  /** RFC 9687 §3; 0: off. */
  readonly sendHoldTimeSec: number;
}

export type TimerName =
  | "ConnectRetryTimer"
  | "HoldTimer"
  | "KeepaliveTimer"
  | "DelayOpenTimer"
  | "IdleHoldTimer"
  | "SendHoldTimer";

export function newSession(settings: SessionSettings, rng: Rng, now: Micros): Session {
  return {
    settings,
    rng,
    timers: new Deadlines(),
    state: "Idle",
    since: now,
    connectRetryCounter: 0,
    hasConnection: false,
    negotiated: undefined,
    hasHoldGrace: false,
  };
}

/**
 * For a connection the peer opened beside one of ours (RFC 4271 §8.2.1): it waits for that
 * connection in Active, and never dials.
 */
export const listeningSession = (settings: SessionSettings, rng: Rng, now: Micros): Session => ({
  ...newSession(settings, rng, now),
  state: "Active",
});

// Moves the states share ------------------------------------------------------------------------

/** Dials, and arms the timer that dials again. */
export function openConnection(s: Session, now: Micros, out: FsmEffect[]): "Connect" {
  armConnectRetry(s, now);
  s.hasConnection = true;
  out.push({ kind: "open-connection" });
  return "Connect";
}

/**
 * Deviation: RFC 4271 §8.2.2 arms the ConnectRetryTimer of a passive session too, and dials when
 * it fires; operators mean by `passive` that it never dials.
 */
export function armConnectRetry(s: Session, now: Micros): void {
  if (s.settings.isPassive) return;
  const us = s.settings.connectRetryTimeSec * US_PER_SEC;
  s.timers.arm("ConnectRetryTimer", after(now, jitteredUs(s.rng, us)));
}

/** The connection is up: DelayOpen, or our OPEN and the large HoldTimer of RFC 4271 §8.2.2. */
export function connectionUp(s: Session, now: Micros, out: FsmEffect[]): BgpState {
  s.hasConnection = true;
  s.timers.disarm("ConnectRetryTimer");
  if (s.settings.delayOpenTimeSec > 0) {
    s.timers.arm("DelayOpenTimer", after(now, s.settings.delayOpenTimeSec * US_PER_SEC));
    return s.state;
  }
  return sendOpen(s, now, out);
}

export function sendOpen(s: Session, now: Micros, out: FsmEffect[]): "OpenSent" {
  s.timers.disarm("ConnectRetryTimer");
  s.timers.disarm("DelayOpenTimer");
  out.push({ kind: "send-open" });
  s.timers.arm("HoldTimer", after(now, OPEN_HOLD_TIME_SEC * US_PER_SEC));
  return "OpenSent";
}

/** The peer's OPEN is good: KEEPALIVE, and the timers it agreed on. */
export function acceptOpen(
  s: Session,
  negotiated: Negotiated,
  now: Micros,
  out: FsmEffect[],
): "OpenConfirm" {
  s.timers.disarm("ConnectRetryTimer");
  s.timers.disarm("DelayOpenTimer");
  s.negotiated = negotiated;
  out.push({ kind: "send-keepalive" });
  restartKeepalive(s, now);
  restartHold(s, now);
  return "OpenConfirm";
}

/** RFC 4271 §4.4: never more than one KEEPALIVE a second, whatever §10's jitter says. */
export function restartKeepalive(s: Session, now: Micros): void {
  const sec = s.negotiated?.keepaliveTimeSec ?? 0;
  if (sec === 0) return;
  const us = Math.max(jitteredUs(s.rng, sec * US_PER_SEC), US_PER_SEC);
  s.timers.arm("KeepaliveTimer", after(now, us));
}

/** The peer was heard. A negotiated hold time of 0 stops the timer for good. */
export function restartHold(s: Session, now: Micros): void {
  const sec = s.negotiated?.holdTimeSec ?? 0;
  s.hasHoldGrace = false;
  if (sec === 0) s.timers.disarm("HoldTimer");
  else s.timers.arm("HoldTimer", after(now, sec * US_PER_SEC));
}

/**
 * RFC 9687 §3: armed while octets wait that the peer does not take, started anew by every one it
 * takes. Deviation: the RFC starts it anew with every message sent as well; a message queued behind
 * a closed window is no progress, and would keep the timer from ever firing.
 */
export function trackSendQueue(
  s: Session,
  queuedOctets: number,
  tookSome: boolean,
  now: Micros,
): void {
  const isWatched = s.state === "Established" && (s.negotiated?.holdTimeSec ?? 0) > 0;
  if (queuedOctets === 0 || !isWatched || s.settings.sendHoldTimeSec === 0) {
    s.timers.disarm("SendHoldTimer");
  } else if (tookSome || !s.timers.isArmed("SendHoldTimer")) {
    s.timers.arm("SendHoldTimer", after(now, s.settings.sendHoldTimeSec * US_PER_SEC));
  }
}

// Endings ---------------------------------------------------------------------------------------

export interface Ending extends Ended {
  /** Tells the peer `code`, `subcode` and this. */
  readonly data?: Uint8Array;
  /** Increments ConnectRetryCounter: a fault, not an order. */
  readonly isFault: boolean;
  /** Defaults to `flush`. */
  readonly how?: "flush" | "reset";
}

/**
 * To Idle, from wherever it is: NOTIFICATION where `data` is given and our OPEN is out (RFC 4271
 * §8.1.1 SendNOTIFICATIONwithoutOPEN is off), connection dropped, resources released, IdleHoldTimer
 * armed (DampPeerOscillations is on).
 */
export function toIdle(s: Session, ending: Ending, now: Micros, out: FsmEffect[]): "Idle" {
  const { reason, text, code, subcode, data } = ending;
  const isTold = data !== undefined && SENT_OPEN.has(s.state);
  const hasCode = code !== undefined && subcode !== undefined && (isTold || data === undefined);
  if (isTold && hasCode) out.push({ kind: "send-notification", code, subcode, data });
  if (s.hasConnection) out.push({ kind: "close-connection", how: ending.how ?? "flush" });
  out.push({ kind: "ended", ended: hasCode ? { reason, text, code, subcode } : { reason, text } });
  const establishedUs = s.state === "Established" ? now - s.since : 0;
  if (isStable(s.settings, establishedUs)) s.connectRetryCounter = 0;
  if (ending.isFault) s.connectRetryCounter += 1;
  release(s);
  const idleUs = idleHoldUs(s.settings, s.connectRetryCounter, s.rng);
  s.timers.arm("IdleHoldTimer", after(now, idleUs));
  return "Idle";
}

/** Everything of the connection, but not the connection: "releases all BGP resources". */
export function release(s: Session): void {
  s.timers.disarmAll();
  s.hasConnection = false;
  s.negotiated = undefined;
  s.hasHoldGrace = false;
}

/** Event 2: Idle until an order to start. */
export function manualStop(s: Session, cease: Cease, now: Micros, out: FsmEffect[]): "Idle" {
  toIdle(s, ceaseEnding(cease, false), now, out);
  s.timers.disarm("IdleHoldTimer");
  s.connectRetryCounter = 0;
  return "Idle";
}

/** Events 8 and 23: Cease, and back by ourselves after the idle hold. */
export const ceaseAndDamp = (s: Session, cease: Cease, now: Micros, out: FsmEffect[]): "Idle" =>
  toIdle(s, ceaseEnding(cease, true), now, out);

const ceaseEnding = ({ subcode, data, reason, text }: Cease, isFault: boolean): Ending => ({
  reason,
  text,
  code: ErrorCode.Cease,
  subcode,
  data,
  isFault,
});

/** The peer broke the protocol in a way the connection does not survive (RFC 4271 §6.1–6.3). */
export function faultToIdle(s: Session, fault: WireFault, now: Micros, out: FsmEffect[]): "Idle" {
  const { code, subcode, data, because } = fault;
  const ending = { reason: "notification_out", text: because, isFault: true } as const;
  return toIdle(s, { ...ending, code, subcode, data }, now, out);
}

/** "Any other event" behind our OPEN: RFC 6608 §4 names state and message type. */
export function fsmError(s: Session, event: Event, now: Micros, out: FsmEffect[]): "Idle" {
  const type = MESSAGE_TYPE_OF[event.kind];
  const subcode = type === undefined ? 0 : (SUBCODE_OF_STATE[s.state] ?? 0);
  const ending: Ending = {
    reason: "notification_out",
    text: `${event.kind} is out of place in ${s.state}`,
    isFault: true,
    code: ErrorCode.FiniteStateMachineError,
    subcode,
    data: type === undefined ? EMPTY : Uint8Array.of(type),
  };
  return toIdle(s, ending, now, out);
}

/** "Any other event" before our OPEN: the attempt is dropped without a word. */
export function dropAttempt(s: Session, event: Event, now: Micros, out: FsmEffect[]): "Idle" {
  const text = `${event.kind} is out of place in ${s.state}`;
  return toIdle(s, { reason: "tcp", text, isFault: true }, now, out);
}

/** Event 10. */
export function holdTimerExpired(s: Session, now: Micros, out: FsmEffect[]): "Idle" {
  const sec = s.negotiated?.holdTimeSec;
  const text =
    sec === undefined
      ? `no OPEN from the peer within ${OPEN_HOLD_TIME_SEC} s`
      : `hold timer expired after ${sec} s of silence`;
  const ending: Ending = {
    reason: "hold_timer",
    text,
    isFault: true,
    code: ErrorCode.HoldTimerExpired,
    subcode: 0,
    data: EMPTY,
  };
  return toIdle(s, ending, now, out);
}

/**
 * Events 24 and 25: nothing is sent back, ever (RFC 4271 §6.4), and an answer to our version is no
 * fault once versions are being talked about.
 */
export function notified(
  s: Session,
  event: Extract<Event, { kind: "NotifMsg" | "NotifMsgVerErr" }>,
  now: Micros,
  out: FsmEffect[],
): "Idle" {
  const { code, subcode, text } = event.notification;
  const isVersionTalk = SENT_OPEN.has(s.state) || s.timers.isArmed("DelayOpenTimer");
  const isFault = event.kind === "NotifMsg" || !isVersionTalk;
  return toIdle(s, { reason: "notification_in", text, code, subcode, isFault }, now, out);
}

/** Event 18: the host has closed it already. */
export function connectionLost(s: Session, text: string, now: Micros, out: FsmEffect[]): "Idle" {
  s.hasConnection = false;
  return toIdle(s, { reason: "tcp", text, isFault: true }, now, out);
}

/** RFC 4271 §8.2.2: "a large value", of which it suggests four minutes. */
export const OPEN_HOLD_TIME_SEC = 240;

const SENT_OPEN: ReadonlySet<BgpState> = new Set(["OpenSent", "OpenConfirm", "Established"]);

const SUBCODE_OF_STATE: Readonly<Partial<Record<BgpState, number>>> = {
  OpenSent: FsmSubcode.UnexpectedMessageInOpenSent,
  OpenConfirm: FsmSubcode.UnexpectedMessageInOpenConfirm,
  Established: FsmSubcode.UnexpectedMessageInEstablished,
};
