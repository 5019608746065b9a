import { parseAddress } from "../../core/address.ts";
import { assert } from "../../core/assert.ts";
import { EMPTY } from "../../core/bytes.ts";
import type { LocalOpen } from "../fsm/negotiate.ts";
import type { SessionSettings } from "../fsm/session.ts";
import type { PolicyPeer } from "../policy/policy.ts";
import type { Avoidance, PeerSlot, RibPeer } from "../rib/contract.ts";
import type { Capability, Family } from "../wire/message.ts";
import { isLoopback4 } from "../wire/next-hop.ts";
import type { PeerConfig } from "./config.ts";
import { SPEAKER_LIMITS } from "./limits.ts";

/** Who we are, to every peer alike. */
export interface Identity {
  readonly localAs: number;
  readonly bgpIdentifier: number;
}

/** What our OPEN says of restarts (RFC 4724 §3). */
export interface RestartClaim {
  /** R bit. */
  readonly isRestarting: boolean;
  /** Families whose forwarding goes on while we restart; none makes us a helper only. */
  readonly families: readonly Family[];
  /** F bit: it has gone on since the session before. */
  isPreserved(family: Family): boolean;
}

/** What the FSM needs of a peer's configuration. */
export const sessionSettings = (
  config: PeerConfig,
  identity: Identity,
  claim: RestartClaim,
): SessionSettings => ({
  local: localOpen(config, identity, claim),
  isPassive: config.isPassive,
  connectRetryTimeSec: config.connectRetryTimeSec,
  delayOpenTimeSec: config.delayOpenTimeSec ?? 0,
  sendHoldTimeSec: config.sendHoldTimeSec,
  idleHoldTimeSec: config.idleHoldTimeSec,
  idleHoldTimeSecMax: Math.max(config.idleHoldTimeSecMax, config.idleHoldTimeSec),
});

const localOpen = (config: PeerConfig, identity: Identity, claim: RestartClaim): LocalOpen => ({
  localAs: config.localAs ?? identity.localAs,
  bgpIdentifier: identity.bgpIdentifier,
  remoteAs: config.remoteAs,
  holdTimeSec: config.holdTimeSec,
  holdTimeSecMin: config.holdTimeSecMin,
  keepaliveTimeSec: config.keepaliveTimeSec,
  families: config.families,
  capabilities: capabilitiesOf(config, config.localAs ?? identity.localAs, claim),
  isRoleStrict: config.role?.isStrict ?? false,
  isLoopback: isLoopback4(parseAddress(config.remoteAddress) ?? EMPTY),
});

function capabilitiesOf(
  config: PeerConfig,
  localAs: number,
  claim: RestartClaim,
): readonly Capability[] {
  const { capabilities: on, families, role } = config;
  const list: Capability[] = families.map((family) => ({ kind: "multiprotocol", family }));
  if (on.routeRefresh) list.push({ kind: "route-refresh" });
  if (on.enhancedRouteRefresh) list.push({ kind: "enhanced-route-refresh" });
  if (on.extendedMessage) list.push({ kind: "extended-message" });
  if (on.fourOctetAs) list.push({ kind: "four-octet-as", as: localAs });
  if (role !== undefined) list.push({ kind: "role", role: role.value });
  if (on.gracefulRestart) {
    list.push({
      kind: "graceful-restart",
      restarted: claim.isRestarting,
      notification: true, // RFC 8538 §2
      restartTimeSec: SPEAKER_LIMITS.restartTimeSec,
      families: claim.families.map((family) => ({
        ...family,
        forwardingPreserved: claim.isPreserved(family),
      })),
    });
  }
  return list;
}

/** What the RIB needs of it; `localAddress` is our end of the session once there is one. */
export function ribPeer(
  slot: PeerSlot,
  config: PeerConfig,
  identity: Identity,
  localAddress: string | undefined,
  avoidance: Avoidance | undefined,
): RibPeer {
  const remoteAddress = parseAddress(config.remoteAddress);
  assert(remoteAddress !== undefined, `peer ${config.name} has an address for its address`);
  return {
    slot,
    policyPeer: policyPeer(config, identity, localAddress),
    remoteAddress,
    importPolicy: config.importPolicy,
    exportPolicy: config.exportPolicy,
    isRouteReflectorClient: config.isRouteReflectorClient,
    nextHopSelf: config.nextHopSelf,
    allowOwnAs: config.allowOwnAs,
    role: config.role?.value,
    isInMaintenance: config.isInMaintenance ?? false,
    avoidance,
    maxPrefix: config.maxPrefix,
    budget: config.budget,
  };
}

function policyPeer(
  config: PeerConfig,
  identity: Identity,
  localAddress: string | undefined,
): PolicyPeer {
  const localAs = config.localAs ?? identity.localAs;
  const octets = localAddress === undefined ? undefined : parseAddress(localAddress);
  return {
    name: config.name,
    kind: localAs === config.remoteAs ? "ibgp" : "ebgp",
    remoteAs: config.remoteAs,
    localAs,
    localAddress4: octets?.length === 4 ? octets : undefined,
    localAddress6: octets?.length === 16 ? octets : undefined,
  };
}
