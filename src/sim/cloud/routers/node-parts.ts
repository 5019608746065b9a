/** What every router of the cloud has in common, and where its inner sessions run. */
import type {
  ApiConfig,
  EdgeConfig,
  FibConfig,
  NeighborConfig,
} from "../../../agent/config/edge-config.ts";
import { ACCEPT_ALL } from "../../../bgp/policy/chain.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import { nameOfIpv6, type WireEnd } from "../network.ts";

/** A wire's end as it is in this lab: real sockets need other addresses than a virtual network. */
export interface PlannedEnd {
  readonly address: string;
  readonly device: string | undefined;
}

export interface NodePlan {
  readonly fib: FibConfig["kind"];
  /** Of the inner sessions' listeners. */
  readonly innerPort: number;
  /** Where a wire ends in this lab; as the network has it where this is left out. */
  readonly end?: (end: WireEnd) => PlannedEnd;
}

export const placed = (plan: NodePlan, end: WireEnd): PlannedEnd => plan.end?.(end) ?? end;

/** The interface of a node from another node's side: who opens, who waits. */
export function innerSession(
  cloud: CloudConfig,
  plan: NodePlan,
  ends: {
    readonly own: WireEnd;
    readonly other: WireEnd;
    readonly ipVersion: "ipv4" | "ipv6";
    readonly isPassive: boolean;
  },
): NeighborConfig {
  const [own, other] = [placed(plan, ends.own), placed(plan, ends.other)];
  return {
    ...baseSession(cloud),
    name: ends.ipVersion === "ipv6" ? nameOfIpv6(ends.other.node) : ends.other.node,
    families: [`${ends.ipVersion}-unicast`],
    remoteAs: cloud.as,
    remotePort: plan.innerPort,
    remoteAddress: other.address,
    localAddress: own.address,
    device: own.device,
    isPassive: ends.isPassive,
    nextHopSelf: true,
  };
}

export function baseSession(cloud: CloudConfig): NeighborConfig {
  return {
    name: "",
    description: "",
    remoteAddress: "",
    remotePort: 179,
    localAddress: undefined,
    remoteAs: cloud.as,
    localAs: undefined,
    device: undefined,
    isPassive: false,
    isShutdown: false,
    holdTimeSec: 90,
    holdTimeSecMin: 3,
    keepaliveTimeSec: 30,
    connectRetryTimeSec: 1,
    sendHoldTimeSec: 0,
    families: ["ipv4-unicast"],
    capabilities: {
      routeRefresh: true,
      enhancedRouteRefresh: false,
      extendedMessage: false,
      fourOctetAs: true,
      gracefulRestart: false,
    },
    md5Key: undefined,
    ttl: 1,
    minTtl: undefined,
    importPolicy: ACCEPT_ALL,
    exportPolicy: ACCEPT_ALL,
    maxPrefix: undefined,
    budget: undefined,
    isRouteReflectorClient: false,
    nextHopSelf: false,
    allowOwnAs: cloud.knobs.ownAsAllowed,
    bfd: undefined,
  };
}

export const NO_API: ApiConfig = { listen: undefined, socketPath: undefined };

export function nodeCommon(
  cloud: CloudConfig,
  name: string,
  plan: NodePlan,
): Omit<EdgeConfig, "routerId" | "listen" | "neighbors" | "announce" | "multipath"> {
  return {
    name,
    localAs: cloud.as,
    circuits: [],
    failover: { mode: "ecmp", order: [] },
    fib: { kind: plan.fib, table: 254, proto: 187, metric: 20 },
    api: NO_API,
    log: { level: "info" },
    stateDirectory: undefined,
  };
}
