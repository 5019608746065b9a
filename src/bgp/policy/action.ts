import { equalBytes } from "../../core/bytes.ts";
import type { Origin } from "../wire/iana.ts";
import type { PathAttributes } from "../wire/message.ts";
import { prependAs, sequenceOf, withoutPrivate } from "./as-path.ts";
import {
  type CommunityKind,
  type CommunityPattern,
  communitiesOf,
  matchesCommunity,
  withCommunities,
} from "./community.ts";
import type { PolicyRoute } from "./policy.ts";

/** What a term changes. */
export type Action =
  | { readonly set: "local-pref" | "med"; readonly value: number }
  | { readonly set: "local-pref-add" | "med-add"; readonly value: number }
  | { readonly set: "med-remove" }
  | { readonly set: "origin"; readonly origin: Origin }
  | { readonly set: "as-path-replace"; readonly ases: readonly number[] }
  | { readonly set: "as-path-remove-private" }
  /** `as` undefined is our own AS towards the peer. */
  | { readonly set: "prepend"; readonly as: number | undefined; readonly count: number }
  | { readonly set: "community-delete"; readonly patterns: readonly CommunityPattern[] }
  | { readonly set: "community-add"; readonly values: readonly CommunityPattern[] }
  | { readonly set: "community-set"; readonly values: readonly CommunityPattern[] }
  | { readonly set: "next-hop"; readonly address: Uint8Array }
  | { readonly set: "next-hop-self" };

/** The changed attributes; the very object given where there is nothing to change. */
export function apply(
  action: Action,
  attributes: PathAttributes,
  route: PolicyRoute,
): PathAttributes {
  switch (action.set) {
    case "local-pref":
      return withLocalPref(attributes, action.value);
    case "local-pref-add":
      return withLocalPref(attributes, clamp((attributes.localPref ?? 100) + action.value));
    case "med":
      return withMed(attributes, action.value);
    case "med-add":
      return withMed(attributes, clamp((attributes.med ?? 0) + action.value));
    case "med-remove": {
      const { med, ...rest } = attributes;
      return med === undefined ? attributes : rest;
    }
    case "origin":
      return attributes.origin === action.origin
        ? attributes
        : { ...attributes, origin: action.origin };
    case "as-path-replace":
      return { ...attributes, asPath: sequenceOf(action.ases) };
    case "as-path-remove-private": {
      const asPath = withoutPrivate(attributes.asPath);
      return asPath === attributes.asPath ? attributes : { ...attributes, asPath };
    }
    case "prepend": {
      const as = action.as ?? route.peer.localAs;
      return { ...attributes, asPath: prependAs(attributes.asPath, as, action.count) };
    }
    case "community-delete":
      return deleteCommunities(attributes, action.patterns);
    case "community-add":
      return addCommunities(attributes, action.values);
    case "community-set":
      return addCommunities(clearKinds(attributes, action.values), action.values);
    case "next-hop":
      return withNextHop(attributes, route, action.address);
    case "next-hop-self": {
      const { localAddress4, localAddress6 } = route.peer;
      return withNextHop(attributes, route, route.afi === 1 ? localAddress4 : localAddress6);
    }
  }
}

/** True where the result depends on the route's family, so on more than its attributes. */
export const needsFamily = (action: Action): boolean =>
  action.set === "next-hop" || action.set === "next-hop-self";

const withLocalPref = (attributes: PathAttributes, localPref: number): PathAttributes =>
  attributes.localPref === localPref ? attributes : { ...attributes, localPref };

const withMed = (attributes: PathAttributes, med: number): PathAttributes =>
  attributes.med === med ? attributes : { ...attributes, med };

/** An address of the other family says nothing about this route, so it changes nothing. */
function withNextHop(
  attributes: PathAttributes,
  route: PolicyRoute,
  address: Uint8Array | undefined,
): PathAttributes {
  if (address === undefined || address.length !== route.address.length) return attributes;
  return equalBytes(address, attributes.nextHop) ? attributes : { ...attributes, nextHop: address };
}

function deleteCommunities(
  attributes: PathAttributes,
  patterns: readonly CommunityPattern[],
): PathAttributes {
  let changed = attributes;
  for (const kind of KINDS) {
    const carried = communitiesOf(changed, kind);
    const kept = carried.filter(
      (value) => !patterns.some((p) => p.kind === kind && matchesCommunity(p, value)),
    );
    if (kept.length < carried.length) changed = withCommunities(changed, kind, kept);
  }
  return changed;
}

function addCommunities(
  attributes: PathAttributes,
  values: readonly CommunityPattern[],
): PathAttributes {
  let changed = attributes;
  for (const kind of KINDS) {
    const carried = communitiesOf(changed, kind);
    const before = carried.length;
    for (const value of values) {
      if (value.kind !== kind) continue;
      if (!carried.some((octets) => equalBytes(octets, value.octets))) carried.push(value.octets);
    }
    if (carried.length > before) changed = withCommunities(changed, kind, carried);
  }
  return changed;
}

function clearKinds(
  attributes: PathAttributes,
  values: readonly CommunityPattern[],
): PathAttributes {
  let changed = attributes;
  for (const kind of KINDS) {
    const isNamed = values.some((value) => value.kind === kind);
    if (isNamed && communitiesOf(changed, kind).length > 0) {
      changed = withCommunities(changed, kind, []);
    }
  }
  return changed;
}

const KINDS: readonly CommunityKind[] = ["standard", "large", "extended"];

const clamp = (value: number): number => Math.min(Math.max(value, 0), 0xffff_ffff);
