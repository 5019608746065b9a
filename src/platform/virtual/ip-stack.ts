import type { Fib } from "./fib.ts";
import type { Interface } from "./interface.ts";
import { bitsOf, type Ip } from "./ip.ts";
import {
  type DropReason,
  headerOctets,
  ICMP_HEADER_OCTETS,
  type IcmpMessage,
  type Packet,
  type PacketBody,
  TCP_HEADER_OCTETS,
  TCP_MD5_OCTETS,
  UDP_HEADER_OCTETS,
} from "./packet.ts";
import { PrefixMap } from "./prefix-map.ts";
import type { Timeline } from "./timeline.ts";
import type { Place } from "./trace.ts";

/** What a layer above IP does with a packet addressed to this host. */
export type Protocol = (packet: Packet, via: Interface) => void;

/** `on`: a router. `off`: a host. `dead`: a router that says it forwards and does not. */
export type Forwarding = "on" | "off" | "dead";

export interface OutgoingPacket {
  readonly source: Ip;
  readonly destination: Ip;
  readonly ttl: number;
  readonly tos: number;
  readonly body: PacketBody;
  /** Bound to this interface. */
  readonly via?: Interface | undefined;
}

/**
 * The IP layer of one host: chooses the way out, delivers what is for this host, forwards the rest.
 * The weak host model, as Linux: an address of the host is accepted on any of its interfaces.
 * Errors answer as ICMP (RFC 792, RFC 4443), to the source of the packet.
 */
export class IpStack {
  readonly place: Place;
  readonly fib: Fib;
  readonly #timeline: Timeline;
  readonly #nextPacketId: () => number;
  readonly #local = new Map<string, Interface>();
  readonly #localPrefixes = { 1: new PrefixMap<boolean>(1), 2: new PrefixMap<boolean>(2) };
  readonly #protocols: Partial<Record<PacketBody["kind"], Protocol>> = {};
  readonly #loopback: Interface;
  readonly counters = new Map<DropReason, number>();
  forwarding: Forwarding = "on";
  isUp = true;

  constructor(options: {
    readonly place: Place;
    readonly timeline: Timeline;
    readonly fib: Fib;
    readonly loopback: Interface;
    readonly nextPacketId: () => number;
  }) {
    this.place = options.place;
    this.fib = options.fib;
    this.#timeline = options.timeline;
    this.#loopback = options.loopback;
    this.#nextPacketId = options.nextPacketId;
  }

  register(kind: PacketBody["kind"], protocol: Protocol): void {
    this.#protocols[kind] = protocol;
  }

  /** Rebuilds what counts as an address of this host. */
  setLocal(interfaces: Iterable<Interface>): void {
    this.#local.clear();
    for (const via of interfaces) {
      if (!via.isAdminUp) continue;
      for (const address of via.addresses) this.#local.set(address.ip.text, via);
    }
  }

  /** Every address of the prefix becomes one of this host (a route of type `local`). */
  addLocalPrefix(prefix: Ip, length: number): void {
    this.#localPrefixes[prefix.afi].set(prefix.words, length, true);
  }

  removeLocalPrefix(prefix: Ip, length: number): void {
    this.#localPrefixes[prefix.afi].delete(prefix.words, length);
  }

  excludeLocalPrefix(prefix: Ip, length: number): void {
    this.#localPrefixes[prefix.afi].set(prefix.words, length, false);
  }

  isLocal(address: Ip): boolean {
    if (this.#local.has(address.text)) return true;
    if (address.isLoopback) return this.#loopback.isAdminUp;
    const prefixes = this.#localPrefixes[address.afi];
    return prefixes.size > 0 && prefixes.longest(address.words, ALWAYS) === true;
  }

  /** The source address for a destination where the socket has none: of the way out. */
  sourceFor(destination: Ip, via?: Interface): Ip | undefined {
    if (this.isLocal(destination))
      return destination.isLoopback ? this.#ownLoopback(destination) : destination;
    const hop = this.fib.lookup(destination, via)?.hops[0];
    const out = via ?? hop?.via;
    const neighbour = hop?.gateway ?? destination;
    const candidates = (out?.addresses ?? []).filter((own) => own.ip.afi === destination.afi);
    return (candidates.find((own) => isSameSubnet(own.ip, neighbour, own.length)) ?? candidates[0])
      ?.ip;
  }

  /** Sends; answers why the packet did not even leave this host. */
  output(outgoing: OutgoingPacket): DropReason | undefined {
    const packet: Packet = {
      id: this.#nextPacketId(),
      source: outgoing.source,
      destination: outgoing.destination,
      ttl: outgoing.ttl,
      tos: outgoing.tos,
      lengthOctets: lengthOf(outgoing),
      body: outgoing.body,
    };
    if (!this.isUp) return this.#dropped(packet, "host-down");
    if (this.isLocal(packet.destination)) {
      this.#loop(packet);
      return undefined;
    }
    const reason = this.#route(packet, outgoing.via);
    return reason === undefined ? undefined : this.#dropped(packet, reason);
  }

  /** A packet came in by an interface. */
  input(packet: Packet, via: Interface): void {
    if (!this.isUp) {
      this.#dropped(packet, "host-down");
    } else if (!via.isAdminUp) {
      this.#dropped(packet, "device-down");
    } else {
      this.#timeline.trace.arrived(this.#timeline.now, this.place, packet);
      if (this.isLocal(packet.destination)) this.#up(packet, via);
      else this.#forward(packet, via);
    }
  }

  /** A layer above does not want it. */
  discard(packet: Packet, reason: DropReason): void {
    this.#dropped(packet, reason);
  }

  sendIcmp(
    to: Packet,
    type: IcmpMessage["type"],
    more: { readonly mtu?: number; readonly from?: Ip } = {},
  ): void {
    // Never an error about an error (RFC 1122 §3.2.2).
    if (to.body.kind === "icmp" && to.body.type !== "echo-request") return;
    const source = more.from ?? this.sourceFor(to.source);
    if (source === undefined) return;
    const { identifier, sequence } = to.body.kind === "icmp" ? to.body : NO_ECHO;
    this.output({
      source,
      destination: to.source,
      ttl: 64,
      tos: 0,
      body: { kind: "icmp", type, identifier, sequence, about: to, mtu: more.mtu ?? 0 },
    });
  }

  #forward(packet: Packet, from: Interface): void {
    if (this.forwarding === "off" || packet.destination.isLoopback) {
      this.#dropped(packet, "forwarding-off");
    } else if (this.forwarding === "dead") {
      this.#dropped(packet, "forwarding-dead");
    } else if (packet.ttl <= 1) {
      this.#dropped(packet, "ttl");
      this.sendIcmp(packet, "time-exceeded", this.#addressOn(from, packet));
    } else {
      packet.ttl -= 1;
      const reason = this.#route(packet, undefined);
      if (reason === undefined) return;
      this.#dropped(packet, reason);
      const answer = this.#addressOn(from, packet);
      if (reason === "mtu") {
        const mtu = this.fib.lookup(packet.destination)?.hops[0]?.via.mtu ?? 0;
        this.sendIcmp(packet, "too-big", { ...answer, mtu });
      } else if (ANSWERED.has(reason)) {
        this.sendIcmp(packet, "net-unreachable", answer);
      }
    }
  }

  /** An ICMP error comes from the address of the interface the packet came in by. */
  #addressOn(from: Interface, packet: Packet): { readonly from?: Ip } {
    const own = from.addresses.find((address) => address.ip.afi === packet.source.afi);
    return own === undefined ? {} : { from: own.ip };
  }

  #route(packet: Packet, bound: Interface | undefined): DropReason | undefined {
    const target = this.fib.lookup(packet.destination, bound);
    if (target?.kind === "blackhole") return "blackhole";
    if (target?.kind === "prohibit") return "prohibited";
    const hop = target && this.fib.select(target, packet, bound);
    const via = bound ?? hop?.via;
    if (via === undefined) return "no-route";
    // Bound to a device without a route out of it: taken for a neighbour, as Linux does.
    return via.transmit(packet, hop?.gateway ?? packet.destination);
  }

  /** 127.0.0.1 whichever of 127.0.0.0/8 is meant, as the kernel's local table has it. */
  #ownLoopback({ afi }: Ip): Ip | undefined {
    return this.#loopback.addresses.find((own) => own.ip.afi === afi)?.ip;
  }

  #loop(packet: Packet): void {
    const { trace } = this.#timeline;
    trace.sent(this.#timeline.now, this.place, packet);
    this.#timeline.call(this.#timeline.now + LOOPBACK_LATENCY_US, () =>
      this.input(packet, this.#loopback),
    );
  }

  #up(packet: Packet, via: Interface): void {
    const protocol = this.#protocols[packet.body.kind];
    if (protocol === undefined) this.#dropped(packet, "no-socket");
    else protocol(packet, via);
  }

  #dropped(packet: Packet, reason: DropReason): DropReason {
    this.counters.set(reason, (this.counters.get(reason) ?? 0) + 1);
    this.#timeline.trace.dropped(this.#timeline.now, this.place, packet, reason);
    return reason;
  }
}

function lengthOf({ destination, body }: OutgoingPacket): number {
  const header = headerOctets(destination.afi);
  if (body.kind === "udp") return header + UDP_HEADER_OCTETS + body.octets.length;
  if (body.kind === "icmp") return header + ICMP_HEADER_OCTETS + ECHO_OCTETS;
  const options = body.md5Key === undefined ? 0 : TCP_MD5_OCTETS;
  return header + TCP_HEADER_OCTETS + options + body.octets.length;
}

function isSameSubnet(a: Ip, b: Ip, length: number): boolean {
  for (let bit = 0; bit < Math.min(length, bitsOf(a.afi)); bit += 32) {
    const mask = length - bit >= 32 ? -1 : -1 << (32 - (length - bit));
    const index = bit >> 5;
    if (((a.words[index] ?? 0) & mask) !== ((b.words[index] ?? 0) & mask)) return false;
  }
  return true;
}

const ALWAYS = () => true;
const NO_ECHO = { identifier: 0, sequence: 0 } as const;
const ECHO_OCTETS = 56;
const LOOPBACK_LATENCY_US = 5;
/** A router that cannot send on says so for these; `blackhole` is silent by definition. */
const ANSWERED: ReadonlySet<DropReason> = new Set(["no-route", "prohibited", "no-neighbour"]);
