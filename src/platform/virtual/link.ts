import type { Rng } from "../../core/rng.ts";
import type { Micros } from "../../core/time.ts";
import { FlowPolicer } from "./flow-policer.ts";
import type { Interface, Wire, WireProbe } from "./interface.ts";
import type { Ip } from "./ip.ts";
import type { DropReason, Packet } from "./packet.ts";
import { Scheduled, type Timeline } from "./timeline.ts";
import type { Place } from "./trace.ts";

/** What happens to a packet on the way; the same in every direction or one by one (`shape`). */
export interface LinkQuality {
  readonly latencyUs: number;
  /** Added to the latency, uniform in [0, jitterUs]; order is kept. */
  readonly jitterUs: number;
  /** Probability in [0, 1] that a packet is lost. */
  readonly loss: number;
  /** Mean length of a run of lost packets, 1 where each is lost on its own (Gilbert's model). */
  readonly lossBurst: number;
  /** Probability that a packet is damaged, so that the checksum of its end drops it. */
  readonly corrupt: number;
  /** Probability that a packet arrives twice. */
  readonly duplicate: number;
  /** Probability that a packet is overtaken: it takes up to `reorderUs` longer, order not kept. */
  readonly reorder: number;
  readonly reorderUs: number;
  /** Packets leave one behind the other at this rate; undefined: at once. */
  readonly bandwidthBps: number | undefined;
  /** Octets that may wait for the bandwidth; what exceeds it is lost. */
  readonly queueOctets: number;
  /** No flow gets more than this, whatever the bandwidth; undefined: as much as there is. */
  readonly flowBps: number | undefined;
  /** Longer packets vanish without a word, whatever the interfaces believe. */
  readonly mtu: number;
}

/** One end of a link: a port of a host. */
export interface LinkEnd {
  readonly host: string;
  readonly device: string;
}

export type Verdict = "pass" | "drop" | { readonly delayUs: number };

/** Judges a packet about to go from host to host; the first rule that does not pass it decides. */
export type LinkRule = (packet: Packet, from: string, to: string) => Verdict;

/** A packet that was put on the link, or came off it at its far end. */
export interface TappedPacket {
  readonly kind: "sent" | "arrived";
  readonly at: Micros;
  readonly from: string;
  readonly to: string;
  /** 0: untagged. */
  readonly vlanId: number;
  /** Valid during the call, and not to be changed. */
  readonly packet: Packet;
  /** Of one that was sent: why it will not arrive; a cut may still lose it on the way. */
  readonly lostBecause: DropReason | undefined;
}

export type LinkTap = (tapped: TappedPacket) => void;

/** Which directions are meant: those from one host, to one host, or (neither) all. */
export interface LinkDirections {
  readonly from?: string;
  readonly to?: string;
}

/** A port as the link sees it. */
export interface LinkPort {
  readonly host: string;
  readonly port: Interface;
  /** The wire's carrier came or went. */
  setCarrier(hasCarrier: boolean): void;
  receive(packet: Packet, via: Interface): void;
}

/**
 * A link between two ports (or a segment of more). Each direction has a quality, a queue and a
 * fault state of its own. A cut loses what is sent and what is under way; whether an end sees its
 * carrier go is said with the cut, because that is the difference between a failover in
 * milliseconds and one that waits for BFD. Neighbours are always resolved: ARP and ND are not
 * modelled, except that an address nobody owns on this link (in this VLAN) is `no-neighbour`.
 */
export class VirtualLink implements Place {
  readonly id: number;
  readonly name: string;
  readonly #timeline: Timeline;
  readonly #isCarrierVisible: boolean;
  readonly #ports: readonly LinkPort[];
  readonly #directions: Direction[] = [];
  readonly #dark = new Set<LinkPort>();
  readonly #rules: LinkRule[] = [];
  readonly #taps: LinkTap[] = [];

  constructor(options: {
    readonly place: Place;
    readonly timeline: Timeline;
    readonly rng: Rng;
    readonly quality: LinkQuality;
    readonly isCarrierVisible: boolean;
    readonly ports: readonly LinkPort[];
  }) {
    this.id = options.place.id;
    this.name = options.place.name;
    this.#timeline = options.timeline;
    this.#isCarrierVisible = options.isCarrierVisible;
    this.#ports = options.ports;
    for (const from of this.#ports) {
      for (const to of this.#ports) {
        if (from === to) continue;
        const rng = options.rng.fork();
        this.#directions.push(new Direction(from, to, changed(options.quality, {}), rng));
      }
    }
    for (const from of this.#ports) from.port.wire = this.#wire(from);
    this.refreshCarrier();
  }

  get ends(): readonly LinkEnd[] {
    return this.#ports.map(({ host, port }) => ({ host, device: port.device }));
  }

  get isCut(): boolean {
    return this.#directions.some((direction) => direction.isCut);
  }

  /** Changes the quality of some directions; packets under way keep theirs. */
  shape(change: Partial<LinkQuality>, where: LinkDirections = {}): void {
    for (const direction of this.#chosen(where)) {
      direction.quality = changed(direction.quality, change);
    }
    this.#note("shaped");
  }

  /**
   * Sends the chosen directions through a rate they share with whomever else it was given: `first`
   * before their own bandwidth, else behind it.
   */
  share(rate: SharedRate, where: LinkDirections & { readonly first: boolean }): void {
    for (const direction of this.#chosen(where)) {
      direction.shared = { rate, isFirst: where.first };
    }
  }

  /**
   * Loses every packet of the chosen directions from now on, those under way included. Receivers
   * of a cut direction lose their carrier where it is visible; `carrier` overrides that.
   */
  cut(options: LinkDirections & { readonly carrier?: "seen" | "unseen" } = {}): void {
    const isSeen =
      options.carrier === undefined ? this.#isCarrierVisible : options.carrier === "seen";
    for (const direction of this.#chosen(options)) {
      direction.isCut = true;
      direction.epoch += 1;
      if (isSeen) this.#dark.add(direction.to);
    }
    this.#note("cut");
    this.refreshCarrier();
  }

  /** Ends the cut of the chosen directions. */
  repair(where: LinkDirections = {}): void {
    for (const direction of this.#chosen(where)) direction.isCut = false;
    for (const port of this.#dark) {
      const isStillCut = this.#directions.some((way) => way.to === port && way.isCut);
      if (!isStillCut) this.#dark.delete(port);
    }
    this.#note("repaired");
    this.refreshCarrier();
  }

  /** Rules see every packet, in the order they were added. */
  addRule(rule: LinkRule): { remove(): void } {
    this.#rules.push(rule);
    return {
      remove: () => {
        const index = this.#rules.indexOf(rule);
        if (index >= 0) this.#rules.splice(index, 1);
      },
    };
  }

  /** Sees what goes over the link from now on, and leaves no trace. */
  addTap(tap: LinkTap): void {
    this.#taps.push(tap);
  }

  /** Tells every end what its carrier is; an end whose far ends are all switched off has none. */
  refreshCarrier(): void {
    for (const end of this.#ports) {
      const isLit =
        !this.#isCarrierVisible ||
        this.#ports.some((other) => other !== end && other.port.isAdminUp);
      const hasCarrier = isLit && !this.#dark.has(end);
      if (hasCarrier !== end.port.wireCarrier) end.setCarrier(hasCarrier);
    }
  }

  /** What became of the packets of one direction. */
  counters(from: string, to: string): LinkCounters | undefined {
    const direction = this.#chosen({ from, to })[0];
    if (direction === undefined) return undefined;
    return { sent: direction.sentCount, dropped: new Map(direction.dropped) };
  }

  #wire(from: LinkPort): Wire {
    return {
      name: this.name,
      transmit: (vlanId, packet, nextHop) => this.#transmit(from, vlanId, packet, nextHop),
      probe: (vlanId, packet, nextHop) => this.#probe(from, vlanId, packet, nextHop),
      adminChanged: () => this.refreshCarrier(),
    };
  }

  #probe(from: LinkPort, vlanId: number, packet: Packet, nextHop: Ip): WireProbe | DropReason {
    const direction = this.#towards(from, vlanId, nextHop);
    const via = direction?.to.port.tagged(vlanId);
    if (direction === undefined || via === undefined) return "no-neighbour";
    const { quality } = direction;
    if (direction.isCut) return "cut";
    if (packet.lengthOctets > quality.mtu) return "wire-mtu";
    const verdict = this.#judge(packet, direction);
    if (verdict === "drop") return "rule";
    const ruleUs = verdict === "pass" ? 0 : verdict.delayUs;
    return {
      host: direction.to.host,
      via,
      delayUs: quality.latencyUs + quality.jitterUs / 2 + ruleUs,
      arrivalProbability: (1 - quality.loss) * (1 - quality.corrupt),
    };
  }

  #transmit(from: LinkPort, vlanId: number, packet: Packet, nextHop: Ip): DropReason | undefined {
    const now = this.#timeline.now;
    const direction = this.#towards(from, vlanId, nextHop);
    const via = direction?.to.port.tagged(vlanId);
    if (direction === undefined || via === undefined) return "no-neighbour";
    this.#timeline.trace.sent(now, this, packet);
    direction.sentCount += 1;
    const verdict = this.#rules.length === 0 ? "pass" : this.#judge(packet, direction);
    const leaves = direction.departure(packet, now, verdict);
    const reason = typeof leaves === "string" ? leaves : undefined;
    this.tell("sent", direction, via.vlanId, packet, reason);
    if (typeof leaves === "string") {
      this.drop(direction, packet, leaves);
      return undefined;
    }
    const ruleUs = typeof verdict === "string" ? 0 : verdict.delayUs;
    this.#deliver(direction, via, packet, direction.arrival(leaves) + ruleUs);
    if (direction.isDuplicated()) {
      this.#deliver(direction, via, { ...packet }, direction.arrival(leaves) + ruleUs);
    }
    return undefined;
  }

  #deliver(direction: Direction, via: Interface, packet: Packet, arrival: number): void {
    this.#timeline.schedule(new Delivery(this, direction, via, packet), arrival);
  }

  /** A packet of this link is lost; called by its deliveries as well. */
  drop(direction: Direction, packet: Packet, reason: DropReason): void {
    direction.dropped.set(reason, (direction.dropped.get(reason) ?? 0) + 1);
    this.#timeline.trace.dropped(this.#timeline.now, this, packet, reason);
  }

  /** Something happened to a packet of this link; called by its deliveries as well. */
  tell(
    kind: TappedPacket["kind"],
    { from, to }: Direction,
    vlanId: number,
    packet: Packet,
    lostBecause?: DropReason,
  ): void {
    if (this.#taps.length === 0) return;
    const at = this.#timeline.now;
    const tapped = { kind, at, from: from.host, to: to.host, vlanId, packet, lostBecause };
    for (const tap of this.#taps) tap(tapped);
  }

  #judge(packet: Packet, { from, to }: Direction): Verdict {
    for (const rule of this.#rules) {
      const verdict = rule(packet, from.host, to.host);
      if (verdict !== "pass") return verdict;
    }
    return "pass";
  }

  #towards(from: LinkPort, vlanId: number, nextHop: Ip): Direction | undefined {
    for (const direction of this.#directions) {
      if (direction.from === from && direction.to.port.tagged(vlanId)?.owns(nextHop)) {
        return direction;
      }
    }
    return undefined;
  }

  #chosen(where: LinkDirections): Direction[] {
    return this.#directions.filter(
      ({ from, to }) =>
        (where.from === undefined || where.from === from.host) &&
        (where.to === undefined || where.to === to.host),
    );
  }

  #note(text: string): void {
    this.#timeline.trace.note(this.#timeline.now, this, text);
  }
}

export interface LinkCounters {
  readonly sent: number;
  readonly dropped: ReadonlyMap<DropReason, number>;
}

export const PERFECT_LINK: LinkQuality = {
  latencyUs: 0,
  jitterUs: 0,
  loss: 0,
  lossBurst: 1,
  corrupt: 0,
  duplicate: 0,
  reorder: 0,
  reorderUs: 0,
  bandwidthBps: undefined,
  queueOctets: 1 << 20,
  flowBps: undefined,
  mtu: 65_535,
};

/** Packets leave one behind the other at this rate, whatever directions they came from. */
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
    const waitingOctets = (Math.max(0, this.#busyUntil - at) * this.#bandwidthBps) / 8e6;
    if (waitingOctets + lengthOctets > this.#queueOctets) return undefined;
    this.#busyUntil = Math.max(at, this.#busyUntil) + (lengthOctets * 8e6) / this.#bandwidthBps;
    return this.#busyUntil;
  }
}

/** Written out, so that every quality looks the same to the engine. */
function changed(quality: LinkQuality, change: Partial<LinkQuality>): LinkQuality {
  return {
    latencyUs: change.latencyUs ?? quality.latencyUs,
    jitterUs: change.jitterUs ?? quality.jitterUs,
    loss: change.loss ?? quality.loss,
    lossBurst: change.lossBurst ?? quality.lossBurst,
    corrupt: change.corrupt ?? quality.corrupt,
    duplicate: change.duplicate ?? quality.duplicate,
    reorder: change.reorder ?? quality.reorder,
    reorderUs: change.reorderUs ?? quality.reorderUs,
    bandwidthBps: "bandwidthBps" in change ? change.bandwidthBps : quality.bandwidthBps,
    queueOctets: change.queueOctets ?? quality.queueOctets,
    flowBps: "flowBps" in change ? change.flowBps : quality.flowBps,
    mtu: change.mtu ?? quality.mtu,
  };
}

/** A packet on its way, and where to. */
class Delivery extends Scheduled {
  readonly #link: VirtualLink;
  readonly #direction: Direction;
  readonly #via: Interface;
  readonly #packet: Packet;
  readonly #epoch: number;

  constructor(link: VirtualLink, direction: Direction, via: Interface, packet: Packet) {
    super();
    this.#link = link;
    this.#direction = direction;
    this.#via = via;
    this.#packet = packet;
    this.#epoch = direction.epoch;
  }

  run(): void {
    const direction = this.#direction;
    if (this.#epoch !== direction.epoch) {
      this.#link.drop(direction, this.#packet, "cut");
      return;
    }
    this.#link.tell("arrived", direction, this.#via.vlanId, this.#packet);
    direction.to.receive(this.#packet, this.#via);
  }
}

/** One way over a link: quality, queue, fault state, and randomness of its own. */
class Direction {
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
    const waitingOctets = (Math.max(0, this.#busyUntil - at) * bandwidthBps) / 8e6;
    if (waitingOctets + lengthOctets > queueOctets) return undefined;
    this.#busyUntil = Math.max(at, this.#busyUntil) + (lengthOctets * 8e6) / bandwidthBps;
    return this.#busyUntil;
  }

  /** When a packet that has left arrives. */
  arrival(leaves: number): number {
    const { latencyUs, jitterUs, reorder, reorderUs } = this.quality;
    let arrival = leaves + latencyUs;
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
