/**
 * The drill's network as a virtual world: a host in the data centre, the edge, a VBR for each
 * circuit, the cloud behind them. The virtual lab runs in it; the loopback lab uses it for
 * forwarding tables and wires only.
 *
 *   idc ── edge ══ c1 ══ vbr-1 ──┐
 *             ╚═══ c2 ══ vbr-2 ──┴─ ecr (VPC)
 */
import type { EdgeConfig } from "../../../agent/config/edge-config.ts";
import type { VirtualHost } from "../../../platform/virtual/host.ts";
import type { VirtualLink } from "../../../platform/virtual/link.ts";
import { type LinkQuality, PERFECT_LINK } from "../../../platform/virtual/link-quality.ts";
import { World } from "../../../platform/virtual/world.ts";
import type { CloudConfig, VbrConfig } from "../../cloud/config/cloud-config.ts";
import {
  type CloudNetwork,
  type CustomerEnd,
  localAddresses,
  peerAddresses,
} from "../../cloud/network.ts";
import { nodeOfAddress } from "../../cloud/tables/return-path.ts";
import { addCloud, circuitOptions, LAB_HOST } from "../../cloud/world.ts";
import type { Drill } from "../../drill/drill.ts";
import { addressesOf, hostPrefix } from "../../drill/traffic.ts";
import { circuitPorts, shareLines, wireTaggedPort } from "../circuit-ports.ts";
import { addRouters, routerEnds } from "./other-routers.ts";

export const EDGE = "edge";
export const IDC = "idc";
/** The cable between data centre and edge; not announced. */
const IDC_LINK = {
  ipv4: { edge: "10.254.0.1", idc: "10.254.0.2", maskLength: 30 },
  ipv6: { edge: "fd00:10:254::1", idc: "fd00:10:254::2", maskLength: 126 },
} as const;
/** What of it a family's address or prefix goes by. */
export const idcLinkFor = (text: string) => (text.includes(":") ? IDC_LINK.ipv6 : IDC_LINK.ipv4);
/** Both ends of the cable with their masks; IPv6 where the edge has any. */
export function idcAddresses(edge: EdgeConfig, end: "edge" | "idc"): readonly string[] {
  const families = isDualStack(edge) ? [IDC_LINK.ipv4, IDC_LINK.ipv6] : [IDC_LINK.ipv4];
  return families.map((one) => `${one[end]}/${one.maskLength}`);
}
/** The edge of a drill speaks IPv6 on a circuit. */
export const isDualStack = ({ circuits }: EdgeConfig): boolean =>
  circuits.some(({ sessions }) => sessions.some((one) => one.remoteAddress.includes(":")));

/** One way through a metropolitan circuit, and through the cloud's own network. */
const CIRCUIT = { latencyUs: 1_000, jitterUs: 100 } as const;
export const CIRCUIT_QUALITY: LinkQuality = { ...PERFECT_LINK, ...CIRCUIT };
const INNER_LATENCY_US = 200;

export interface DrillWorld {
  readonly world: World;
  readonly edge: VirtualHost;
  readonly idc: VirtualHost;
  readonly network: CloudNetwork;
  /** By name; circuits that share a port share the wire. */
  readonly circuits: ReadonlyMap<string, VirtualLink>;
}

export function buildWorld(drill: Drill): DrillWorld {
  const { edge: config, cloud, traffic } = drill;
  const world = new World({ seed: drill.seed });
  const edge = world.addHost(EDGE, LAB_HOST);
  const idc = world.addHost(IDC, LAB_HOST);
  const network = addCloud(world, cloud);
  world.link({
    between: [
      { host: edge, device: "idc", addresses: idcAddresses(config, "edge") },
      { host: idc, device: "edge", addresses: idcAddresses(config, "idc") },
    ],
    latencyUs: INNER_LATENCY_US,
  });
  addRouters(world, drill, idc);
  for (const address of addressesOf(traffic, "idc")) idc.addLocalPrefix(hostPrefix(address));
  for (const prefix of isDualStack(config) ? ["0.0.0.0/0", "::/0"] : ["0.0.0.0/0"]) {
    idc.addRoute({ prefix, hops: [{ gateway: idcLinkFor(prefix).edge, device: "edge" }] });
  }
  for (const { prefix } of config.announce) {
    if (prefix.includes(":") && !isDualStack(config)) continue;
    edge.addRoute({ prefix, hops: [{ gateway: idcLinkFor(prefix).idc, device: "idc" }] });
  }
  for (const address of addressesOf(traffic, "vpc")) {
    world.host(nodeOfAddress(cloud, address)).addLocalPrefix(hostPrefix(address));
  }
  const circuits = new Map<string, VirtualLink>();
  for (const port of circuitPorts(drill, network.customers)) {
    if (port.kind === "untagged") {
      circuits.set(port.end.circuit, addCircuit(drill, world, port.device, port.end));
      continue;
    }
    const link = wireTaggedPort(world, EDGE, port, CIRCUIT);
    for (const { end: customer } of port.circuits) circuits.set(customer.circuit, link);
  }
  shareLines(cloud, EDGE, circuits);
  return { world, edge, idc, network, circuits };
}

/** The machine that has an address of the traffic. */
export function hostOf({ world, idc }: DrillWorld, drill: Drill, address: string): VirtualHost {
  const isIdc = addressesOf(drill.traffic, "idc").includes(address);
  return isIdc ? idc : world.host(nodeOfAddress(drill.cloud, address));
}

function addCircuit(drill: Drill, world: World, edgePort: string, end: CustomerEnd): VirtualLink {
  const { circuit, node, device } = end;
  const others = routerEnds(world, drill, end);
  return world.link({
    name: circuit,
    between: [
      {
        host: world.host(EDGE),
        device: edgePort,
        addresses: peerAddresses(end),
      },
      { host: world.host(node), device, addresses: localAddresses(end) },
      ...others,
    ],
    // A switch joins more than two, and keeps everybody's light on.
    carrierVisible: others.length === 0,
    ...CIRCUIT,
    ...circuitOptions(end),
  });
}

export function edgeDevice(drill: Drill, circuit: string): string {
  const device = drill.edge.circuits.find((one) => one.name === circuit)?.device;
  if (device === undefined) throw new RangeError(`the edge has no circuit "${circuit}"`);
  return device;
}

/**
 * The VBR's interface towards the customer; labs make it, so they name it where the file does not.
 */
const customerDevice = (vbr: VbrConfig): string => vbr.device ?? EDGE;

/** The cloud with every interface named as the lab makes it. */
export const withDevices = (cloud: CloudConfig): CloudConfig => ({
  ...cloud,
  vbrs: cloud.vbrs.map((vbr) => ({ ...vbr, device: customerDevice(vbr) })),
});
