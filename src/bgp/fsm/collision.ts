import type { BgpState } from "./state.ts";

/** Who opened a connection: `local` dialled it, `remote` did and we accepted. */
export type OpenedBy = "local" | "remote";

export interface CollisionParties {
  readonly localBgpIdentifier: number;
  readonly remoteBgpIdentifier: number;
  readonly localAs: number;
  readonly remoteAs: number;
}

/**
 * RFC 4271 §6.8: two connections with one peer, the newcomer's OPEN has just been found good. Tells
 * which of them lives on, or undefined where that cannot be judged yet.
 *
 * Both ends must come to the same answer, so it depends on nothing but what both know: the
 * connection opened by the higher BGP Identifier is kept; with equal identifiers, which RFC 6286
 * allows between ASes, the one opened by the larger AS (RFC 6286 §2.3). The newcomer's OPEN tells
 * the peer's identifier for the other connection too, which §6.8 allows to use: one the peer's OPEN
 * has not come on yet gives way to a newcomer that is to be kept, and so does an attempt at one
 * (Connect), of which the peer has seen no OPEN. It is not the other way round: a connection that
 * has heard nothing may be dead. See `mustWait` for what happens then.
 *
 * An Established connection is kept, unless `mayReplaceEstablished` (RFC 4271 §8.1.1
 * CollisionDetectEstablishedState): a peer that negotiated graceful restart and opens anew has
 * restarted (RFC 4724 §4.2).
 */
export function collisionSurvivor(
  existing: { readonly state: BgpState; readonly openedBy: OpenedBy },
  newcomer: { readonly openedBy: OpenedBy },
  parties: CollisionParties,
  mayReplaceEstablished: boolean,
): "existing" | "newcomer" | undefined {
  if (existing.state === "Established") return mayReplaceEstablished ? "newcomer" : "existing";
  // The same end never opens two on purpose: the older one is a leftover.
  if (existing.openedBy === newcomer.openedBy) return "newcomer";
  if (newcomer.openedBy === dominantEnd(parties)) return "newcomer";
  if (existing.state === "Connect") return "newcomer";
  return existing.state === "OpenConfirm" ? "existing" : undefined;
}

/**
 * The newcomer's OPEN is good, but the connection that would be kept has not heard its own: to go
 * on now would say KEEPALIVE on a connection that the next OPEN condemns, and a peer that has come
 * to Established on it meanwhile closes the other one. Both would be gone.
 */
export function mustWait(
  existing: { readonly state: BgpState; readonly openedBy: OpenedBy },
  newcomer: { readonly openedBy: OpenedBy },
  parties: CollisionParties,
): boolean {
  const isDominant = existing.openedBy === dominantEnd(parties);
  return existing.state === "OpenSent" && isDominant && existing.openedBy !== newcomer.openedBy;
}

/** The end whose connection is kept. */
export function dominantEnd(parties: CollisionParties): OpenedBy {
  const { localBgpIdentifier: local, remoteBgpIdentifier: remote } = parties;
  if (local !== remote) return local > remote ? "local" : "remote";
  return parties.localAs > parties.remoteAs ? "local" : "remote";
}
