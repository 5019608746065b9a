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
 * RFC 4271 §6.8: two connections with one peer, the newcomer's OPEN has just been accepted. Tells
 * which of them lives on, or undefined where that cannot be judged yet: before the existing one
 * has seen the peer's OPEN, both go on and the later OPEN decides.
 *
 * Both ends must come to the same answer, so it depends on nothing but what both know: the
 * connection opened by the higher BGP Identifier is kept; with equal identifiers, which RFC 6286
 * allows between ASes, the one opened by the larger AS (RFC 6286 §2.3). An Established connection
 * is kept, unless `mayReplaceEstablished` (RFC 4271 §8.1.1 CollisionDetectEstablishedState): a
 * peer that negotiated graceful restart and opens anew has restarted (RFC 4724 §4.2).
 */
export function collisionSurvivor(
  existing: { readonly state: BgpState; readonly openedBy: OpenedBy },
  newcomer: { readonly openedBy: OpenedBy },
  parties: CollisionParties,
  mayReplaceEstablished: boolean,
): "existing" | "newcomer" | undefined {
  switch (existing.state) {
    case "Idle":
    case "Connect":
    case "Active":
    case "OpenSent":
      return undefined;
    case "OpenConfirm":
      // The same end never opens two on purpose: the older one is a leftover.
      if (existing.openedBy === newcomer.openedBy) return "newcomer";
      return newcomer.openedBy === dominantEnd(parties) ? "newcomer" : "existing";
    case "Established":
      return mayReplaceEstablished ? "newcomer" : "existing";
  }
}

/** The end whose connection is kept. */
export function dominantEnd(parties: CollisionParties): OpenedBy {
  const { localBgpIdentifier: local, remoteBgpIdentifier: remote } = parties;
  if (local !== remote) return local > remote ? "local" : "remote";
  return parties.localAs > parties.remoteAs ? "local" : "remote";
}
