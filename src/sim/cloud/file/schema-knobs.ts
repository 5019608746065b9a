/** The cloud file's knobs and quotas: `knobs.ts` says what each of them does. */
import { type Static, Type } from "@sinclair/typebox";
import { Bandwidth, closed, Duration, oneOf } from "../../shapes.ts";
import { type CloudQuotas, QUOTA_DEFAULTS } from "../config/knobs.ts";

const word = <const Word extends string>(...words: readonly Word[]) =>
  Type.Optional(oneOf(...words));

export const KnobsSchema = Type.Object(
  {
    // Lines and VBRs
    portUpDelay: Type.Optional(Duration),
    shutPortDelay: word("none", "down-delay"),
    businessLock: word("port-down", "no-changes"),
    orderTransition: Type.Optional(Duration),
    policerQueue: Type.Optional(Duration),
    flowLimit: Type.Optional(
      Type.Union([oneOf("off"), Bandwidth], { description: "off, or a rate as 250Mbps" }),
    ),
    taskTime: Type.Optional(Duration),
    defaultBandwidth: Type.Optional(
      Type.Union([oneOf("unlimited", "connection"), Bandwidth], {
        description: "unlimited, connection, or a rate",
      }),
    ),
    // Tunnels
    dpdTimeout: Type.Optional(Duration),
    ikeSetup: Type.Optional(Duration),
    rekeyOutage: Type.Optional(Duration),
    tunnelSwitch: Type.Optional(Duration),
    // Sessions
    gracefulRestart: word("off", "helper"),
    routeRefresh: word("offered", "enhanced", "off"),
    extendedMessages: word("off", "offered"),
    gtsm: word("off", "on"),
    md5KeyMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 80, description: "1 to 80 octets" }),
    ),
    bfdRole: word("active", "passive"),
    bfdEncapsulation: word("by-hops", "single-hop", "multihop"),
    // Routes of customers
    routesKept: word("first-received", "lowest-prefix"),
    droppedRoutes: word("return-after-refresh", "return-at-once"),
    customerMed: word("ignored", "compared"),
    customerOrigin: word("compared", "ignored"),
    customerNoExport: word("obeyed", "ignored", "kept-at-vbr"),
    customerDefault: word("accepted", "refused"),
    gracefulShutdown: word("ignored", "honoured"),
    ownAsAllowed: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10, description: "0 to 10 times the cloud's own AS" }),
    ),
    privateAs: word("kept", "removed"),
    // Hubs and VPCs
    routeDelay: Type.Optional(Duration),
    hubTieBreak: word("ecmp", "router-id", "oldest"),
    vpcRoutesActive: word("lowest-prefix", "first-received"),
    gatewayStatics: word("kept", "told"),
    vbrBesideEcr: word("allowed", "refused"),
    serviceRangeRoutes: word("allowed", "refused"),
    changeDelay: Type.Optional(Duration),
    ownRouteDelay: Type.Optional(Duration),
    vpcConflict: word("first-attached", "shared"),
    aggregateNeeds: word("specific", "nothing"),
    aggregatesToldTo: word("every", "vpc"),
    // Peering connections
    networksTold: word("always", "with-route"),
    failedPeeringRoute: word("drops", "falls-back"),
    vbrSamePrefix: word("static", "bgp"),
    // Health checks and jobs
    healthCheckRecovery: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    healthCheckWithdraws: word("cloud", "both"),
    jobTypes: word("connections", "all"),
    jobTransition: Type.Optional(Duration),
  },
  closed,
);
export type KnobsFile = Static<typeof KnobsSchema>;

const quota = (key: keyof CloudQuotas) => {
  const fallback = QUOTA_DEFAULTS[key];
  const byDefault = Number.isFinite(fallback) ? fallback : "unlimited";
  return Type.Optional(
    Type.Union([oneOf("unlimited"), Type.Integer({ minimum: 1, maximum: 100_000 })], {
      description: `a whole number from 1, or unlimited; ${byDefault} by default`,
    }),
  );
};

const keys = Object.keys(QUOTA_DEFAULTS) as (keyof CloudQuotas)[];
type QuotaShapes = { readonly [Key in keyof CloudQuotas]: ReturnType<typeof quota> };

export const QuotasSchema = Type.Object(
  Object.fromEntries(keys.map((key) => [key, quota(key)])) as QuotaShapes,
  closed,
);
