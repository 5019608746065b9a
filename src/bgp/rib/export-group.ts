import { equalBytes } from "../../core/bytes.ts";
import { prependAs } from "../policy/as-path.ts";
import type { PolicyPeer } from "../policy/policy.ts";
import type { PathAttributes } from "../wire/message.ts";
import { AttributeMark, type AttributeStore } from "./attribute-store.ts";
import type { RibPeer } from "./contract.ts";
import type { PolicyPrefix, Router } from "./import.ts";
import * as standing from "./standing-rules.ts";

/**
 * Peers whose Adj-RIBs-Out are made by the same rules: one evaluation of export policy and one
 * rewriting of attributes (RFC 4271 §5.1, §9.2; RFC 4456 §8) serve them all. What still differs,
 * the address of each session, stays out of it: a next hop of our own is left empty here and filled
 * in when an UPDATE is built.
 */
export class ExportGroup {
  /** Peers in the group; without any it is dropped. */
  members = 0;
  readonly #router: Router;
  readonly #config: RibPeer;
  readonly #peer: PolicyPeer;
  readonly #attributes: AttributeStore;
  readonly #remembered: (Uint32Array | undefined)[] = [];
  /** The set policy last looked at, as policy sees it. */
  #base: Base | undefined;

  constructor(config: RibPeer, router: Router, attributes: AttributeStore) {
    this.#router = router;
    this.#config = config;
    this.#attributes = attributes;
    this.#peer = { ...config.policyPeer, localAddress4: SELF4, localAddress6: SELF6 };
  }

  /**
   * The set to announce, with a reference for the caller; 0 where the route is not to be announced.
   * `reflectedFrom` is the BGP Identifier of the iBGP peer the route is reflected for, else 0.
   */
  retainOut(best: number, reflectedFrom: number, prefix: PolicyPrefix): number {
    const store = this.#attributes;
    const marks = store.marks[best] ?? 0;
    if ((marks & AttributeMark.NoAdvertise) !== 0) return 0;
    if ((marks & AttributeMark.NoExport) !== 0 && this.#peer.kind === "ebgp") return 0;
    if (this.#config.exportPolicy.looksAtPrefix) return this.#judge(best, reflectedFrom, prefix);
    const remembered = this.#recall(best, reflectedFrom);
    if (remembered >= 0) return remembered;
    const out = this.#judge(best, reflectedFrom, prefix);
    this.#remember(best, reflectedFrom, out);
    return out;
  }

  #judge(best: number, reflectedFrom: number, prefix: PolicyPrefix): number {
    const { attributes } = this.#baseOf(best);
    const { afi, address, length } = prefix;
    const { exportPolicy } = this.#config;
    const decision = exportPolicy.evaluate({ attributes, afi, address, length, peer: this.#peer });
    if (decision.verdict === "reject") return 0;
    const isUntouched = exportPolicy.looksAtPrefix && decision.attributes === attributes;
    if (isUntouched) {
      const remembered = this.#recall(best, reflectedFrom);
      if (remembered >= 0) return remembered;
    }
    const out = this.#rewrite(best, decision.attributes, reflectedFrom);
    if (isUntouched) this.#remember(best, reflectedFrom, out);
    return out;
  }

  /**
   * What the peer is told of a route that policy let pass as `decided`; 0 for nothing after all.
   */
  #rewrite(best: number, decided: PathAttributes, reflectedFrom: number): number {
    const { attributes, isOwn } = this.#baseOf(best);
    const { kind, localAs } = this.#peer;
    const told = standing.announced(this.#config, decided);
    if (told === undefined) return 0;
    // The usual case needs no object: the set goes out as it is, with our AS in front.
    if (told === attributes && kind === "ebgp") {
      return this.#attributes.internExternal(best, localAs, isOwn);
    }
    const nextHop = this.#nextHopOf(told, attributes, isOwn || reflectedFrom === 0);
    return this.#attributes.intern(
      kind === "ebgp"
        ? externally(told, nextHop, localAs)
        : this.#internally(told, nextHop, reflectedFrom),
    );
  }

  /** What policy sees: the route as chosen, less what may not go to this peer anyway. */
  #baseOf(best: number): Base {
    const birth = this.#attributes.birth[best] ?? 0;
    if (this.#base?.best === best && this.#base.birth === birth) return this.#base;
    const chosen = this.#attributes.attributesOf(best);
    const isOwn = chosen.nextHop.length === 0;
    let attributes = chosen;
    if (!isOwn && this.#peer.kind === "ebgp" && chosen.med !== undefined) {
      // RFC 4271 §5.1.4: another AS's MED goes no further; one that policy sets is ours.
      const { med: _med, ...rest } = chosen;
      attributes = rest;
    }
    this.#base = { best, birth, attributes, isOwn };
    return this.#base;
  }

  /** Empty stands for the address of whichever session the UPDATE goes out on. */
  #nextHopOf(
    { nextHop }: PathAttributes,
    { nextHop: before }: PathAttributes,
    mayReplace: boolean,
  ): Uint8Array {
    if (nextHop.length === 0) return nextHop;
    if (equalBytes(nextHop, nextHop.length === 4 ? SELF4 : SELF6)) return EMPTY;
    const isChosenByPolicy = !equalBytes(nextHop, before);
    if (isChosenByPolicy) return nextHop;
    if (this.#peer.kind === "ebgp") return EMPTY; // RFC 4271 §5.1.3
    // RFC 4456 §10: a reflector leaves the next hop alone.
    return this.#config.nextHopSelf && mayReplace ? EMPTY : nextHop;
  }

  #internally(
    attributes: PathAttributes,
    nextHop: Uint8Array,
    reflectedFrom: number,
  ): PathAttributes {
    const localPref = attributes.localPref ?? LOCAL_PREF_DEFAULT;
    if (reflectedFrom === 0) return { ...attributes, nextHop, localPref };
    return {
      ...attributes,
      nextHop,
      localPref,
      originatorId: attributes.originatorId ?? reflectedFrom,
      clusterList: [this.#router.bgpIdentifier, ...(attributes.clusterList ?? [])],
    };
  }

  /** The remembered outcome with a reference, or -1. */
  #recall(best: number, reflectedFrom: number): number {
    const page = this.#remembered[best >>> PAGE_BITS];
    if (page === undefined) return -1;
    const at = (best & PAGE_MASK) * Memory.Words;
    const store = this.#attributes;
    if (page[at + Memory.Birth] !== store.birth[best]) return -1;
    if (page[at + Memory.Source] !== reflectedFrom) return -1;
    const out = page[at + Memory.Out] ?? 0;
    if (out === 0) return 0;
    if (page[at + Memory.OutBirth] !== store.birth[out]) return -1;
    store.retain(out);
    return out;
  }

  #remember(best: number, reflectedFrom: number, out: number): void {
    const index = best >>> PAGE_BITS;
    let page = this.#remembered[index];
    if (page === undefined) {
      page = new Uint32Array((PAGE_MASK + 1) * Memory.Words);
      while (this.#remembered.length < index) this.#remembered.push(undefined);
      this.#remembered[index] = page;
    }
    const at = (best & PAGE_MASK) * Memory.Words;
    page[at + Memory.Birth] = this.#attributes.birth[best] ?? 0;
    page[at + Memory.Source] = reflectedFrom;
    page[at + Memory.Out] = out;
    page[at + Memory.OutBirth] = this.#attributes.birth[out] ?? 0;
  }
}

/** True where two peers get the same from the same routes; policy may tell peers apart by name. */
export function isSameGroup(a: RibPeer, b: RibPeer): boolean {
  const isBlindToPeers = a.exportPolicy.looksAtPeer === false;
  return (
    a.exportPolicy === b.exportPolicy &&
    a.nextHopSelf === b.nextHopSelf &&
    a.role === b.role &&
    a.isInMaintenance === b.isInMaintenance &&
    standing.isSameAvoidance(a, b) &&
    a.policyPeer.kind === b.policyPeer.kind &&
    a.policyPeer.localAs === b.policyPeer.localAs &&
    (isBlindToPeers ||
      (a.policyPeer.remoteAs === b.policyPeer.remoteAs && a.policyPeer.name === b.policyPeer.name))
  );
}

/** RFC 4271 §5.1.2, §5.1.5; RFC 4456 §8: what leaves the AS says nothing of its inside. */
function externally(
  attributes: PathAttributes,
  nextHop: Uint8Array,
  localAs: number,
): PathAttributes {
  const { localPref, originatorId, clusterList, ...rest } = attributes;
  return { ...rest, nextHop, asPath: prependAs(attributes.asPath, localAs, 1) };
}

interface Base {
  readonly best: number;
  readonly birth: number;
  readonly attributes: PathAttributes;
  /** A route this router originates. */
  readonly isOwn: boolean;
}

/** Words of one remembered outcome. */
const Memory = { Birth: 0, Source: 1, Out: 2, OutBirth: 3, Words: 4 } as const;
const PAGE_BITS = 10;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

/** What policy takes for our session addresses: it may set them, and no route comes with them. */
const SELF4 = new Uint8Array(4);
const SELF6 = new Uint8Array(16);
const EMPTY = new Uint8Array(0);
const LOCAL_PREF_DEFAULT = 100;
