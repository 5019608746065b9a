/**
 * The cloud as a network: its nodes, each a host, and the wires between them. Every lab builds the
 * same one, so that a drill's report means the same in each.
 *
 *   customer ══ vbr ── vpc (peering connection: static routes, no session)
 *   customer ══ vbr ─┬─ ecr (one a region, all joined) ─┬─ vpc
 *   customer ══ vbr ─┘                                  └─ tr (one a route table) ─┬─ vpc
 *   customer ══ vbr (attached to the transit router itself) ────────────────────────┤
 *   customer ── vpn ───────────────────────────────────────────────────────────────┘
 */
import { assert } from "../../core/assert.ts";
import type { CloudConfig, InterconnectConfig, VbrConfig } from "./config/cloud-config.ts";
import { ecrAssociations, isVpcOnEcr, toldOf } from "./config/ecr-associations.ts";
import type { AttachmentConfig, TransitRouterConfig } from "./config/tr-config.ts";
import { tablesOfVpc, toldByVpc, type VpcConfig } from "./config/vpc-config.ts";
import { tunnelsOf, type VpnConfig } from "./config/vpn-config.ts";

export type NodeKind = "vbr" | "ecr" | "tr" | "vpc" | "vpn";

/** Routers that join others: the ECR's nodes, the tables of transit routers. */
export const isHub = (kind: NodeKind | undefined): kind is "ecr" | "tr" =>
  kind === "ecr" || kind === "tr";

export interface CloudNode {
  readonly name: string;
  readonly kind: NodeKind;
  readonly region: string;
  /** Whole networks behind this node; every address of them answers. */
  readonly localPrefixes: readonly string[];
}

export interface WireEnd {
  readonly node: string;
  readonly device: string;
  readonly address: string;
  /** Where the wire carries IPv6. */
  readonly address6: string | undefined;
}

/** A /30 inside the cloud, and a /126 where both of its ends have IPv6. */
export interface InnerWire {
  readonly a: WireEnd;
  readonly b: WireEnd;
  readonly latencyUs: number;
  /** A BGP session runs over it; a peering connection has none. */
  readonly hasSession: boolean;
}

/** Where a customer's circuit ends: what the lab plugs the edge into. */
export interface CustomerEnd {
  readonly circuit: string;
  readonly node: string;
  readonly device: string;
  /** With its mask. */
  readonly local: string;
  readonly peer: string;
  readonly ipv6: InterconnectConfig | undefined;
  readonly mtu: number;
  readonly bandwidthBps: number | undefined;
  /** How much above it may wait, as time at that rate. */
  readonly queueUs: number;
  /** No flow gets more; undefined is no limit. */
  readonly flowBps: number | undefined;
  /** Undefined: as long as any circuit of the lab. */
  readonly latencyUs: number | undefined;
}

export interface CloudNetwork {
  readonly nodes: readonly CloudNode[];
  readonly wires: readonly InnerWire[];
  readonly customers: readonly CustomerEnd[];
}

/** One way through the cloud's own network within a region. */
const REGION_LATENCY_US = 200;
/** Lines from here on have a limit for each flow, where there is one. */
const FLOW_LIMITED_BPS = 1e9;
/** The interface towards the customer where the file names none. */
const CUSTOMER_DEVICE = "edge";

export function cloudNetwork(cloud: CloudConfig): CloudNetwork {
  const wires: InnerWire[] = [];
  const wire: AddWire = (a, b, latencyUs = REGION_LATENCY_US, hasSession = true) => {
    const [addressA, addressB] = wireAddresses(wires.length);
    const index = wires.length;
    const isDual = hasIpv6(cloud, a.node) && hasIpv6(cloud, b.node);
    const end = (node: string, device: string | undefined, address: string, host: number) => {
      const address6 = isDual ? wireAddress6(index, host) : undefined;
      return { node, device: device ?? `w${index}`, address, address6 };
    };
    wires.push({
      a: end(a.node, a.device, addressA, 1),
      b: end(b.node, b.device, addressB, 2),
      latencyUs,
      hasSession,
    });
  };
  for (const [index, vbr] of cloud.vbrs.entries()) {
    if (!isOnEcr(cloud, vbr)) continue;
    const ecr = ecrNodeName(cloud, vbr.region);
    wire({ node: vbr.name, device: "ecr" }, { node: ecr, device: `vbr${index}` });
  }
  joinRegions(cloud, wire);
  for (const vpc of cloud.vpcs) {
    if (!isVpcOnEcr(cloud, vpc)) continue;
    wire({ node: vpc.name }, { node: ecrNodeName(cloud, vpc.region) });
  }
  for (const { a, b, latencyUs } of transitWires(cloud)) wire({ node: a }, { node: b }, latencyUs);
  for (const { vbr, vpc } of cloud.peerings) {
    const regionOf = (list: readonly { readonly name: string; readonly region: string }[]) => {
      return list.find(({ name }) => name === vbr || name === vpc)?.region ?? "";
    };
    const latencyUs = latencyBetween(cloud, regionOf(cloud.vbrs), regionOf(cloud.vpcs));
    wire({ node: vbr }, { node: vpc }, latencyUs, false);
  }
  for (const { name, vpc, isCustomTable } of cloud.vpcs) {
    if (isCustomTable) wire({ node: vpc }, { node: name }, REGION_LATENCY_US, false);
  }
  return {
    nodes: nodesOf(cloud),
    wires,
    customers: [...cloud.vbrs.map(vbrEnd), ...cloud.vpns.map(vpnEnd)].map((end) => {
      const { flowLimit, policerQueueUs: queueUs } = cloud.knobs;
      const isFast = (end.bandwidthBps ?? FLOW_LIMITED_BPS) >= FLOW_LIMITED_BPS;
      return { ...end, queueUs, flowBps: flowLimit !== "off" && isFast ? flowLimit : undefined };
    }),
  };
}

export interface TransitRouterTable {
  readonly tr: TransitRouterConfig;
  readonly table: string;
}

interface Named {
  readonly name: string;
}

/** A VBR is on the ECR unless it is peered, or attached to a transit router: one of the three. */
export const isOnEcr = (cloud: CloudConfig, vbr: Named): boolean =>
  cloud.ecr !== undefined &&
  !cloud.peerings.some((peering) => peering.vbr === vbr.name) &&
  transitRouterOf(cloud, vbr) === undefined;

/**
 * The hub a VBR has its session with: the ECR's node of its region, or a table of its transit
 * router; none (undefined) where it is peered, or the transit router neither hears it nor tells it
 * anything.
 */
export function hubOfVbr(cloud: CloudConfig, vbr: VbrConfig): string | undefined {
  if (isOnEcr(cloud, vbr)) return ecrNodeName(cloud, vbr.region);
  const tr = transitRouterOf(cloud, vbr);
  const attachment = tr?.attachments.find((one) => isOfVbr(one, vbr));
  const [table] = attachment === undefined ? [] : tablesOf(attachment);
  return tr === undefined || table === undefined ? undefined : tableNodeName(tr, table);
}

const transitRouterOf = (cloud: CloudConfig, vbr: Named): TransitRouterConfig | undefined =>
  cloud.transitRouters.find(({ attachments }) => attachments.some((one) => isOfVbr(one, vbr)));

const isOfVbr = ({ kind, to }: AttachmentConfig, { name }: Named): boolean =>
  kind === "vbr" && to === name;

/** The ECR's node of a region; the first region's carries its plain name. */
export function ecrNodeName(cloud: CloudConfig, region: string): string {
  assert(cloud.ecr !== undefined, "what is on an ECR has one");
  const { name } = cloud.ecr;
  return region === cloud.regions[0]?.name ? name : `${name}-${region}`;
}

export const isEcrNode = (cloud: CloudConfig, name: string): boolean =>
  ecrRegions(cloud).some((region) => ecrNodeName(cloud, region) === name);

/** Regions in which the ECR has a node: wherever something is joined to it, and the first. */
export function ecrRegions(cloud: CloudConfig): readonly string[] {
  if (cloud.ecr === undefined) return [];
  const used = new Set(cloud.vbrs.filter((vbr) => isOnEcr(cloud, vbr)).map(({ region }) => region));
  for (const vpc of cloud.vpcs) if (isVpcOnEcr(cloud, vpc)) used.add(vpc.region);
  for (const tr of cloud.transitRouters) {
    if (tr.attachments.some(({ kind }) => kind === "ecr")) used.add(tr.region);
  }
  return cloud.regions
    .map(({ name }) => name)
    .filter((name, index) => index === 0 || used.has(name));
}

/** A transit router has a node for each of its tables; the first carries its plain name. */
export const tableNodeName = (tr: TransitRouterConfig, table: string): string =>
  table === tr.tables[0] ? tr.name : `${tr.name}-${table}`;

/** The table that a node is, and whose; undefined where it is none. */
export function tableOf(cloud: CloudConfig, node: string): TransitRouterTable | undefined {
  for (const tr of cloud.transitRouters) {
    for (const table of tr.tables) if (tableNodeName(tr, table) === node) return { tr, table };
  }
  return undefined;
}

/** Tables an attachment has anything to do with. */
export const tablesOf = ({ association, propagations }: AttachmentConfig): readonly string[] => [
  ...new Set([...(association === undefined ? [] : [association]), ...propagations]),
];

/** What customers are told while nothing is withdrawn: prefixes of the ECR, VPCs and VBRs. */
export function toldPrefixes(cloud: CloudConfig): readonly string[] {
  const known = TOLD.get(cloud);
  if (known !== undefined) return known;
  const told = collectTold(cloud);
  TOLD.set(cloud, told);
  return told;
}

/** Addresses that health checks are sent from: customers are told of them, traffic has none. */
export const probeSources = ({ vbrs, peerings }: CloudConfig): readonly string[] =>
  [...vbrs, ...peerings].flatMap(({ healthCheck }) =>
    healthCheck === undefined ? [] : `${healthCheck.source}/32`,
  );

/** Routes that somebody wrote into a table of a VPC or transit router. */
export const customPrefixes = ({ vpcs, transitRouters }: CloudConfig): readonly string[] =>
  [...vpcs, ...transitRouters].flatMap(({ routes }) => routes.map(({ prefix }) => prefix));

/** Claims ask after every event of a lab. */
const TOLD = new WeakMap<CloudConfig, readonly string[]>();

function collectTold(cloud: CloudConfig): readonly string[] {
  const ofVpc = (vpc: VpcConfig): readonly string[] => {
    const own = toldByVpc(vpc);
    const association = ecrAssociations(cloud).find(({ name }) =>
      [vpc.vpc, vpc.attachment].includes(name),
    );
    return association === undefined ? own : toldOf(own, association.allowed);
  };
  const onHub = cloud.vpcs.filter(({ attachment }) => attachment !== undefined);
  const networks = cloud.vbrs.flatMap((vbr) => vbr.networks);
  return [...new Set([...(cloud.ecr?.prefixes ?? []), ...onHub.flatMap(ofVpc), ...networks])];
}

export const addressOf = (withMask: string): string => withMask.split("/")[0] ?? withMask;

/** A session between two tables of two transit routers, over one wire. */
export interface TransitPeering {
  readonly a: TransitRouterTable;
  readonly b: TransitRouterTable;
}

/** Each pair once; where only one names the other, that other's first table takes part. */
export function transitPeerings(cloud: CloudConfig): readonly TransitPeering[] {
  const found = new Map<string, TransitPeering>();
  for (const tr of cloud.transitRouters) {
    for (const attachment of tr.attachments) {
      const other = cloud.transitRouters.find(({ name }) => name === attachment.to);
      if (attachment.kind !== "tr" || other === undefined) continue;
      const back = other.attachments.find(({ kind, to }) => kind === "tr" && to === tr.name);
      const theirs = back === undefined ? other.tables.slice(0, 1) : tablesOf(back);
      for (const table of tablesOf(attachment)) {
        for (const their of theirs) {
          const names = [tableNodeName(tr, table), tableNodeName(other, their)].sort();
          const key = names.join(" ");
          if (found.has(key)) continue;
          found.set(key, { a: { tr, table }, b: { tr: other, table: their } });
        }
      }
    }
  }
  return [...found.values()];
}

type AddWire = (
  a: { readonly node: string; readonly device?: string },
  b: { readonly node: string; readonly device?: string },
  latencyUs?: number,
  hasSession?: boolean,
) => void;

/** 10.253.0.0/16 in /30s, so many that no fleet runs out of them. */
function wireAddresses(index: number): [string, string] {
  const base = `10.253.${index >> 6}`;
  const host = (index & 63) * 4;
  return [`${base}.${host + 1}`, `${base}.${host + 2}`];
}

/** The two ends of a circuit in each of its families. */
export const interconnects = ({ local, peer, ipv6 }: CustomerEnd): readonly InterconnectConfig[] =>
  [{ local, peer }, ipv6].filter((one) => one !== undefined);

/** Of the cloud's end of a circuit, with their masks. */
export const localAddresses = (end: CustomerEnd): readonly string[] =>
  interconnects(end).map(({ local }) => local);

/** Of the customer's end, with the masks of the cloud's. */
export const peerAddresses = (end: CustomerEnd): readonly string[] =>
  interconnects(end).map(({ local, peer }) => `${peer}/${local.split("/")[1]}`);

const wireAddress6 = (index: number, host: number): string =>
  `fd00:10:253:${(index + 1).toString(16)}::${host}`;

/** Addresses of a wire's end, with their masks. */
export const wireAddressesOf = ({ address, address6 }: WireEnd): readonly string[] => [
  `${address}/30`,
  ...(address6 === undefined ? [] : [`${address6}/126`]),
];

/** The end's address of the family that a prefix is of. */
export const gatewayFor = (end: WireEnd, prefix: string): string =>
  prefix.includes(":") ? (end.address6 ?? end.address) : end.address;

/** A second session is called after the first: of a circuit, and of the cloud's own nodes. */
export const nameOfIpv6 = (name: string): string => `${name}-v6`;

/** The node on the other side of a session of the cloud's own; a customer's keeps its name. */
export const nodeOfSession = ({ nodes }: CloudNetwork, peer: string): string =>
  nodes.find(({ name }) => peer === name || peer === nameOfIpv6(name))?.name ?? peer;

/** The cloud has IPv6 as soon as one VBR has; other VBRs, and tunnels, still have not. */
function hasIpv6({ vbrs, vpns }: CloudConfig, node: string): boolean {
  if (!vbrs.some(({ ipv6 }) => ipv6 !== undefined)) return false;
  const vbr = vbrs.find(({ name }) => name === node);
  return vbr === undefined ? !vpns.some(({ name }) => name === node) : vbr.ipv6 !== undefined;
}

/**
 * `near-by`: the ECR's nodes tell each other their best path, and prefer their own. `ecmp`: every
 * VBR is joined to every one of them, for a node hides all paths but its best from the others.
 */
function joinRegions(cloud: CloudConfig, wire: AddWire): void {
  const regions = ecrRegions(cloud);
  const node = (region: string) => ({ node: ecrNodeName(cloud, region) });
  for (const [index, a] of regions.entries()) {
    if (cloud.ecr?.transitMode === "ecmp") {
      for (const vbr of cloud.vbrs) {
        if (vbr.region === a || !isOnEcr(cloud, vbr)) continue;
        wire({ node: vbr.name }, node(a), latencyBetween(cloud, vbr.region, a));
      }
    } else {
      for (const b of regions.slice(index + 1)) {
        wire(node(a), node(b), latencyBetween(cloud, a, b));
      }
    }
  }
}

function latencyBetween(cloud: CloudConfig, a: string, b: string): number {
  if (a === b) return REGION_LATENCY_US;
  const latencies = cloud.regions
    .filter(({ name }) => name === a || name === b)
    .map(({ latencyUs }) => latencyUs);
  return Math.max(REGION_LATENCY_US, ...latencies);
}

function transitWires(cloud: CloudConfig) {
  const wires: { a: string; b: string; latencyUs: number }[] = [];
  for (const tr of cloud.transitRouters) {
    for (const attachment of tr.attachments) {
      if (attachment.kind === "tr") continue;
      const { kind, to } = attachment;
      const ends =
        kind === "ecr"
          ? [ecrNodeName(cloud, tr.region)]
          : kind === "vpn"
            ? tunnelsOf(cloud, to).map(({ name }) => name)
            : kind === "vpc"
              ? tablesOfVpc(cloud, to).map(({ name }) => name)
              : [to];
      const region = regionOfInstance(cloud, attachment) ?? tr.region;
      for (const table of tablesOf(attachment)) {
        const latencyUs = latencyBetween(cloud, region, tr.region);
        for (const a of ends) wires.push({ a, b: tableNodeName(tr, table), latencyUs });
      }
    }
  }
  for (const { a, b } of transitPeerings(cloud)) {
    wires.push({
      a: tableNodeName(a.tr, a.table),
      b: tableNodeName(b.tr, b.table),
      latencyUs: latencyBetween(cloud, a.tr.region, b.tr.region),
    });
  }
  return wires;
}

function regionOfInstance(cloud: CloudConfig, { kind, to }: AttachmentConfig): string | undefined {
  if (kind === "vbr") return cloud.vbrs.find(({ name }) => name === to)?.region;
  if (kind === "vpc") return cloud.vpcs.find(({ name }) => name === to)?.region;
  return kind === "vpn" ? cloud.vpns.find(({ name }) => name === to)?.region : undefined;
}

function nodesOf(cloud: CloudConfig): CloudNode[] {
  const plain = (kind: NodeKind) => (one: { readonly name: string; readonly region: string }) => {
    return { name: one.name, kind, region: one.region, localPrefixes: [] };
  };
  return [
    ...ecrRegions(cloud).map((region) =>
      plain("ecr")({ name: ecrNodeName(cloud, region), region }),
    ),
    ...cloud.vbrs.map(plain("vbr")),
    ...cloud.vpns.map(plain("vpn")),
    ...cloud.transitRouters.flatMap((tr) =>
      tr.tables.map((table) => plain("tr")({ name: tableNodeName(tr, table), region: tr.region })),
    ),
    ...cloud.vpcs.map((vpc) => {
      return { ...plain("vpc")(vpc), localPrefixes: localPrefixesOf(vpc) };
    }),
  ];
}

/** The VPC or IPsec connection that a node is a table or a tunnel of; else the node itself. */
export const ownerOf = ({ vpcs, vpns }: CloudConfig, node: string): string =>
  vpcs.find(({ name }) => name === node)?.vpc ??
  vpns.find(({ name }) => name === node)?.connection ??
  node;

/** Networks whose every address a VPC answers for. */
export const localPrefixesOf = (vpc: VpcConfig): readonly string[] => [
  ...vpc.vswitches.map(({ cidr }) => cidr),
  ...vpc.routes.filter(({ nextHop }) => nextHop === "instance").map(({ prefix }) => prefix),
];

const vbrEnd = (vbr: VbrConfig): Omit<CustomerEnd, "queueUs" | "flowBps"> => ({
  circuit: vbr.circuit,
  node: vbr.name,
  device: vbr.device ?? CUSTOMER_DEVICE,
  local: vbr.local,
  peer: vbr.peer,
  ipv6: vbr.ipv6,
  mtu: vbr.mtu,
  bandwidthBps: vbr.bandwidthBps,
  latencyUs: undefined,
});

const vpnEnd = (vpn: VpnConfig): Omit<CustomerEnd, "queueUs" | "flowBps"> => ({
  circuit: vpn.circuit,
  node: vpn.name,
  device: CUSTOMER_DEVICE,
  local: vpn.local,
  peer: vpn.peer,
  ipv6: undefined,
  mtu: vpn.mtu,
  bandwidthBps: vpn.bandwidthBps,
  latencyUs: vpn.latencyUs,
});
