import type { PrefixMode } from "./ecr-associations.ts";

/**
 * An Enterprise transit router of one region: route tables, what is attached to it, and the
 * routing policies (CEN route maps) between the two.
 */
export interface TransitRouterConfig {
  readonly name: string;
  readonly region: string;
  /** The first is the default table. */
  readonly tables: readonly string[];
  readonly attachments: readonly AttachmentConfig[];
  readonly routes: readonly TrStaticRoute[];
  readonly aggregates: readonly TrAggregate[];
  readonly routeMaps: readonly RouteMapConfig[];
  /** `MultiRegionECMP`: the last step of the selection, region by name, is left out. */
  readonly isMultiRegionEcmp: boolean;
}

/** What stands at the other end. */
export type AttachmentKind = "ecr" | "vbr" | "vpc" | "vpn" | "tr";

export interface AttachmentConfig {
  readonly name: string;
  readonly kind: AttachmentKind;
  /** The VBR, VPC, VPN or transit router; the ECR has one name only. */
  readonly to: string;
  /** The one table its traffic is looked up in. */
  readonly association: string | undefined;
  /** Tables its routes are put into. */
  readonly propagations: readonly string[];
  /** `AutoPublishRouteEnabled`: routes of the associated table are told to the instance. */
  readonly isAdvertised: boolean;
  /** `AllowedPrefixes` of the router's association with the ECR: told in place of its routes. */
  readonly prefixes: readonly string[];
  readonly mode: PrefixMode;
}

export interface TrStaticRoute {
  readonly table: string;
  readonly prefix: string;
  /** An attachment, or `blackhole`. */
  readonly to: string;
}

/** `TransitRouteTableAggregation`: told in place of the routes it covers. */
export interface TrAggregate {
  readonly table: string;
  readonly prefix: string;
}

export interface RouteMapConfig {
  /** The route table it belongs to; routes of other tables do not meet it. */
  readonly table: string;
  /** 1–100, unique for its direction; the lower is asked first. */
  readonly priority: number;
  /** `in`: from an attachment into the router; `out`: from the router to an attachment. */
  readonly direction: "in" | "out";
  readonly isPermit: boolean;
  /** Asked next when this one permits; the next in order of its direction. */
  readonly nextPriority: number | undefined;
  readonly match: RouteMapMatch;
  readonly set: RouteMapSet;
}

export type CidrMatchMode = "include" | "complete";

/** `system`: vSwitches and the like; `custom`: entered by hand; `bgp`: learnt of a customer. */
export type RouteType = "system" | "custom" | "bgp";

/** What a route says itself. */
export interface PlainMatch {
  readonly prefixes: readonly string[] | undefined;
  readonly prefixMode: CidrMatchMode;
  readonly asns: readonly number[] | undefined;
  readonly asnMode: CidrMatchMode;
  readonly communities: readonly string[] | undefined;
  readonly communityMode: CidrMatchMode;
  readonly addressFamily: "ipv4" | "ipv6" | undefined;
}

/** Everything given must hold; nothing given matches every route. */
export interface RouteMapMatch extends PlainMatch {
  /** Attachments the route came into the CEN by: of this router, else of another. */
  readonly sources: readonly string[] | undefined;
  /** `SourceInstanceIdsReverseMatch`: all but these. */
  readonly isSourcesReversed: boolean;
  /** Attachments of this router it leaves by; as all destinations, of `out` maps only. */
  readonly destinations: readonly string[] | undefined;
  readonly isDestinationsReversed: boolean;
  readonly sourceKinds: readonly AttachmentKind[] | undefined;
  readonly destinationKinds: readonly AttachmentKind[] | undefined;
  readonly sourceRegions: readonly string[] | undefined;
  readonly destinationRegions: readonly string[] | undefined;
  /** Route tables of instances: of a VPC, a VBR, a VPN, by their names. */
  readonly sourceTables: readonly string[] | undefined;
  readonly destinationTables: readonly string[] | undefined;
  readonly routeTypes: readonly RouteType[] | undefined;
}

export interface RouteMapSet {
  /** 1–100, 50 by default; the lower is preferred. */
  readonly preference: number | undefined;
  readonly communities: readonly string[] | undefined;
  readonly communityMode: "additive" | "replace";
  /** ASes put in front of the path, the first of them outermost. */
  readonly prepend: readonly number[] | undefined;
}
