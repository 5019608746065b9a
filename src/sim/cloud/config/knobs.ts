/**
 * Behaviour that nobody documents, by name: what the cloud does where the vendor does not say.
 * Each has a default and a row in `fidelity.ts` with the grade of its evidence, so that a drill's
 * author can ask "and if it is the other way round?" by turning one knob.
 */
export interface CloudKnobs {
  /** What a port that was shut does when it opens again: report up after this long. */
  readonly portUpDelayUs: number;
  /** A port the cloud itself shuts: down at once, or its DownDelayTime later like lost light. */
  readonly shutPortDelay: "none" | "down-delay";
  /** A locked (overdue) connection: its port is down, or it only refuses to be changed. */
  readonly businessLock: "port-down" | "no-changes";
  /** How long an order takes that is not done at once: allocating, enabling, terminating. */
  readonly orderTransitionUs: number;
  /** How much traffic above a VBR's bandwidth may wait, as time at that rate; 0 drops at once. */
  readonly policerQueueUs: number;
  /** No flow of a VBR of 1 Gbit/s or more gets more than this many bit/s, each way. */
  readonly flowLimit: "off" | number;
  /** How long a VPC's table or a VBR is busy after a change, and refuses the next. */
  readonly taskTimeUs: number;
  /** Of a VBR whose file names none: no limit, its connection's, or so many bit/s. */
  readonly defaultBandwidth: "unlimited" | "connection" | number;
  /** Restarting speaker of the customer: VBR offers graceful restart (RFC 4724). */
  readonly gracefulRestart: "off" | "helper";
  /** The VBR offers ROUTE-REFRESH (RFC 2918), with its end marked (RFC 7313), or neither. */
  readonly routeRefresh: "offered" | "enhanced" | "off";
  /** The VBR takes messages of more than 4096 octets (RFC 8654). */
  readonly extendedMessages: "off" | "offered";
  /** GTSM (RFC 5082): the VBR sends TTL 255 and takes nothing less. */
  readonly gtsm: "off" | "on";
  /** Octets of an MD5 key; 80 is what Linux takes. */
  readonly md5KeyMax: number;
  /** Whether the VBR sends BFD packets before it has heard any (RFC 5880 §6.1). */
  readonly bfdRole: "active" | "passive";
  /** UDP port and TTL: single hop where `hops` is 1 and multihop above, or always one of them. */
  readonly bfdEncapsulation: "by-hops" | "single-hop" | "multihop";
  /** Which of too many routes of a customer stay. */
  readonly routesKept: "first-received" | "lowest-prefix";
  /** Where the first stay: when the others come back once there is room. */
  readonly droppedRoutes: "return-after-refresh" | "return-at-once";
  /** MED of the customer: looked at between paths of one neighbouring AS, or taken off. */
  readonly customerMed: "ignored" | "compared";
  /** ORIGIN of the customer: the step after AS_PATH, or nothing. */
  readonly customerOrigin: "compared" | "ignored";
  /** NO_EXPORT of the customer: kept from other customers, from nobody, from all the cloud. */
  readonly customerNoExport: "obeyed" | "ignored" | "kept-at-vbr";
  /** A default route of the customer's. */
  readonly customerDefault: "accepted" | "refused";
  /** GRACEFUL_SHUTDOWN (RFC 8326) of the customer: makes its paths the last choice, or nothing. */
  readonly gracefulShutdown: "ignored" | "honoured";
  /** How often the cloud's own AS may stand in a customer's AS_PATH before it is a loop. */
  readonly ownAsAllowed: number;
  /** Private ASes (RFC 6996) in AS_PATHs told to customers. */
  readonly privateAs: "kept" | "removed";
  /** How long the cloud's routers need to act on a route that changed, without failover group. */
  readonly routeDelayUs: number;
  /** Paths equal up to ORIGIN at a hub: all of them, the lowest router id, the oldest. */
  readonly hubTieBreak: "ecmp" | "router-id" | "oldest";
  /** Which of too many dynamic routes of a VPC's table are active. */
  readonly vpcRoutesActive: "lowest-prefix" | "first-received";
  /** Static routes of a transit router towards one gateway: told to its other gateways, or not. */
  readonly gatewayStatics: "kept" | "told";
  /** VBRs and the ECR on one transit router at once. */
  readonly vbrBesideEcr: "allowed" | "refused";
  /** A VPC's custom route more specific than 100.64.0.0/10. */
  readonly serviceRangeRoutes: "allowed" | "refused";
  /** A network of `AddBgpNetwork`: told whatever the VBR's table says, or while it has a route. */
  readonly networksTold: "always" | "with-route";
  /** A VPC's route whose router interfaces have all failed. */
  readonly failedPeeringRoute: "drops" | "falls-back";
  /** Which of two routes for one prefix a VBR uses. */
  readonly vbrSamePrefix: "static" | "bgp";
  /** Answers in a row after which a failed health check is well again. */
  readonly healthCheckRecovery: number;
  /** What a failed health check turns: the cloud's own routes only, or those it told as well. */
  readonly healthCheckWithdraws: "cloud" | "both";
  /** What failover-test jobs take beside connections: VBRs and BGP peers, or nothing. */
  readonly jobTypes: "connections" | "all";
  /** How long a failover-test job is `Starting`, and `Stopping`. */
  readonly jobTransitionUs: number;
  /** How long a change of a transit router (map, association, propagation) needs to take effect. */
  readonly changeDelayUs: number;
  /** How long static routes and aggregates of a transit router's table need to follow BGP. */
  readonly ownRouteDelayUs: number;
  /** Of two VPCs that tell a transit router one prefix: the one attached first, or both share. */
  readonly vpcConflict: "first-attached" | "shared";
  /** How long a tunnel's peer says nothing before dead peer detection gives the tunnel up. */
  readonly dpdTimeoutUs: number;
  /** What IKE and IPsec need from the first answer to a tunnel that carries packets. */
  readonly ikeSetupUs: number;
  /** How long nothing passes while keys are negotiated again; 0: new ones come before old go. */
  readonly rekeyOutageUs: number;
  /** How long the slave of two tunnels needs to take over, and to give back. */
  readonly tunnelSwitchUs: number;
  /** What has to be in a table for an aggregate to be told: a route inside of it, or nothing. */
  readonly aggregateNeeds: "specific" | "nothing";
  /** Whom a table tells its aggregates: every attachment and other regions, or VPCs only. */
  readonly aggregatesToldTo: "every" | "vpc";
}

export const KNOB_DEFAULTS: CloudKnobs = {
  portUpDelayUs: 0,
  shutPortDelay: "none",
  businessLock: "port-down",
  orderTransitionUs: 5_000_000,
  policerQueueUs: 100_000,
  flowLimit: "off",
  taskTimeUs: 0,
  defaultBandwidth: "unlimited",
  gracefulRestart: "off",
  routeRefresh: "offered",
  extendedMessages: "off",
  gtsm: "off",
  md5KeyMax: 80,
  bfdRole: "active",
  bfdEncapsulation: "by-hops",
  routesKept: "first-received",
  droppedRoutes: "return-after-refresh",
  customerMed: "ignored",
  customerOrigin: "compared",
  customerNoExport: "obeyed",
  customerDefault: "accepted",
  gracefulShutdown: "honoured",
  ownAsAllowed: 0,
  privateAs: "kept",
  routeDelayUs: 3_000_000,
  hubTieBreak: "ecmp",
  vpcRoutesActive: "lowest-prefix",
  gatewayStatics: "kept",
  vbrBesideEcr: "allowed",
  serviceRangeRoutes: "allowed",
  networksTold: "always",
  failedPeeringRoute: "drops",
  vbrSamePrefix: "static",
  healthCheckRecovery: 8,
  healthCheckWithdraws: "cloud",
  jobTypes: "connections",
  jobTransitionUs: 5_000_000,
  changeDelayUs: 0,
  ownRouteDelayUs: 0,
  vpcConflict: "first-attached",
  dpdTimeoutUs: 30_000_000,
  ikeSetupUs: 2_000_000,
  rekeyOutageUs: 0,
  tunnelSwitchUs: 0,
  aggregateNeeds: "specific",
  aggregatesToldTo: "every",
};

/** Whether the cloud itself says which routes of a customer stay; else the first in time do. */
export const isKeptByList = ({ routesKept, droppedRoutes }: CloudKnobs): boolean =>
  routesKept === "lowest-prefix" || droppedRoutes === "return-at-once";

/**
 * Limits of an account, as the vendor's quota pages have them. Where the vendor refuses by name and
 * publishes no number, there is none here either: infinite, `unlimited` in the file.
 */
export interface CloudQuotas {
  readonly connectionsPerAccessPoint: number;
  /** Ordered and not yet Enabled. */
  readonly unpaidConnections: number;
  readonly vbrsPerConnection: number;
  /** Made for another account that has not confirmed them. */
  readonly idleVbrs: number;
  readonly vbrsPerAccessDevice: number;
  readonly bfdSessionsPerAccessDevice: number;
  readonly healthChecksPerAccessDevice: number;
  readonly networksPerVbr: number;
  readonly vpcsPerEcr: number;
  readonly transitRoutersPerEcr: number;
  readonly allowedPrefixesPerVpc: number;
  readonly bgpPeersPerVbr: number;
  readonly ecrRoutesPerVpcTable: number;
  readonly customRoutesPerVpcTable: number;
  readonly dynamicRoutesPerVpcTable: number;
  readonly vswitchesPerVpc: number;
  readonly customTablesPerVpc: number;
  readonly jobResources: number;
  readonly peeringsPerVpc: number;
  readonly peeringsPerVbr: number;
  readonly peeringsPerAccount: number;
  readonly customRoutesPerVbrTable: number;
  readonly aggregatesPerTrTable: number;
}

const UNLIMITED = Number.POSITIVE_INFINITY;

export const QUOTA_DEFAULTS: CloudQuotas = {
  connectionsPerAccessPoint: 2,
  unpaidConnections: 10,
  vbrsPerConnection: 5,
  idleVbrs: 5,
  vbrsPerAccessDevice: UNLIMITED,
  bfdSessionsPerAccessDevice: UNLIMITED,
  healthChecksPerAccessDevice: UNLIMITED,
  networksPerVbr: UNLIMITED,
  vpcsPerEcr: UNLIMITED,
  transitRoutersPerEcr: UNLIMITED,
  allowedPrefixesPerVpc: UNLIMITED,
  bgpPeersPerVbr: 8,
  ecrRoutesPerVpcTable: 200,
  customRoutesPerVpcTable: 200,
  dynamicRoutesPerVpcTable: 500,
  vswitchesPerVpc: 150,
  customTablesPerVpc: 9,
  jobResources: 16,
  peeringsPerVpc: 10,
  peeringsPerVbr: 10,
  peeringsPerAccount: 20,
  customRoutesPerVbrTable: 200,
  aggregatesPerTrTable: 20,
};

/** The file's quotas over the vendor's. */
export function quotasOf({ quotas = {} }: { readonly quotas?: QuotasFile }): CloudQuotas {
  const found: { -readonly [Key in keyof CloudQuotas]: number } = { ...QUOTA_DEFAULTS };
  for (const key of Object.keys(found) as (keyof CloudQuotas)[]) {
    const value = quotas[key];
    if (value !== undefined) found[key] = value === "unlimited" ? UNLIMITED : value;
  }
  return found;
}

type QuotasFile = { readonly [Key in keyof CloudQuotas]?: number | "unlimited" };
