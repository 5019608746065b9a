/**
 * The drill's network as a virtual world: a host in the data centre, the edge, a VBR for each
 * circuit, the ECR with the VPC behind it. The virtual lab runs in it; the loopback lab uses it for
 * forwarding tables and wires only.
 *
 *   idc ── edge ══ c1 ══ vbr-1 ──┐
 *             ╚═══ c2 ══ vbr-2 ──┴─ ecr (VPC)
 */
import type { VirtualHost } from "../../platform/virtual/host.ts";
import { type LinkQuality, PERFECT_LINK, type VirtualLink } from "../../platform/virtual/link.ts";
import { World } from "../../platform/virtual/world.ts";
import type { CloudConfig, VbrConfig } from "../cloud/cloud-config.ts";
import type { InnerLink } from "../cloud/nodes.ts";
import type { Drill } from "../drill/drill.ts";

export const EDGE = "edge";
export const IDC = "idc";
/** The cable between data centre and edge; not announced. */
export const IDC_LINK = { edge: "10.254.0.1", idc: "10.254.0.2", maskLength: 30 } as const;

/** One way through a metropolitan circuit, and through the cloud's own network. */
const CIRCUIT = { latencyUs: 1_000, jitterUs: 100 } as const;
export const CIRCUIT_QUALITY: LinkQuality = { ...PERFECT_LINK, ...CIRCUIT };
const INNER_LATENCY_US = 200;

export interface DrillWorld {
  readonly world: World;
  readonly edge: VirtualHost;
  readonly idc: VirtualHost;
  readonly ecr: VirtualHost;
  readonly circuits: ReadonlyMap<string, VirtualLink>;
}

export function buildWorld(drill: Drill): DrillWorld {
  const { edge: config, cloud, traffic } = drill;
  const world = new World({ seed: drill.seed });
  const options = { hashPolicy: "l4" } as const;
  const edge = world.addHost(EDGE, options);
  const idc = world.addHost(IDC, options);
  const ecr = world.addHost(cloud.ecr.name, options);
  const { edge: edgeEnd, idc: idcEnd, maskLength } = IDC_LINK;
  world.link({
    between: [
      { host: edge, device: "idc", addresses: [`${edgeEnd}/${maskLength}`] },
      { host: idc, device: "edge", addresses: [`${idcEnd}/${maskLength}`] },
    ],
    latencyUs: INNER_LATENCY_US,
  });
  idc.addLocalPrefix(`${traffic.idc}/32`);
  idc.addRoute({ prefix: "0.0.0.0/0", hops: [{ gateway: edgeEnd, device: "edge" }] });
  for (const own of config.announce) {
    if (own.prefix.includes(":")) continue;
    edge.addRoute({ prefix: own.prefix, hops: [{ gateway: idcEnd, device: "idc" }] });
  }
  ecr.addLocalPrefix(`${traffic.vpc}/32`);
  const circuits = new Map<string, VirtualLink>();
  for (const vbr of cloud.vbrs) circuits.set(vbr.circuit, addCircuit(drill, world, vbr));
  return { world, edge, idc, ecr, circuits };
}

function addCircuit(drill: Drill, world: World, vbr: VbrConfig): VirtualLink {
  const host = world.addHost(vbr.name, { hashPolicy: "l4" });
  const inner = innerLink(drill.cloud, vbr);
  world.link({
    between: [
      { host, device: inner.vbrDevice, addresses: [`${inner.vbrAddress}/30`] },
      {
        host: world.host(drill.cloud.ecr.name),
        device: inner.ecrDevice,
        addresses: [`${inner.ecrAddress}/30`],
      },
    ],
    latencyUs: INNER_LATENCY_US,
  });
  return world.link({
    name: vbr.circuit,
    between: [
      {
        host: world.host(EDGE),
        device: edgeDevice(drill, vbr.circuit),
        addresses: [`${vbr.peer}/${maskOf(vbr)}`],
      },
      { host, device: customerDevice(vbr), addresses: [vbr.local] },
    ],
    ...CIRCUIT,
  });
}

/** Addresses and interfaces inside the cloud, the same in every lab. */
export function innerLink(
  cloud: CloudConfig,
  vbr: VbrConfig,
): InnerLink & { readonly vbrDevice: string; readonly ecrDevice: string } {
  const index = cloud.vbrs.findIndex((one) => one.name === vbr.name);
  return {
    vbrAddress: `10.253.${index}.1`,
    ecrAddress: `10.253.${index}.2`,
    vbrDevice: "ecr",
    ecrDevice: `vbr${index}`,
  };
}

export function edgeDevice(drill: Drill, circuit: string): string {
  const device = drill.edge.circuits.find((one) => one.name === circuit)?.device;
  if (device === undefined) throw new RangeError(`the edge has no circuit "${circuit}"`);
  return device;
}

/**
 * The VBR's interface towards the customer; labs make it, so they name it where the file does not.
 */
export const customerDevice = (vbr: VbrConfig): string => vbr.device ?? EDGE;

export const maskOf = (vbr: VbrConfig): string => vbr.local.split("/")[1] ?? "30";

/** The cloud with every interface named as the lab makes it. */
export const withDevices = (cloud: CloudConfig): CloudConfig => ({
  ...cloud,
  vbrs: cloud.vbrs.map((vbr) => ({ ...vbr, device: customerDevice(vbr) })),
});
