import type { PrefixMode } from "./ecr-associations.ts";
import type { NextHopType, Way } from "./next-hops.ts";
import type { PeeringHop } from "./peering-config.ts";

/** A VPC with its vSwitches and the one route table that is modelled. */
export interface VpcConfig {
  readonly name: string;
  readonly region: string;
  /** Each with its IPv4 network, and again with its IPv6 network where it has one. */
  readonly vswitches: readonly VSwitchConfig[];
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
