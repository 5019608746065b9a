/**
 * Next hop types of a VPC's custom routes, as `CreateRouteEntry` has them, and what each means to
 * packets of a private line: something in the VPC answers, they go to the hub, into a peering
 * connection, or nowhere.
 */
export type Way = "instance" | "hub" | "peering" | "blackhole";

interface NextHopKind {
  readonly way: Way;
  /** `PublishVpcRouteEntries` takes routes with it. */
  readonly isPublishable: boolean;
}

const inVpc = (isPublishable: boolean): NextHopKind => ({ way: "instance", isPublishable });

/** `instance`, `hub`, `peering` and `blackhole` are short for what is not told apart. */
export const NEXT_HOPS = {
  instance: inVpc(true),
  "network-interface": inVpc(true),
  "ha-vip": inVpc(true),
  "nat-gateway": inVpc(true),
  "vpn-gateway": inVpc(true),
  "ipv4-gateway": inVpc(true),
  "ipv6-gateway": inVpc(true),
  "gwlb-endpoint": inVpc(true),
  "gateway-endpoint": inVpc(false),
  "route-target-group": inVpc(false),
  "vpc-peer": inVpc(false),
  attachment: { way: "hub", isPublishable: false },
  ecr: { way: "hub", isPublishable: false },
  hub: { way: "hub", isPublishable: false },
  "router-interface": { way: "peering", isPublishable: false },
  peering: { way: "peering", isPublishable: false },
  blackhole: { way: "blackhole", isPublishable: true },
} as const satisfies Readonly<Record<string, NextHopKind>>;

export type NextHopType = keyof typeof NEXT_HOPS;

export const NEXT_HOP_TYPES = Object.keys(NEXT_HOPS) as readonly NextHopType[];

export const wayOf = (type: NextHopType): Way => NEXT_HOPS[type].way;
