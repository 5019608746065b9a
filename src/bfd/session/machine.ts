import { type Rng, resumedRng, seededRng } from "../../core/rng.ts";
import { after, type Micros } from "../../core/time.ts";
import type {
  BfdEffect,
  BfdSessionConfig,
  BfdSessionView,
  BfdState,
} from "../sessions/contract.ts";
import { type ControlPacket, Diag } from "../wire/control-packet.ts";
import { type AuthDiscardReason, Authentication } from "./authentication.ts";
import { Histogram } from "./histogram.ts";
import type { SessionMemory } from "./memory.ts";
import { forgetRemote, initialVariables, learnRemote, type SessionVariables } from "./state.ts";
import {
  detectionTimeUs,
  jitteredUs,
  type OwnParameters,
  OwnTiming,
  SLOW_START_US,
  TokenBucket,
  txIntervalUs,
} from "./timing.ts";
import { transitionOn } from "./transitions.ts";

/**
 * One BFD session in Asynchronous mode (RFC 5880 §6): reception (§6.8.6, from authentication on),
 * transmission (§6.8.7), detection (§6.8.4), administrative control (§6.8.16). `BfdSessions` finds
 * the session of a packet and checks ports, addresses and TTL before this sees it.
 *
 * What it keeps true: periodic packets leave at least 75 % of the interval in force apart; whatever
 * else leaves answers a poll or tells a change of state, and what of it a peer can provoke is
 * limited by a bucket; P and F never go together; the Echo function, Demand mode of our own and
 * control plane independence are never claimed. Expiry is judged on the assumption that every
 * packet that had arrived was handed over first: hosts read sockets before they ring alarms.
 */
export class BfdSession {
  #config: BfdSessionConfig;
  #rng: Rng;
  #vars: SessionVariables;
  readonly #timing: OwnTiming;
  readonly #auth: Authentication;
  readonly #finals: TokenBucket;
  readonly #changes: TokenBucket;
  #adminOverride: boolean | undefined;
  #since: Micros;

  #txAt: number;
  #detectAt = Number.POSITIVE_INFINITY;
  #endAt = Number.POSITIVE_INFINITY;
  /** When the last packet of the schedule left; `#txAt` was drawn from `#drawnFromUs`. */
  #lastTxAt: Micros | undefined;
  #drawnFromUs = 0;
  #lastPacketAt: Micros | undefined;
  /** How late one of our own timers rang since the last packet came. */
  #lateSincePacketUs = 0;
  /** When a packet of ours last left so late that the peer may have missed it. */
  #lateTxAt: Micros | undefined;

  #packetsIn = 0;
  #packetsOut = 0;
  readonly #discards = new Map<string, number>();
  readonly #transitions = new Map<string, number>();
  readonly #txLateness = new Histogram();
  readonly #rxGap = new Histogram();

  constructor(config: BfdSessionConfig, localDiscr: number, rng: Rng, now: Micros) {
    this.#config = config;
    this.#rng = rng;
    this.#vars = initialVariables(localDiscr, config.isAdminDown);
    this.#timing = new OwnTiming(parametersIn(this.#vars.sessionState, config), now);
    this.#auth = new Authentication(config.auth, rng);
    this.#finals = new TokenBucket(BURST, now);
    this.#changes = new TokenBucket(BURST, now);
    this.#since = now;
    this.#txAt = Number.POSITIVE_INFINITY;
    this.#schedule(now);
  }

  /** A session that does from here on what the one does whose `save()` this was. */
  static resumed(memory: SessionMemory): BfdSession {
    const { config, vars, since } = memory;
    const session = new BfdSession(config, vars.localDiscr, seededRng(0), since);
    session.#load(memory);
    return session;
  }

  /** Everything its answers depend on; what is only counted is not in it. */
  save(): SessionMemory {
    return {
      config: this.#config,
      rng: this.#rng.state(),
      vars: { ...this.#vars },
      timing: this.#timing.save(),
      auth: this.#auth.save(),
      finals: this.#finals.save(),
      changes: this.#changes.save(),
      adminOverride: this.#adminOverride,
      since: this.#since,
      txAt: this.#txAt,
      detectAt: this.#detectAt,
      endAt: this.#endAt,
      lastTxAt: this.#lastTxAt,
      drawnFromUs: this.#drawnFromUs,
      lastPacketAt: this.#lastPacketAt,
      lateSincePacketUs: this.#lateSincePacketUs,
      lateTxAt: this.#lateTxAt,
    };
  }

  #load(memory: SessionMemory): void {
    this.#rng = resumedRng(memory.rng);
    this.#vars = { ...memory.vars };
    this.#timing.load(memory.timing);
    this.#auth.load(memory.auth);
    this.#finals.load(memory.finals);
    this.#changes.load(memory.changes);
    this.#adminOverride = memory.adminOverride;
    this.#since = memory.since;
    this.#txAt = memory.txAt;
    this.#detectAt = memory.detectAt;
    this.#endAt = memory.endAt;
    this.#lastTxAt = memory.lastTxAt;
    this.#drawnFromUs = memory.drawnFromUs;
    this.#lastPacketAt = memory.lastPacketAt;
    this.#lateSincePacketUs = memory.lateSincePacketUs;
    this.#lateTxAt = memory.lateTxAt;
  }

  get config(): BfdSessionConfig {
    return this.#config;
  }

  get localDiscriminator(): number {
    return this.#vars.localDiscr;
  }

  /** On its way out: it only says AdminDown until its Detection Time is over. */
  get isEnding(): boolean {
    return this.#endAt !== Number.POSITIVE_INFINITY;
  }

  get state(): BfdState {
    return this.#vars.sessionState;
  }

  /** Infinity while nothing is armed. */
  get deadline(): number {
    return Math.min(this.#txAt, this.#detectAt, this.#endAt);
  }

  /** Counts a packet that was this session's and was refused before or by it. */
  countDiscard(reason: string): void {
    this.#discards.set(reason, (this.#discards.get(reason) ?? 0) + 1);
  }

  /**
   * RFC 5880 §6.8.6 from authentication on; why the packet was refused, undefined where it was not.
   */
  receive(
    packet: ControlPacket,
    octets: Uint8Array,
    now: Micros,
    out: BfdEffect[],
  ): AuthDiscardReason | "admin-down" | undefined {
    const refusal = this.#auth.check(packet, octets, this.#detectionTimeUs(), now);
    if (refusal !== undefined) return refusal;
    const vars = this.#vars;
    this.#packetsIn += 1;
    if (this.#lastPacketAt !== undefined) this.#rxGap.observe(now - this.#lastPacketAt);
    const why = { lastPacketAt: this.#lastPacketAt, isSuspectSelf: this.#hasMissedUs(packet, now) };
    learnRemote(vars, packet);
    if (packet.final) this.#timing.finalReceived(now);
    this.#detectAt = after(now, this.#detectionTimeUs());
    this.#lastPacketAt = now;
    this.#lateSincePacketUs = 0;
    if (vars.sessionState === "AdminDown") {
      this.#schedule(now);
      return "admin-down";
    }
    const transition = transitionOn(vars.sessionState, packet.state);
    if (transition !== undefined) {
      this.#enter(transition.to, transition.diag ?? vars.localDiag, why, now, out);
    }
    const isAnswered = packet.poll && this.#answerPoll(now, out);
    if (transition !== undefined && !isAnswered) this.#answerChange(now, out);
    this.#schedule(now);
    return undefined;
  }

  /** Fires what is due. Afterwards `deadline` lies behind `now`, unless the session has ended. */
  expire(now: Micros, out: BfdEffect[]): void {
    if (this.#detectAt <= now) this.#detectionExpired(now, out);
    if (this.#txAt <= now) {
      const lateUs = now - this.#txAt;
      this.#txLateness.observe(lateUs);
      this.#noteLateness(this.#txAt, now);
      if (lateUs > this.#peerDetectionTimeUs() * SUSPECT_SHARE) this.#lateTxAt = now;
      this.#timing.startPending(now);
      // Towards a peer in Demand mode this may be a poll that still has to wait: nothing leaves.
      if (this.#isPeriodic()) this.#transmit(false, now, out);
      this.#draw(now);
      this.#schedule(now);
    }
    if (this.#endAt <= now) this.#txAt = Number.POSITIVE_INFINITY;
  }

  /** True once the AdminDown of a removed session was said for a Detection Time. */
  hasEnded(now: Micros): boolean {
    return this.#endAt <= now;
  }

  /**
   * Takes a new configuration of the same path. Timing changes by Poll Sequence, keys and the rest
   * at once; the session does not flap. A session on its way out is called back.
   */
  reconfigure(config: BfdSessionConfig, now: Micros, out: BfdEffect[]): void {
    if (config.isAdminDown !== this.#config.isAdminDown) this.#adminOverride = undefined;
    this.#config = config;
    this.#endAt = Number.POSITIVE_INFINITY;
    this.#auth.configure(config.auth);
    const wanted = parametersIn(this.#vars.sessionState, config);
    if (this.#vars.sessionState === "Up") this.#timing.want(wanted, now);
    else this.#timing.enterState(wanted, this.#vars.remoteDiscr !== 0);
    this.#administer(now, out);
    this.#redetect();
    this.#schedule(now);
  }

  /** RFC 5880 §6.8.16. Holds until the configured value itself changes. */
  setAdminDown(isDown: boolean, now: Micros, out: BfdEffect[]): void {
    this.#adminOverride = isDown;
    this.#administer(now, out);
    this.#schedule(now);
  }

  /** Begins the end: AdminDown for as long as the peer's Detection Time, where a peer is known. */
  end(now: Micros, out: BfdEffect[]): void {
    if (this.isEnding) return;
    this.#toAdminDown(now, out);
    const toldUs = this.#vars.remoteDiscr === 0 ? 0 : this.#peerDetectionTimeUs();
    this.#endAt = Math.max(now, this.#since + toldUs);
    this.#schedule(now);
  }

  view(): BfdSessionView {
    const config = this.#config;
    const vars = this.#vars;
    const timing = this.#timing;
    return {
      name: config.name,
      mode: config.mode,
      localAddress: config.localAddress,
      remoteAddress: config.remoteAddress,
      device: config.device,
      state: vars.sessionState,
      since: this.#since,
      diag: vars.localDiag,
      remoteState: vars.remoteSessionState,
      remoteDiag: vars.remoteDiag,
      localDiscriminator: vars.localDiscr,
      remoteDiscriminator: vars.remoteDiscr,
      detectMult: config.detectMult,
      remoteDetectMult: vars.remoteDetectMult,
      desiredMinTxIntervalUs: config.desiredMinTxIntervalUs,
      requiredMinRxIntervalUs: config.requiredMinRxIntervalUs,
      remoteDesiredMinTxIntervalUs: vars.remoteDesiredMinTxIntervalUs,
      remoteRequiredMinRxIntervalUs: vars.remoteMinRxIntervalUs,
      txIntervalUs: this.#txIntervalUs(),
      rxIntervalUs: Math.max(timing.requiredMinRxInForceUs, vars.remoteDesiredMinTxIntervalUs),
      detectionTimeUs: this.#detectionTimeUs(),
      isPolling: timing.isPolling,
      lastPacketAt: this.#lastPacketAt,
      packetsIn: this.#packetsIn,
      packetsOut: this.#packetsOut,
      discards: Object.fromEntries(this.#discards),
      transitions: Object.fromEntries(this.#transitions),
      txLateness: this.#txLateness.view(),
      rxGap: this.#rxGap.view(),
    };
  }

  // Reception -----------------------------------------------------------------------------------

  #detectionExpired(now: Micros, out: BfdEffect[]): void {
    const vars = this.#vars;
    this.#noteLateness(this.#detectAt, now);
    this.#detectAt = Number.POSITIVE_INFINITY;
    const wasAlive = vars.sessionState === "Init" || vars.sessionState === "Up";
    const why = {
      lastPacketAt: this.#lastPacketAt,
      isSuspectSelf: this.#lateSincePacketUs > this.#detectionTimeUs() * SUSPECT_SHARE,
      remoteState: vars.remoteSessionState,
    };
    forgetRemote(vars);
    this.#timing.forgetRemote();
    if (wasAlive) {
      this.#enter("Down", Diag.ControlDetectionTimeExpired, why, now, out);
      this.#sendChange(now, out);
    }
    this.#schedule(now);
  }

  /** True where the peer's Detection Time ran out while packets of ours were late enough for it. */
  #hasMissedUs(packet: ControlPacket, now: Micros): boolean {
    const isNews = this.#vars.sessionState === "Up" && packet.state === "Down";
    if (!isNews || packet.diag !== Diag.ControlDetectionTimeExpired) return false;
    const peerUs = this.#peerDetectionTimeUs();
    if (now - this.#txAt > peerUs * SUSPECT_SHARE) return true;
    return this.#lateTxAt !== undefined && now - this.#lateTxAt <= 2 * peerUs;
  }

  #noteLateness(dueAt: number, now: Micros): void {
    const lateUs = now - Math.max(dueAt, this.#lastPacketAt ?? dueAt);
    this.#lateSincePacketUs = Math.max(this.#lateSincePacketUs, lateUs);
  }

  /** The time allowed since the last packet follows the parameters, in force from now on. */
  #redetect(): void {
    if (this.#detectAt === Number.POSITIVE_INFINITY || this.#lastPacketAt === undefined) return;
    this.#detectAt = after(this.#lastPacketAt, this.#detectionTimeUs());
  }

  // State ---------------------------------------------------------------------------------------

  #enter(to: BfdState, diag: number, why: WhyChanged, now: Micros, out: BfdEffect[]): void {
    const vars = this.#vars;
    const from = vars.sessionState;
    const detectionUs = this.#detectionTimeUs();
    vars.sessionState = to;
    vars.localDiag = diag;
    this.#since = now;
    const transition = `${from}>${to}/${diag}`;
    this.#transitions.set(transition, (this.#transitions.get(transition) ?? 0) + 1);
    this.#timing.enterState(parametersIn(to, this.#config), vars.remoteDiscr !== 0);
    out.push({
      kind: "state",
      session: this.#config.name,
      from,
      to,
      diag,
      remoteState: why.remoteState ?? vars.remoteSessionState,
      remoteDiag: vars.remoteDiag,
      at: now,
      detectionTimeUs: detectionUs,
      lastPacketAt: why.lastPacketAt,
      isSuspectSelf: why.isSuspectSelf,
    });
  }

  #administer(now: Micros, out: BfdEffect[]): void {
    const isDown = this.#adminOverride ?? this.#config.isAdminDown;
    if (isDown) {
      this.#toAdminDown(now, out);
    } else if (this.#vars.sessionState === "AdminDown") {
      const why = { lastPacketAt: this.#lastPacketAt, isSuspectSelf: false };
      this.#enter("Down", Diag.None, why, now, out);
      this.#sendChange(now, out);
    }
  }

  #toAdminDown(now: Micros, out: BfdEffect[]): void {
    if (this.#vars.sessionState === "AdminDown") return;
    const why = { lastPacketAt: this.#lastPacketAt, isSuspectSelf: false };
    this.#enter("AdminDown", Diag.AdministrativelyDown, why, now, out);
    this.#sendChange(now, out);
  }

  // Transmission --------------------------------------------------------------------------------

  #txIntervalUs(): number {
    return txIntervalUs(this.#timing.desiredMinTxInForceUs, this.#vars.remoteMinRxIntervalUs);
  }

  #detectionTimeUs(): number {
    const { remoteDetectMult, remoteDesiredMinTxIntervalUs } = this.#vars;
    const requiredMinRxUs = this.#timing.requiredMinRxInForceUs;
    return detectionTimeUs(remoteDetectMult, requiredMinRxUs, remoteDesiredMinTxIntervalUs);
  }

  /** How long the peer waits for us. */
  #peerDetectionTimeUs(): number {
    return this.#config.detectMult * this.#txIntervalUs();
  }

  /** RFC 5880 §6.8.7: the passive role is silent towards a peer it has not heard. */
  #maySend(): boolean {
    return !this.#config.isPassive || this.#vars.remoteDiscr !== 0;
  }

  /**
   * RFC 5880 §6.8.7: neither a peer that wants none nor one in Demand mode gets periodic packets.
   */
  #isPeriodic(): boolean {
    const vars = this.#vars;
    if (!this.#maySend() || vars.remoteMinRxIntervalUs === 0) return false;
    const isDemand =
      vars.remoteDemandMode && vars.sessionState === "Up" && vars.remoteSessionState === "Up";
    return !isDemand || this.#timing.isPolling;
  }

  /** Keeps the schedule in step with who is there and what intervals are in force. */
  #schedule(now: Micros): void {
    const hasPoll = this.#timing.isPending && this.#vars.remoteMinRxIntervalUs !== 0;
    if (!this.#isPeriodic() && !(hasPoll && this.#maySend())) {
      this.#txAt = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.#txAt !== Number.POSITIVE_INFINITY && this.#drawnFromUs === this.#txIntervalUs())
      return;
    if (this.#lastTxAt === undefined) {
      this.#txAt = now;
      return;
    }
    // RFC 5880 §6.8.3: a shorter interval counts from the last packet, not from the next.
    this.#draw(this.#lastTxAt);
    this.#txAt = Math.max(this.#txAt, now);
  }

  #draw(from: Micros): void {
    this.#drawnFromUs = this.#txIntervalUs();
    this.#txAt = after(from, jitteredUs(this.#drawnFromUs, this.#config.detectMult, this.#rng));
  }

  /** A change of state goes out at once (RFC 5880 §6.8.7) and restarts the schedule. */
  #sendChange(now: Micros, out: BfdEffect[]): void {
    if (!this.#maySend()) return;
    this.#transmit(false, now, out);
    if (this.#isPeriodic()) this.#draw(now);
  }

  /** A change that the peer provoked; one too many waits for the schedule. */
  #answerChange(now: Micros, out: BfdEffect[]): void {
    if (this.#changes.take(this.#config.desiredMinTxIntervalUs, now)) this.#sendChange(now, out);
  }

  /** RFC 5880 §6.8.7: P is answered by F as soon as practicable, outside the schedule. */
  #answerPoll(now: Micros, out: BfdEffect[]): boolean {
    if (!this.#finals.take(this.#config.desiredMinTxIntervalUs, now)) {
      this.countDiscard("poll-rate");
      return false;
    }
    this.#transmit(true, now, out);
    return true;
  }

  #transmit(isFinal: boolean, now: Micros, out: BfdEffect[]): void {
    const vars = this.#vars;
    const own = this.#timing.advertised;
    const poll = this.#timing.isPolling && !isFinal;
    const octets = this.#auth.encode({
      diag: vars.localDiag,
      state: vars.sessionState,
      poll,
      final: isFinal,
      detectMult: own.detectMult,
      myDiscriminator: vars.localDiscr,
      yourDiscriminator: vars.remoteDiscr,
      desiredMinTxIntervalUs: own.desiredMinTxUs,
      requiredMinRxIntervalUs: own.requiredMinRxUs,
      requiredMinEchoRxIntervalUs: 0,
      auth: undefined,
    });
    if (poll) this.#timing.pollSent(now);
    if (!isFinal) this.#lastTxAt = now;
    this.#packetsOut += 1;
    out.push({ kind: "send", session: this.#config.name, octets });
  }
}

interface WhyChanged {
  readonly lastPacketAt: Micros | undefined;
  readonly isSuspectSelf: boolean;
  /** What the peer last said, where it has been forgotten since. */
  readonly remoteState?: BfdState;
}

function parametersIn(state: BfdState, config: BfdSessionConfig): OwnParameters {
  const { desiredMinTxIntervalUs, requiredMinRxIntervalUs, detectMult } = config;
  const desiredMinTxUs =
    state === "Up" ? desiredMinTxIntervalUs : Math.max(desiredMinTxIntervalUs, SLOW_START_US);
  return { desiredMinTxUs, requiredMinRxUs: requiredMinRxIntervalUs, detectMult };
}

/** Packets outside the schedule that a peer may provoke at once. */
const BURST = 4;

/** Lateness of ours above this share of a Detection Time makes us a suspect. */
const SUSPECT_SHARE = 1 / 8;
