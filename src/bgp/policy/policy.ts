import type { Afi } from "../../core/address.ts";
import type { PathAttributes } from "../wire/message.ts";

/**
 * What the RIB knows of a policy: a pure function from a route to a verdict. Compiled from
 * configuration by `compile.ts`; a missing policy is `REJECT_ALL` (RFC 8212 §2).
 */
export interface Policy {
  readonly name: string;
  /**
   * False where the verdict depends on the attributes alone; the RIB then evaluates once per
   * attribute set and keeps the verdict, not once per prefix.
   */
  readonly looksAtPrefix: boolean;
  /**
   * False where the verdict is the same for every peer of a kind and local AS; peers then share one
   * evaluation and one encoding (update groups). Left out, policy may tell each peer apart.
   */
  readonly looksAtPeer?: boolean;
  evaluate(route: PolicyRoute): PolicyDecision;
}

export interface PolicyRoute {
  readonly attributes: PathAttributes;
  /** A prefix the policy must not keep: 4 or 16 octets, host bits zero. */
  readonly afi: Afi;
  readonly address: Uint8Array;
  readonly length: number;
  /** Whom the route comes from (import) or goes to (export). */
  readonly peer: PolicyPeer;
}

export interface PolicyPeer {
  readonly name: string;
  readonly kind: "ebgp" | "ibgp";
  readonly remoteAs: number;
  readonly localAs: number;
  /** Our address on the session, for `next-hop self`: 4 and 16 octets, as far as there is one. */
  readonly localAddress4: Uint8Array | undefined;
  readonly localAddress6: Uint8Array | undefined;
}

export interface PolicyDecision {
  readonly verdict: "accept" | "reject";
  /** `policy/term` that decided, or `default`; shown by `explain` and `show bgp rejected`. */
  readonly by: string;
  /** The attributes to go on with: the route's own object where nothing was set. */
  readonly attributes: PathAttributes;
}
