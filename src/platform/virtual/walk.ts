import type { Micros } from "../../core/time.ts";
import type { VirtualHost } from "./host.ts";
import { ip } from "./ip.ts";
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
  const seen = new Set<string>();
  let name = flow.host;
  let delayUs = 0;
  let arrivalProbability = 1;
  const ended = (outcome: Walk["outcome"]): Walk => {
    return { outcome, path, host: name, at, delayUs, arrivalProbability };
  };
  for (;;) {
    const step = stepAt(hosts.get(name), packet, seen.size > 0);
    if (typeof step === "string") {
      path.push({ host: name, device: undefined, link: undefined, nextHop: undefined });
      return ended(step);
    }
    seen.add(name);
    path.push({ host: name, device: step.device, link: step.link, nextHop: step.nextHop });
    if (step.probe === undefined) return ended(step.reason);
    delayUs += step.probe.delayUs;
    arrivalProbability *= step.probe.arrivalProbability;
    name = step.probe.host;
    if (!step.probe.via.isAdminUp) return ended("device-down");
    if (seen.has(name)) return ended("loop");
  }
}

type Step = {
  readonly device: string;
  readonly link: string | undefined;
  readonly nextHop: string;
} & (
  | { readonly probe: Exclude<ReturnType<NonNullable<Port["wire"]>["probe"]>, string> }
  | { readonly probe: undefined; readonly reason: DropReason }
);

type Port = NonNullable<ReturnType<VirtualHost["kernel"]["links"]["interfaces"]["get"]>>;

function stepAt(
  host: VirtualHost | undefined,
  packet: Packet,
  isTransit: boolean,
): Step | "delivered" | DropReason {
  if (host === undefined) return "host-down";
  const { stack } = host.kernel;
  if (!stack.isUp) return "host-down";
  if (stack.isLocal(packet.destination)) return "delivered";
  if (isTransit) {
    if (stack.forwarding !== "on")
      return stack.forwarding === "dead" ? "forwarding-dead" : "forwarding-off";
    if (packet.ttl <= 1) return "ttl";
    packet.ttl -= 1;
  }
  const target = stack.fib.lookup(packet.destination);
  if (target?.kind === "blackhole") return "blackhole";
  if (target?.kind === "prohibit") return "prohibited";
  const hop = target && stack.fib.select(target, packet);
  if (hop === undefined) return "no-route";
  return out(hop.via, packet, hop.gateway ?? packet.destination);
}

function out(via: Port, packet: Packet, nextHop: Packet["destination"]): Step {
  const wire = (via.parent ?? via).wire;
  const step = { device: via.device, link: wire?.name, nextHop: nextHop.text };
  const fails = (reason: DropReason): Step => ({ ...step, probe: undefined, reason });
  if (!via.isAdminUp) return fails("device-down");
  if (!via.hasCarrier) return fails("no-carrier");
  if (packet.lengthOctets > via.mtu) return fails("mtu");
  if (wire === undefined) return fails("not-attached");
  const probe = wire.probe(via.vlanId, packet, nextHop);
  return typeof probe === "string" ? fails(probe) : { ...step, probe };
}

function packetOf(flow: Flow): Packet {
  const destination = ip(flow.destination);
  const body: PacketBody = {
    kind: "udp",
    sourcePort: flow.sourcePort ?? 0,
    destinationPort: flow.destinationPort ?? 0,
    octets: new Uint8Array(0),
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
