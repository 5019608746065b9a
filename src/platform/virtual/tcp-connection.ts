import { EMPTY } from "../../core/bytes.ts";
import type { TcpCloseCause, TcpConnection, TcpHandler } from "../contract.ts";
import type { Interface } from "./interface.ts";
import type { Ip } from "./ip.ts";
import { type DropReason, type IcmpMessage, TcpFlag, type TcpSegment } from "./packet.ts";
import type { Process } from "./process.ts";
import { TcpReceiver } from "./tcp-receiver.ts";
import { type Outgoing, TcpSender, TIMEOUT_MAX_US } from "./tcp-sender.ts";
import { Call, type Scheduled, type Timeline } from "./timeline.ts";

/** What a connection needs of the stack it belongs to. */
export interface ConnectionOwner {
  readonly timeline: Timeline;
  output(connection: Connection, segment: SegmentParts): DropReason | undefined;
  /** It is over: nothing more is to be delivered to it. */
  remove(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly process: Process;
  readonly local: Ip;
  readonly localPort: number;
  readonly remote: Ip;
  readonly remotePort: number;
  readonly via: Interface | undefined;
  readonly ttl: number;
  readonly minTtl: number;
  readonly tos: number;
  readonly md5Key: string | undefined;
  /** Initial sequence number. */
  readonly iss: number;
  /** The largest segment our interface takes; announced to the peer. */
  readonly mss: number;
  /** IP and TCP headers of a segment. */
  readonly overheadOctets: number;
  readonly sendBufferOctets: number;
  readonly receiveBufferOctets: number;
}

export interface SegmentParts {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly windowOctets: number;
  readonly octets: Uint8Array;
  readonly mss: number;
}

/**
 * One TCP connection after RFC 9293: handshake, retransmission with back-off, zero-window probes,
 * orderly and abortive close, and the blind-reset defences of RFC 5961 that a half-open peer meets.
 * The kernel's part (`receive` and the timer) goes on whatever the process does; the process is
 * told in `#tell`, only ever from an event, so that no handler runs inside a call of its own.
 * Simultaneous open is left out: connections leave from ephemeral ports, where nobody connects to.
 */
export class Connection implements TcpConnection {
  readonly options: ConnectionOptions;
  /** What is sent, and the smallest that is accepted; `tcp.ts` looks at both. */
  ttl: number;
  minTtl: number;
  readonly #owner: ConnectionOwner;
  readonly #sender: TcpSender;
  readonly #receiver: TcpReceiver;
  #phase: "syn-sent" | "syn-received" | "open" | "closed" = "syn-sent";
  #handler: TcpHandler | undefined;
  #accept: ((connection: TcpConnection) => TcpHandler) | undefined;
  #peerMss = 0;
  /** Our user closed it, or has heard the last of it. */
  #isReleased = false;
  /** Our FIN went out before the peer's came in. */
  #isFirstToClose = false;
  #isPaused = false;
  #isConnectedDue = false;
  #isProgressDue = false;
  #isAckDue = false;
  #isTellPosted = false;
  #fault: TcpCloseCause | undefined;
  readonly #soon: Scheduled;
  readonly #timer: Scheduled;
  #timerKind: "retransmit" | "probe" | "linger" | undefined;
  #backOff = 0;
  #unansweredCount = 0;

  constructor(owner: ConnectionOwner, options: ConnectionOptions) {
    this.#owner = owner;
    this.options = options;
    this.ttl = options.ttl;
    this.minTtl = options.minTtl;
    this.#sender = new TcpSender(options.iss, options.sendBufferOctets);
    this.#receiver = new TcpReceiver(options.receiveBufferOctets);
    this.#soon = new Call(() => this.#tell());
    this.#timer = new Call(() => this.#timerDue());
  }

  get localAddress(): string {
    return this.options.local.text;
  }

  get localPort(): number {
    return this.options.localPort;
  }

  get remoteAddress(): string {
    return this.options.remote.text;
  }

  get remotePort(): number {
    return this.options.remotePort;
  }

  // What the process calls ----------------------------------------------------------------------

  connect(handler: TcpHandler): void {
    this.#handler = handler;
    const reason = this.#sendSyn();
    if (reason === undefined || QUIET_LOSSES.has(reason)) this.#keepTimer(true);
    else this.#end({ kind: "unreachable", text: "ENETUNREACH: network is unreachable" });
  }

  send(octets: Uint8Array): number {
    if (this.#isReleased || this.#phase === "closed") return 0;
    const waitingOctets = this.#sender.waitingOctets + octets.length;
    this.#sender.push(octets);
    this.#flush();
    this.#noteProgress(waitingOctets);
    return this.#sender.waitingOctets;
  }

  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    if (!isPaused) this.#tellSoon();
  }

  setTtl(options: { readonly ttl: number; readonly minTtl: number | undefined }): void {
    this.ttl = options.ttl;
    this.minTtl = options.minTtl ?? 0;
  }

  close(how: "flush" | "reset"): void {
    if (this.#phase === "closed") {
      this.#release();
    } else if (how === "reset" || this.#phase !== "open") {
      this.#release();
      if (this.#phase !== "syn-sent") this.#sendReset();
      this.#end(undefined);
    } else {
      this.#shut();
    }
  }

  // What the kernel calls -----------------------------------------------------------------------

  /** Answers a SYN; `accept` is called when the handshake is over. */
  answer(syn: TcpSegment, accept: (connection: TcpConnection) => TcpHandler): void {
    this.#phase = "syn-received";
    this.#accept = accept;
    this.#peerMss = syn.mss;
    this.#receiver.begin(syn.seq);
    this.#sendSyn();
    this.#keepTimer(true);
  }

  receive(segment: TcpSegment): void {
    if (this.#phase === "syn-sent") this.#receiveAnswer(segment);
    else if (this.#phase !== "closed") this.#receiveSegment(segment);
    this.#tell();
    this.#flush();
    if (this.#isAckDue) this.#sendAck();
    this.#checkEnd();
  }

  icmp(message: IcmpMessage): void {
    if (message.type === "net-unreachable" && this.#phase === "syn-sent") {
      this.#end({ kind: "unreachable", text: "EHOSTUNREACH: no route to host" });
    } else if (message.type === "too-big" && this.#phase === "open") {
      const mss = Math.max(MSS_MIN, message.mtu - this.options.overheadOctets);
      if (mss >= this.#sender.mss) return;
      this.#sender.mss = mss;
      this.#sender.timedOut();
      this.#flush();
    }
  }

  /** The process is gone: the kernel sends what it has already, then closes. */
  abandon(): void {
    const hasUnread = this.#receiver.readableOctets > 0;
    this.#sender.dropWaiting();
    if (!this.#isReleased) this.close(hasUnread ? "reset" : "flush");
  }

  /** The host lost its power: nothing is sent and nobody told. */
  vanish(): void {
    this.#release();
    this.#end(undefined);
  }

  // Receiving -----------------------------------------------------------------------------------

  #receiveAnswer(segment: TcpSegment): void {
    const { flags, ack, seq } = segment;
    const isAck = (flags & TcpFlag.Ack) !== 0;
    if (isAck && ack !== this.options.iss + 1) {
      // The peer still holds an older connection of these ports: tell it to forget it.
      if ((flags & TcpFlag.Rst) === 0) this.#output({ seq: ack, flags: TcpFlag.Rst });
    } else if ((flags & TcpFlag.Rst) !== 0) {
      if (isAck) this.#end({ kind: "refused", text: "ECONNREFUSED: connection refused" });
    } else if (isAck && (flags & TcpFlag.Syn) !== 0) {
      this.#receiver.begin(seq);
      this.#peerMss = segment.mss;
      this.#open(segment);
      this.#isConnectedDue = true;
      this.#isAckDue = true;
    }
  }

  #receiveSegment(segment: TcpSegment): void {
    const { seq, flags, octets } = segment;
    const hasFin = (flags & TcpFlag.Fin) !== 0;
    if (this.#phase === "syn-received" && flags === TcpFlag.Syn) {
      this.#sendSyn();
    } else if (!this.#receiver.isAcceptable(seq, octets.length + (hasFin ? 1 : 0))) {
      this.#isAckDue = (flags & TcpFlag.Rst) === 0;
    } else if ((flags & TcpFlag.Rst) !== 0) {
      // RFC 5961 §3.2: only the exact number resets; for others the peer proves itself first.
      if (seq === this.#receiver.next) this.#peerReset();
      else this.#isAckDue = true;
    } else if ((flags & TcpFlag.Syn) !== 0) {
      this.#isAckDue = true; // RFC 5961 §4.2
    } else if ((flags & TcpFlag.Ack) !== 0) {
      this.#receiveInWindow(segment, hasFin);
    }
  }

  #receiveInWindow(segment: TcpSegment, hasFin: boolean): void {
    if (this.#phase === "syn-received") {
      if (segment.ack !== this.options.iss + 1) {
        this.#output({ seq: segment.ack, flags: TcpFlag.Rst });
        return;
      }
      this.#open(segment);
    }
    this.#unansweredCount = 0;
    this.#acknowledge(segment, segment.octets.length === 0 && !hasFin);
    if (segment.octets.length === 0 && !hasFin) return;
    this.#receiver.accept(segment.seq, segment.octets, hasFin);
    this.#isAckDue = true;
  }

  #acknowledge(segment: TcpSegment, isPure: boolean): void {
    const { now } = this.#owner.timeline;
    const { seq, windowOctets, ack } = segment;
    const waitingOctets = this.#sender.waitingOctets;
    const outcome = this.#sender.acknowledge(ack, { seq, windowOctets, isPure }, now);
    if (outcome === "beyond") {
      this.#isAckDue = true;
    } else if (outcome === "lost") {
      this.#transmit(this.#sender.first());
      this.#keepTimer(true);
    } else if (outcome === "advanced") {
      this.#backOff = 0;
      this.#keepTimer(true);
    }
    this.#noteProgress(waitingOctets);
  }

  #open(segment: TcpSegment): void {
    const mss = Math.min(this.options.mss, this.#peerMss === 0 ? 536 : this.#peerMss);
    this.#phase = "open";
    this.#backOff = 0;
    this.#unansweredCount = 0;
    this.#sender.begin(mss, segment, this.#owner.timeline.now);
    this.#keepTimer(true);
  }

  #peerReset(): void {
    const isKnown = this.#phase === "open";
    this.#end(
      isKnown ? { kind: "reset", text: "ECONNRESET: connection reset by peer" } : undefined,
    );
  }

  // Sending -------------------------------------------------------------------------------------

  #flush(): void {
    if (this.#phase !== "open") return;
    const { now } = this.#owner.timeline;
    for (;;) {
      const outgoing = this.#sender.take(now);
      if (outgoing === undefined) break;
      this.#transmit(outgoing);
    }
    this.#keepTimer(false);
  }

  #transmit({ seq, octets, isFin }: Outgoing): void {
    const flags = TcpFlag.Ack | (isFin ? TcpFlag.Fin : 0);
    this.#output({ seq, flags, octets });
  }

  #sendAck(): void {
    if (this.#phase === "closed") return;
    this.#output({ seq: this.#sender.controlSeq, flags: TcpFlag.Ack });
  }

  #sendReset(): void {
    this.#output({ seq: this.#sender.controlSeq, flags: TcpFlag.Rst | TcpFlag.Ack });
  }

  #sendSyn(): DropReason | undefined {
    this.#sender.sentSyn(this.#owner.timeline.now);
    const flags = TcpFlag.Syn | (this.#phase === "syn-sent" ? 0 : TcpFlag.Ack);
    return this.#output({ seq: this.options.iss, flags, mss: this.options.mss });
  }

  #output(parts: {
    readonly seq: number;
    readonly flags: number;
    readonly octets?: Uint8Array;
    readonly mss?: number;
  }): DropReason | undefined {
    if ((parts.flags & TcpFlag.Ack) !== 0) this.#isAckDue = false;
    return this.#owner.output(this, {
      seq: parts.seq,
      ack: this.#receiver.next,
      flags: parts.flags,
      windowOctets: this.#receiver.announce(),
      octets: parts.octets ?? EMPTY,
      mss: parts.mss ?? 0,
    });
  }

  // Timers --------------------------------------------------------------------------------------

  #keepTimer(isRestarted: boolean): void {
    const kind = this.#timerWanted();
    if (kind === undefined) {
      this.#owner.timeline.cancel(this.#timer);
    } else if (isRestarted || kind !== this.#timerKind || this.#timer.slot < 0) {
      if (kind !== this.#timerKind) this.#backOff = 0;
      const delayUs = kind === "linger" ? LINGER_US : this.#sender.timeoutUs * 2 ** this.#backOff;
      const { timeline } = this.#owner;
      timeline.schedule(this.#timer, timeline.now + Math.min(delayUs, TIMEOUT_MAX_US));
    }
    this.#timerKind = kind;
  }

  #timerWanted(): "retransmit" | "probe" | "linger" | undefined {
    if (this.#phase === "closed") return undefined;
    if (this.#phase !== "open" || this.#sender.isInFlight) return "retransmit";
    if (this.#sender.isBlocked) return "probe";
    return this.#sender.isFinAcknowledged ? "linger" : undefined;
  }

  #timerDue(): void {
    if (this.#timerKind === "linger") {
      this.#end(undefined);
      return;
    }
    this.#unansweredCount += 1;
    this.#backOff += 1;
    if (this.#unansweredCount > this.#retriesMax()) {
      this.#end({ kind: "timeout", text: "ETIMEDOUT: connection timed out" });
    } else if (this.#timerKind === "probe") {
      this.#output({ seq: this.#sender.probeSeq, flags: TcpFlag.Ack });
    } else if (this.#phase === "open") {
      this.#sender.timedOut();
      this.#flush();
    } else if (this.#sendSyn() === "no-neighbour" && this.#backOff >= NEIGHBOUR_TRIES) {
      this.#end({ kind: "unreachable", text: "EHOSTUNREACH: no route to host" });
    }
    this.#keepTimer(true);
  }

  #retriesMax(): number {
    if (this.#phase === "syn-sent") return SYN_RETRIES;
    if (this.#phase === "syn-received") return SYN_ACK_RETRIES;
    return this.#isReleased ? ORPHAN_RETRIES : RETRIES;
  }

  // The end -------------------------------------------------------------------------------------

  #checkEnd(): void {
    if (this.#phase !== "open") return;
    if (!this.#sender.isFinAcknowledged) return;
    // Whoever closed first waits (TIME-WAIT, FIN-WAIT-2) to answer a FIN sent again.
    if (this.#receiver.isFinished && !this.#isFirstToClose) this.#end(undefined);
    else this.#keepTimer(false);
  }

  #shut(): void {
    this.#isFirstToClose = !this.#receiver.isFinished;
    this.#release();
    this.#sender.queueFin();
    this.#flush();
  }

  #release(): void {
    this.#isReleased = true;
    this.#receiver.discard();
  }

  #end(cause: TcpCloseCause | undefined): void {
    if (this.#phase === "closed") return;
    // Nobody has heard of a connection whose handshake was not over.
    if (this.#phase === "syn-received") this.#release();
    this.#phase = "closed";
    this.#fault = cause;
    this.#isAckDue = false;
    this.#keepTimer(false);
    this.#owner.remove(this);
    if (cause !== undefined) this.#tellSoon();
  }

  // Telling the process -------------------------------------------------------------------------

  #noteProgress(waitingBefore: number): void {
    if (this.#isReleased || this.#sender.waitingOctets >= waitingBefore) return;
    this.#isProgressDue = true;
    this.#tellSoon();
  }

  #tellSoon(): void {
    const { timeline } = this.#owner;
    if (this.#soon.slot < 0) timeline.schedule(this.#soon, timeline.now);
  }

  #tell(): void {
    if (this.#isReleased || this.#isTellPosted) return;
    const { process } = this.options;
    if (process.isRunning) {
      this.#tellNow();
      return;
    }
    this.#isTellPosted = true;
    process.post(() => {
      this.#isTellPosted = false;
      this.#tellNow();
    });
  }

  #tellNow(): void {
    if (this.#accept !== undefined && this.#phase !== "syn-received") {
      const accept = this.#accept;
      this.#accept = undefined;
      this.#handler = accept(this);
    }
    if (this.#isConnectedDue && !this.#isReleased) {
      this.#isConnectedDue = false;
      this.#handler?.connected();
    }
    while (!this.#isReleased && !this.#isPaused && this.#receiver.readableOctets > 0) {
      this.#handler?.data(this.#receiver.take(READ_OCTETS));
    }
    if (this.#isProgressDue && !this.#isReleased) {
      this.#isProgressDue = false;
      this.#handler?.progress(this.#sender.waitingOctets);
    }
    if (!this.#isReleased) this.#tellEnd();
    const isOpen = this.#phase === "open" && !this.#receiver.isFinished;
    if (isOpen && this.#receiver.isUpdateDue(this.#sender.mss)) this.#sendAck();
  }

  #tellEnd(): void {
    const fault = this.#fault;
    if (fault !== undefined) {
      this.#release();
      this.#handler?.closed(fault);
    } else if (this.#receiver.isFinished && !this.#isPaused) {
      // There is no half-closed connection in the contract: the peer's end is ours.
      this.#shut();
      this.#handler?.closed({ kind: "fin", text: "the peer closed the connection" });
    }
  }
}

/** A SYN lost this way is tried again; every other refusal of the own host is final. */
const QUIET_LOSSES: ReadonlySet<DropReason> = new Set(["no-carrier", "no-neighbour"]);
/** The neighbour entry fails after three seconds: with the second SYN sent again. */
const NEIGHBOUR_TRIES = 2;
/** Linux defaults: tcp_syn_retries, tcp_synack_retries, tcp_retries2, tcp_orphan_retries. */
const SYN_RETRIES = 6;
const SYN_ACK_RETRIES = 5;
const RETRIES = 15;
const ORPHAN_RETRIES = 8;
/** TIME-WAIT and FIN-WAIT-2. */
const LINGER_US = 60_000_000;
/** Octets of one `data` call at most. */
const READ_OCTETS = 65_536;
const MSS_MIN = 48;
