import type { Rng } from "../../core/rng.ts";
import type { Micros } from "../../core/time.ts";
import type { Interface, Wire, WireProbe } from "./interface.ts";
import type { Ip } from "./ip.ts";
import { Direction, type SharedRate } from "./link-direction.ts";
import { changed, type LinkQuality } from "./link-quality.ts";
import type { DropReason, Packet } from "./packet.ts";
import { Scheduled, type Timeline } from "./timeline.ts";
import type { Place } from "./trace.ts";

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
