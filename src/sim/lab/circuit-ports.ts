/**
 * The edge's ports towards the cloud. Circuits without a tag have a port each; those with one ride
 * on the port their file calls `parent`, alone or together, and the cloud's end of each is a
 * sub-interface with the same tag. A shared port is a segment: the provider's switch between one
 * trunk and the access ports of several VBRs.
 */
import type { VirtualLink } from "../../platform/virtual/link.ts";
import { SharedRate } from "../../platform/virtual/link-direction.ts";
import type { World } from "../../platform/virtual/world.ts";
import type { CloudConfig } from "../cloud/config/cloud-config.ts";
import { type CustomerEnd, localAddresses } from "../cloud/network.ts";
import { circuitOptions } from "../cloud/world.ts";
import type { Drill } from "../drill/drill.ts";

/** A circuit on a tagged port, with both of its ends. */
export interface TaggedCircuit {
  readonly end: CustomerEnd;
  readonly vlanId: number;
  /** Of the edge's sub-interface, where its file says one. */
  readonly mtu: number | undefined;
}

export type CircuitPort =
  | { readonly kind: "untagged"; readonly device: string; readonly end: CustomerEnd }
  | {
      readonly kind: "tagged";
      readonly device: string;
      readonly circuits: readonly [TaggedCircuit, ...TaggedCircuit[]];
    };

/** Every port once, in the order of the cloud's file. */
export function circuitPorts(
  { edge }: Drill,
  customers: readonly CustomerEnd[],
): readonly CircuitPort[] {
  const tagged = new Map<string, [TaggedCircuit, ...TaggedCircuit[]]>();
  const ports: CircuitPort[] = [];
  for (const end of customers) {
    const own = edge.circuits.find(({ name }) => name === end.circuit);
    if (own === undefined) throw new RangeError(`the edge has no circuit "${end.circuit}"`);
    const { vlan } = own;
    if (vlan === undefined) {
      ports.push({ kind: "untagged", device: own.device, end });
      continue;
    }
    const circuit: TaggedCircuit = { end, vlanId: vlan.id, mtu: vlan.mtu };
    const known = tagged.get(vlan.parent);
    if (known !== undefined) {
      known.push(circuit);
      continue;
    }
    const circuits: [TaggedCircuit, ...TaggedCircuit[]] = [circuit];
    tagged.set(vlan.parent, circuits);
    ports.push({ kind: "tagged", device: vlan.parent, circuits });
  }
  return ports;
}

/** Cutting one circuit of such a wire leaves the light of the others, so nobody sees carrier go. */
export const isShared = (link: VirtualLink): boolean => link.ends.length > 2;

/**
 * The wire of a tagged port. The agent makes the edge's sub-interfaces itself, as in production;
 * those of the cloud are made here.
 */
export function wireTaggedPort(
  world: World,
  edge: string,
  port: Extract<CircuitPort, { readonly kind: "tagged" }>,
  quality: { readonly latencyUs: number; readonly jitterUs: number },
): VirtualLink {
  const { device, circuits } = port;
  const [first, ...others] = circuits;
  const link = world.link({
    name: others.length === 0 ? first.end.circuit : device,
    between: [
      { host: world.host(edge), device },
      ...circuits.map(({ end }) => ({ host: world.host(end.node), device: accessPort(end) })),
    ],
    ...quality,
    // A file that wants more than a VBR carries gets it, and loses its long packets on the way.
    mtu: Math.max(...circuits.flatMap(({ end, mtu = 0 }) => [end.mtu, mtu])),
  });
  for (const { end, vlanId } of circuits) {
    const host = world.host(end.node);
    host.links.ensureVlan({
      device: end.device,
      parent: accessPort(end),
      vlanId,
      addresses: localAddresses(end),
      mtu: end.mtu,
    });
    for (const way of waysOf(edge, end)) link.shape(circuitOptions(end), way);
  }
  return link;
}

/** What the port at either end of a line lets wait, as time at its rate. */
const LINE_QUEUE_US = 20_000;

/**
 * The bandwidth of each physical connection, shared by the VBRs on it: towards the cloud before
 * each VBR's own, which is the cloud's to enforce, and behind it on the way back.
 */
export function shareLines(
  { connections, vbrs }: CloudConfig,
  edge: string,
  links: ReadonlyMap<string, VirtualLink>,
): void {
  for (const { name, bandwidthBps } of connections) {
    if (bandwidthBps === undefined) continue;
    const queueOctets = Math.ceil((bandwidthBps / 8e6) * LINE_QUEUE_US);
    const toCloud = new SharedRate(bandwidthBps, queueOctets);
    const toEdge = new SharedRate(bandwidthBps, queueOctets);
    for (const vbr of vbrs.filter(({ connection }) => connection === name)) {
      const link = links.get(vbr.circuit);
      link?.share(toCloud, { from: edge, to: vbr.name, first: true });
      link?.share(toEdge, { from: vbr.name, to: edge, first: false });
    }
  }
}

const accessPort = ({ device }: CustomerEnd): string => `${device}-port`;

const waysOf = (edge: string, { node }: CustomerEnd) => [
  { from: edge, to: node },
  { from: node, to: edge },
];
