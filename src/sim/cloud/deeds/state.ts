/** What deeds and machines changed of a running cloud, beside the file it was built from. */
import type { NeighborConfig } from "../../../agent/config/edge-config.ts";
import { type BfdTimers, type GroupedPeer, groupedPeers } from "../config/bgp-config.ts";
import type { CloudConfig, VbrConfig } from "../config/cloud-config.ts";
import { type AllowedPrefixes, ecrAssociations } from "../config/ecr-associations.ts";
import type { CustomRouteConfig, VpcConfig } from "../config/vpc-config.ts";
import type { VpnConfig } from "../config/vpn-config.ts";
import type { EndpointState } from "../tables/endpoints.ts";

export interface VbrState {
  /** The health check says that this circuit carries nothing, whatever BGP and BFD say. */
  isHealthFailed: boolean;
  /** By name. */
  readonly peers: ReadonlyMap<string, PeerState>;
}

export interface PeerState {
  bfd: BfdTimers | undefined;
  md5Key: string | undefined;
  routeQuota: number;
  isSessionDisabled: boolean;
  /** Taken down by a failover-test job. */
  isTested: boolean;
  /** Routes of the customer beyond the quota, where not simply the first ones are kept. */
  overQuota: readonly string[];
  /** What a lab does to the session on top of all that. */
  change: ((session: NeighborConfig) => NeighborConfig) | undefined;
}

export interface VpcState {
  routes: readonly CustomRouteConfig[];
  /** Dynamic routes beyond the quota: received, and inactive. */
  overQuota: readonly string[];
  /** Custom routes none of whose interfaces is left, where such a route is out of the table. */
  failedRoutes: readonly string[];
}

/** Of one tunnel. */
export interface VpnState {
  /** Dead peer detection gave it up; IKE has not brought it back. */
  isDown: boolean;
  isHealthFailed: boolean;
  /** The other tunnel carries the traffic. */
  isStandby: boolean;
}

export interface PeeringState {
  /** Activated; a deactivated router interface carries nothing. */
  isActive: boolean;
  isHealthFailed: boolean;
}

export class CloudState {
  /** What the ECR tells of its own, plus what stands in no file; see `told.ts`. */
  readonly prefixes: Set<string>;
  /** Told by nobody, whatever the file says. */
  readonly withdrawn = new Set<string>();
  readonly #vbrs: ReadonlyMap<string, VbrState>;
  readonly #vpcs: ReadonlyMap<string, VpcState>;
  readonly #vpns: ReadonlyMap<string, VpnState>;
  readonly #endpoints: ReadonlyMap<string, EndpointState>;
  readonly #peerings: ReadonlyMap<string, PeeringState>;
  readonly #statics = new Map<string, Set<string>>();
  readonly #aggregates = new Map<string, Set<string>>();
  /** Route maps out of force, as `transit-router/direction/priority`. */
  readonly mapsOff = new Set<string>();
  /** Associations and propagations switched off, as `association transit-router/attachment`. */
  readonly linksOff = new Set<string>();
  /** Routes of the ECR switched off, as `prefix next-hop-instance`. */
  readonly ecrRoutesOff = new Set<string>();
  /** Allowed prefixes of the ECR's associations, by VPC or transit router. */
  readonly allowed: Map<string, AllowedPrefixes>;
  /** Regions whose Cloud Data Transfer is closed now. */
  readonly cdtClosed = new Set<string>();
  /** What is being changed and has not taken effect yet; see `changes.ts`. */
  readonly changing = new Set<string>();

  constructor(config: CloudConfig) {
    this.prefixes = new Set(config.ecr?.prefixes);
    this.allowed = new Map(ecrAssociations(config).map(({ name, allowed }) => [name, allowed]));
    this.#vbrs = new Map(config.vbrs.map((vbr) => [vbr.name, vbrState(vbr)]));
    this.#vpcs = new Map(config.vpcs.map((vpc) => [vpc.name, vpcState(vpc)]));
    this.#endpoints = new Map(
      config.endpoints.map(({ name, connection }) => {
        return [name, { connection, zonesDown: new Set<string>() }];
      }),
    );
    this.#vpns = new Map(
      config.vpns.map(({ name }) => {
        return [name, { isDown: false, isHealthFailed: false, isStandby: false }];
      }),
    );
    this.#peerings = new Map(
      config.peerings.map(({ name }) => [name, { isActive: true, isHealthFailed: false }]),
    );
  }

  vbr(name: string): VbrState {
    return known(this.#vbrs, name, "VBR");
  }

  peer(vbr: string, name: string): PeerState {
    return known(this.vbr(vbr).peers, name, `peer of ${vbr}`);
  }

  /** Static routes in force at a node, by prefix. */
  staticsOf(node: string): Set<string> {
    return setOf(this.#statics, node);
  }

  /** Aggregates in force at a node. */
  aggregatesOf(node: string): Set<string> {
    return setOf(this.#aggregates, node);
  }

  endpoint(name: string): EndpointState {
    return known(this.#endpoints, name, "endpoint");
  }

  vpn(name: string): VpnState {
    return known(this.#vpns, name, "VPN tunnel");
  }

  peering(name: string): PeeringState {
    return known(this.#peerings, name, "peering connection");
  }

  vpc(name: string): VpcState {
    return known(this.#vpcs, name, "VPC");
  }
}

/** A failed health check takes the tunnel's routes from the transit router. */
export const isRevoked = ({ healthCheck }: VpnConfig, { isHealthFailed }: VpnState): boolean =>
  isHealthFailed && healthCheck?.policy === "revoke";

/** Puts an item into a set of what is in force, or takes it out. */
export function turn(set: Set<string>, item: string, isIn: boolean): void {
  if (isIn) set.add(item);
  else set.delete(item);
}

function setOf(sets: Map<string, Set<string>>, key: string): Set<string> {
  const known = sets.get(key) ?? new Set<string>();
  sets.set(key, known);
  return known;
}

function known<Item>(items: ReadonlyMap<string, Item>, name: string, kind: string): Item {
  const found = items.get(name);
  if (found === undefined) throw new RangeError(`no ${kind} "${name}" in this cloud`);
  return found;
}

const vbrState = (vbr: VbrConfig): VbrState => ({
  isHealthFailed: false,
  peers: new Map(groupedPeers(vbr).map((one) => [one.peer.name, peerState(one)])),
});

const peerState = ({ group, peer }: GroupedPeer): PeerState => ({
  ...{ bfd: peer.bfd, md5Key: group.md5Key, routeQuota: group.routeQuota },
  isSessionDisabled: false,
  isTested: false,
  overQuota: [],
  change: undefined,
});

const vpcState = ({ routes }: VpcConfig): VpcState => ({
  routes,
  overQuota: [],
  failedRoutes: [],
});
