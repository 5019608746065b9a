/** Deeds on a running cloud: what each changes, or the vendor's code for why it is refused. */
import type { Agent } from "../../../agent/agent.ts";
import { parsePrefix } from "../../../core/prefix.ts";
import { groupedPeers } from "../config/bgp-config.ts";
import type { CloudConfig, ConnectionConfig, VbrConfig } from "../config/cloud-config.ts";
import { type NextHopType, wayOf } from "../config/next-hops.ts";
import { isKeyTooLong } from "../file/lint-bgp.ts";
import { isServiceRoute } from "../file/lint-routes.ts";
import type { Changes } from "../machines/changes.ts";
import type { CloudMachines } from "../machines/machines.ts";
import { type CloudNetwork, isHub } from "../network.ts";
import { applyEndpoint } from "../tables/endpoints.ts";
import { dynamicRoutes } from "../tables/route-view.ts";
import { customFieldRoute, type StaticTables } from "../tables/static-tables.ts";
import { announcePrefix, tellersOf, withdrawPrefix } from "../tables/told.ts";
import type { CloudDeed, DeedFault } from "./deeds.ts";
import { type CloudState, type PeerState, turn } from "./state.ts";

export interface DeedGround {
  readonly config: CloudConfig;
  readonly state: CloudState;
  readonly network: CloudNetwork;
  readonly tables: StaticTables;
  readonly machines: CloudMachines;
  readonly changes: Changes;
  agent(node: string): Agent | undefined;
  reload(node: string): void;
  /** A peering connection was activated or deactivated: routes have to follow. */
  peeringChanged(peering: string): void;
  startNode(node: string): void;
  stopNode(node: string, text: string): void;
}

type DeedOf<Name extends CloudDeed["do"]> = Extract<CloudDeed, { readonly do: Name }>;

export function performDeed(deed: CloudDeed, ground: DeedGround): DeedFault | undefined {
  const { machines, config } = ground;
  switch (deed.do) {
    case "light":
      return machines.light(deed.connection, deed.isOn);
    case "port":
      return machines.shut(deed.connection, "port shut", !deed.isOpen);
    case "order-connection":
      return machines.orderConnection(deed.connection, deed.order);
    case "order-vbr":
      if (machines.vbrStatus(deed.vbr) === undefined) return noVbr(deed.vbr);
      return machines.orderVbr(deed.vbr, deed.order);
    case "business":
      return machines.setBusinessStatus(deed.connection, deed.status);
    case "device": {
      const hit = config.connections.filter(({ device }) => device === deed.device);
      return shutAll(ground, hit, `device ${deed.device}`, deed.isUp);
    }
    case "access-point": {
      const hit = config.connections.filter(({ accessPoint }) => accessPoint === deed.accessPoint);
      return shutAll(ground, hit, `access point ${deed.accessPoint}`, deed.isUp);
    }
    case "region":
      return switchRegion(ground, deed);
    case "announce":
    case "withdraw":
      return changePrefix(ground, deed);
    case "custom-route":
      return changeCustomRoute(ground, deed);
    case "route-map":
      return switchRouteMap(ground, deed);
    case "ecr-route":
    case "allowed-prefixes":
    case "cdt":
      return changeEcr(ground, deed);
    case "endpoint":
    case "endpoint-zone":
      return changeEndpoint(ground, deed);
    case "association":
    case "propagation":
      return switchLink(ground, deed);
    case "peering":
      return switchPeering(ground, deed);
    case "create-job":
      return machines.job({ kind: "create", order: deed.job });
    case "start-job":
      return machines.job({ kind: "start", job: deed.job });
    case "stop-job":
      return machines.job({ kind: "stop", job: deed.job });
    case "delete-job":
      return machines.job({ kind: "delete", job: deed.job });
    default:
      return changeSession(ground, deed);
  }
}

function shutAll(
  { machines }: DeedGround,
  connections: readonly ConnectionConfig[],
  reason: string,
  isUp: boolean,
): DeedFault | undefined {
  if (connections.length === 0) return missing(`no physical connection is on ${reason}`);
  for (const { name } of connections) {
    const fault = machines.shut(name, reason, !isUp);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Every port of the region goes first, so that its customers see it before its routers leave. */
function switchRegion(
  ground: DeedGround,
  { region, isUp }: DeedOf<"region">,
): DeedFault | undefined {
  const { config, network } = ground;
  const points = config.accessPoints.filter((one) => one.region === region);
  const hit = config.connections.filter((connection) =>
    points.some(({ name }) => name === connection.accessPoint),
  );
  const nodes = network.nodes.filter((node) => node.region === region);
  if (nodes.length === 0) return missing(`there is no region "${region}"`);
  if (hit.length > 0) {
    const fault = shutAll(ground, hit, `region ${region}`, isUp);
    if (fault !== undefined) return fault;
  }
  for (const { name, kind } of nodes) {
    if (kind === "vbr") continue;
    if (isUp && ground.agent(name) === undefined) ground.startNode(name);
    else if (!isUp) ground.stopNode(name, `region ${region} is lost`);
  }
  return undefined;
}

const noVbr = (name: string): DeedFault => {
  return { code: "InvalidVbrId.NotFound", text: `there is no VBR "${name}"` };
};

type SessionDeed = Exclude<
  Extract<CloudDeed, { readonly vbr: string }>,
  { readonly do: "order-vbr" }
>;

function changeSession(ground: DeedGround, deed: SessionDeed): DeedFault | undefined {
  const { config, machines } = ground;
  const vbr = config.vbrs.find(({ name }) => name === deed.vbr);
  if (vbr === undefined) return noVbr(deed.vbr);
  if (deed.do === "health-check") return machines.switchCheck(deed.vbr, deed.isOn);
  const peers = peersMeant(vbr, deed);
  if (!Array.isArray(peers)) return peers;
  switch (deed.do) {
    case "reset-session":
      change(ground, vbr, peers, { isSessionDisabled: true });
      return change(ground, vbr, peers, { isSessionDisabled: false });
    case "disable-session":
      return change(ground, vbr, peers, { isSessionDisabled: deed.isDisabled });
    case "set-bfd":
      return bfdFault(deed) ?? change(ground, vbr, peers, { bfd: deed.bfd });
    case "set-md5":
      if (deed.key !== undefined && isKeyTooLong(deed.key, config.knobs.md5KeyMax)) {
        const text = `the key is longer than ${config.knobs.md5KeyMax} octets`;
        return { code: "InvalidBgpAuthkey.Malformed", text };
      }
      return change(ground, vbr, peers, { md5Key: deed.key });
    case "set-route-quota":
      return change(ground, vbr, peers, { routeQuota: deed.routes });
  }
}

/** Names of the peers a deed is about: of one, of one group, or all. */
function peersMeant(vbr: VbrConfig, deed: SessionDeed): string[] | DeedFault {
  const all = groupedPeers(vbr);
  if ("group" in deed && deed.group !== undefined) {
    const found = all.filter(({ group }) => group.name === deed.group);
    if (found.length > 0) return found.map(({ peer }) => peer.name);
    return { code: "InvalidBgpGroup", text: `${vbr.name} has no BGP group "${deed.group}"` };
  }
  const wanted = "peer" in deed ? deed.peer : undefined;
  const found = all.filter(({ peer }) => wanted === undefined || peer.name === wanted);
  if (found.length > 0) return found.map(({ peer }) => peer.name);
  return { code: "InvalidBgpPeer.NotFound", text: `${vbr.name} has no BGP peer "${wanted}"` };
}

function change(
  ground: DeedGround,
  { name }: VbrConfig,
  peers: readonly string[],
  to: Partial<PeerState>,
): undefined {
  for (const peer of peers) Object.assign(ground.state.peer(name, peer), to);
  ground.reload(name);
}

function bfdFault({ bfd }: DeedOf<"set-bfd">): DeedFault | undefined {
  if (bfd === undefined) return undefined;
  const { txIntervalUs, rxIntervalUs, multiplier, hops } = bfd;
  const isInterval = (us: number) => us >= 200_000 && us <= 1_000_000;
  const bad = (name: string, text: string) => ({ code: `IllegalParam.${name}`, text });
  if (!isInterval(txIntervalUs)) return bad("MinTxInterval", "it is 200 ms to 1 s");
  if (!isInterval(rxIntervalUs)) return bad("MinRxInterval", "it is 200 ms to 1 s");
  if (multiplier < 3 || multiplier > 10) return bad("DetectMultiplier", "it is 3 to 10");
  return hops < 1 || hops > 255 ? bad("BfdMultiHop", "it is 1 to 255") : undefined;
}

function changePrefix(
  ground: DeedGround,
  { do: what, prefix }: DeedOf<"announce"> | DeedOf<"withdraw">,
): DeedFault | undefined {
  if (parsePrefix(prefix) === undefined) return malformed(prefix);
  const { config, state } = ground;
  if (what === "announce") announcePrefix(config, state, prefix);
  else withdrawPrefix(state, prefix);
  for (const name of tellersOf(config, prefix)) ground.reload(name);
  return undefined;
}

function changeCustomRoute(
  ground: DeedGround,
  { vpc: name, prefix, nextHop: type }: DeedOf<"custom-route">,
): DeedFault | undefined {
  const { config, state, tables } = ground;
  const vpc = config.vpcs.find((one) => one.name === name);
  if (vpc === undefined) return missing(`there is no VPC "${name}"`);
  if (parsePrefix(prefix) === undefined) return malformed(prefix);
  const { routes } = state.vpc(name);
  const others = routes.filter((route) => route.prefix !== prefix);
  const nextHop = type && wayOf(type);
  if (nextHop === "peering") {
    const text = "a running VPC takes no new route into peering connections";
    return { code: "Causeway.NotModelled", text };
  }
  if (type === undefined || nextHop === undefined) {
    state.vpc(name).routes = others;
  } else {
    const known = routes.find((route) => route.prefix === prefix);
    const fault =
      known === undefined ? customRouteFault(ground, { vpc: name, prefix, type }) : undefined;
    if (fault !== undefined) return fault;
    const isPublished = known?.isPublished ?? false;
    const hops = known?.hops ?? [];
    state.vpc(name).routes = [...others, { prefix, type, nextHop, hops, isPublished }];
  }
  const to = nextHop && customFieldRoute(ground.network, { vpc: name, prefix, nextHop });
  tables.set(name, prefix, to);
  ground.reload(name);
  // Which VPC comes first with a prefix may have changed.
  reloadTables(ground);
  return undefined;
}

function customRouteFault(
  { config, state, agent }: DeedGround,
  { vpc, prefix, type }: { vpc: string; prefix: string; type: NextHopType },
): DeedFault | undefined {
  const limit = config.quotas.customRoutesPerVpcTable;
  if (state.vpc(vpc).routes.length >= limit) {
    return { code: "QuotaExceeded", text: `${vpc} has ${limit} custom routes already` };
  }
  const table = config.vpcs.find(({ name }) => name === vpc);
  const systems = [...(table?.vswitches ?? []), ...(table?.siblings ?? [])];
  const isSystem = systems.some(({ cidr }) => cidr === prefix) || prefix === "100.64.0.0/10";
  if (isSystem) {
    return { code: "InvalidCIDRBlock.Duplicate", text: `${prefix} is a system route` };
  }
  if (isServiceRoute(prefix) && config.knobs.serviceRangeRoutes === "refused") {
    const text = `${prefix} is inside of 100.64.0.0/10`;
    return { code: "InvalidDestCidrBlock.Malformed", text };
  }
  const dynamic = dynamicRoutes(agent(vpc)).find((row) => row.prefix === prefix);
  if (dynamic === undefined || dynamic.rejectedBy !== undefined) return undefined;
  // Of a transit router's route the vendor says that it is withdrawn then; of the ECR's it is not.
  const isByTransitRouter = config.transitRouters.some(
    ({ name }) => name === config.vpcs.find((one) => one.name === vpc)?.attachment,
  );
  if (type === "vpn-gateway" && isByTransitRouter) return undefined;
  const text = `${prefix} is a dynamic route of ${vpc} now`;
  return { code: "RouteConflict.AlreadyExist", text };
}

function switchPeering(
  ground: DeedGround,
  { peering, isActive }: DeedOf<"peering">,
): DeedFault | undefined {
  if (!ground.config.peerings.some(({ name }) => name === peering)) {
    return { code: "InvalidRouterInterfaceId.NotFound", text: `there is no peering "${peering}"` };
  }
  const state = ground.state.peering(peering);
  if (state.isActive === isActive) {
    const text = `${peering} is ${isActive ? "Active" : "Inactive"} already`;
    return { code: "IncorrectRIStatus", text };
  }
  state.isActive = isActive;
  ground.peeringChanged(peering);
  return undefined;
}

function switchRouteMap(
  ground: DeedGround,
  { transitRouter, direction, priority, isOn }: DeedOf<"route-map">,
): DeedFault | undefined {
  const tr = ground.config.transitRouters.find(({ name }) => name === transitRouter);
  const map = tr?.routeMaps.find((one) => one.direction === direction && one.priority === priority);
  if (map === undefined) {
    return missing(`${transitRouter} has no route map ${priority} of direction ${direction}`);
  }
  const key = `${transitRouter}/${direction}/${priority}`;
  return ground.changes.start(`route-map ${key}`, "IncorrectStatus.RouteMap", () => {
    turn(ground.state.mapsOff, key, !isOn);
    reloadTables(ground);
  });
}

type LinkDeed = Extract<CloudDeed, { readonly do: "association" | "propagation" }>;

function switchLink(
  ground: DeedGround,
  { do: what, transitRouter, attachment, isOn }: LinkDeed,
): DeedFault | undefined {
  const tr = ground.config.transitRouters.find(({ name }) => name === transitRouter);
  const found = tr?.attachments.find(({ name }) => name === attachment);
  if (found === undefined) return missing(`${transitRouter} has no attachment "${attachment}"`);
  const key = `${what} ${transitRouter}/${attachment}`;
  return ground.changes.start(key, "IncorrectStatus.AttachmentOrRouteTable", () => {
    turn(ground.state.linksOff, key, !isOn);
    reloadTables(ground);
  });
}

type EndpointDeed = Extract<CloudDeed, { readonly do: "endpoint" | "endpoint-zone" }>;

function changeEndpoint(ground: DeedGround, deed: EndpointDeed): DeedFault | undefined {
  const { config, state, tables } = ground;
  const found = config.endpoints.find(({ name }) => name === deed.endpoint);
  if (found === undefined) {
    return { code: "EndpointNotFound", text: `there is no endpoint "${deed.endpoint}"` };
  }
  if (deed.do === "endpoint") state.endpoint(found.name).connection = deed.connection;
  else if (found.zones.some(({ zone }) => zone === deed.zone)) {
    turn(state.endpoint(found.name).zonesDown, deed.zone, !deed.isUp);
  } else {
    const text = `${found.name} is not in zone "${deed.zone}"`;
    return { code: "EndpointZoneNotFound", text };
  }
  applyEndpoint(config, state, tables, found);
  return undefined;
}

type EcrDeed = Extract<CloudDeed, { readonly do: "ecr-route" | "allowed-prefixes" | "cdt" }>;

function changeEcr(ground: DeedGround, deed: EcrDeed): DeedFault | undefined {
  const { config, state, network } = ground;
  switch (deed.do) {
    case "ecr-route": {
      const isKnown = [...config.vbrs, ...config.vpcs, ...config.transitRouters].some(
        ({ name }) => name === deed.nextHop,
      );
      if (!isKnown) return missing(`there is no "${deed.nextHop}" on the ECR`);
      if (parsePrefix(deed.prefix) === undefined) return malformed(deed.prefix);
      turn(state.ecrRoutesOff, `${deed.prefix} ${deed.nextHop}`, !deed.isOn);
      break;
    }
    case "allowed-prefixes": {
      if (!state.allowed.has(deed.association)) {
        return missing(`there is no "${deed.association}" associated with the ECR`);
      }
      const bad = deed.allowed.prefixes.find((text) => parsePrefix(text) === undefined);
      if (bad !== undefined) return malformed(bad);
      state.allowed.set(deed.association, deed.allowed);
      break;
    }
    case "cdt": {
      if (!config.regions.some(({ name }) => name === deed.region)) {
        return missing(`there is no region "${deed.region}"`);
      }
      turn(state.cdtClosed, deed.region, !deed.isOpen);
      for (const { name } of network.nodes) ground.reload(name);
      return undefined;
    }
  }
  for (const { name, kind } of network.nodes) if (kind === "ecr") ground.reload(name);
  return undefined;
}

/** Of the ECR too: it takes from a transit router what that tells it. */
function reloadTables({ network, reload }: DeedGround): void {
  for (const { name, kind } of network.nodes) if (isHub(kind)) reload(name);
}

const missing = (text: string): DeedFault => ({ code: "Causeway.NotFound", text });
const malformed = (prefix: string): DeedFault => {
  return { code: "InvalidCIDRBlock.Malformed", text: `${prefix} is no prefix` };
};
