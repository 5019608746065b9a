/**
 * Whose table decides by which circuit traffic of the cloud comes back to the edge. A VPC's own
 * table is asked first where it has routes into peering connections or to nowhere; what it has no
 * such route for goes to the VPC's hub: a node of the ECR, or a table of a transit router.
 */
import { parseAddress } from "../../../core/address.ts";
import { assert } from "../../../core/assert.ts";
import { containsAddress, parsePrefix } from "../../../core/prefix.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { VpcConfig } from "../config/vpc-config.ts";
import {
  type CloudNetwork,
  cloudNetwork,
  ecrNodeName,
  isHub,
  localPrefixesOf,
  tableNodeName,
} from "../network.ts";

/** The node that answers for an address of the cloud: its VPC's, else the first region's ECR. */
export function nodeOfAddress(cloud: CloudConfig, address: string): string {
  const node = vpcOfAddress(cloud, address)?.name ?? cloud.ecr?.name;
  assert(node !== undefined, "an address of a cloud without an ECR is in a VPC");
  return node;
}

/** False where no node would answer for the address. */
export const isSomewhere = (cloud: CloudConfig, address: string): boolean =>
  cloud.ecr !== undefined || vpcOfAddress(cloud, address) !== undefined;

/** Tables asked in turn about the way back from an address; the first with a route decides. */
export function returnRouters(cloud: CloudConfig, address: string): readonly string[] {
  const vpc = vpcOfAddress(cloud, address);
  if (vpc === undefined) return cloud.ecr === undefined ? [] : [cloud.ecr.name];
  const hub = hubOfVpc(cloud, vpc);
  const isAsked = hub === undefined || vpc.routes.some(decides);
  return [...(isAsked ? [vpc.name] : []), ...(hub === undefined ? [] : [hub])];
}

/** Those of all addresses, each once. */
export const returnRoutersOf = (
  cloud: CloudConfig,
  addresses: readonly string[],
): readonly string[] => [...new Set(addresses.flatMap((address) => returnRouters(cloud, address)))];

/** Circuits that a router can send to: the ECR or a transit router also through other hubs. */
export function circuitsBehind(network: CloudNetwork, router: string): readonly string[] {
  const kindOf = new Map(network.nodes.map(({ name, kind }) => [name, kind]));
  const isVpc = kindOf.get(router) === "vpc";
  const reached = new Set([router]);
  for (const node of reached) {
    if (node !== router && !isHub(kindOf.get(node))) continue;
    for (const { a, b, hasSession } of network.wires) {
      if (hasSession === isVpc) continue;
      if (a.node === node) reached.add(b.node);
      if (b.node === node) reached.add(a.node);
    }
  }
  return network.customers.filter(({ node }) => reached.has(node)).map(({ circuit }) => circuit);
}

/** A router of the return path as a report names it. */
export interface ReturnRouter {
  readonly name: string;
  readonly kind: "ecr" | "tr" | "vpc";
  readonly circuits: readonly string[];
}

export function describeReturnRouters(
  cloud: CloudConfig,
  addresses: readonly string[],
): readonly ReturnRouter[] {
  const network = cloudNetwork(cloud);
  return returnRoutersOf(cloud, addresses).map((name) => {
    const kind = network.nodes.find((node) => node.name === name)?.kind;
    const isOwn = isHub(kind) || kind === "vpc";
    return { name, kind: isOwn ? kind : "ecr", circuits: circuitsBehind(network, name) };
  });
}

/** Not a route that only says again what the hub is asked anyway. */
const decides = ({ nextHop }: VpcConfig["routes"][number]): boolean =>
  nextHop === "peering" || nextHop === "blackhole";

function vpcOfAddress(cloud: CloudConfig, address: string): VpcConfig | undefined {
  const octets = parseAddress(address);
  const holds = (text: string): boolean => {
    const prefix = parsePrefix(text);
    return octets !== undefined && prefix !== undefined && containsAddress(prefix, octets);
  };
  return cloud.vpcs.find((one) => localPrefixesOf(one).some(holds));
}

function hubOfVpc(cloud: CloudConfig, vpc: VpcConfig): string | undefined {
  if (vpc.attachment === undefined) return undefined;
  const tr = cloud.transitRouters.find(({ name }) => name === vpc.attachment);
  if (tr === undefined) return ecrNodeName(cloud, vpc.region);
  const attachment = tr.attachments.find(({ kind, to }) => kind === "vpc" && to === vpc.vpc);
  return tableNodeName(tr, attachment?.association ?? tr.tables[0] ?? "");
}
