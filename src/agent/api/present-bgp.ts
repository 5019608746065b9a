import { formatAsPath } from "../../bgp/policy/as-path.ts";
import { formatCommunity, formatLargeCommunity } from "../../bgp/policy/community.ts";
import type { RibCounts, RouteFilter, RouteRow } from "../../bgp/rib/contract.ts";
import type { LastReset, NegotiatedView, PeerView } from "../../bgp/speaker/view.ts";
import { Origin, Safi } from "../../bgp/wire/iana.ts";
import type { Capability, Family } from "../../bgp/wire/message.ts";
import { Afi } from "../../core/address.ts";
import { parsePrefix } from "../../core/prefix.ts";
import { sessionPlans } from "../speaker-config.ts";
import type { AgentView } from "../view.ts";
import { hintFor } from "./hints.ts";
import { ApiError, dottedQuad, familyName, nearestNames, nowOf, stampOf } from "./present.ts";
import { presentGroup } from "./present-edge.ts";
import type { BgpExplain, BgpPeer, BgpRoutes, BgpSummary, Route, RoutesQuery } from "./schemas.ts";

export function presentSummary(view: AgentView): BgpSummary {
  const { speaker } = view;
  const unicast = (afi: Afi) => speaker.rib.locRibCount({ afi, safi: Safi.Unicast });
  return {
    schema: "causeway.bgp.summary/v1",
    at: nowOf(view),
    name: view.config.name,
    localAs: speaker.localAs,
    routerId: dottedQuad(speaker.bgpIdentifier),
    locRib: { ipv4: unicast(Afi.Ipv4), ipv6: unicast(Afi.Ipv6) },
    deferrals: speaker.deferrals.map(({ family, awaited }) => {
      return { family: formatFamily(family), awaited: [...awaited] };
    }),
    peers: speaker.peers().map((peer) => presentPeerHead(view, peer)),
  };
}

export function presentPeer(view: AgentView, name: string): BgpPeer {
  const peer = findPeer(view, name);
  const plan = planOf(view, peer.name);
  const { config, counters, negotiated } = peer;
  return {
    schema: "causeway.bgp.peer/v1",
    at: nowOf(view),
    ...presentPeerHead(view, peer),
    configured: {
      localAddress: config.localAddress ?? null,
      remotePort: plan?.neighbor.remotePort ?? 179,
      isPassive: config.isPassive,
      holdTimeSec: config.holdTimeSec,
      keepaliveTimeSec: config.keepaliveTimeSec,
      families: config.families.map(formatFamily),
      importPolicy: config.importPolicy.name,
      exportPolicy: config.exportPolicy.name,
      hasMd5: plan?.neighbor.md5Key !== undefined,
      ttl: plan?.neighbor.ttl ?? 1,
      minTtl: plan?.neighbor.minTtl ?? null,
      maxPrefix: config.maxPrefix
        ? { limit: config.maxPrefix.limit, action: config.maxPrefix.action }
        : null,
      budget: config.budget?.limit ?? null,
    },
    negotiated: negotiated ? presentNegotiated(negotiated) : null,
    timers: peer.timers.map(({ name: timer, at }) => {
      return { name: timer, inMs: Math.max(0, Math.round((at - view.now()) / 1_000)) };
    }),
    messagesIn: counters.messagesIn,
    messagesOut: counters.messagesOut,
    resets: counters.resets,
    discards: counters.discards,
    outQueueOctets: peer.outQueueOctets,
    lastMessage: peer.lastMessageAt === undefined ? null : stampOf(view, peer.lastMessageAt),
  };
}

export function presentRoutes(
  view: AgentView,
  query: RoutesQuery,
  rib: RouteFilter["rib"],
): BgpRoutes {
  const { offset = 0, limit = 1_000, within, family, peer } = query;
  if (within !== undefined && parsePrefix(within) === undefined) {
    throw new ApiError(400, "API_PREFIX_INVALID", `"${within}" is no prefix without host bits`);
  }
  if (peer === undefined && (rib === "adj-rib-in" || rib === "adj-rib-out")) {
    throw new ApiError(400, "API_PEER_MISSING", `${rib} belongs to a peer: name one with "peer"`);
  }
  const afi = family === "ipv6" ? Afi.Ipv6 : Afi.Ipv4;
  const rows = view.speaker.rib.routes({
    ...{ rib, offset, limit: limit + 1 },
    ...(within !== undefined && { within }),
    ...(family !== undefined && { family: { afi, safi: Safi.Unicast } }),
    ...(peer !== undefined && { slot: findPeer(view, peer).slot }),
  });
  return {
    schema: "causeway.bgp.routes/v1",
    at: nowOf(view),
    rib,
    routes: rows.slice(0, limit).map((row) => presentRoute(view, row)),
    nextOffset: rows.length > limit ? offset + limit : null,
  };
}

/** An address is explained by the longest prefix that covers it. */
export function presentExplanation(view: AgentView, asked: string): BgpExplain {
  const { rib } = view.speaker;
  const prefix = asked.includes("/") ? asked : rib.lookup(asked);
  const explanation = prefix === undefined ? undefined : rib.explain(prefix);
  if (explanation === undefined) {
    throw new ApiError(404, "API_ROUTE_UNKNOWN", `nobody announced a route for "${asked}"`);
  }
  const group = view.fib.route(explanation.prefix);
  return {
    schema: "causeway.bgp.explain/v1",
    at: nowOf(view),
    prefix: explanation.prefix,
    candidates: explanation.candidates.map((candidate) => ({
      ...presentRoute(view, candidate),
      lostAt: candidate.lostAt ?? null,
      because: candidate.because ?? null,
    })),
    fib: group ? presentGroup(group) : null,
  };
}

/** By configured name, else by remote address. */
export function findPeer(view: AgentView, asked: string): PeerView {
  const peers = view.speaker.peers();
  const peer =
    view.speaker.peer(asked) ?? peers.find((other) => other.config.remoteAddress === asked);
  if (peer !== undefined) return peer;
  const names = peers.map((other) => other.name);
  const message = `no peer is configured under the name "${asked}"`;
  throw new ApiError(404, "API_PEER_UNKNOWN", message, nearestNames(asked, names));
}

export const planOf = (view: AgentView, peer: string) =>
  sessionPlans(view.config).find((plan) => plan.neighbor.name === peer);

export const formatFamily = ({ afi, safi }: Family): string =>
  safi === Safi.Unicast ? `${familyName(afi)}-unicast` : `${familyName(afi)}-safi-${safi}`;

function presentPeerHead(view: AgentView, peer: PeerView): BgpSummary["peers"][number] {
  const plan = planOf(view, peer.name);
  const path = view.path(peer.name);
  const families = peer.config.families.map((family) => {
    return { family: formatFamily(family), ...view.speaker.rib.counts(peer.slot, family) };
  });
  const isUp = peer.state === "Established";
  const reason = path?.heldBecause ?? peer.downReason ?? path?.failure ?? "starting";
  const hint = isUp || plan === undefined ? "" : hintFor(reason, plan.neighbor);
  return {
    peer: peer.name,
    description: plan?.neighbor.description ?? "",
    circuit: plan?.circuit?.name ?? null,
    remoteAddress: peer.config.remoteAddress,
    remoteAs: peer.config.remoteAs,
    localAs: peer.config.localAs ?? view.speaker.localAs,
    state: peer.state,
    since: stampOf(view, peer.since),
    isShutdown: peer.config.isShutdown,
    reason: isUp ? null : reason + hint,
    bfd:
      path?.bfd === undefined
        ? null
        : { state: path.bfd, since: stampOf(view, path.since), isStrict: path.isStrict },
    prefixes: families.reduce(addCounts, NO_COUNTS),
    families,
    establishedTransitions: peer.establishedTransitions,
    lastReset: peer.lastReset ? presentReset(view, peer.lastReset) : null,
  };
}

function presentReset(view: AgentView, reset: LastReset) {
  const { at, reason, text, code = null, subcode = null } = reset;
  return { at: stampOf(view, at), reason, text, code, subcode };
}

function presentNegotiated(agreed: NegotiatedView): BgpPeer["negotiated"] {
  return {
    holdTimeSec: agreed.holdTimeSec,
    keepaliveTimeSec: agreed.keepaliveTimeSec,
    remoteRouterId: dottedQuad(agreed.remoteBgpIdentifier),
    families: agreed.families.map(formatFamily),
    fourOctetAs: agreed.as4,
    extendedMessages: agreed.extendedMessages,
    routeRefresh: agreed.routeRefresh,
    enhancedRouteRefresh: agreed.enhancedRouteRefresh,
    localAddress: agreed.localAddress,
    localPort: agreed.localPort,
    remotePort: agreed.remotePort,
    localCapabilities: agreed.localCapabilities.map(formatCapability),
    remoteCapabilities: agreed.remoteCapabilities.map(formatCapability),
  };
}

function formatCapability(capability: Capability): string {
  switch (capability.kind) {
    case "multiprotocol":
      return `multiprotocol ${formatFamily(capability.family)}`;
    case "four-octet-as":
      return `four-octet-as ${capability.as}`;
    case "role":
      return `role ${capability.role}`;
    case "graceful-restart":
      return `graceful-restart ${capability.restartTimeSec}s`;
    case "fqdn":
      return `fqdn ${capability.host}.${capability.domain}`;
    case "software-version":
      return `software-version ${capability.version}`;
    case "unknown":
      return `unknown ${capability.code}`;
    default:
      return capability.kind;
  }
}

function presentRoute(view: AgentView, row: RouteRow): Route {
  const { attributes } = row;
  return {
    prefix: row.prefix,
    peer: view.speaker.peerName(row.slot),
    nextHop: row.nextHop,
    asPath: formatAsPath(attributes.asPath),
    origin: ORIGINS[attributes.origin],
    med: attributes.med ?? null,
    localPref: attributes.localPref ?? null,
    communities: (attributes.communities ?? []).map(formatCommunity),
    largeCommunities: triples(attributes.largeCommunities ?? []).map(formatLargeCommunity),
    isBest: row.isBest,
    isMultipath: row.isMultipath,
    isStale: row.isStale,
    rejectedBy: row.rejectedBy ?? null,
  };
}

const ORIGINS = {
  [Origin.Igp]: "igp",
  [Origin.Egp]: "egp",
  [Origin.Incomplete]: "incomplete",
} as const;

function triples(flat: readonly number[]): [number, number, number][] {
  const found: [number, number, number][] = [];
  for (let at = 0; at + 2 < flat.length; at += 3) {
    found.push([flat[at] ?? 0, flat[at + 1] ?? 0, flat[at + 2] ?? 0]);
  }
  return found;
}

const NO_COUNTS: RibCounts = {
  ...{ received: 0, accepted: 0, rejected: 0, stale: 0, best: 0, advertised: 0 },
  ...{ overBudget: 0, overLimit: 0 },
};

const addCounts = (a: RibCounts, b: RibCounts): RibCounts => ({
  received: a.received + b.received,
  accepted: a.accepted + b.accepted,
  rejected: a.rejected + b.rejected,
  stale: a.stale + b.stale,
  best: a.best + b.best,
  advertised: a.advertised + b.advertised,
  overBudget: a.overBudget + b.overBudget,
  overLimit: a.overLimit + b.overLimit,
});
