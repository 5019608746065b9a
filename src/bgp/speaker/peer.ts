import { Deadlines } from "../../core/deadlines.ts";
import { LIMITS } from "../../core/limits.ts";
import type { LogFields, LogLevel } from "../../core/log.ts";
import type { Rng } from "../../core/rng.ts";
import { type Micros, micros } from "../../core/time.ts";
import type { Ended, Event } from "../fsm/event.ts";
import { formatFamily, sameFamily } from "../fsm/negotiate.ts";
import type { SessionSettings } from "../fsm/session.ts";
import { type BgpState, type ResetReason, stateRank } from "../fsm/state.ts";
import { notificationName } from "../fsm/texts.ts";
import type { Avoidance, PeerSlot, ReceiveOutcome, RibEngine } from "../rib/contract.ts";
import type { Family, OpenMessage, UpdateMessage } from "../wire/message.ts";
import * as ceases from "./ceases.ts";
import { type Channel, type ConnectionBook, noteProgress } from "./channel.ts";
import { Channels, type ChannelsOwner } from "./channels.ts";
import type { PeerConfig } from "./config.ts";
import { needsRefresh, type PeerChange, sameData } from "./config-diff.ts";
import type { SpeakerEffect } from "./effects.ts";
import { Feed } from "./feed.ts";
import { Gate } from "./gate.ts";
import { GracefulRestart, type RestartTimerName } from "./graceful-restart.ts";
import type { SpeakerInput } from "./inputs.ts";
import { SPEAKER_LIMITS } from "./limits.ts";
import { newFacts, type PeerFacts } from "./peer-facts.ts";
import { type Identity, ribPeer, sessionSettings } from "./peer-settings.ts";
import { closeText, STATE_TEXTS } from "./peer-texts.ts";
import { limitReached } from "./prefix-limit.ts";
import { lastNotification, notificationEvent, type Reader, receive } from "./receive.ts";
import { askAgain, RefreshIn } from "./refresh-in.ts";
import { RefreshOut } from "./refresh-out.ts";
import type { Restarting } from "./restarting.ts";
import { LogGate, Tally } from "./tally.ts";

/** What all peers of a speaker share. */
export interface Shared {
  readonly rng: Rng;
  readonly book: ConnectionBook;
  identity: Identity;
  rib: RibEngine;
  /** The RIB has work, or something to hand out. */
  isRibDirty: boolean;
  /** A call into the RIB is under way: a broken invariant in there is not one peer's alone. */
  isInRib: boolean;
  /** A restart of ours, while it lasts and after. */
  readonly restarting: Restarting;
  /** See `SpeakerConfig`. */
  preservesForwarding: boolean;
}

type PeerTimerName =
  | "PrefixLimitRestartTimer"
  | "StaleRoutesTimer"
  | "RefreshTimer"
  | RestartTimerName;
type Input<Kind extends SpeakerInput["kind"]> = Extract<SpeakerInput, { readonly kind: Kind }>;

/**
 * One neighbour: its connections (`channels.ts`), what keeps it down (`gate.ts`), what it is told
 * (`feed.ts`), and its place in the RIB. Whatever ends a session leaves a sentence that says why.
 */
export class Peer implements ChannelsOwner, Reader {
  readonly name: string;
  readonly slot: PeerSlot;
  readonly tally = new Tally();
  readonly gate = new Gate();
  readonly timers = new Deadlines<PeerTimerName>();
  readonly channels: Channels;
  readonly restart: GracefulRestart;
  readonly #shared: Shared;
  readonly #logGate = new LogGate();
  #config: PeerConfig;
  #feed: Feed | undefined;
  /** Our end of the session, as the RIB knows it. */
  #localAddress: string | undefined;
  #avoidance: Avoidance | undefined;
  readonly #facts: { -readonly [Fact in keyof PeerFacts]: PeerFacts[Fact] };
  #endReason: ResetReason | undefined;
  readonly refreshIn: RefreshIn;
  readonly refreshOut: RefreshOut;
  /** There was a session in this run of ours. */
  #hasMet = false;

  constructor(slot: PeerSlot, config: PeerConfig, shared: Shared, now: Micros) {
    this.name = config.name;
    this.slot = slot;
    this.#config = config;
    this.#shared = shared;
    this.#facts = { ...newFacts(now) };
    this.gate.isShutdown = config.isShutdown;
    const inRib = (call: (rib: RibEngine) => void) => this.#inRib(call);
    this.restart = new GracefulRestart(slot, this.timers, inRib);
    this.refreshIn = new RefreshIn(slot, this.timers, inRib, this.tally);
    this.refreshOut = new RefreshOut(this.timers, this.tally, (at) => this.#readvertise(at));
    this.channels = new Channels(this, shared.book, this.#settings(), shared.rng, now);
    this.#localAddress = config.localAddress;
    this.#tellRib();
  }

  // What others may know (peer-view.ts) ---------------------------------------------------------

  get config(): PeerConfig {
    return this.#config;
  }

  get facts(): PeerFacts {
    return this.#facts;
  }

  get isGated(): boolean {
    return this.gate.reason !== undefined;
  }

  nextDeadline(): Micros | undefined {
    const session = this.channels.nextDeadline();
    const own = this.timers.next();
    if (session === undefined || own === undefined) return session ?? own;
    return micros(Math.min(own, session));
  }

  // Orders --------------------------------------------------------------------------------------

  /** Runs, unless something keeps it down. */
  start(now: Micros, out: SpeakerEffect[]): void {
    if (!this.isGated) this.channels.start(now, out);
  }

  /** The identity of the speaker changes: nothing that was agreed on holds any more. */
  suspend(now: Micros, out: SpeakerEffect[]): void {
    this.channels.stop("ManualStop", ceases.configurationCease, now, out);
  }

  /** The end of the speaker, or of this run of it; `words` go to the peer. */
  end(words: string, isRestart: boolean, now: Micros, out: SpeakerEffect[]): void {
    const text = ceases.quoted(isRestart ? "the speaker restarts" : "the speaker stops", words);
    this.gate.end = text;
    if (isRestart) this.channels.leave(ceases.restartCease(words, text), now, out);
    else this.channels.stop("ManualStop", ceases.shutdownCease(words, text), now, out);
    this.timers.disarmAll();
  }

  /** What our OPEN is to say of restarts is no longer what it said. */
  restartOver(): void {
    this.channels.useSettings(this.#settings());
  }

  remove(now: Micros, out: SpeakerEffect[]): void {
    this.gate.end = ceases.deconfiguredCease.text;
    this.channels.stop("ManualStop", ceases.deconfiguredCease, now, out);
    this.timers.disarmAll();
    this.#inRib((rib) => rib.removePeer(this.slot));
  }

  reconfigure(config: PeerConfig, change: PeerChange, now: Micros, out: SpeakerEffect[]): void {
    const before = this.#config;
    const wasGated = this.isGated;
    if (change === "reset") {
      const shutdown = "shut down in the configuration";
      const cease = config.isShutdown
        ? ceases.shutdownCease("", shutdown)
        : ceases.configurationCease;
      this.channels.stop("ManualStop", cease, now, out);
      this.#localAddress = config.localAddress;
    }
    this.#config = config;
    this.gate.isShutdown = config.isShutdown;
    this.channels.useSettings(this.#settings());
    if (change === "none") return;
    this.#tellRib();
    if (!sameData(before.maxPrefix, config.maxPrefix)) this.#limitChanged(now, out);
    if (change === "reset" || wasGated) this.start(now, out);
    else if (needsRefresh(before, config))
      askAgain(this.channels.established, config.families, now, out);
  }

  admin(action: "start" | "stop" | "reset", words: string, now: Micros, out: SpeakerEffect[]) {
    if (action === "stop") {
      const text = ceases.quoted("stopped by operator", words);
      this.gate.operator = text;
      this.#shared.restarting.forget(this.name);
      this.channels.stop("ManualStop", ceases.shutdownCease(words, text), now, out);
      return;
    }
    if (action === "start") this.gate.operator = undefined;
    this.#forgiveLimit();
    const { reason } = this.gate;
    if (reason !== undefined) {
      this.log("warn", "bgp.peer.order-without-effect", { action, because: reason }, out);
      return;
    }
    if (action === "reset") {
      this.channels.stop("AutomaticStop", ceases.resetCease(words), now, out);
    }
    this.channels.start(now, out);
  }

  holdOff(reason: string | undefined, now: Micros, out: SpeakerEffect[]): void {
    const wasHeld = this.gate.hold !== undefined;
    this.gate.hold = reason;
    if (reason !== undefined) {
      this.channels.stop("ManualStop", ceases.holdOffCease(reason), now, out);
    } else if (wasHeld) {
      this.start(now, out);
    }
  }

  avoid({ avoidance }: Input<"avoid">): void {
    this.#avoidance = avoidance;
    this.#tellRib();
  }

  /** RFC 9384 §3: leaves Established now; whether it may come back is another's to say. */
  pathFailed({ cause, text }: Input<"path-failed">, now: Micros, out: SpeakerEffect[]): void {
    this.restart.forget();
    this.#shared.restarting.forget(this.name);
    const { state } = this.#facts;
    if (state === "Idle" || state === "Active") return;
    if (state === "Connect" && cause === "bfd-down") return;
    this.channels.stop("AutomaticStop", ceases.pathCease(cause, text), now, out);
  }

  refresh({ direction, family }: Input<"refresh">, now: Micros, out: SpeakerEffect[]): void {
    const negotiated = this.channels.established?.session.negotiated;
    const families = negotiated?.families.filter(
      (other) => family === undefined || sameFamily(other, family),
    );
    const isPossible = direction === "out" || negotiated?.routeRefresh === true;
    if (families === undefined || families.length === 0 || !isPossible) {
      const fields = { direction, family: family === undefined ? "all" : formatFamily(family) };
      this.log("warn", "bgp.peer.refresh-impossible", fields, out);
      return;
    }
    if (direction === "in") askAgain(this.channels.established, families, now, out);
    else for (const one of families) this.#readvertise(one);
  }

  /** A bug of ours, met by an input of this peer: its sessions end, the others go on. */
  fail(error: unknown, now: Micros, out: SpeakerEffect[]): void {
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    this.log("error", "bgp.peer.internal-error", { message, stack }, out);
    this.channels.stop("AutomaticStop", ceases.internalErrorCease(message), now, out);
  }

  // Connections ---------------------------------------------------------------------------------

  accepted(input: Input<"tcp-accepted">, now: Micros, out: SpeakerEffect[]): void {
    const refusal = this.isGated ? this.gate.label : this.channels.accepted(input, now, out);
    if (refusal === undefined) return;
    this.tally.discard(refusal);
    out.push({ kind: "tcp-close", connection: input.connection, how: "reset" });
    const suppressed = this.admitLog(refusal, now);
    if (suppressed === undefined) return;
    const { remoteAddress, remotePort } = input;
    const because = this.gate.reason ?? this.#facts.because;
    const fields = { reason: refusal, because, remoteAddress, remotePort, suppressed };
    this.log("info", "bgp.connection.refused", fields, out);
  }

  connected(input: Input<"tcp-connected">, now: Micros, out: SpeakerEffect[]): void {
    this.channels.connected(input, now, out);
  }

  closed(input: Input<"tcp-closed">, now: Micros, out: SpeakerEffect[]): void {
    const channel = this.channels.channelOf(input.connection);
    if (channel?.connection === undefined) return;
    const { state, negotiated } = channel.session;
    const isDial = state === "Connect";
    const last = lastNotification(channel.connection, negotiated);
    if (last !== undefined) {
      this.tally.messagesIn.notification += 1;
      this.channels.lost(channel, notificationEvent(last), now, out);
      return;
    }
    const text = closeText(input, isDial ? this.#config.remoteAddress : undefined);
    if (this.channels.established === undefined) this.#facts.because = text;
    this.channels.lost(channel, { kind: "TcpConnectionFails", text }, now, out);
  }

  data({ connection: id, octets }: Input<"tcp-data">, now: Micros, out: SpeakerEffect[]): void {
    const channel = this.channels.channelOf(id);
    const connection = channel?.connection;
    if (channel === undefined || connection === undefined) return;
    this.#facts.lastMessageAt = now;
    connection.framer.push(octets);
    if (!this.#shared.book.isReady(id)) this.#receive(channel, now, out);
    const isAhead = connection.framer.bufferedOctets > LIMITS.receiveQueueOctets;
    if (isAhead && !connection.isPaused && channel.connection === connection) {
      connection.isPaused = true;
      out.push({ kind: "tcp-pause", connection: id, isPaused: true });
    }
  }

  /** One turn of a connection whose octets wait. Returns the octets it took. */
  turn(id: Input<"tcp-data">["connection"], now: Micros, out: SpeakerEffect[]): number {
    const channel = this.channels.channelOf(id);
    const connection = channel?.connection;
    if (channel === undefined || connection === undefined) return 0;
    const octets = this.#receive(channel, now, out);
    const hasRoom = connection.framer.bufferedOctets < LIMITS.receiveQueueOctets / 2;
    if (connection.isPaused && hasRoom && channel.connection === connection) {
      connection.isPaused = false;
      out.push({ kind: "tcp-pause", connection: id, isPaused: false });
    }
    return octets;
  }

  progress({ connection, queuedOctets }: Input<"tcp-progress">, now: Micros): void {
    const channel = this.channels.channelOf(connection);
    if (channel === undefined) return;
    noteProgress(channel, queuedOctets, now);
    const { rib } = this.#shared;
    if (this.#feed !== undefined && rib.hasUpdates(this.slot)) this.#shared.isRibDirty = true;
  }

  expire(now: Micros, out: SpeakerEffect[]): void {
    this.channels.expire(now, out);
    for (let due = this.timers.takeDue(now); due !== undefined; due = this.timers.takeDue(now)) {
      if (due === "PrefixLimitRestartTimer") {
        this.gate.limit = undefined;
        this.start(now, out);
      } else if (due === "StaleRoutesTimer") {
        this.refreshIn.expire();
      } else if (due === "RefreshTimer") {
        this.refreshOut.expire(now);
      } else {
        this.restart.forget();
        if (due === "RestartTimer") out.push({ kind: "restart-overdue", peer: this.name });
      }
    }
  }

  /** One slice of UPDATEs; true while there is more to send that the socket would take. */
  pump(now: Micros, out: SpeakerEffect[]): boolean {
    const feed = this.#feed;
    if (feed === undefined) return false;
    this.#shared.isInRib = true;
    const hasMore = feed.pump(this.#shared.rib, now, out);
    this.#shared.isInRib = false;
    return hasMore;
  }

  // ChannelsOwner -------------------------------------------------------------------------------

  sessionUp(channel: Channel, now: Micros): void {
    const { negotiated } = channel.session;
    if (negotiated === undefined) return;
    this.#facts.establishedTransitions += 1;
    this.#facts.because = undefined;
    this.#facts.endOfRib = [];
    this.#feed = new Feed(this.name, this.slot, channel, negotiated);
    const localAddress = this.#config.localAddress ?? channel.connection?.localAddress;
    if (localAddress !== this.#localAddress) {
      this.#localAddress = localAddress;
      this.#tellRib();
    }
    const { remoteBgpIdentifier: bgpIdentifier, messageOctetsMax, families, wire } = negotiated;
    const session = { bgpIdentifier, as4: wire.as4, messageOctetsMax, families };
    const kept = this.restart.sessionUp(negotiated, now);
    this.#inRib((rib) => rib.peerUp(this.slot, session, kept));
    this.#shared.restarting.sessionUp(this.name, negotiated);
    this.#hasMet = true;
    this.channels.useSettings(this.#settings());
  }

  sessionDown(now: Micros): void {
    this.#feed = undefined;
    this.refreshIn.forget();
    this.refreshOut.forget();
    this.restart.sessionDown(this.#facts.lastReset, now);
  }

  stopping(): void {
    this.restart.forget();
  }

  sessionEnded(ended: Ended, hadOpen: boolean, now: Micros, out: SpeakerEffect[]): void {
    this.#facts.because = ended.text;
    this.#endReason = ended.reason;
    if (!hadOpen) return;
    if (this.restart.forgetIfGone(ended)) this.#shared.restarting.forget(this.name);
    this.tally.reset(ended.reason);
    this.#facts.lastReset = { at: now, ...ended };
    const { code, subcode, reason, text } = ended;
    if (code === undefined || subcode === undefined) return;
    const suppressed = this.admitLog("notification", now);
    if (suppressed === undefined) return;
    const name = notificationName(code, subcode);
    const event = `bgp.notification.${reason === "notification_in" ? "received" : "sent"}`;
    this.log("warn", event, { code, subcode, name, text, suppressed }, out);
  }

  stateChanged(from: BgpState, to: BgpState, now: Micros, out: SpeakerEffect[]): void {
    this.#facts.state = to;
    this.#facts.since = now;
    const isDown = stateRank(to) < stateRank(from);
    const reason = isDown ? this.#endReason : undefined;
    const hasFailed = from !== "Idle" && to !== "Connect" && (isDown || to === "Active");
    const text = (hasFailed ? this.#facts.because : undefined) ?? STATE_TEXTS[to];
    this.#endReason = undefined;
    out.push({ kind: "session", peer: this.name, from, to, reason, text });
  }

  // Reader --------------------------------------------------------------------------------------

  apply(channel: Channel, event: Event, now: Micros, out: SpeakerEffect[]): void {
    this.channels.apply(channel, event, now, out);
  }

  opened(channel: Channel, open: OpenMessage, now: Micros, out: SpeakerEffect[]): void {
    this.channels.opened(channel, open, now, out);
  }

  updated(update: UpdateMessage): ReceiveOutcome {
    const shared = this.#shared;
    shared.isInRib = true;
    const outcome = shared.rib.receive(this.slot, update);
    shared.isInRib = false;
    shared.isRibDirty = true;
    return outcome;
  }

  limitReached(
    outcome: Exclude<ReceiveOutcome, { readonly kind: "ok" }>,
    now: Micros,
    out: SpeakerEffect[],
  ): void {
    limitReached(this, outcome, now, out);
  }

  endOfRib(family: Family, out: SpeakerEffect[]): void {
    const negotiated = this.channels.established?.session.negotiated;
    const isOurs = negotiated?.families.some((other) => sameFamily(other, family)) === true;
    if (!isOurs || this.#facts.endOfRib.some((other) => sameFamily(other, family))) return;
    this.#facts.endOfRib = [...this.#facts.endOfRib, family];
    this.restart.endOfRib(family);
    this.#shared.restarting.endOfRib(this.name, family);
    out.push({ kind: "end-of-rib", peer: this.name, family });
  }

  admitLog(cause: string, now: Micros): number | undefined {
    return this.#logGate.admit(cause, now);
  }

  log(level: LogLevel, event: string, fields: LogFields, out: SpeakerEffect[]): void {
    out.push({ kind: "log", level, event, fields: { peer: this.name, ...fields } });
  }

  // ---------------------------------------------------------------------------------------------

  #receive(channel: Channel, now: Micros, out: SpeakerEffect[]): number {
    const id = channel.connection?.id;
    const octetsMax = SPEAKER_LIMITS.receiveOctetsPerTurn;
    const octets = receive(this, channel, octetsMax, now, out);
    const isOpen = id !== undefined && channel.connection?.id === id;
    if (isOpen && octets >= octetsMax) this.#shared.book.markReady(id);
    return octets;
  }

  #readvertise(family: Family): void {
    this.#feed?.readvertise(family);
    this.#shared.isRibDirty = true;
  }

  #settings(): SessionSettings {
    const { identity, restarting, preservesForwarding } = this.#shared;
    return sessionSettings(this.#config, identity, {
      isRestarting: restarting.isOn,
      families: preservesForwarding ? this.#config.families : [],
      // The kernel holds what it held since the last session, or the restart says that it does.
      isPreserved: (family) => this.#hasMet || restarting.isPreserved(family),
    });
  }

  #limitChanged(now: Micros, out: SpeakerEffect[]): void {
    this.#forgiveLimit();
    for (const outcome of this.#inRib((rib) => rib.checkLimits(this.slot))) {
      if (outcome.kind !== "ok") this.limitReached(outcome, now, out);
    }
  }

  #forgiveLimit(): void {
    this.gate.limit = undefined;
    this.timers.disarm("PrefixLimitRestartTimer");
  }

  #tellRib(): void {
    const { identity } = this.#shared;
    const peer = ribPeer(this.slot, this.#config, identity, this.#localAddress, this.#avoidance);
    this.#inRib((rib) => rib.setPeer(peer));
  }

  #inRib<Value>(call: (rib: RibEngine) => Value): Value {
    const shared = this.#shared;
    shared.isInRib = true;
    const value = call(shared.rib);
    shared.isInRib = false;
    shared.isRibDirty = true;
    return value;
  }
}
