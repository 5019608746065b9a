/**
 * From the edge's configuration to what the two protocols accept. Pure: the same file gives the
 * same peers and sessions, so that a reload is a comparison of values.
 */
import type { BfdSessionConfig } from "../bfd/sessions/contract.ts";
import type { OriginatedRoute } from "../bgp/rib/contract.ts";
import type { PeerConfig, SpeakerConfig } from "../bgp/speaker/config.ts";
import { Afi, Origin, Safi } from "../bgp/wire/iana.ts";
import type { Family } from "../bgp/wire/message.ts";
import { parseAddress } from "../core/address.ts";
import { assert } from "../core/assert.ts";
import { ByteReader } from "../core/bytes.ts";
import type { BfdConfig, CircuitConfig, EdgeConfig, NeighborConfig } from "./config/edge-config.ts";

/** A BGP session of the configuration, with the circuit it belongs to. */
export interface SessionPlan {
  readonly neighbor: NeighborConfig;
  readonly circuit: CircuitConfig | undefined;
  /** The interface the session is tied to; undefined where routing decides. */
  readonly device: string | undefined;
}

/** First retry after a fault, and the ceiling it doubles towards. */
const IDLE_HOLD_TIME_SEC = 1;
const IDLE_HOLD_TIME_SEC_MAX = 60;

/** Every session in the order of the file: circuits first. */
export function sessionPlans(config: EdgeConfig): readonly SessionPlan[] {
  const ofCircuits = config.circuits.flatMap((circuit) =>
    circuit.sessions.map((neighbor) => ({ neighbor, circuit, device: deviceOf(circuit) })),
  );
  const others = config.neighbors.map((neighbor) => {
    return { neighbor, circuit: undefined, device: neighbor.device };
  });
  return [...ofCircuits, ...others];
}

/** A circuit may name no interface (over loopback, say); then routing decides. */
export const deviceOf = (circuit: CircuitConfig): string | undefined =>
  circuit.device === "" ? undefined : circuit.device;

export function buildSpeakerConfig(config: EdgeConfig): SpeakerConfig {
  return {
    localAs: config.localAs,
    bgpIdentifier: parseIdentifier(config.routerId),
    rib: {
      ebgpPathsMax: config.multipath.ebgpPathsMax,
      ibgpPathsMax: config.multipath.ibgpPathsMax,
      multipathRelax: config.multipath.relax,
      alwaysCompareMed: config.multipath.alwaysCompareMed ?? false,
      preferOldest: false,
      preferOldestInternal: config.multipath.preferOldestInternal ?? false,
    },
    peers: sessionPlans(config).map((plan) => peerConfig(plan.neighbor)),
    originated: config.announce.map(originatedRoute),
  };
}

function peerConfig(neighbor: NeighborConfig): PeerConfig {
  return {
    name: neighbor.name,
    remoteAddress: neighbor.remoteAddress,
    localAddress: neighbor.localAddress,
    remoteAs: neighbor.remoteAs,
    localAs: neighbor.localAs,
    isPassive: neighbor.isPassive,
    isShutdown: neighbor.isShutdown,
    holdTimeSec: neighbor.holdTimeSec,
    holdTimeSecMin: neighbor.holdTimeSecMin,
    keepaliveTimeSec: neighbor.keepaliveTimeSec,
    connectRetryTimeSec: neighbor.connectRetryTimeSec,
    sendHoldTimeSec: neighbor.sendHoldTimeSec,
    idleHoldTimeSec: IDLE_HOLD_TIME_SEC,
    idleHoldTimeSecMax: IDLE_HOLD_TIME_SEC_MAX,
    families: neighbor.families.map((name) => FAMILIES[name]),
    capabilities: neighbor.capabilities,
    importPolicy: neighbor.importPolicy,
    exportPolicy: neighbor.exportPolicy,
    maxPrefix: neighbor.maxPrefix,
    budget: neighbor.budget,
    isRouteReflectorClient: neighbor.isRouteReflectorClient,
    nextHopSelf: neighbor.nextHopSelf,
    ...(neighbor.role && { role: neighbor.role }),
    isInMaintenance: neighbor.isInMaintenance ?? false,
    allowOwnAs: neighbor.allowOwnAs,
  };
}

function originatedRoute(own: EdgeConfig["announce"][number]): OriginatedRoute {
  const origin = { origin: Origin.Igp };
  const { prefix, communities } = own;
  return { prefix, attributes: communities.length === 0 ? origin : { ...origin, communities } };
}

/**
 * The BFD sessions whose local address is known. `localAddressOf` answers for sessions that name
 * none: the address of ours on the peer's subnet, undefined while there is no such interface.
 */
export function buildBfdSessions(
  config: EdgeConfig,
  localAddressOf: (plan: SessionPlan) => string | undefined,
): readonly BfdSessionConfig[] {
  const sessions: BfdSessionConfig[] = [];
  for (const plan of sessionPlans(config)) {
    const { bfd } = plan.neighbor;
    const localAddress = plan.neighbor.localAddress ?? localAddressOf(plan);
    if (bfd === undefined || localAddress === undefined) continue;
    sessions.push(bfdSession(plan, bfd, localAddress));
  }
  return sessions;
}

function bfdSession(plan: SessionPlan, bfd: BfdConfig, localAddress: string): BfdSessionConfig {
  return {
    name: plan.neighbor.name,
    mode: bfd.mode,
    localAddress,
    remoteAddress: plan.neighbor.remoteAddress,
    device: bfd.mode === "single-hop" ? plan.device : plan.neighbor.device,
    desiredMinTxIntervalUs: bfd.desiredMinTxIntervalUs,
    requiredMinRxIntervalUs: bfd.requiredMinRxIntervalUs,
    detectMult: bfd.detectMult,
    minTtl: bfd.minTtl,
    isPassive: bfd.isPassive,
    isAdminDown: plan.neighbor.isShutdown,
    auth: bfd.auth,
  };
}

function parseIdentifier(routerId: string): number {
  const octets = parseAddress(routerId);
  assert(octets?.length === 4, "the router id is dotted decimal");
  return new ByteReader(octets).u32();
}

const FAMILIES: Readonly<Record<NeighborConfig["families"][number], Family>> = {
  "ipv4-unicast": { afi: Afi.Ipv4, safi: Safi.Unicast },
  "ipv6-unicast": { afi: Afi.Ipv6, safi: Safi.Unicast },
};
