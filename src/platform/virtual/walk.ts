import { EMPTY } from "../../core/bytes.ts";
import type { Micros } from "../../core/time.ts";
import type { Hop } from "./fib.ts";
import type { VirtualHost } from "./host.ts";
import type { Interface, WireProbe } from "./interface.ts";
import { type Ip, ip } from "./ip.ts";
import {
  type DropReason,
  headerOctets,
  type Packet,
  type PacketBody,
  UDP_HEADER_OCTETS,
} from "./packet.ts";

/** A packet that is only thought of. */
export interface Flow {
  /** Where it starts. */
  readonly host: string;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly ttl?: number;
  readonly lengthOctets?: number;
}

export interface WalkStep {
  readonly host: string;
  /** The way out; undefined where the walk ends. */
  readonly device: string | undefined;
  readonly link: string | undefined;
  readonly nextHop: string | undefined;
}

export interface Walk {
  /** `loop`: a router sees the packet again. */
  readonly outcome: "delivered" | "loop" | DropReason;
  readonly path: readonly WalkStep[];
  /** Where it ended. */
  readonly host: string;
  readonly at: Micros;
  readonly delayUs: number;
  /** Product over the links of what their loss lets through. */
  readonly arrivalProbability: number;
}

/**
 * Which way a packet would go at this instant: the same tables, hashes, interfaces and links that
 * real packets meet, without sending one. Destination-based forwarding knows no way out of a loop,
 * so a host met twice is one.
 */
export function walk(hosts: ReadonlyMap<string, VirtualHost>, flow: Flow, at: Micros): Walk {
  const packet = packetOf(flow);
  const path: WalkStep[] = [];
  let name = flow.host;
  let delayUs = 0;
  let arrivalProbability = 1;
  const ended = (outcome: Walk["outcome"]): Walk => {
    return { outcome, path, host: name, at, delayUs, arrivalProbability };
  };
  for (;;) {
    const hop = wayOut(hosts.get(name), packet, path.length > 0);
    if (typeof hop === "string") {
      path.push({ host: name, device: undefined, link: undefined, nextHop: undefined });
      return ended(hop);
    }
    const { via } = hop;
    const nextHop = hop.gateway ?? packet.destination;
    const link = (via.parent ?? via).wire?.name;
    path.push({ host: name, device: via.device, link, nextHop: nextHop.text });
    const probe = cross(via, packet, nextHop);
    if (typeof probe === "string") return ended(probe);
    delayUs += probe.delayUs;
    arrivalProbability *= probe.arrivalProbability;
    name = probe.host;
    if (!probe.via.isAdminUp) return ended("device-down");
    if (path.some(({ host }) => host === name)) return ended("loop");
  }
}

/** Where a host sends the packet; a word where that ends there. */
function wayOut(
  host: VirtualHost | undefined,
  packet: Packet,
  isTransit: boolean,
): Hop | "delivered" | DropReason {
  const stack = host?.kernel.stack;
  if (stack === undefined || !stack.isUp) return "host-down";
  if (stack.isLocal(packet.destination)) return "delivered";
  if (isTransit) {
    if (stack.forwarding === "off") return "forwarding-off";
    if (stack.forwarding === "dead") return "forwarding-dead";
    if (packet.ttl <= 1) return "ttl";
    packet.ttl -= 1;
  }
  const target = stack.fib.lookup(packet.destination);
  if (target?.kind === "blackhole") return "blackhole";
  if (target?.kind === "prohibit") return "prohibited";
  return (target && stack.fib.select(target, packet)) ?? "no-route";
}

/** As `Interface.transmit`, without sending. */
function cross(via: Interface, packet: Packet, nextHop: Ip): WireProbe | DropReason {
  if (!via.isAdminUp) return "device-down";
  if (!via.hasCarrier) return "no-carrier";
  if (packet.lengthOctets > via.mtu) return "mtu";
  const { wire } = via.parent ?? via;
  return wire === undefined ? "not-attached" : wire.probe(via.vlanId, packet, nextHop);
}

function packetOf(flow: Flow): Packet {
  const destination = ip(flow.destination);
  const body: PacketBody = {
    kind: "udp",
    sourcePort: flow.sourcePort ?? 0,
    destinationPort: flow.destinationPort ?? 0,
    octets: EMPTY,
  };
  return {
    id: 0,
    source: ip(flow.source),
    destination,
    ttl: flow.ttl ?? 64,
    tos: 0,
    lengthOctets: flow.lengthOctets ?? headerOctets(destination.afi) + UDP_HEADER_OCTETS,
    body,
  };
}
