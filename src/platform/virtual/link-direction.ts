import type { Rng } from "../../core/rng.ts";
import type { Micros } from "../../core/time.ts";
import { FlowPolicer } from "./flow-policer.ts";
import type { LinkPort, Verdict } from "./link.ts";
import type { LinkQuality } from "./link-quality.ts";
import type { DropReason, Packet } from "./packet.ts";

/** One way over a link: quality, queue, fault state, and randomness of its own. */
export class Direction {
  readonly from: LinkPort;
  readonly to: LinkPort;
  quality: LinkQuality;
  isCut = false;
  /** Counts the cuts: a packet of an older epoch was under way and is lost. */
  epoch = 0;
  sentCount = 0;
  shared: { readonly rate: SharedRate; readonly isFirst: boolean } | undefined;
  readonly dropped = new Map<DropReason, number>();
  readonly #rng: Rng;
  readonly #flows = new FlowPolicer();
  #isInBurst = false;
  /** When the last octet queued for the bandwidth will have left. */
  #busyUntil = Number.NEGATIVE_INFINITY;
  #lastArrival = Number.NEGATIVE_INFINITY;

  constructor(from: LinkPort, to: LinkPort, quality: LinkQuality, rng: Rng) {
    this.from = from;
    this.to = to;
    this.quality = quality;
    this.#rng = rng;
  }

  /** When a packet sent now has left the queues, in which it takes its place; else why not. */
  departure(packet: Packet, now: Micros, verdict: Verdict): number | DropReason {
    const { loss, corrupt, mtu, flowBps } = this.quality;
    if (this.isCut) return "cut";
    if (packet.lengthOctets > mtu) return "wire-mtu";
    if (verdict === "drop") return "rule";
    if (loss > 0 && this.#isLost()) return "loss";
    if (corrupt > 0 && this.#rng.unit() < corrupt) return "corrupt";
    if (flowBps !== undefined && !this.#flows.admits(packet, now, flowBps)) return "flow-limit";
    const { lengthOctets } = packet;
    const { shared } = this;
    if (shared === undefined) return this.#pass(lengthOctets, now) ?? "queue-full";
    const { rate, isFirst } = shared;
    const between = isFirst ? rate.pass(lengthOctets, now) : this.#pass(lengthOctets, now);
    if (between === undefined) return "queue-full";
    const left = isFirst ? this.#pass(lengthOctets, between) : rate.pass(lengthOctets, between);
    return left ?? "queue-full";
  }

  /** The queue of this direction alone. */
  #pass(lengthOctets: number, at: number): number | undefined {
    const { bandwidthBps, queueOctets } = this.quality;
    if (bandwidthBps === undefined) return at;
    const left = leaves(this.#busyUntil, at, lengthOctets, bandwidthBps, queueOctets);
    if (left !== undefined) this.#busyUntil = left;
    return left;
  }

  /** When a packet that has left arrives. */
  arrival(left: number): number {
    const { latencyUs, jitterUs, reorder, reorderUs } = this.quality;
    let arrival = left + latencyUs;
    if (jitterUs > 0) arrival += this.#rng.int(0, jitterUs);
    arrival = Math.max(Math.ceil(arrival), this.#lastArrival);
    if (reorder > 0 && this.#rng.unit() < reorder) return arrival + this.#rng.int(0, reorderUs);
    this.#lastArrival = arrival;
    return arrival;
  }

  /** Two states, lossy and not; a burst ends with probability 1 / its mean length. */
  #isLost(): boolean {
    const { loss, lossBurst } = this.quality;
    if (lossBurst <= 1 || loss >= 1) return this.#rng.unit() < loss;
    const begins = loss / (lossBurst * (1 - loss));
    this.#isInBurst = this.#rng.unit() < (this.#isInBurst ? 1 - 1 / lossBurst : begins);
    return this.#isInBurst;
  }

  isDuplicated(): boolean {
    return this.quality.duplicate > 0 && this.#rng.unit() < this.quality.duplicate;
  }
}

/** A rate that packets leave at one behind the other, whatever directions they came from. */
export class SharedRate {
  readonly #bandwidthBps: number;
  readonly #queueOctets: number;
  #busyUntil = Number.NEGATIVE_INFINITY;

  constructor(bandwidthBps: number, queueOctets: number) {
    this.#bandwidthBps = bandwidthBps;
    this.#queueOctets = queueOctets;
  }

  /** When a packet that comes at an instant has left; undefined where it may not wait. */
  pass(lengthOctets: number, at: number): number | undefined {
    const rate = this.#bandwidthBps;
    const left = leaves(this.#busyUntil, at, lengthOctets, rate, this.#queueOctets);
    if (left !== undefined) this.#busyUntil = left;
    return left;
  }
}

/** When the last bit of a packet has left a queue that is busy until an instant (both in µs). */
function leaves(
  busyUntil: number,
  at: number,
  lengthOctets: number,
  bandwidthBps: number,
  queueOctets: number,
): number | undefined {
  const waitingOctets = (Math.max(0, busyUntil - at) * bandwidthBps) / 8e6;
  if (waitingOctets + lengthOctets > queueOctets) return undefined;
  return Math.max(at, busyUntil) + (lengthOctets * 8e6) / bandwidthBps;
}
