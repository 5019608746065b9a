import type { Policy, PolicyPeer } from "../../src/bgp/policy/policy.ts";
import type { OriginatedRoute, RibOptions, RibPeer } from "../../src/bgp/rib/contract.ts";
import { SegmentType, WellKnownCommunity } from "../../src/bgp/wire/iana.ts";
import type { PathAttributes } from "../../src/bgp/wire/message.ts";
import { formatAddress } from "../../src/core/address.ts";
import { toHex } from "../../src/core/bytes.ts";
import { coversPrefix, type Prefix, parsePrefix } from "../../src/core/prefix.ts";
import { LOCAL_AS, ROUTER_ID } from "../unit/bgp/rib-support.ts";

/** What a RIB does, said as plainly as possible: maps of objects, everything computed from scratch. */
export class Oracle {
  options: RibOptions;
  readonly peers = new Map<number, OraclePeer>();
  readonly unreachable = new Set<string>();
  readonly metrics = new Map<string, number>();
  originated: readonly OriginatedRoute[] = [];
  #arrivals = 0;

  constructor(options: RibOptions) {
    this.options = options;
  }

  announce(number: number, attributes: PathAttributes, prefixes: readonly string[]): void {
    const peer = this.peers.get(number);
    for (const prefix of prefixes) {
      const before = peer?.received.get(prefix);
      const isSame = before !== undefined && textOf(before.attributes) === textOf(attributes);
      if (isSame) continue;
      this.#arrivals += 1;
      peer?.received.set(prefix, { attributes, arrival: this.#arrivals });
    }
  }

  /** Accepted, usable paths of a prefix. */
  candidates(prefix: string): Path[] {
    const paths: Path[] = [];
    for (const route of this.originated) {
      if (route.prefix !== prefix) continue;
      const attributes = { ...route.attributes, asPath: [], nextHop: new Uint8Array(0) };
      paths.push({ slot: 0, attributes, arrival: 0, peer: undefined });
    }
    for (const [slot, peer] of this.peers) {
      const route = peer.received.get(prefix);
      if (!peer.isUp || route === undefined) continue;
      const attributes = this.accepted(peer, prefix, route.attributes);
      if (attributes === undefined) continue;
      if (this.unreachable.has(nextHopText(attributes))) continue;
      paths.push({ slot, attributes, arrival: route.arrival, peer });
    }
    return paths;
  }

  accepted(
    peer: OraclePeer,
    prefix: string,
    attributes: PathAttributes,
  ): PathAttributes | undefined {
    const ases = attributes.asPath.flatMap((segment) => segment.ases);
    const own = ases.filter((as) => as === LOCAL_AS || as === peer.config.policyPeer.localAs);
    if (own.length > peer.config.allowOwnAs) return undefined;
    if (attributes.originatorId === ROUTER_ID) return undefined;
    if (attributes.clusterList?.includes(ROUTER_ID) === true) return undefined;
    return evaluate(peer.config.importPolicy, prefix, attributes, peer.config.policyPeer);
  }

  /** Chosen paths, best first, then the choice among the peers outside of them. */
  decide(prefix: string): { chosen: Path[]; backup: Path[] } {
    const candidates = this.candidates(prefix);
    const chosen = this.#choose(candidates);
    const backup = this.#choose(candidates.filter((path) => !chosen.includes(path)));
    return { chosen, backup };
  }

  /** What a peer should hold, by prefix; and how many prefixes its budget keeps from it. */
  told(
    number: number,
    prefixes: readonly string[],
  ): { held: Map<string, PathAttributes>; over: number } {
    const peer = this.peers.get(number);
    const wanted = new Map<string, PathAttributes>();
    for (const prefix of prefixes) {
      const best = this.decide(prefix).chosen[0];
      const out =
        peer === undefined || best === undefined
          ? undefined
          : this.#out(number, peer, prefix, best);
      if (out !== undefined) wanted.set(prefix, out);
    }
    const budget = peer?.config.budget;
    if (budget === undefined) return { held: wanted, over: 0 };
    const ranked = [...wanted.keys()].sort(
      (a, b) => rankOf(budget.ranks, a) - rankOf(budget.ranks, b) || byAddress(a, b),
    );
    const kept = ranked.slice(0, budget.limit);
    return {
      held: new Map(kept.map((prefix) => [prefix, wanted.get(prefix) as PathAttributes])),
      over: ranked.length - kept.length,
    };
  }

  #choose(candidates: readonly Path[]): Path[] {
    let left = [...candidates];
    const keepLowest = (key: (path: Path) => number): void => {
      const lowest = Math.min(...left.map(key));
      left = left.filter((path) => key(path) === lowest);
    };
    keepLowest(({ attributes }) => -(attributes.localPref ?? 100));
    keepLowest(({ slot }) => (slot === 0 ? 0 : 1));
    keepLowest(({ attributes }) => pathLength(attributes));
    keepLowest(({ attributes }) => attributes.origin);
    const beforeMed = left;
    left = beforeMed.filter((path) =>
      beforeMed.every(
        (other) =>
          (!this.options.alwaysCompareMed && neighbour(other) !== neighbour(path)) ||
          (path.attributes.med ?? 0) <= (other.attributes.med ?? 0),
      ),
    );
    keepLowest((path) => (isInternal(path) ? 1 : 0));
    keepLowest(({ attributes }) => this.metrics.get(nextHopText(attributes)) ?? 0);
    left.sort((a, b) => this.#tieBreak(a, b));
    const [best] = left;
    if (best === undefined) return [];
    if (best.slot === 0) return [best];
    const max = isInternal(best) ? this.options.ibgpPathsMax : this.options.ebgpPathsMax;
    const alike = left.filter(
      (path) =>
        this.options.multipathRelax ||
        JSON.stringify(path.attributes.asPath) === JSON.stringify(best.attributes.asPath),
    );
    return alike.slice(0, max);
  }

  #tieBreak(a: Path, b: Path): number {
    if (this.options.preferOldest && !isInternal(a)) return a.arrival - b.arrival;
    const clusters = (path: Path): number => path.attributes.clusterList?.length ?? 0;
    return (
      identifier(a) - identifier(b) ||
      clusters(a) - clusters(b) ||
      toHex(remoteOf(a)).localeCompare(toHex(remoteOf(b)))
    );
  }

  #out(number: number, peer: OraclePeer, prefix: string, best: Path): PathAttributes | undefined {
    const { policyPeer, exportPolicy, nextHopSelf, isRouteReflectorClient } = peer.config;
    if (best.slot === number) return undefined;
    const communities = best.attributes.communities ?? [];
    if (communities.includes(WellKnownCommunity.NoAdvertise)) return undefined;
    const isExternal = policyPeer.kind === "ebgp";
    const isKeptIn =
      communities.includes(WellKnownCommunity.NoExport) ||
      communities.includes(WellKnownCommunity.NoExportSubconfed);
    if (isExternal && isKeptIn) return undefined;
    const isReflected = !isExternal && isInternal(best);
    if (
      isReflected &&
      !isRouteReflectorClient &&
      best.peer?.config.isRouteReflectorClient !== true
    ) {
      return undefined;
    }
    const { med: _med, ...withoutMed } = best.attributes;
    const base = isExternal && best.slot !== 0 ? withoutMed : best.attributes;
    const decided = evaluate(exportPolicy, prefix, base, policyPeer);
    if (decided === undefined) return undefined;
    const own =
      parsePrefix(prefix)?.afi === 1 ? policyPeer.localAddress4 : policyPeer.localAddress6;
    const isSet = toHex(decided.nextHop) !== toHex(base.nextHop);
    const isSelf =
      decided.nextHop.length === 0 || (!isSet && (isExternal || (nextHopSelf && !isReflected)));
    const nextHop = isSelf ? own : decided.nextHop;
    if (nextHop === undefined) return undefined;
    if (isExternal) {
      const { localPref: _l, originatorId: _o, clusterList: _c, ...rest } = decided;
      return { ...rest, nextHop, asPath: prepended(decided.asPath, policyPeer.localAs) };
    }
    const internal = { ...decided, nextHop, localPref: decided.localPref ?? 100 };
    if (!isReflected) return internal;
    return {
      ...internal,
      originatorId: decided.originatorId ?? identifier(best),
      clusterList: [ROUTER_ID, ...(decided.clusterList ?? [])],
    };
  }
}

export interface OraclePeer {
  config: RibPeer;
  isUp: boolean;
  bgpIdentifier: number;
  readonly received: Map<string, { attributes: PathAttributes; arrival: number }>;
}

interface Path {
  readonly slot: number;
  readonly attributes: PathAttributes;
  readonly arrival: number;
  readonly peer: OraclePeer | undefined;
}

/** Attributes as text that does not depend on the order of fields. */
export function textOf(attributes: PathAttributes): string {
  const entries = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, value instanceof Uint8Array ? toHex(value) : value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}

export const nextHopText = ({ nextHop }: PathAttributes): string =>
  nextHop.length === 0 ? "" : formatAddress(nextHop.subarray(0, nextHop.length === 4 ? 4 : 16));

function evaluate(
  policy: Policy,
  text: string,
  attributes: PathAttributes,
  peer: PolicyPeer,
): PathAttributes | undefined {
  const prefix = parsePrefix(text) as Prefix;
  const decision = policy.evaluate({ attributes, ...prefix, peer });
  return decision.verdict === "accept" ? decision.attributes : undefined;
}

function rankOf(ranks: readonly { prefix: string; rank: number }[], text: string): number {
  const inner = parsePrefix(text) as Prefix;
  const covering = ranks
    .map(({ prefix, rank }) => ({ prefix: parsePrefix(prefix) as Prefix, rank }))
    .filter(({ prefix }) => coversPrefix(prefix, inner))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  return covering[0]?.rank ?? Number.MAX_SAFE_INTEGER;
}

function byAddress(a: string, b: string): number {
  const left = parsePrefix(a) as Prefix;
  const right = parsePrefix(b) as Prefix;
  if (left.afi !== right.afi) return left.afi - right.afi;
  return toHex(left.address).localeCompare(toHex(right.address)) || left.length - right.length;
}

const pathLength = ({ asPath }: PathAttributes): number =>
  asPath.reduce((sum, { type, ases }) => sum + (type === SegmentType.AsSet ? 1 : ases.length), 0);
const neighbour = ({ attributes: { asPath } }: Path): number =>
  asPath[0]?.type === SegmentType.AsSequence ? (asPath[0].ases[0] ?? 0) : 0;
const isInternal = ({ peer }: Path): boolean => peer?.config.policyPeer.kind === "ibgp";
const identifier = ({ attributes, peer }: Path): number =>
  attributes.originatorId ?? peer?.bgpIdentifier ?? 0;
const remoteOf = ({ peer }: Path): Uint8Array => peer?.config.remoteAddress ?? new Uint8Array(4);

function prepended(asPath: PathAttributes["asPath"], as: number): PathAttributes["asPath"] {
  const [first, ...rest] = asPath;
  return first?.type === SegmentType.AsSequence
    ? [{ type: first.type, ases: [as, ...first.ases] }, ...rest]
    : [{ type: SegmentType.AsSequence, ases: [as] }, ...asPath];
}
