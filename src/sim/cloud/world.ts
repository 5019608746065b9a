/**
 * The cloud's network inside a virtual world: hosts for its nodes, its wires, and what it needs of
 * a lab as `CloudField`. The lab plugs the customer's circuits into the ends named here.
 */
import type { HostOptions, VirtualHost } from "../../platform/virtual/host.ts";
import type { World } from "../../platform/virtual/world.ts";
import type { CloudConfig } from "./config/cloud-config.ts";
import type { CloudField } from "./deeds/deeds.ts";
import { type CloudNetwork, type CustomerEnd, cloudNetwork, wireAddressesOf } from "./network.ts";

/** As a lab of namespaces sets its kernels: ECMP by ports, IPv6 addresses outlive a link's fall. */
export const LAB_HOST: HostOptions = { hashPolicy: "l4", keepsIpv6OnDown: true };

/** Adds every node and every wire between them. */
export function addCloud(world: World, cloud: CloudConfig): CloudNetwork {
  const network = cloudNetwork(cloud);
  for (const { name, localPrefixes } of network.nodes) {
    const host = world.addHost(name, LAB_HOST);
    for (const prefix of localPrefixes) host.addLocalPrefix(prefix);
  }
  for (const { a, b, latencyUs } of network.wires) {
    world.link({
      between: [a, b].map((end) => {
        const { node, device } = end;
        return { host: world.host(node), device, addresses: wireAddressesOf(end) };
      }),
      latencyUs,
    });
  }
  return network;
}

/** A customer's circuit as the link's quality; undefined properties are the lab's to choose. */
export function circuitOptions(end: CustomerEnd) {
  const { mtu, bandwidthBps, queueUs, flowBps, latencyUs } = end;
  return {
    mtu,
    ...(bandwidthBps !== undefined && {
      bandwidthBps,
      // A policer without a queue still lets the packet go that it is looking at.
      queueOctets: Math.max(mtu, Math.ceil((bandwidthBps / 8e6) * queueUs)),
    }),
    ...(flowBps !== undefined && { flowBps }),
    ...(latencyUs !== undefined && { latencyUs }),
  };
}

/** What a virtual world can lend: all of it. */
export function virtualField(world: World, network: CloudNetwork): CloudField {
  const ends = new Map(network.customers.map((end) => [end.circuit, end]));
  return {
    setPort(circuit, isUp) {
      const end = ends.get(circuit);
      if (end === undefined) return;
      const host = world.host(end.node);
      host.setAdmin(portOf(host, end.device), isUp);
    },
    ping(node, { source, destination, timeoutUs }, done) {
      world.host(node).ping({ source, destination, timeoutUs }, ({ outcome }) => {
        done(outcome === "reply");
      });
    },
    lineOf(circuit) {
      const end = ends.get(circuit);
      const link = world.links.find(({ ends: both }) =>
        both.some(({ host, device }) => host === end?.node && device === end.device),
      );
      return (
        link && {
          isWhole: () => !link.isCut,
          block: () => link.addRule(() => "drop"),
        }
      );
    },
    setRoute(node, prefix, to) {
      const host = world.host(node);
      forget(host, prefix);
      world.mark(`${node} routes ${prefix} to ${JSON.stringify(to ?? "nobody")}`);
      if (to === undefined) return;
      if (to === "local") host.addLocalPrefix(prefix);
      else if (to === "blackhole") {
        host.excludeLocalPrefix(prefix);
        host.addRoute({ prefix, hops: [], kind: "blackhole" });
      } else host.addRoute({ prefix, hops: "gateway" in to ? [to] : to });
    },
  };
}

/** A VLAN's port is the one it rides on. */
const portOf = (host: VirtualHost, device: string): string =>
  host.kernel.links.interfaces.get(device)?.parent?.device ?? device;

function forget(host: VirtualHost, prefix: string): void {
  host.removeLocalPrefix(prefix);
  host.removeRoute(prefix);
}
