/**
 * Shape of a cloud's file: one truth for reading and for editors. What a shape cannot say (names
 * that must exist, quotas, addresses that must fit) is in the lints beside it.
 */
import { type Static, Type } from "@sinclair/typebox";
import {
  AsNumber,
  Bandwidth,
  closed,
  Duration,
  Ip,
  Ipv4,
  Ipv4Interface,
  Ipv6,
  Ipv6Interface,
  Name,
  oneOf,
  Port,
  Prefix,
} from "../../shapes.ts";
import { KnobsSchema, QuotasSchema } from "./schema-knobs.ts";
import {
  EcrRouteMapSchema,
  EndpointSchema,
  TransitRouterSchema,
  VpcSchema,
} from "./schema-routes.ts";

const RouteQuota = Type.Integer({ minimum: 1, maximum: 100_000 });
const Md5Key = Type.String({ minLength: 1, maxLength: 80, description: "a key of the lab" });
const Hops = Type.Integer({
  minimum: 1,
  maximum: 255,
  description: "1 to 255; 1 is single hop",
});

const Bfd = Type.Object(
  {
    tx: Type.Optional(Duration),
    rx: Type.Optional(Duration),
    multiplier: Type.Optional(
      Type.Integer({ minimum: 3, maximum: 10, description: "3 to 10, as the VBR allows" }),
    ),
    hops: Type.Optional(Hops),
  },
  closed,
);

const probe = {
  source: Ipv4,
  interval: Type.Optional(Duration),
  threshold: Type.Optional(
    Type.Integer({ minimum: 3, maximum: 8, description: "3 to 8 losses in a row" }),
  ),
} as const;

const HealthCheck = Type.Object({ ...probe, probeOnly: Type.Optional(Type.Boolean()) }, closed);

const BgpPeer = Type.Object(
  {
    name: Type.Optional(Name),
    address: Ip,
    bfd: Type.Optional(
      Type.Union([Type.Literal("off"), Type.Object({ hops: Type.Optional(Hops) }, closed)], {
        description: "off, or hops",
      }),
    ),
  },
  closed,
);

const BgpGroup = Type.Object(
  {
    name: Name,
    ipVersion: Type.Optional(oneOf("ipv4", "ipv6")),
    peerAs: AsNumber,
    fakeAs: Type.Optional(AsNumber),
    hold: Type.Optional(Duration),
    keepalive: Type.Optional(Duration),
    md5: Type.Optional(Md5Key),
    routeQuota: Type.Optional(RouteQuota),
    peers: Type.Array(BgpPeer, { maxItems: 100 }),
  },
  closed,
);

const Vbr = Type.Object(
  {
    name: Name,
    circuit: Name,
    connection: Type.Optional(Name),
    vlan: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 2999, description: "0 to 2999; 0 is the whole port" }),
    ),
    status: Type.Optional(oneOf("active", "unconfirmed", "terminated")),
    terminatedFor: Type.Optional(Duration),
    local: Ipv4Interface,
    peer: Ipv4,
    ipv6: Type.Optional(Type.Object({ local: Ipv6Interface, peer: Ipv6 }, closed)),
    groups: Type.Optional(Type.Array(BgpGroup, { maxItems: 100 })),
    peerAs: Type.Optional(AsNumber),
    fakeAs: Type.Optional(AsNumber),
    port: Type.Optional(Port),
    peerPort: Type.Optional(Port),
    device: Type.Optional(Name),
    mtu: Type.Optional(
      Type.Unsafe<1500 | 8500>({
        type: "integer",
        enum: [1500, 8500],
        description: "1500 or 8500",
      }),
    ),
    bandwidth: Type.Optional(Bandwidth),
    hold: Type.Optional(Duration),
    keepalive: Type.Optional(Duration),
    md5: Type.Optional(Md5Key),
    routeQuota: Type.Optional(RouteQuota),
    bfd: Type.Optional(
      Type.Union([Type.Literal("off"), Bfd], {
        description: "off, or tx, rx, multiplier and hops",
      }),
    ),
    healthCheck: Type.Optional(HealthCheck),
    sitelink: Type.Optional(Type.Boolean()),
    routes: Type.Optional(
      Type.Array(Type.Object({ prefix: Prefix, to: Name }, closed), { maxItems: 1000 }),
    ),
    networks: Type.Optional(Type.Array(Prefix, { maxItems: 1000 })),
  },
  closed,
);

const Region = Type.Object(
  { name: Name, cdt: Type.Optional(Type.Boolean()), latency: Type.Optional(Duration) },
  closed,
);

const AccessPoint = Type.Object({ name: Name, region: Type.Optional(Name) }, closed);

/** Without an interface speed there is no port. */
const PORT_TYPES = [
  ...["100Base-T", "1000Base-T", "1000Base-LX", "10GBase-T", "10GBase-LR", "40GBase-LR"],
  "100GBase-LR",
] as const;

const Feature = Type.Optional(oneOf("OK", "NOK"));

/** What the access device can do, by the vendor's keys. */
const Features = Type.Object(
  {
    CEN: Feature,
    MPBGP: Feature,
    BFD: Feature,
    DualStack: Feature,
    MSHA: Feature,
    MULTI_MS_HA: Feature,
  },
  closed,
);

const Connection = Type.Object(
  {
    name: Name,
    accessPoint: Name,
    accessDevice: Type.Optional(Name),
    portType: Type.Optional(oneOf(...PORT_TYPES)),
    bandwidth: Type.Optional(Bandwidth),
    downDelay: Type.Optional(Duration),
    status: Type.Optional(
      oneOf(
        ...(["Initial", "Approved", "Allocating", "Allocated", "Confirmed", "Enabled"] as const),
        ...(["Rejected", "Canceled", "Allocation Failed", "Terminating", "Terminated"] as const),
      ),
    ),
    businessStatus: Type.Optional(oneOf("Normal", "FinancialLocked", "SecurityLocked")),
    features: Type.Optional(Features),
  },
  closed,
);

const FailoverGroup = Type.Object(
  {
    name: Name,
    vbrs: Type.Array(Name, { minItems: 2, maxItems: 8, description: "two to eight VBRs" }),
  },
  closed,
);

const Vpn = Type.Object(
  {
    name: Name,
    circuit: Name,
    region: Type.Optional(Name),
    local: Ipv4Interface,
    peer: Ipv4,
    peerAs: AsNumber,
    hold: Type.Optional(Duration),
    keepalive: Type.Optional(Duration),
    latency: Type.Optional(Duration),
    bandwidth: Type.Optional(Bandwidth),
    second: Type.Optional(Type.Object({ circuit: Name, local: Ipv4Interface, peer: Ipv4 }, closed)),
    tunnelMode: Type.Optional(oneOf("ecmp", "active-standby")),
    mtu: Type.Optional(Type.Integer({ minimum: 576, maximum: 1500, description: "576 to 1500" })),
    dpd: Type.Optional(Type.Boolean()),
    lifetime: Type.Optional(Duration),
    healthCheck: Type.Optional(
      Type.Object(
        {
          target: Type.Optional(Ipv4),
          interval: Type.Optional(Duration),
          retry: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 10, description: "1 to 10 losses in a row" }),
          ),
          policy: Type.Optional(oneOf("revoke", "reserve")),
        },
        closed,
      ),
    ),
  },
  closed,
);

const Peering = Type.Object(
  {
    name: Name,
    vbr: Name,
    vpc: Name,
    healthCheck: Type.Optional(Type.Object({ ...probe, target: Type.Optional(Ipv4) }, closed)),
  },
  closed,
);

const list = <Item extends Parameters<typeof Type.Array>[0]>(item: Item) =>
  Type.Optional(Type.Array(item, { maxItems: 1000 }));

export const CloudSchema = Type.Object(
  {
    cloud: Type.Object({ name: Name, as: Type.Optional(AsNumber) }, closed),
    regions: list(Region),
    accessPoints: list(AccessPoint),
    connections: list(Connection),
    vbrs: Type.Array(Vbr, { minItems: 1, maxItems: 1000, description: "one VBR or more" }),
    failoverGroups: list(FailoverGroup),
    ecr: Type.Optional(
      Type.Object(
        {
          name: Name,
          prefixes: Type.Optional(Type.Array(Prefix, { maxItems: 10_000 })),
          ecmp: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 32, description: "1 to 32 equal paths" }),
          ),
          transitMode: Type.Optional(oneOf("near-by", "ecmp")),
          routeMaps: list(EcrRouteMapSchema),
        },
        closed,
      ),
    ),
    transitRouters: list(TransitRouterSchema),
    vpcs: list(VpcSchema),
    vpns: list(Vpn),
    peerings: list(Peering),
    endpoints: list(EndpointSchema),
    knobs: Type.Optional(KnobsSchema),
    quotas: Type.Optional(QuotasSchema),
  },
  closed,
);
export type CloudFile = Static<typeof CloudSchema>;
