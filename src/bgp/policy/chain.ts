import type { Policy, PolicyDecision, PolicyRoute } from "./policy.ts";
import { change, matches, type Term, termLooksAtPeer, termLooksAtPrefix } from "./term.ts";

/**
 * Policies in a row. Terms are tried in order: `accept` and `reject` end it all, `next-policy` goes
 * on with the next policy, so does falling off the end of one; falling off the last rejects
 * (RFC 8212 §2). Changes made on the way are kept by whatever accepts in the end.
 */
export class PolicyChain implements Policy {
  readonly name: string;
  readonly looksAtPrefix: boolean;
  readonly looksAtPeer: boolean;
  /** The terms of each policy. */
  readonly parts: readonly (readonly Term[])[];

  constructor(name: string, parts: readonly (readonly Term[])[]) {
    this.name = name;
    this.parts = parts;
    this.looksAtPeer = parts.some((terms) => terms.some(termLooksAtPeer));
    this.looksAtPrefix = parts.some((terms) => terms.some(termLooksAtPrefix));
  }

  evaluate(route: PolicyRoute): PolicyDecision {
    let attributes = route.attributes;
    for (const terms of this.parts) {
      for (const term of terms) {
        if (!matches(term, route, attributes)) continue;
        attributes = change(term, route, attributes);
        if (term.end === "next-policy") break;
        if (term.end === "accept") return { verdict: "accept", by: term.by, attributes };
        if (term.end === "reject") {
          return { verdict: "reject", by: term.by, attributes: route.attributes };
        }
      }
    }
    return { verdict: "reject", by: "default", attributes: route.attributes };
  }
}

/** One policy that tries `policies` in order. */
export function chainPolicies(name: string, policies: readonly PolicyChain[]): PolicyChain {
  return new PolicyChain(
    name,
    policies.flatMap((policy) => policy.parts),
  );
}

/** What stands where no policy was configured (RFC 8212 §2). */
export const REJECT_ALL: PolicyChain = new PolicyChain("reject-all", [
  [{ by: "reject-all/all", match: [], actions: [], end: "reject" }],
]);

export const ACCEPT_ALL: PolicyChain = new PolicyChain("accept-all", [
  [{ by: "accept-all/all", match: [], actions: [], end: "accept" }],
]);
