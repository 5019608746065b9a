import type { Afi } from "../../core/address.ts";
import { equalBytes } from "../../core/bytes.ts";
import type { PathAttributes } from "../wire/message.ts";
import { isHostAddress, isLoopback4 } from "../wire/next-hop.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { REJECTED } from "./path-store.ts";
import type { Peer } from "./peer.ts";
import * as standing from "./standing-rules.ts";

/**
 * What becomes of a received attribute set (RFC 4271 §9.1.1, RFC 4456 §8): refused for a loop or a
 * senseless next hop, refused by policy, or accepted as policy left it. A verdict that does not
 * depend on the prefix is remembered beside the set, so it costs once however many prefixes share
 * it.
 */
export class Import {
  readonly #router: Router;
  readonly #attributes: AttributeStore;
  /** Reasons by number, as paths carry them. */
  readonly #reasons: string[] = [];
  readonly #reasonIds = new Map<string, number>();

  constructor(router: Router, attributes: AttributeStore) {
    this.#router = router;
    this.#attributes = attributes;
  }

  /**
   * The accepted set, with a reference for the caller, or REJECTED with a reason. `attributes` are
   * those of `received` where the caller has them at hand.
   */
  judge(
    peer: Peer,
    received: number,
    attributes: PathAttributes | undefined,
    prefix: PolicyPrefix,
  ): number {
    const { importPolicy } = peer.config;
    const store = this.#attributes;
    const isRemembered = !importPolicy.looksAtPrefix;
    if (isRemembered && store.verdictKey[received] === verdictKey(peer, prefix.afi)) {
      const verdict = store.verdict[received] ?? 0;
      if (verdict >= REJECTED) return verdict;
      if (store.birth[verdict] === store.verdictBirth[received]) {
        store.retain(verdict);
        return verdict;
      }
    }
    const known = attributes ?? store.attributesOf(received);
    const verdict = this.#evaluate(peer, received, known, prefix);
    if (isRemembered) {
      store.verdictKey[received] = verdictKey(peer, prefix.afi);
      store.verdict[received] = verdict;
      store.verdictBirth[received] = verdict >= REJECTED ? 0 : (store.birth[verdict] ?? 0);
    }
    return verdict;
  }

  /** The text of a refusal. */
  reasonOf(accepted: number): string {
    return this.#reasons[accepted - REJECTED] ?? "unknown";
  }

  #evaluate(
    peer: Peer,
    received: number,
    attributes: PathAttributes,
    { afi, address, length }: PolicyPrefix,
  ): number {
    const { config } = peer;
    const refusal =
      refusalOf(this.#router, peer, attributes) ?? standing.leakOf(config, attributes);
    if (refusal !== undefined) return this.#reject(refusal);
    const { importPolicy, policyPeer } = config;
    const seen = standing.received(config, attributes);
    const route = { attributes: seen, afi, address, length, peer: policyPeer };
    const decision = importPolicy.evaluate(route);
    if (decision.verdict === "reject") return this.#reject(decision.by);
    const outcome = standing.accepted(config, decision.attributes);
    if (outcome === attributes) {
      this.#attributes.retain(received);
      return received;
    }
    const accepted = this.#attributes.intern(outcome, peer.slot);
    return accepted === 0 ? this.#reject("attributes-beyond-limits") : accepted;
  }

  #reject(reason: string): number {
    let id = this.#reasonIds.get(reason);
    if (id === undefined) {
      id = this.#reasons.length;
      this.#reasons.push(reason);
      this.#reasonIds.set(reason, id);
    }
    return REJECTED + id;
  }
}

/** This router, as far as loops are concerned. */
export interface Router {
  readonly localAs: number;
  readonly bgpIdentifier: number;
}

export interface PolicyPrefix {
  readonly afi: Afi;
  readonly address: Uint8Array;
  readonly length: number;
}

/**
 * `family` conditions look at the prefix, but IPv4 and IPv6 verdicts are kept apart all the same.
 */
const verdictKey = (peer: Peer, afi: Afi): number => peer.importKey * 2 + (afi - 1);

/** Why a route may not be used whatever policy says; undefined where it may. */
export function refusalOf(
  router: Router,
  { config }: Pick<Peer, "config">,
  { asPath, nextHop, originatorId, clusterList }: PathAttributes,
): string | undefined {
  let ownAses = 0;
  for (const { ases } of asPath) {
    for (const as of ases) {
      if (as === config.policyPeer.localAs || as === router.localAs) ownAses += 1;
    }
  }
  if (ownAses > config.allowOwnAs) return "own-as-loop";
  if (originatorId === router.bgpIdentifier) return "own-originator-id";
  if (clusterList?.includes(router.bgpIdentifier) === true) return "own-cluster-id";
  const { localAddress4, localAddress6 } = config.policyPeer;
  const global = nextHop.subarray(0, 16);
  const isOwn =
    (localAddress4 !== undefined && equalBytes(global, localAddress4)) ||
    (localAddress6 !== undefined && equalBytes(global, localAddress6));
  if (isOwn) return "next-hop-own";
  const isAstray = isLoopback4(nextHop) && !isLoopback4(config.remoteAddress);
  return isHostAddress(nextHop) && !isAstray ? undefined : "next-hop-invalid";
}
