import type { Afi } from "../../core/address.ts";
import { asPathLength } from "../wire/as-path.ts";
import type { Origin } from "../wire/iana.ts";
import type { PathAttributes } from "../wire/message.ts";
import { asPathContains, formatAsPath, neighborAs, originatesIn } from "./as-path.ts";
import type { AsPathPattern } from "./as-path-pattern.ts";
import { type CommunityPattern, communitiesOf, matchesCommunity } from "./community.ts";
import type { PolicyRoute } from "./policy.ts";
import type { PrefixList } from "./prefix-list.ts";

/** What a term asks of a route; lists are "any of", except where the name says otherwise. */
export type Condition =
  | { readonly on: "prefix"; readonly lists: readonly PrefixList[] }
  | { readonly on: "family"; readonly afi: Afi }
  | { readonly on: "as-path"; readonly lists: readonly AsPathList[] }
  | { readonly on: "as-path-length"; readonly range: Range }
  | { readonly on: "as-path-contains"; readonly ases: ReadonlySet<number> }
  | { readonly on: "origin-as"; readonly ases: ReadonlySet<number> }
  | { readonly on: "neighbor-as"; readonly ases: ReadonlySet<number> }
  | {
      readonly on: "community";
      readonly match: "any" | "all" | "exact";
      readonly patterns: readonly CommunityPattern[];
    }
  | { readonly on: "med"; readonly range: Range }
  | { readonly on: "local-pref"; readonly range: Range }
  | { readonly on: "origin"; readonly origins: readonly Origin[] }
  | { readonly on: "next-hop"; readonly list: PrefixList }
  | { readonly on: "peer"; readonly names: ReadonlySet<string> }
  | { readonly on: "peer-kind"; readonly kind: "ebgp" | "ibgp" }
  | { readonly on: "peer-as"; readonly ases: ReadonlySet<number> }
  | { readonly on: "not"; readonly conditions: readonly Condition[] };

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The first pattern that matches decides; where none does, the path is denied. */
export type AsPathList = readonly {
  readonly pattern: AsPathPattern;
  readonly isPermit: boolean;
}[];

/** Judges the attributes as earlier terms left them, not as they were received. */
export function holds(
  condition: Condition,
  route: PolicyRoute,
  attributes: PathAttributes,
): boolean {
  switch (condition.on) {
    case "prefix":
      return condition.lists.some((list) => list.permits(route.address, route.length));
    case "family":
      return route.afi === condition.afi;
    case "as-path":
      return permitsAsPath(condition.lists, formatAsPath(attributes.asPath));
    case "as-path-length":
      return isWithin(condition.range, asPathLength(attributes.asPath));
    case "as-path-contains":
      return asPathContains(attributes.asPath, condition.ases);
    case "origin-as":
      return originatesIn(attributes.asPath, condition.ases);
    case "neighbor-as":
      return condition.ases.has(neighborAs(attributes.asPath) ?? NO_AS);
    case "community":
      return matchesCommunities(condition, attributes);
    case "med":
      return isWithin(condition.range, attributes.med ?? 0);
    case "local-pref":
      return isWithin(condition.range, attributes.localPref ?? LOCAL_PREF_DEFAULT);
    case "origin":
      return condition.origins.includes(attributes.origin);
    case "next-hop":
      return permitsNextHop(condition.list, attributes.nextHop);
    case "peer":
      return condition.names.has(route.peer.name);
    case "peer-kind":
      return route.peer.kind === condition.kind;
    case "peer-as":
      return condition.ases.has(route.peer.remoteAs);
    case "not":
      return !condition.conditions.every((inner) => holds(inner, route, attributes));
  }
}

/** True where the answer depends on more than the attributes and the peer. */
export const looksAtPrefix = (condition: Condition): boolean =>
  condition.on === "prefix" ||
  condition.on === "family" ||
  (condition.on === "not" && condition.conditions.some(looksAtPrefix));

/** True where the answer may differ between peers of one kind and local AS. */
export const looksAtPeer = (condition: Condition): boolean =>
  condition.on === "peer" ||
  condition.on === "peer-as" ||
  (condition.on === "not" && condition.conditions.some(looksAtPeer));

function permitsAsPath(lists: readonly AsPathList[], text: string): boolean {
  return lists.some((list) => list.find((entry) => entry.pattern.matches(text))?.isPermit === true);
}

function matchesCommunities(
  condition: Condition & { readonly on: "community" },
  attributes: PathAttributes,
): boolean {
  const { match, patterns } = condition;
  const isCarried = (pattern: CommunityPattern): boolean =>
    communitiesOf(attributes, pattern.kind).some((value) => matchesCommunity(pattern, value));
  if (match === "any") return patterns.some(isCarried);
  if (!patterns.every(isCarried)) return false;
  return (
    match === "all" || patterns.every((pattern) => isCovered(pattern.kind, condition, attributes))
  );
}

/** Every community of the kind is one of those asked for. */
function isCovered(
  kind: CommunityPattern["kind"],
  condition: Condition & { readonly on: "community" },
  attributes: PathAttributes,
): boolean {
  const patterns = condition.patterns.filter((pattern) => pattern.kind === kind);
  return communitiesOf(attributes, kind).every((value) =>
    patterns.some((pattern) => matchesCommunity(pattern, value)),
  );
}

/** A route of our own has no next hop yet and lies in no prefix. */
const permitsNextHop = (list: PrefixList, nextHop: Uint8Array): boolean =>
  nextHop.length > 0 && list.permitsAddress(nextHop.subarray(0, 16));

const isWithin = (range: Range, value: number): boolean => value >= range.min && value <= range.max;

/** RFC 7607: AS 0 is no one's, so no set of ours holds it. */
const NO_AS = 0;
/** What a route without LOCAL_PREF is worth everywhere (RFC 4271 leaves the number to us). */
const LOCAL_PREF_DEFAULT = 100;
