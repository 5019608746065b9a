/** The cloud file's transit routers and VPCs: tables, attachments, route maps, custom routes. */
import { type Static, Type } from "@sinclair/typebox";
import { AsNumber, closed, Ipv4, Name, oneOf, Prefix } from "../../shapes.ts";
import { NEXT_HOP_TYPES } from "../config/next-hops.ts";

/** As many as the vendor's lists take in one condition. */
const LIST_MAX = 32;

const names = Type.Optional(Type.Array(Name, { minItems: 1, maxItems: LIST_MAX }));
const kinds = Type.Optional(
  Type.Array(oneOf("ecr", "vbr", "vpc", "vpn", "tr"), { minItems: 1, maxItems: LIST_MAX }),
);
const mode = Type.Optional(oneOf("include", "complete"));
const Communities = Type.Array(
  Type.String({ format: "community", description: "a community, as 64512:100" }),
  { minItems: 1, maxItems: LIST_MAX },
);
const Priority = Type.Integer({ minimum: 1, maximum: 100, description: "1 to 100" });

const Weight = Type.Optional(Type.Integer({ minimum: 0, maximum: 255, description: "0 to 255" }));

/** What a route says itself. */
const plainMatch = {
  prefixes: Type.Optional(Type.Array(Prefix, { minItems: 1, maxItems: LIST_MAX })),
  prefixMode: mode,
  asns: Type.Optional(Type.Array(AsNumber, { minItems: 1, maxItems: LIST_MAX })),
  asnMode: mode,
  communities: Type.Optional(Communities),
  communityMode: mode,
  family: Type.Optional(oneOf("ipv4", "ipv6")),
} as const;

const setRoute = {
  communities: Type.Optional(Communities),
  communityMode: Type.Optional(oneOf("additive", "replace")),
  prepend: Type.Optional(Type.Array(AsNumber, { minItems: 1, maxItems: LIST_MAX })),
} as const;

/** A rule of the ECR's route policies. */
export const EcrRouteMapSchema = Type.Object(
  {
    priority: Priority,
    direction: oneOf("in", "out"),
    result: oneOf("permit", "deny"),
    match: Type.Optional(Type.Object({ instances: names, ...plainMatch }, closed)),
    set: Type.Optional(Type.Object(setRoute, closed)),
  },
  closed,
);
export type EcrRouteMapFile = Static<typeof EcrRouteMapSchema>;

const RouteMap = Type.Object(
  {
    priority: Priority,
    direction: oneOf("in", "out"),
    result: oneOf("permit", "deny"),
    nextPriority: Type.Optional(Priority),
    table: Type.Optional(Name),
    match: Type.Optional(
      Type.Object(
        {
          sources: names,
          destinations: names,
          sourceKinds: kinds,
          destinationKinds: kinds,
          sourcesReverse: Type.Optional(Type.Boolean()),
          destinationsReverse: Type.Optional(Type.Boolean()),
          sourceRegions: names,
          destinationRegions: names,
          sourceTables: names,
          destinationTables: names,
          routeTypes: Type.Optional(
            Type.Array(oneOf("system", "custom", "bgp"), { minItems: 1, maxItems: 3 }),
          ),
          ...plainMatch,
        },
        closed,
      ),
    ),
    set: Type.Optional(
      Type.Object(
        {
          preference: Type.Optional(Priority),
          ...setRoute,
        },
        closed,
      ),
    ),
  },
  closed,
);

/** What the ECR tells customers of a VPC or a transit router. */
const allowed = {
  allowedPrefixes: Type.Optional(Type.Array(Prefix, { maxItems: 1000 })),
  prefixMode: Type.Optional(oneOf("match", "incremental")),
} as const;

const Attachment = Type.Object(
  {
    name: Name,
    kind: oneOf("ecr", "vbr", "vpc", "vpn", "tr"),
    to: Type.Optional(Name),
    association: Type.Optional(Name),
    propagations: Type.Optional(Type.Array(Name, { maxItems: LIST_MAX })),
    advertise: Type.Optional(Type.Boolean()),
    ...allowed,
  },
  closed,
);

export const TransitRouterSchema = Type.Object(
  {
    name: Name,
    region: Type.Optional(Name),
    tables: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 20 })),
    attachments: Type.Array(Attachment, { maxItems: 100 }),
    routes: Type.Optional(
      Type.Array(Type.Object({ table: Type.Optional(Name), prefix: Prefix, to: Name }, closed), {
        maxItems: 1000,
      }),
    ),
    aggregates: Type.Optional(
      Type.Array(Type.Object({ table: Type.Optional(Name), prefix: Prefix }, closed), {
        maxItems: 1000,
      }),
    ),
    routeMaps: Type.Optional(Type.Array(RouteMap, { maxItems: 200 })),
    multiRegionEcmp: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type TransitRouterFile = Static<typeof TransitRouterSchema>;
export type RouteMapFile = Static<typeof RouteMap>;

const VpcRoutes = Type.Optional(
  Type.Array(
    Type.Object(
      {
        prefix: Prefix,
        nextHop: oneOf(...NEXT_HOP_TYPES),
        via: Type.Optional(
          Type.Array(Type.Object({ peering: Name, weight: Weight }, closed), {
            minItems: 1,
            maxItems: 16,
            description: "1 to 16 peering connections",
          }),
        ),
        publish: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
    { maxItems: 1000 },
  ),
);

export const VpcSchema = Type.Object(
  {
    name: Name,
    region: Type.Optional(Name),
    ipv6: Type.Optional(Prefix),
    vswitches: Type.Array(
      Type.Object({ name: Name, cidr: Prefix, ipv6: Type.Optional(Prefix) }, closed),
      { minItems: 1, maxItems: 1000, description: "one vSwitch or more" },
    ),
    routes: VpcRoutes,
    tables: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Name,
            vswitches: Type.Array(Name, { maxItems: 1000 }),
            propagation: Type.Optional(Type.Boolean()),
            routes: VpcRoutes,
          },
          closed,
        ),
        { maxItems: 100 },
      ),
    ),
    ...allowed,
  },
  closed,
);
export type VpcFile = Static<typeof VpcSchema>;
export type VpcRouteFile = NonNullable<VpcFile["routes"]>[number];

export const EndpointSchema = Type.Object(
  {
    name: Name,
    vpc: Name,
    service: Type.Optional(Name),
    address: Type.Optional(Ipv4),
    zones: Type.Optional(
      Type.Array(Type.Object({ zone: Name, address: Ipv4 }, closed), {
        minItems: 1,
        maxItems: 10,
        description: "1 to 10 zones",
      }),
    ),
    connection: Type.Optional(
      oneOf(
        ...(["Pending", "Connecting", "Connected", "Disconnecting"] as const),
        ...(["Disconnected", "ServiceDeleted"] as const),
      ),
    ),
  },
  closed,
);
export type EndpointFile = Static<typeof EndpointSchema>;
