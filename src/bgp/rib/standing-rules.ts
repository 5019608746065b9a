import { prependAs } from "../policy/as-path.ts";
import { WellKnownCommunity } from "../wire/iana.ts";
import type { PathAttributes } from "../wire/message.ts";
import type { RibPeer } from "./contract.ts";

/**
 * What is done to every route of a session beside the operator's policy: route leaks by the Only to
 * Customer attribute (RFC 9234 §5), graceful shutdown (RFC 8326 §4), and paths that are to be
 * avoided for now. Policy neither sees a leak nor can it change the attribute (RFC 9234 §5).
 */

/** Numbers of RFC 9234 §4.1; what we are to the peer. */
export const Role = { Provider: 0, RouteServer: 1, RsClient: 2, Customer: 3, Peer: 4 } as const;

type Session = Pick<RibPeer, "policyPeer" | "role" | "isInMaintenance" | "avoidance">;

/** RFC 9234 §5, ingress 1 and 2: what came where it must not come; undefined where it may. */
export function leakOf({ policyPeer, role }: Session, { otc }: PathAttributes): string | undefined {
  if (otc === undefined || policyPeer.kind === "ibgp") return undefined;
  const isFromBelow = role === Role.Provider || role === Role.RouteServer;
  const isFromAside = role === Role.Peer && otc !== policyPeer.remoteAs;
  return isFromBelow || isFromAside ? "route-leak" : undefined;
}

/**
 * Before policy: RFC 9234 §5, ingress 3, and RFC 8326 §4.3, whose LOCAL_PREF policy may still
 * change.
 */
export function received(session: Session, attributes: PathAttributes): PathAttributes {
  const { policyPeer, role } = session;
  if (policyPeer.kind === "ibgp") return attributes;
  let own = attributes;
  if (own.otc === undefined && role !== undefined && UPWARDS.has(role)) {
    own = { ...own, otc: policyPeer.remoteAs };
  }
  if (own.communities?.includes(WellKnownCommunity.GracefulShutdown) === true) {
    own = { ...own, localPref: 0 };
  }
  return own;
}

/** Behind policy: RFC 8326 §4.2, so that our own traffic leaves a session in maintenance first. */
export function accepted(session: Session, attributes: PathAttributes): PathAttributes {
  if (isDraining(session)) return { ...withShutdown(attributes), localPref: 0 };
  return session.avoidance === undefined ? attributes : { ...attributes, localPref: 0 };
}

/** Behind export policy; undefined where the route must not go to this peer. */
export function announced(
  session: Session,
  attributes: PathAttributes,
): PathAttributes | undefined {
  const { policyPeer, role, avoidance } = session;
  if (policyPeer.kind === "ibgp") {
    return avoidance === undefined ? attributes : { ...attributes, localPref: 0 };
  }
  let own = attributes;
  if (role !== undefined) {
    // RFC 9234 §5, egress 2, then 1.
    if (own.otc !== undefined && UPWARDS.has(role)) return undefined;
    if (own.otc === undefined && DOWNWARDS.has(role)) {
      own = { ...own, otc: policyPeer.localAs };
    }
  }
  const prependCount = avoidance?.prependCount ?? 0;
  if (prependCount > 0) {
    own = { ...own, asPath: prependAs(own.asPath, policyPeer.localAs, prependCount) };
  }
  return isDraining(session) ? withShutdown(own) : own;
}

/** True where two sessions are avoided alike. */
export const isSameAvoidance = (a: Session, b: Session): boolean =>
  (a.avoidance === undefined) === (b.avoidance === undefined) &&
  a.avoidance?.isShutdownAnnounced === b.avoidance?.isShutdownAnnounced &&
  a.avoidance?.prependCount === b.avoidance?.prependCount;

const isDraining = ({ policyPeer, isInMaintenance, avoidance }: Session): boolean =>
  (isInMaintenance === true || avoidance?.isShutdownAnnounced === true) &&
  policyPeer.kind === "ebgp";

function withShutdown(attributes: PathAttributes): PathAttributes {
  const { communities = [] } = attributes;
  if (communities.includes(WellKnownCommunity.GracefulShutdown)) return attributes;
  return { ...attributes, communities: [...communities, WellKnownCommunity.GracefulShutdown] };
}

/** Ours where the peer is Provider, RS or Peer. */
const UPWARDS: ReadonlySet<number> = new Set([Role.Customer, Role.RsClient, Role.Peer]);
/** Ours where the peer is Customer, RS-Client or Peer. */
const DOWNWARDS: ReadonlySet<number> = new Set([Role.Provider, Role.RouteServer, Role.Peer]);
