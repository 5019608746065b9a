import type { PrefixMode } from "./ecr-associations.ts";
import type { NextHopType, Way } from "./next-hops.ts";
import type { PeeringHop } from "./peering-config.ts";

/** One route table of a VPC with the vSwitches associated to it: a node of the cloud's. */
export interface VpcConfig {
  /** The VPC's for its system table; a custom table's follows it, as in `vpc-a-TABLE`. */
  readonly name: string;
  readonly vpc: string;
  readonly isCustomTable: boolean;
  readonly region: string;
  /** Each with its IPv4 network, and again with its IPv6 network where it has one. */
  readonly vswitches: readonly VSwitchConfig[];
  /** The VPC's other vSwitches: system routes of this table too. */
  readonly siblings: readonly SiblingConfig[];
  /** `RoutePropagationEnable`: it takes dynamic routes. */
  readonly isPropagated: boolean;
  /**
   * What its table learns routes from: the transit router it is attached to, else the ECR; nothing
   * (undefined) where it has peering connections only.
   */
  readonly attachment: string | undefined;
  readonly routes: readonly CustomRouteConfig[];
  /** `AllowedPrefixes` of its association: what the customer is told in place of its vSwitches. */
  readonly allowedPrefixes: readonly string[];
  readonly prefixMode: PrefixMode;
}

export interface VSwitchConfig {
  readonly name: string;
  readonly cidr: string;
}

export interface SiblingConfig {
  readonly cidr: string;
  /** The table it is associated to. */
  readonly node: string;
}

/** The nodes of a VPC, its system table first. */
export const tablesOfVpc = (
  { vpcs }: { readonly vpcs: readonly VpcConfig[] },
  vpc: string,
): readonly VpcConfig[] => vpcs.filter((one) => one.vpc === vpc);

/** What a VPC tells its hub: its vSwitches, and what is published of its custom routes. */
export function toldByVpc(
  vpc: VpcConfig,
  routes: readonly CustomRouteConfig[] = vpc.routes,
): readonly string[] {
  const published = routes.filter(({ isPublished }) => isPublished);
  return [...vpc.vswitches.map(({ cidr }) => cidr), ...published.map(({ prefix }) => prefix)];
}

export interface CustomRouteConfig {
  readonly prefix: string;
  /** As the vendor names it, and what becomes of packets. */
  readonly type: NextHopType;
  readonly nextHop: Way;
  /** Of a route into peering connections: they share the traffic, or one stands by. */
  readonly hops: readonly PeeringHop[];
  /** `PublishVpcRouteEntries`: told to the hub, as system routes always are. */
  readonly isPublished: boolean;
}
