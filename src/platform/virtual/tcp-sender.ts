import { assert } from "../../core/assert.ts";
import type { Micros } from "../../core/time.ts";
import { ByteQueue } from "./byte-queue.ts";

/** What to send next: octets, or the FIN. */
export interface Outgoing {
  readonly seq: number;
  readonly octets: Uint8Array;
  readonly isFin: boolean;
}

/**
 * The sending half of a TCP connection: what is queued, sent and acknowledged, how much may be
 * under way (peer's window, congestion window after RFC 5681 and RFC 6582), and how long to wait
 * for an acknowledgement (RFC 6298 with the minimum Linux uses). It keeps no timer; its owner does.
 */
export class TcpSender {
  readonly #bufferOctets: number;
  readonly #queue = new ByteQueue();
  readonly #iss: number;
  /** SND.UNA, SND.NXT, and the highest SND.NXT ever. */
  #una: number;
  #next: number;
  #highest: number;
  #window = 0;
  #windowSeq = 0;
  #windowAck = 0;
  #isFinQueued = false;
  #isFinAcknowledged = false;
  mss = 536;

  #congestionWindow = 0;
  #slowStartThreshold = Number.MAX_SAFE_INTEGER;
  #duplicateAcks = 0;
  /** Fast recovery lasts until this is acknowledged. */
  #recoverUntil: number | undefined;

  #smoothedRtt: number | undefined;
  #rttVariation = 0;
  #timeoutUs = TIMEOUT_FIRST_US;
  #timed: { readonly seq: number; readonly at: Micros } | undefined;

  constructor(iss: number, bufferOctets: number) {
    this.#iss = iss;
    this.#una = iss;
    this.#next = iss;
    this.#highest = iss;
    this.#bufferOctets = bufferOctets;
  }

  /** What a segment without octets carries: the highest SND.NXT there ever was. */
  get controlSeq(): number {
    return this.#highest;
  }

  /** The sequence number before the first one not acknowledged: a probe with it gets an answer. */
  get probeSeq(): number {
    return this.#una - 1;
  }

  /** Octets given to us that the kernel buffer has no room for yet. */
  get waitingOctets(): number {
    return Math.max(0, this.#queue.length - this.#bufferOctets);
  }

  /** Something was sent that is not acknowledged. */
  get isInFlight(): boolean {
    return this.#next > this.#una;
  }

  /** Something waits, nothing is under way, and the peer's window is what stops it. */
  get isBlocked(): boolean {
    const hasMore = this.#isFinQueued ? this.#next <= this.#dataEnd : this.#next < this.#dataEnd;
    return hasMore && !this.isInFlight && this.#window === 0;
  }

  get isFinAcknowledged(): boolean {
    return this.#isFinAcknowledged;
  }

  /** How long to wait for an acknowledgement of what is sent now. */
  get timeoutUs(): number {
    return this.#timeoutUs;
  }

  push(octets: Uint8Array): void {
    this.#queue.push(octets);
  }

  queueFin(): void {
    this.#isFinQueued = true;
  }

  /** Forgets what never reached the kernel's buffer: its process is gone. */
  dropWaiting(): void {
    this.#queue.truncate(this.#bufferOctets);
  }

  /** The SYN went out; only the first is a measure of the round trip. */
  sentSyn(now: Micros): void {
    this.#timed = this.#next > this.#iss ? undefined : { seq: this.#iss + 1, at: now };
    this.#next = this.#iss + 1;
    this.#highest = this.#next;
  }

  /** The handshake is over. */
  begin(
    mss: number,
    segment: { readonly seq: number; readonly windowOctets: number },
    now: Micros,
  ) {
    this.mss = mss;
    if (this.#timed !== undefined) this.#learnRtt(now - this.#timed.at);
    this.#timed = undefined;
    this.#congestionWindow = INITIAL_WINDOW_SEGMENTS * mss;
    this.#una = this.#iss + 1;
    this.#window = segment.windowOctets;
    this.#windowSeq = segment.seq;
    this.#windowAck = this.#una;
  }

  /** What may be sent now, marked as sent; undefined where nothing may. */
  take(now: Micros): Outgoing | undefined {
    const unsent = Math.min(this.#dataEnd, this.#una + this.#bufferOctets) - this.#next;
    const flight = this.#next - this.#una;
    const room = Math.min(this.#congestionWindow, this.#window) - flight;
    const count = Math.min(unsent, this.mss, room);
    // A part of a full segment waits while others are under way (RFC 9293 §3.8.6.2.1).
    if (count > 0 && (count === unsent || count >= this.mss || flight === 0)) {
      const octets = this.#queue.peek(this.#next - this.#una, count);
      return this.#sent({ seq: this.#next, octets, isFin: false }, count, now);
    }
    if (this.#isFinQueued && this.#next === this.#dataEnd && this.#window > flight) {
      return this.#sent({ seq: this.#next, octets: NOTHING, isFin: true }, 1, now);
    }
    return undefined;
  }

  /** The first segment that is not acknowledged, once more. */
  first(): Outgoing {
    this.#timed = undefined;
    const sentData = Math.min(this.#next, this.#dataEnd) - this.#una;
    const count = Math.min(sentData, this.mss);
    if (count > 0) return { seq: this.#una, octets: this.#queue.peek(0, count), isFin: false };
    assert(this.#isFinQueued && this.isInFlight, "what is sent again was sent before");
    return { seq: this.#una, octets: NOTHING, isFin: true };
  }

  /** An acknowledgement came in; `lost` means that `first` is to be sent again at once. */
  acknowledge(
    ack: number,
    segment: { readonly seq: number; readonly windowOctets: number; readonly isPure: boolean },
    now: Micros,
  ): "beyond" | "old" | "lost" | "advanced" {
    if (ack > this.#highest) return "beyond";
    if (ack < this.#una) return "old";
    const windowBefore = this.#window;
    this.#learnWindow(ack, segment);
    if (ack > this.#una) return this.#advance(ack, now);
    const isDuplicate = segment.isPure && this.isInFlight && this.#window === windowBefore;
    return isDuplicate && this.#countDuplicate() ? "lost" : "old";
  }

  /** No acknowledgement came in time: everything not acknowledged counts as lost. */
  timedOut(): void {
    this.#slowStartThreshold = this.#halfFlight();
    this.#congestionWindow = this.mss;
    this.#recoverUntil = undefined;
    this.#duplicateAcks = 0;
    this.#timed = undefined;
    this.#next = this.#una;
  }

  /** The sequence number of the FIN, or the one it would have now. */
  get #dataEnd(): number {
    return this.#una + this.#queue.length - (this.#isFinAcknowledged ? 1 : 0);
  }

  #sent(outgoing: Outgoing, length: number, now: Micros): Outgoing {
    const isFirstTime = outgoing.seq >= this.#highest;
    this.#next += length;
    if (this.#next > this.#highest) this.#highest = this.#next;
    if (isFirstTime) this.#timed ??= { seq: this.#next, at: now };
    return outgoing;
  }

  #learnWindow(
    ack: number,
    segment: { readonly seq: number; readonly windowOctets: number },
  ): void {
    const isNewer =
      segment.seq > this.#windowSeq || (segment.seq === this.#windowSeq && ack >= this.#windowAck);
    if (!isNewer) return;
    this.#window = segment.windowOctets;
    this.#windowSeq = segment.seq;
    this.#windowAck = ack;
  }

  #advance(ack: number, now: Micros): "lost" | "advanced" {
    const acknowledged = ack - this.#una;
    const data = Math.min(acknowledged, this.#queue.length);
    this.#queue.drop(data);
    if (acknowledged > data) this.#isFinAcknowledged = true;
    this.#una = ack;
    if (this.#next < ack) this.#next = ack;
    this.#duplicateAcks = 0;
    if (this.#timed !== undefined && ack >= this.#timed.seq) {
      this.#learnRtt(now - this.#timed.at);
      this.#timed = undefined;
    }
    return this.#grow(ack, acknowledged);
  }

  #grow(ack: number, acknowledged: number): "lost" | "advanced" {
    const { mss } = this;
    if (this.#recoverUntil !== undefined) {
      if (ack >= this.#recoverUntil) {
        this.#recoverUntil = undefined;
        this.#congestionWindow = this.#slowStartThreshold;
        return "advanced";
      }
      // A partial acknowledgement: the next hole is lost too (RFC 6582 §3.2).
      this.#congestionWindow = Math.max(this.#congestionWindow - acknowledged + mss, mss);
      // After a timeout everything is sent again anyway, from SND.UNA on.
      return this.isInFlight ? "lost" : "advanced";
    }
    const isSlowStart = this.#congestionWindow < this.#slowStartThreshold;
    const growth = isSlowStart
      ? Math.min(acknowledged, mss)
      : Math.max(1, Math.floor((mss * mss) / this.#congestionWindow));
    this.#congestionWindow = Math.min(this.#congestionWindow + growth, CONGESTION_WINDOW_MAX);
    return "advanced";
  }

  /** True where the third duplicate says that a segment is lost (RFC 5681 §3.2). */
  #countDuplicate(): boolean {
    this.#duplicateAcks += 1;
    if (this.#recoverUntil !== undefined) {
      this.#congestionWindow += this.mss;
      return false;
    }
    if (this.#duplicateAcks < 3) return false;
    this.#slowStartThreshold = this.#halfFlight();
    this.#congestionWindow = this.#slowStartThreshold + 3 * this.mss;
    this.#recoverUntil = this.#highest;
    return true;
  }

  #halfFlight(): number {
    return Math.max(Math.floor((this.#next - this.#una) / 2), 2 * this.mss);
  }

  #learnRtt(sampleUs: number): void {
    if (this.#smoothedRtt === undefined) {
      this.#smoothedRtt = sampleUs;
      this.#rttVariation = sampleUs / 2;
    } else {
      const error = Math.abs(this.#smoothedRtt - sampleUs);
      this.#rttVariation = 0.75 * this.#rttVariation + 0.25 * error;
      this.#smoothedRtt = 0.875 * this.#smoothedRtt + 0.125 * sampleUs;
    }
    const margin = Math.max(4 * this.#rttVariation, TIMEOUT_MIN_US);
    this.#timeoutUs = Math.min(Math.round(this.#smoothedRtt + margin), TIMEOUT_MAX_US);
  }
}

const NOTHING = new Uint8Array(0);
const INITIAL_WINDOW_SEGMENTS = 10;
const CONGESTION_WINDOW_MAX = 1 << 24;
const TIMEOUT_FIRST_US = 1_000_000;
const TIMEOUT_MIN_US = 200_000;
export const TIMEOUT_MAX_US = 120_000_000;
