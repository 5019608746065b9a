import { EMPTY } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Rng } from "../../core/rng.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import { type CollisionParties, collisionSurvivor, mustWait } from "../fsm/collision.ts";
import type { Cease, Ended, Event, FsmEffect } from "../fsm/event.ts";
import { handle, takeDueEvent } from "../fsm/machine.ts";
import { negotiate, openMessage } from "../fsm/negotiate.ts";
import {
  listeningSession,
  newSession,
  type Session,
  type SessionSettings,
} from "../fsm/session.ts";
import { type BgpState, stateRank } from "../fsm/state.ts";
import { encodeKeepalive } from "../wire/header.ts";
import { CeaseSubcode } from "../wire/iana.ts";
import type { OpenMessage } from "../wire/message.ts";
import { encodeNotification } from "../wire/notification.ts";
import { encodeOpen } from "../wire/open.ts";
import { Allowance } from "./allowance.ts";
import { hardReset } from "./ceases.ts";
import { type Channel, type ConnectionBook, newConnection, sendMessage } from "./channel.ts";
import type { SpeakerEffect } from "./effects.ts";
import { hasNotificationBits, keepsOurRoutes } from "./graceful-restart.ts";
import type { ConnectionId, SpeakerInput } from "./inputs.ts";
import { SPEAKER_LIMITS } from "./limits.ts";
import type { Tally } from "./tally.ts";

/** Whose channels they are, and what that peer hears of them. */
export interface ChannelsOwner {
  readonly name: string;
  readonly tally: Tally;
  /** The peer must not come back from Idle by itself. */
  readonly isGated: boolean;
  sessionUp(channel: Channel, now: Micros): void;
  sessionDown(now: Micros): void;
  /** An order of ours ends every session, whether there is one or not. */
  stopping(): void;
  /** A session ended that had come at least to OpenSent, or (`hadOpen` false) an attempt at one. */
  sessionEnded(ended: Ended, hadOpen: boolean, now: Micros, out: SpeakerEffect[]): void;
  stateChanged(from: BgpState, to: BgpState, now: Micros, out: SpeakerEffect[]): void;
}

/**
 * The connections of one peer: `main`, which dials and listens, and beside it a `rival` while the
 * peer's own connection and ours exist at the same time. RFC 4271 §8.2.1 has one FSM for each; §6.8
 * decides between them. The survivor becomes `main`; a rival never sees Idle, it is dropped.
 *
 * Invariants: at most one of the two is Established; what the peer as a whole reports is the state
 * of the one that has come further.
 */
export class Channels {
  readonly #owner: ChannelsOwner;
  readonly #book: ConnectionBook;
  readonly #rng: Rng;
  #main: Channel;
  #rival: Channel | undefined;
  #state: BgpState = "Idle";
  readonly #accepts = new Allowance(LIMITS.connectionsPerMinute);
  /** Emptied after every event; kept so that a busy session allocates none. */
  readonly #effects: FsmEffect[] = [];

  constructor(
    owner: ChannelsOwner,
    book: ConnectionBook,
    settings: SessionSettings,
    rng: Rng,
    now: Micros,
  ) {
    this.#owner = owner;
    this.#book = book;
    this.#rng = rng;
    this.#main = this.#channel(newSession(settings, rng, now));
  }

  /** Of the channel that has come further. */
  get state(): BgpState {
    const { state } = this.#main.session;
    const rival = this.#rival?.session.state ?? "Idle";
    return stateRank(rival) > stateRank(state) ? rival : state;
  }

  get main(): Channel {
    return this.#main;
  }

  get established(): Channel | undefined {
    return this.#main.session.state === "Established" ? this.#main : undefined;
  }

  channelOf(id: ConnectionId): Channel | undefined {
    if (this.#main.connection?.id === id) return this.#main;
    return this.#rival?.connection?.id === id ? this.#rival : undefined;
  }

  useSettings(settings: SessionSettings): void {
    this.#main.session.settings = settings;
    if (this.#rival !== undefined) this.#rival.session.settings = settings;
  }

  /** Leaves Idle at once, or dials at once where the ConnectRetryTimer is waited for. */
  start(now: Micros, out: SpeakerEffect[]): void {
    const { session, connection } = this.#main;
    if (session.state === "Idle") this.apply(this.#main, { kind: "ManualStart" }, now, out);
    const isWaiting = session.state === "Active" && connection === undefined;
    if (isWaiting && !session.settings.isPassive) {
      this.apply(this.#main, { kind: "ConnectRetryTimer_Expires" }, now, out);
    }
  }

  /**
   * The path is proven again. What was waited for were the times of a path that is dead: the idle
   * hold (RFC 4271 §8.1.1 DampPeerOscillations leaves the method to us), the next attempt, and the
   * retransmission of a SYN that was lost. The memory of faults stays, so that what fails for
   * another reason is damped as before.
   */
  retry(now: Micros, out: SpeakerEffect[]): void {
    const { session, connection } = this.#main;
    const { state, settings, timers } = session;
    if (state === "Idle" && timers.isArmed("IdleHoldTimer")) {
      this.apply(this.#main, { kind: "IdleHoldTimer_Expires" }, now, out);
      return;
    }
    const isWaiting = state === "Active" && connection === undefined;
    const isUnanswered = state === "Connect" && session.since < now && this.#rival === undefined;
    if (!settings.isPassive && (isWaiting || isUnanswered)) {
      this.apply(this.#main, { kind: "ConnectRetryTimer_Expires" }, now, out);
    }
  }

  /** The same order to both: Events 2 and 8. */
  stop(
    kind: "ManualStop" | "AutomaticStop",
    cease: Cease,
    now: Micros,
    out: SpeakerEffect[],
  ): void {
    this.#owner.stopping();
    if (this.#rival !== undefined) this.apply(this.#rival, { kind, cease }, now, out);
    const { state, negotiated } = this.#main.session;
    if (kind === "AutomaticStop" && state === "Idle") return;
    const isHard = state === "Established" && negotiated && hasNotificationBits(negotiated);
    this.apply(this.#main, { kind, cease: isHard ? hardReset(cease) : cease }, now, out);
  }

  /**
   * We restart (RFC 4724 §4.1). A peer that keeps our routes hears a NOTIFICATION only where it
   * would keep them through one (RFC 8538 §4); else its connection just closes.
   */
  leave(cease: Cease, now: Micros, out: SpeakerEffect[]): void {
    const { established } = this;
    const { negotiated } = established?.session ?? {};
    if (established === undefined || negotiated === undefined || !keepsOurRoutes(negotiated)) {
      this.stop("ManualStop", cease, now, out);
    } else if (hasNotificationBits(negotiated)) {
      this.apply(established, { kind: "ManualStop", cease }, now, out);
    } else {
      this.#close(established, "flush", out);
      this.apply(established, { kind: "TcpConnectionFails", text: cease.text }, now, out);
    }
    if (this.#rival !== undefined) this.#dump(this.#rival, now, out);
  }

  /** A connection of the peer's. The label of the refusal, or undefined where it was taken. */
  accepted(
    input: Extract<SpeakerInput, { kind: "tcp-accepted" }>,
    now: Micros,
    out: SpeakerEffect[],
  ): string | undefined {
    if (this.#main.session.state === "Idle") return "refused-idle";
    if (!this.#accepts.take(now)) return "refused-rate";
    const connection = newConnection(input.connection, "remote");
    connection.localAddress = input.localAddress;
    connection.localPort = input.localPort;
    connection.remotePort = input.remotePort;
    this.#book.adopt(connection.id, this.#owner.name);
    out.push({ kind: "tcp-adopt", connection: connection.id, peer: this.#owner.name });
    const isFree = this.#main.session.state === "Active" && this.#main.connection === undefined;
    const channel = isFree ? this.#main : this.#newRival(now, out);
    channel.connection = connection;
    this.apply(channel, { kind: "TcpConnectionConfirmed" }, now, out);
    return undefined;
  }

  /** Our own connection is up. */
  connected(
    input: Extract<SpeakerInput, { kind: "tcp-connected" }>,
    now: Micros,
    out: SpeakerEffect[],
  ): void {
    const channel = this.channelOf(input.connection);
    if (channel?.connection === undefined) return;
    channel.connection.localAddress = input.localAddress;
    channel.connection.localPort = input.localPort;
    channel.connection.remotePort = input.remotePort;
    this.apply(channel, { kind: "Tcp_CR_Acked" }, now, out);
  }

  /** The host says that a connection is gone; `last` is the NOTIFICATION it still held, if any. */
  lost(
    channel: Channel,
    event: Extract<Event, { kind: "TcpConnectionFails" | "NotifMsg" | "NotifMsgVerErr" }>,
    now: Micros,
    out: SpeakerEffect[],
  ): void {
    const { connection } = channel;
    if (connection === undefined) return;
    this.#book.release(connection.id);
    channel.connection = undefined;
    channel.heldOpen = undefined;
    this.apply(channel, event, now, out);
  }

  /** A structurally good OPEN: RFC 4271 §6.2, then §6.8, then Event 19 or 20. */
  opened(channel: Channel, open: OpenMessage, now: Micros, out: SpeakerEffect[]): void {
    const { session } = channel;
    const isDelayed = session.timers.isArmed("DelayOpenTimer");
    const result = negotiate(session.settings.local, open);
    if (!result.ok) {
      this.#owner.tally.discard(result.fault.reason);
      this.apply(channel, { kind: "BGPOpenMsgErr", fault: result.fault }, now, out);
      return;
    }
    let loser: Channel | undefined;
    const isAwaited = isDelayed || session.state === "OpenSent";
    const other = this.#otherThan(channel);
    if (isAwaited && other !== undefined) {
      if (isUndecided(other, channel, open)) {
        channel.heldOpen ??= { open, until: after(now, COLLISION_WAIT_US) };
        if (now < channel.heldOpen.until) return;
      }
      channel.heldOpen = undefined;
      const survivor = survivorOf(other, channel, open);
      if (survivor === "existing") {
        this.#dump(channel, now, out);
        return;
      }
      if (survivor === "newcomer") loser = other;
    }
    const kind = isDelayed ? "BGPOpen_with_DelayOpenTimer_running" : "BGPOpen";
    this.apply(channel, { kind, negotiated: result.value }, now, out);
    if (loser?.connection !== undefined) this.#dump(loser, now, out);
  }

  apply(channel: Channel, event: Event, now: Micros, out: SpeakerEffect[]): void {
    const { session } = channel;
    const was = session.state;
    this.#effects.length = 0;
    handle(session, event, now, this.#effects);
    for (const effect of this.#effects) this.#perform(channel, was, effect, now, out);
    this.#effects.length = 0;
    if (session.state !== was) this.#settle(channel, was, now, out);
    else if (was === "Idle") this.#keepIdle();
  }

  expire(now: Micros, out: SpeakerEffect[]): void {
    for (const channel of [this.#rival, this.#main]) {
      if (channel === undefined) continue;
      for (;;) {
        const { connection } = channel;
        const isWaiting = connection !== undefined && this.#book.isReady(connection.id);
        const event = takeDueEvent(channel.session, now, isWaiting);
        if (event === undefined) break;
        this.apply(channel, event, now, out);
      }
    }
    this.#resume(now, out);
  }

  nextDeadline(): Micros | undefined {
    let next: Micros | undefined;
    for (const channel of [this.#rival, this.#main]) {
      for (const at of [channel?.session.timers.next(), channel?.heldOpen?.until]) {
        if (at !== undefined && (next === undefined || at < next)) next = at;
      }
    }
    return next;
  }

  #channel(session: Session): Channel {
    return { session, tally: this.#owner.tally, connection: undefined, heldOpen: undefined };
  }

  #otherThan(channel: Channel): Channel | undefined {
    return channel === this.#main ? this.#rival : this.#main;
  }

  /** Reads on where an OPEN was held and the other connection has spoken, gone, or had its time. */
  #resume(now: Micros, out: SpeakerEffect[]): void {
    for (const channel of [this.#rival, this.#main]) {
      const held = channel?.heldOpen;
      if (channel?.connection === undefined || held === undefined) continue;
      const other = this.#otherThan(channel);
      const isWaiting = other !== undefined && isUndecided(other, channel, held.open);
      if (isWaiting && now < held.until) continue;
      if (!isWaiting) channel.heldOpen = undefined;
      this.#book.markReady(channel.connection.id);
      this.opened(channel, held.open, now, out);
    }
  }

  /** The peer dials while our own attempt is under way. Whatever rival there was is a leftover. */
  #newRival(now: Micros, out: SpeakerEffect[]): Channel {
    if (this.#rival !== undefined) this.#dump(this.#rival, now, out);
    const { settings, connectRetryCounter } = this.#main.session;
    const session = listeningSession(settings, this.#rng, now);
    session.connectRetryCounter = connectRetryCounter;
    this.#rival = this.#channel(session);
    return this.#rival;
  }

  #dump(channel: Channel, now: Micros, out: SpeakerEffect[]): void {
    this.apply(channel, { kind: "OpenCollisionDump", cease: COLLISION }, now, out);
  }

  #perform(
    channel: Channel,
    was: BgpState,
    effect: FsmEffect,
    now: Micros,
    out: SpeakerEffect[],
  ): void {
    switch (effect.kind) {
      case "open-connection": {
        const id = this.#book.open(this.#owner.name);
        channel.connection = newConnection(id, "local");
        out.push({ kind: "tcp-connect", connection: id, peer: this.#owner.name });
        break;
      }
      case "close-connection":
        this.#close(channel, effect.how, out);
        break;
      case "send-open": {
        const open = openMessage(channel.session.settings.local);
        sendMessage(channel, "open", encodeOpen(open), now, out);
        break;
      }
      case "send-keepalive":
        // Behind a full queue it would prove nothing; the SendHoldTimer is running.
        if ((channel.connection?.queuedOctets ?? 0) <= LIMITS.sendQueueOctets) {
          sendMessage(channel, "keepalive", encodeKeepalive(), now, out);
        }
        break;
      case "send-notification":
        sendMessage(channel, "notification", encodeNotification(effect), now, out);
        break;
      case "ended":
        if (this.#isBeside(channel, was, effect.ended)) this.#owner.tally.reset("collision");
        else this.#owner.sessionEnded(effect.ended, hadOpen(was), now, out);
    }
  }

  #close(channel: Channel, how: "flush" | "reset", out: SpeakerEffect[]): void {
    const { connection } = channel;
    if (connection === undefined) return;
    this.#book.release(connection.id);
    channel.connection = undefined;
    channel.heldOpen = undefined;
    out.push({ kind: "tcp-close", connection: connection.id, how });
  }

  /** What ends beside a connection that is kept is counted, but is no end of the peer's session. */
  #isBeside(channel: Channel, was: BgpState, ended: Ended): boolean {
    if (was === "Established") return false;
    const isMainUp = channel !== this.#main && this.#main.session.state === "Established";
    return isMainUp || ended.reason === "collision";
  }

  #settle(channel: Channel, was: BgpState, now: Micros, out: SpeakerEffect[]): void {
    const { state } = channel.session;
    if (was === "Established") this.#owner.sessionDown(now);
    if (channel === this.#rival && state === "Established") this.#dump(this.#main, now, out);
    this.#promote();
    if (state === "Established") this.#owner.sessionUp(channel, now);
    this.#keepIdle();
    this.#report(now, out);
    this.#resume(now, out);
  }

  /** A rival without a connection is no rival; where main has none, the rival takes its place. */
  #promote(): void {
    const rival = this.#rival;
    if (rival === undefined) return;
    const { session } = this.#main;
    if (isEmpty(rival.session)) {
      rival.session.timers.disarmAll();
      this.#rival = undefined;
    } else if (isEmpty(session)) {
      rival.session.connectRetryCounter = session.connectRetryCounter;
      session.timers.disarmAll();
      this.#main = rival;
      this.#rival = undefined;
    }
  }

  #keepIdle(): void {
    const { session } = this.#main;
    if (session.state === "Idle" && this.#owner.isGated) session.timers.disarm("IdleHoldTimer");
  }

  #report(now: Micros, out: SpeakerEffect[]): void {
    const { state } = this;
    if (state === this.#state) return;
    const from = this.#state;
    this.#state = state;
    this.#owner.stateChanged(from, state, now, out);
  }
}

const hadOpen = (state: BgpState): boolean => stateRank(state) >= stateRank("OpenSent");

/** Neither a connection nor an attempt at one. */
const isEmpty = (session: Session): boolean =>
  session.state === "Idle" || (session.state === "Active" && !session.hasConnection);

function partiesOf(channel: Channel, open: OpenMessage): CollisionParties {
  const { local } = channel.session.settings;
  return {
    localBgpIdentifier: local.bgpIdentifier,
    remoteBgpIdentifier: open.bgpIdentifier,
    localAs: local.localAs,
    remoteAs: local.remoteAs,
  };
}

function isUndecided(existing: Channel, newcomer: Channel, open: OpenMessage): boolean {
  const { connection: old } = existing;
  const { connection: young } = newcomer;
  if (old === undefined || young === undefined) return false;
  const { state } = existing.session;
  return mustWait({ state, openedBy: old.openedBy }, young, partiesOf(newcomer, open));
}

function survivorOf(existing: Channel, newcomer: Channel, open: OpenMessage) {
  const { connection: old } = existing;
  const { connection: young } = newcomer;
  if (old === undefined || young === undefined) return undefined;
  const parties = partiesOf(newcomer, open);
  const hasRestarted =
    young.openedBy === "remote" && existing.session.negotiated?.gracefulRestart === true;
  const { state } = existing.session;
  return collisionSurvivor({ state, openedBy: old.openedBy }, young, parties, hasRestarted);
}

const COLLISION_WAIT_US = SPEAKER_LIMITS.collisionWaitSec * US_PER_SEC;

const COLLISION: Cease = {
  subcode: CeaseSubcode.ConnectionCollisionResolution,
  data: EMPTY,
  reason: "collision",
  text: "the other connection with this peer was kept",
};
