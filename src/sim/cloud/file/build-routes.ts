/** VPCs, transit routers and route maps of the cloud's file, as what the cloud is built of. */

import { wayOf } from "../config/next-hops.ts";
import type {
  AttachmentConfig,
  PlainMatch,
  RouteMapConfig,
  TransitRouterConfig,
} from "../config/tr-config.ts";
import type { CustomRouteConfig, VpcConfig } from "../config/vpc-config.ts";
import type { EcrRouteMap } from "../routers/ecr-route-maps.ts";
import type { EndpointConfig } from "../tables/endpoints.ts";
import { DEFAULTS } from "./defaults.ts";
import { hubOfVpc } from "./hubs.ts";
import type { CloudFile } from "./schema.ts";
import type {
  EcrRouteMapFile,
  EndpointFile,
  RouteMapFile,
  TransitRouterFile,
  VpcFile,
  VpcRouteFile,
} from "./schema-routes.ts";

/** A node for each route table. */
export function toVpc(source: CloudFile, vpc: VpcFile, home: string): VpcConfig[] {
  const { tables = [] } = vpc;
  const nodeOf = (vswitch: string): string => {
    const table = tables.find(({ vswitches }) => vswitches.includes(vswitch));
    return table === undefined ? vpc.name : vpcTableName(vpc.name, table.name);
  };
  const all = vpc.vswitches.flatMap(({ name, cidr, ipv6 }) => [
    { name, cidr },
    ...(ipv6 === undefined ? [] : [{ name, cidr: ipv6 }]),
  ]);
  const table = (name: string, isPropagated: boolean, routes: VpcFile["routes"]): VpcConfig => ({
    ...{ name, vpc: vpc.name, isCustomTable: name !== vpc.name, isPropagated },
    region: vpc.region ?? home,
    vswitches: all.filter((one) => nodeOf(one.name) === name),
    siblings: all
      .filter((one) => nodeOf(one.name) !== name)
      .map((one) => ({ cidr: one.cidr, node: nodeOf(one.name) })),
    attachment: hubOfVpc(source, vpc.name),
    routes: (routes ?? []).map(toCustomRoute),
    allowedPrefixes: vpc.allowedPrefixes ?? [],
    prefixMode: vpc.prefixMode ?? "match",
  });
  return [
    table(vpc.name, true, vpc.routes),
    ...tables.map(({ name, propagation = true, routes }) =>
      table(vpcTableName(vpc.name, name), propagation, routes),
    ),
  ];
}

export const vpcTableName = (vpc: string, table: string): string => `${vpc}-${table}`;

function toCustomRoute({ prefix, nextHop, publish, via = [] }: VpcRouteFile): CustomRouteConfig {
  const hops = via.map(({ peering, weight }) => {
    return { peering, weight: weight ?? DEFAULTS.peeringWeight };
  });
  const way = wayOf(nextHop);
  return { prefix, type: nextHop, nextHop: way, hops, isPublished: publish ?? false };
}

export function toEndpoint({ name, vpc, service, ...one }: EndpointFile): EndpointConfig {
  const { address, zones, connection } = one;
  const single = address === undefined ? [] : [{ zone: "zone-1", address }];
  return { name, vpc, service, zones: zones ?? single, connection: connection ?? "Connected" };
}

/** Where nothing is said attachments are as the console makes them: default table, all three on. */
export function toTransitRouter(
  source: CloudFile,
  tr: TransitRouterFile,
  home: string,
): TransitRouterConfig {
  const tables = tr.tables ?? ["default"];
  const first = tables[0] ?? "default";
  return {
    name: tr.name,
    region: tr.region ?? home,
    tables,
    attachments: tr.attachments.map((one): AttachmentConfig => {
      return {
        name: one.name,
        kind: one.kind,
        to: one.kind === "ecr" ? (source.ecr?.name ?? "") : (one.to ?? ""),
        association: one.association === "none" ? undefined : (one.association ?? first),
        propagations: one.propagations ?? [first],
        isAdvertised: one.advertise ?? true,
        prefixes: one.allowedPrefixes ?? [],
        mode: one.prefixMode ?? "match",
      };
    }),
    routes: (tr.routes ?? []).map(({ table, prefix, to }) => {
      return { table: table ?? first, prefix, to };
    }),
    aggregates: (tr.aggregates ?? []).map(({ table, prefix }) => {
      return { table: table ?? first, prefix };
    }),
    routeMaps: (tr.routeMaps ?? [])
      .map((map) => toRouteMap(map, first))
      .sort((a, b) => a.priority - b.priority),
    isMultiRegionEcmp: tr.multiRegionEcmp ?? false,
  };
}

const toPlainMatch = (match: NonNullable<EcrRouteMapFile["match"]>): PlainMatch => ({
  prefixes: match.prefixes,
  prefixMode: match.prefixMode ?? "include",
  asns: match.asns,
  asnMode: match.asnMode ?? "include",
  communities: match.communities,
  communityMode: match.communityMode ?? "include",
  addressFamily: match.family,
});

const toSet = (set: NonNullable<EcrRouteMapFile["set"]>) => ({
  communities: set.communities,
  communityMode: set.communityMode ?? ("additive" as const),
  prepend: set.prepend,
});

export function toEcrRouteMap({ match = {}, set = {}, ...map }: EcrRouteMapFile): EcrRouteMap {
  return {
    priority: map.priority,
    direction: map.direction,
    isPermit: map.result === "permit",
    instances: match.instances,
    match: toPlainMatch(match),
    set: { ...toSet(set), preference: undefined },
  };
}

function toRouteMap(
  { match = {}, set = {}, ...map }: RouteMapFile,
  defaultTable: string,
): RouteMapConfig {
  return {
    table: map.table ?? defaultTable,
    priority: map.priority,
    direction: map.direction,
    isPermit: map.result === "permit",
    nextPriority: map.nextPriority,
    match: {
      sources: match.sources,
      destinations: match.destinations,
      sourceKinds: match.sourceKinds,
      destinationKinds: match.destinationKinds,
      isSourcesReversed: match.sourcesReverse ?? false,
      isDestinationsReversed: match.destinationsReverse ?? false,
      sourceRegions: match.sourceRegions,
      destinationRegions: match.destinationRegions,
      sourceTables: match.sourceTables,
      destinationTables: match.destinationTables,
      routeTypes: match.routeTypes,
      ...toPlainMatch(match),
    },
    set: {
      preference: set.preference,
      ...toSet(set),
    },
  };
}
