/**
 * The cloud's routers as configurations of the same router the edge runs: a VBR is an agent with
 * the
 * cloud's AS, one customer, and the vendor's limits; the ECR is an agent that joins the VBRs over
 * iBGP and originates the VPC's prefixes. So the emulated side speaks BGP and BFD as strictly as
 * the
 * edge does, and what it must not do (more than 110 routes a peer, say) is a limit, not a script.
 *
 * Inside the cloud sessions are iBGP, so the customer sees one AS, as it does of the vendor. The
 * VBR sets itself as next hop; the ECR chooses by AS_PATH length and spreads over equal paths.
 */
import type {
  ApiConfig,
  CircuitConfig,
  EdgeConfig,
  FibConfig,
  NeighborConfig,
} from "../../agent/config/edge-config.ts";
import { ACCEPT_ALL } from "../../bgp/policy/chain.ts";
import type { CloudConfig, VbrConfig } from "./cloud-config.ts";

/** Where the inner link between one VBR and the ECR runs; the lab chooses. */
export interface InnerLink {
  readonly vbrAddress: string;
  readonly ecrAddress: string;
  readonly vbrDevice: string | undefined;
  readonly ecrDevice: string | undefined;
}

export interface NodePlan {
  readonly fib: FibConfig["kind"];
  /** Of the ECR's listener, and of the VBRs' sessions to it. */
  readonly innerPort: number;
  inner(vbr: VbrConfig): InnerLink;
}

/** `prefixes` are what the ECR announces now: the configured ones, less withdrawn, plus leaked. */
export function ecrNode(
  cloud: CloudConfig,
  plan: NodePlan,
  prefixes: readonly string[],
): EdgeConfig {
  return {
    ...common(cloud, cloud.ecr.name, plan),
    routerId: "100.64.0.1",
    listen: {
      addresses: cloud.vbrs.map((vbr) => plan.inner(vbr).ecrAddress),
      port: plan.innerPort,
    },
    neighbors: cloud.vbrs.map((vbr) => {
      const link = plan.inner(vbr);
      return {
        ...innerSession(cloud, plan),
        name: vbr.name,
        remoteAddress: link.vbrAddress,
        localAddress: link.ecrAddress,
        device: link.ecrDevice,
        isPassive: true,
      };
    }),
    announce: prefixes.map((prefix) => ({ prefix, rank: 1, communities: [] })),
    multipath: { ebgpPathsMax: 1, ibgpPathsMax: cloud.ecr.ecmpPathsMax, relax: true },
  };
}

export function vbrNode(cloud: CloudConfig, vbr: VbrConfig, plan: NodePlan): EdgeConfig {
  const link = plan.inner(vbr);
  const index = cloud.vbrs.indexOf(vbr);
  return {
    ...common(cloud, vbr.name, plan),
    routerId: `100.64.1.${index + 1}`,
    listen: { addresses: [addressOf(vbr.local)], port: vbr.port },
    circuits: [customerCircuit(cloud, vbr)],
    neighbors: [
      {
        ...innerSession(cloud, plan),
        name: cloud.ecr.name,
        remoteAddress: link.ecrAddress,
        localAddress: link.vbrAddress,
        device: link.vbrDevice,
      },
    ],
    announce: [],
    multipath: { ebgpPathsMax: 1, ibgpPathsMax: 1, relax: false },
  };
}

export const addressOf = (withMask: string): string => withMask.split("/")[0] ?? withMask;

function customerCircuit(cloud: CloudConfig, vbr: VbrConfig): CircuitConfig {
  const session: NeighborConfig = {
    ...baseSession(cloud),
    name: vbr.circuit,
    remoteAddress: vbr.peer,
    remotePort: vbr.peerPort,
    localAddress: addressOf(vbr.local),
    remoteAs: vbr.peerAs,
    device: vbr.device,
    holdTimeSec: vbr.holdTimeSec,
    keepaliveTimeSec: vbr.keepaliveTimeSec,
    md5Key:
      vbr.md5Key === undefined
        ? undefined
        : { reveal: () => vbr.md5Key ?? "", toString: () => "***", toJSON: () => "***" },
    maxPrefix: {
      limit: vbr.routeQuota,
      warnAtPercent: 80,
      action: "drop-newest",
      restartSec: undefined,
    },
    nextHopSelf: true,
    bfd:
      vbr.bfd === undefined
        ? undefined
        : {
            mode: vbr.bfd.hops === 1 ? "single-hop" : "multihop",
            desiredMinTxIntervalUs: vbr.bfd.txIntervalUs,
            requiredMinRxIntervalUs: vbr.bfd.rxIntervalUs,
            detectMult: vbr.bfd.multiplier,
            minTtl: vbr.bfd.hops === 1 ? 255 : 256 - vbr.bfd.hops,
            isPassive: false,
            isStrict: false,
            auth: undefined,
          },
  };
  return {
    name: vbr.circuit,
    profile: "none",
    device: vbr.device ?? "",
    vlan: undefined,
    weight: 1,
    capacityBps: undefined,
    sessions: [session],
  };
}

const innerSession = (cloud: CloudConfig, plan: NodePlan): NeighborConfig => ({
  ...baseSession(cloud),
  remoteAs: cloud.as,
  remotePort: plan.innerPort,
  nextHopSelf: true,
});

function baseSession(cloud: CloudConfig): NeighborConfig {
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
    allowOwnAs: 0,
    bfd: undefined,
  };
}

const NO_API: ApiConfig = { listen: undefined, socketPath: undefined };

function common(
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
