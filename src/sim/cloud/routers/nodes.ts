/**
 * The cloud's routers as configurations of the same router the edge runs: a VBR is an agent with
 * the cloud's AS, its customers, and the vendor's limits; the ECR is an agent that joins VBRs, VPCs
 * and transit routers over iBGP; so is each route table of a transit router, and each VPC. So the
 * emulated side speaks BGP and BFD as strictly as the edge does, and what it must not do (more than
 * 110 routes a peer, say) is a limit, not a script.
 *
 * Inside the cloud sessions are iBGP, so the customer sees one AS, as it does of the vendor. Each
 * node sets itself as next hop; hubs reflect, choose by AS_PATH length and spread over equal paths.
 */

import type {
  BfdConfig,
  CircuitConfig,
  EdgeConfig,
  NeighborConfig,
} from "../../../agent/config/edge-config.ts";
import type { TermSource } from "../../../bgp/policy/source.ts";
import { coversPrefix, parsePrefix } from "../../../core/prefix.ts";
import { type BfdTimers, type GroupedPeer, groupedPeers } from "../config/bgp-config.ts";
import type { CloudConfig, VbrConfig } from "../config/cloud-config.ts";
import { ecrAssociations } from "../config/ecr-associations.ts";
import { type CloudKnobs, isKeptByList } from "../config/knobs.ts";
import { toldByVpc } from "../config/vpc-config.ts";
import type { VpnConfig } from "../config/vpn-config.ts";
import type { CloudState } from "../deeds/state.ts";
import { DEFAULTS } from "../file/defaults.ts";
import { addressOf, type CloudNetwork, type CloudNode, isHub, type WireEnd } from "../network.ts";
import { strangersOf } from "../tables/told.ts";
import { baseSession, innerSession, type NodePlan, nodeCommon, placed } from "./node-parts.ts";
import { ecrSession, tableSession, vpcSession } from "./node-sessions.ts";
import { fromCustomer, type PolicyBook, toCustomer, vbrToHub, vpnToHub } from "./policies.ts";
import { ACCEPT } from "./policy-terms.ts";

/** All that a node's configuration follows from. */
export interface NodeContext {
  readonly cloud: CloudConfig;
  readonly network: CloudNetwork;
  readonly plan: NodePlan;
  readonly state: CloudState;
  readonly policies: PolicyBook;
}

export function nodeConfig(context: NodeContext, name: string): EdgeConfig {
  const { cloud, network, plan } = context;
  const node = network.nodes.find((one) => one.name === name);
  if (node === undefined) throw new RangeError(`no node "${name}" in this cloud`);
  const wires = wiresOf(network, name);
  const vbr = cloud.vbrs.find((one) => one.name === name);
  const vpn = cloud.vpns.find((one) => one.name === name);
  const customers = vbr === undefined ? [] : vbrCircuits(context, vbr);
  return {
    ...nodeCommon(cloud, name, plan),
    routerId: routerIdOf(network, node),
    listen: listenOf(
      vbr ?? vpn,
      wires.map(({ own }) => placed(plan, own).address),
      plan,
    ),
    circuits: vpn === undefined ? customers : [vpnCircuit(context, vpn)],
    neighbors: wires.flatMap((wire) => (wire.hasSession ? [sessionOf(context, node, wire)] : [])),
    announce: announced(context, node).map((prefix) => ({ prefix, rank: 1, communities: [] })),
    multipath: multipathOf(cloud, node),
  };
}

/** A wire from one node's point of view, once for each family it carries. */
export interface OwnWire {
  readonly ipVersion: "ipv4" | "ipv6";
  /** With the address of that family. */
  readonly own: WireEnd;
  readonly other: WireEnd;
  /** The end that was named second waits for the other to call. */
  readonly isPassive: boolean;
  readonly hasSession: boolean;
}

function wiresOf(network: CloudNetwork, name: string): OwnWire[] {
  return network.wires.flatMap(({ a, b, hasSession }) => {
    const ends = [
      ...(a.node === name ? [{ own: a, other: b, isPassive: false, hasSession }] : []),
      ...(b.node === name ? [{ own: b, other: a, isPassive: true, hasSession }] : []),
    ];
    return ends.flatMap((ipv4): OwnWire[] => {
      const [own, other] = [ipv4.own.address6, ipv4.other.address6];
      if (own === undefined || other === undefined) return [{ ...ipv4, ipVersion: "ipv4" }];
      const ipv6: OwnWire = {
        ...{ ...ipv4, ipVersion: "ipv6" },
        own: { ...ipv4.own, address: own },
        other: { ...ipv4.other, address: other },
      };
      return [{ ...ipv4, ipVersion: "ipv4" }, ipv6];
    });
  });
}

function sessionOf(context: NodeContext, node: CloudNode, wire: OwnWire): NeighborConfig {
  const { cloud, plan, network } = context;
  const base = innerSession(cloud, plan, wire);
  const other = network.nodes.find(({ name }) => name === wire.other.node);
  if (other === undefined) throw new RangeError(`no node "${wire.other.node}" in this cloud`);
  const rules = rulesOf(context, node, other);
  const isClosed = [node, other].some(({ region }) => context.state.cdtClosed.has(region));
  return {
    ...base,
    // Nothing passes between regions where either has its Cloud Data Transfer closed.
    isShutdown: isClosed && node.region !== other.region,
    isRouteReflectorClient: rules.isClient,
    importPolicy: context.policies.of(rules.import),
    exportPolicy: context.policies.of(rules.export),
  };
}

export interface SessionRules {
  readonly import: readonly TermSource[];
  readonly export: readonly TermSource[];
  readonly isClient: boolean;
}

function rulesOf(context: NodeContext, node: CloudNode, other: CloudNode): SessionRules {
  const { cloud, state } = context;
  switch (node.kind) {
    case "vbr": {
      const vbr = cloud.vbrs.find(({ name }) => name === node.name);
      const told = vbr === undefined ? [] : vbrToHub(cloud, vbr, state.vbr(vbr.name));
      return { import: [ACCEPT], export: told, isClient: false };
    }
    case "vpn": {
      const vpn = cloud.vpns.find(({ name }) => name === node.name);
      const told = vpn === undefined ? [] : vpnToHub(vpn, state.vpn(vpn.name));
      return { import: [ACCEPT], export: told, isClient: false };
    }
    case "ecr":
      return ecrSession(context, node, other);
    case "tr":
      return tableSession(context, node, other);
    case "vpc":
      return vpcSession(context, node);
  }
}

function announced(context: NodeContext, node: CloudNode): readonly string[] {
  const { cloud, state } = context;
  const isStranger = cloud.ecr === undefined && strangersOf(cloud).includes(node.name);
  const told = [...announcedByFile(context, node), ...(isStranger ? state.prefixes : [])];
  return told.filter((prefix) => !state.withdrawn.has(prefix));
}

function announcedByFile({ cloud, state }: NodeContext, node: CloudNode): readonly string[] {
  const home = cloud.regions[0]?.name;
  switch (node.kind) {
    case "vbr":
      return announcedByVbr(cloud, state, node.name);
    case "ecr": {
      const own = node.region === home ? [...state.prefixes] : [];
      const here = ecrAssociations(cloud).filter(({ region }) => region === node.region);
      const allowed = here.flatMap(({ name }) => state.allowed.get(name)?.prefixes ?? []);
      const real = new Set(realPrefixes(cloud, state));
      return [...new Set([...own, ...allowed.filter((prefix) => !real.has(prefix))])];
    }
    case "vpc": {
      const vpc = cloud.vpcs.find(({ name }) => name === node.name);
      return vpc === undefined ? [] : toldByVpc(vpc, state.vpc(vpc.name).routes);
    }
    case "tr":
      return [...state.staticsOf(node.name), ...state.aggregatesOf(node.name)];
    case "vpn":
      return [];
  }
}

/** What VPCs and transit routers have themselves: a route of ours for it would hide the way. */
const realPrefixes = (cloud: CloudConfig, state: CloudState): readonly string[] => [
  ...cloud.vpcs.flatMap((vpc) => toldByVpc(vpc, state.vpc(vpc.name).routes)),
  ...cloud.transitRouters.flatMap(({ routes, aggregates }) =>
    [...routes, ...aggregates].map(({ prefix }) => prefix),
  ),
];

function announcedByVbr(cloud: CloudConfig, state: CloudState, name: string): readonly string[] {
  const vbr = cloud.vbrs.find((one) => one.name === name);
  const peerings = cloud.peerings.filter((one) => one.vbr === name);
  const sources = [vbr, ...peerings].flatMap((one) => one?.healthCheck?.source ?? []);
  const { healthCheckWithdraws, networksTold } = cloud.knobs;
  const isLost =
    healthCheckWithdraws === "both" &&
    peerings.some((one) => state.peering(one.name).isHealthFailed);
  const networks = isLost || vbr === undefined ? [] : vbr.networks;
  const hasRoute = (network: string): boolean =>
    vbr?.routes.some(({ prefix, to }) => {
      const [outer, inner] = [parsePrefix(prefix), parsePrefix(network)];
      if (outer === undefined || inner === undefined) return false;
      return coversPrefix(outer, inner) && state.peering(to).isActive;
    }) === true;
  const told = networksTold === "always" ? networks : networks.filter(hasRoute);
  return [...sources.map((source) => `${source}/32`), ...told];
}

function multipathOf(cloud: CloudConfig, { kind }: CloudNode): EdgeConfig["multipath"] {
  const isOfHub = isHub(kind);
  const { hubTieBreak, customerMed } = cloud.knobs;
  const pathsMax = cloud.ecr?.ecmpPathsMax ?? DEFAULTS.ecmpPathsMax;
  return {
    ebgpPathsMax: kind === "vbr" ? pathsMax : 1,
    ibgpPathsMax: isOfHub && hubTieBreak === "ecmp" ? pathsMax : 1,
    relax: isOfHub || kind === "vbr",
    alwaysCompareMed: isOfHub && customerMed === "ignored",
    preferOldestInternal: isOfHub && hubTieBreak === "oldest",
  };
}

function listenOf(
  customer: VbrConfig | VpnConfig | undefined,
  inner: readonly string[],
  plan: NodePlan,
): EdgeConfig["listen"] {
  if (customer === undefined) return { addresses: inner, port: plan.innerPort };
  const port = "port" in customer ? customer.port : 179;
  const ipv6 = "ipv6" in customer ? customer.ipv6 : undefined;
  const locals = [customer.local, ...(ipv6 === undefined ? [] : [ipv6.local])];
  return { addresses: locals.map(addressOf), port };
}

/** One number for each node, the same in every lab. */
function routerIdOf(network: CloudNetwork, node: CloudNode): string {
  const number = network.nodes.indexOf(node) + 1;
  return `100.64.${number >> 8}.${number & 255}`;
}

/** One for each peer, all on the interface of the interconnect. */
function vbrCircuits(context: NodeContext, vbr: VbrConfig): readonly CircuitConfig[] {
  return groupedPeers(vbr).map((one) => {
    const session = peerSession(context, vbr, one);
    const { change } = context.state.peer(vbr.name, one.peer.name);
    return circuitOf(one.peer.name, vbr.device ?? "", change?.(session) ?? session);
  });
}

function peerSession(
  { cloud, policies, state }: NodeContext,
  vbr: VbrConfig,
  { group, peer }: GroupedPeer,
): NeighborConfig {
  const own = state.peer(vbr.name, peer.name);
  const { bfd, md5Key, routeQuota, overQuota } = own;
  const { knobs } = cloud;
  const { isHealthFailed } = state.vbr(vbr.name);
  const isIpv6 = group.ipVersion === "ipv6";
  return {
    ...baseSession(cloud),
    name: peer.name,
    remoteAddress: peer.address,
    remotePort: vbr.peerPort,
    localAddress: addressOf(isIpv6 ? (vbr.ipv6?.local ?? "") : vbr.local),
    families: [`${group.ipVersion}-unicast`],
    remoteAs: group.peerAs,
    localAs: group.fakeAs,
    device: vbr.device,
    ...(knobs.gtsm === "on" && { ttl: 255, minTtl: 255 }),
    isShutdown: own.isSessionDisabled || own.isTested,
    holdTimeSec: group.holdTimeSec,
    keepaliveTimeSec: group.keepaliveTimeSec,
    capabilities: {
      ...baseSession(cloud).capabilities,
      gracefulRestart: knobs.gracefulRestart === "helper",
      routeRefresh: knobs.routeRefresh !== "off",
      enhancedRouteRefresh: knobs.routeRefresh === "enhanced",
      extendedMessage: knobs.extendedMessages === "offered",
    },
    md5Key:
      md5Key === undefined
        ? undefined
        : { reveal: () => md5Key, toString: () => "***", toJSON: () => "***" },
    importPolicy: policies.of(fromCustomer(cloud, "vbr", overQuota)),
    exportPolicy: policies.of(
      toCustomer(vbr.healthCheck?.source, {
        isSitelink: vbr.isSitelink,
        isProbeOnly: isHealthFailed && knobs.healthCheckWithdraws === "both",
        privateAs: knobs.privateAs,
        isOldDevice: isOldDevice(cloud, vbr),
      }),
    ),
    maxPrefix: {
      limit: routeQuota,
      warnAtPercent: 80,
      action: isKeptByList(knobs) ? "warn" : "drop-newest",
      restartSec: undefined,
    },
    nextHopSelf: true,
    bfd: bfd && bfdOf(bfd, knobs),
  };
}

function bfdOf(timers: BfdTimers, { bfdRole, bfdEncapsulation }: CloudKnobs): BfdConfig {
  const { hops } = timers;
  const byHops = hops === 1 ? "single-hop" : "multihop";
  const mode = bfdEncapsulation === "by-hops" ? byHops : bfdEncapsulation;
  return {
    mode,
    desiredMinTxIntervalUs: timers.txIntervalUs,
    requiredMinRxIntervalUs: timers.rxIntervalUs,
    detectMult: timers.multiplier,
    minTtl: mode === "single-hop" ? 255 : 256 - hops,
    isPassive: bfdRole === "passive",
    isStrict: false,
    auth: undefined,
  };
}

const isOldDevice = ({ connections }: CloudConfig, vbr: VbrConfig): boolean =>
  connections.some(({ name, lacks }) => name === vbr.connection && lacks.includes("CEN"));

const NO_TRANSIT = { isSitelink: false, isProbeOnly: false, isOldDevice: false } as const;

function vpnCircuit({ cloud, policies, state }: NodeContext, vpn: VpnConfig): CircuitConfig {
  const { isDown, isHealthFailed } = state.vpn(vpn.name);
  return circuitOf(vpn.circuit, "", {
    ...baseSession(cloud),
    name: vpn.circuit,
    remoteAddress: vpn.peer,
    localAddress: addressOf(vpn.local),
    remoteAs: vpn.peerAs,
    isShutdown: isDown,
    holdTimeSec: vpn.holdTimeSec,
    keepaliveTimeSec: vpn.keepaliveTimeSec,
    importPolicy: policies.of(fromCustomer(cloud, "vpn", [])),
    exportPolicy: policies.of(
      toCustomer(undefined, {
        ...NO_TRANSIT,
        isProbeOnly: isHealthFailed && cloud.knobs.healthCheckWithdraws === "both",
        privateAs: cloud.knobs.privateAs,
      }),
    ),
    nextHopSelf: true,
  });
}

const circuitOf = (name: string, device: string, session: NeighborConfig): CircuitConfig => ({
  name,
  profile: "none",
  device,
  vlan: undefined,
  weight: 1,
  capacityBps: undefined,
  sessions: [session],
});
