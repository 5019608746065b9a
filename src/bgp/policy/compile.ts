import { Afi, parseAddress } from "../../core/address.ts";
import { parsePrefix } from "../../core/prefix.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { Origin } from "../wire/iana.ts";
import type { Action } from "./action.ts";
import { PolicyChain } from "./chain.ts";
import { isWellKnownName } from "./community.ts";
import { each, type Path, Scope } from "./compile-scope.ts";
import type { Condition } from "./condition.ts";
import { PrefixList, type PrefixListEntry, prefixListEntry } from "./prefix-list.ts";
import type {
  CommunityMatchSource,
  MatchSource,
  Named,
  OneOrMany,
  OriginSource,
  PolicyFault,
  PolicySource,
  SetSource,
  TermSource,
} from "./source.ts";
import type { Term } from "./term.ts";

/**
 * Turns policies as written (`source.ts`) into policies as evaluated (`chain.ts`): prefix lists
 * become tries, AS-path patterns automata, communities octets under masks. What is left to do for a
 * route is a walk over terms, conditions and actions that are plain data; nothing is parsed, looked
 * up by name or closed over any more.
 *
 * Total: a source of the declared shape gives either every policy by name, or every fault with its
 * place in the source. A policy never changes the attributes it is given; it answers the same
 * object where it set nothing, so that the RIB can tell by identity. What is not accepted by some
 * term is rejected (RFC 8212 §2). Which policies apply to a peer, and in what order, is the
 * caller's to say: see `chainPolicies`.
 */
export function compilePolicies(
  source: PolicySource,
): Result<Map<string, PolicyChain>, readonly PolicyFault[]> {
  const scope = new Scope();
  for (const [name, entries] of items(source.prefixLists)) {
    scope.prefixLists.set(name, scope.prefixList(entries, ["prefixLists", name]));
  }
  for (const [name, entries] of items(source.asPathLists)) {
    scope.asPathLists.set(name, scope.asPathList(entries, ["asPathLists", name]));
  }
  compileCommunityLists(source, scope);
  const policies = new Map<string, PolicyChain>();
  for (const [name, terms] of items(source.policies)) {
    const compiled = terms.map((term, index) =>
      compileTerm(name, term, ["policies", name, index], scope),
    );
    reportRepeatedNames(terms, ["policies", name], scope);
    policies.set(name, new PolicyChain(name, [compiled]));
  }
  return scope.faults.length === 0 ? ok(policies) : err(scope.faults);
}

/** A list may use the lists above it; names that routers give to communities are taken. */
function compileCommunityLists(source: PolicySource, scope: Scope): void {
  for (const [name, texts] of items(source.communityLists)) {
    const path: Path = ["communityLists", name];
    if (isWellKnownName(name)) {
      scope.report(path, `"${name}" is a well-known community; the list needs another name`);
    }
    scope.communityLists.set(name, scope.communities(texts, path));
  }
}

function reportRepeatedNames(terms: readonly TermSource[], path: Path, scope: Scope): void {
  const seen = new Set<string>();
  terms.forEach(({ term }, index) => {
    if (seen.has(term)) {
      scope.report([...path, index, "term"], `the policy has two terms named "${term}"`);
    }
    seen.add(term);
  });
}

function compileTerm(policy: string, source: TermSource, path: Path, scope: Scope): Term {
  return {
    by: `${policy}/${source.term}`,
    match: compileMatch(source.match ?? {}, [...path, "match"], scope),
    actions: compileSet(source.set ?? {}, [...path, "set"], scope),
    end: source.action ?? "next-term",
  };
}

function compileMatch(source: MatchSource, path: Path, scope: Scope): Condition[] {
  return [
    ...compilePeerMatch(source, path, scope),
    ...compilePrefixMatch(source, path, scope),
    ...compileAsPathMatch(source, path, scope),
    ...compileAttributeMatch(source, path, scope),
    ...(source.not === undefined
      ? []
      : [{ on: "not", conditions: compileMatch(source.not, [...path, "not"], scope) } as const]),
  ];
}

function compilePeerMatch(source: MatchSource, path: Path, scope: Scope): Condition[] {
  const found: Condition[] = [];
  const { peer, peerKind, peerAs } = source;
  if (peer !== undefined) {
    const names = typeof peer === "string" ? [peer] : peer;
    found.push({ on: "peer", names: new Set(names) });
  }
  if (peerKind !== undefined) found.push({ on: "peer-kind", kind: peerKind });
  if (peerAs !== undefined) {
    found.push({ on: "peer-as", ases: scope.ases(peerAs, [...path, "peerAs"]) });
  }
  return found;
}

function compilePrefixMatch(source: MatchSource, path: Path, scope: Scope): Condition[] {
  const found: Condition[] = [];
  const { prefix, prefixList, family } = source;
  if (family !== undefined) {
    found.push({ on: "family", afi: family === "ipv4" ? Afi.Ipv4 : Afi.Ipv6 });
  }
  if (prefix !== undefined) {
    found.push({ on: "prefix", lists: [scope.prefixList(prefix, [...path, "prefix"])] });
  }
  if (prefixList !== undefined) {
    const lists = lookUp(prefixList, [...path, "prefixList"], (name, at) =>
      scope.named("prefix list", scope.prefixLists, at, name),
    );
    found.push({ on: "prefix", lists });
  }
  return found;
}

function compileAsPathMatch(source: MatchSource, path: Path, scope: Scope): Condition[] {
  const found: Condition[] = [];
  const { asPath, asPathList, asPathLength, asPathContains, originAs, neighborAs } = source;
  if (asPath !== undefined) {
    found.push({ on: "as-path", lists: [scope.asPathList(asPath, [...path, "asPath"])] });
  }
  if (asPathList !== undefined) {
    const lists = lookUp(asPathList, [...path, "asPathList"], (name, at) =>
      scope.named("AS path list", scope.asPathLists, at, name),
    );
    found.push({ on: "as-path", lists });
  }
  if (asPathLength !== undefined) {
    const range = scope.range(asPathLength, [...path, "asPathLength"]);
    found.push({ on: "as-path-length", range });
  }
  if (asPathContains !== undefined) {
    const ases = scope.ases(asPathContains, [...path, "asPathContains"]);
    found.push({ on: "as-path-contains", ases });
  }
  if (originAs !== undefined) {
    found.push({ on: "origin-as", ases: scope.ases(originAs, [...path, "originAs"]) });
  }
  if (neighborAs !== undefined) {
    found.push({ on: "neighbor-as", ases: scope.ases(neighborAs, [...path, "neighborAs"]) });
  }
  return found;
}

function compileAttributeMatch(source: MatchSource, path: Path, scope: Scope): Condition[] {
  const found: Condition[] = [];
  const { med, localPref, origin, nextHop, community } = source;
  if (med !== undefined) found.push({ on: "med", range: scope.range(med, [...path, "med"]) });
  if (localPref !== undefined) {
    found.push({ on: "local-pref", range: scope.range(localPref, [...path, "localPref"]) });
  }
  if (origin !== undefined) {
    const names = typeof origin === "string" ? [origin] : origin;
    found.push({ on: "origin", origins: names.map((name) => ORIGINS[name]) });
  }
  if (nextHop !== undefined) {
    found.push({ on: "next-hop", list: compileNextHops(nextHop, [...path, "nextHop"], scope) });
  }
  if (community !== undefined) {
    const at = [...path, "community"];
    if (isCommunityMatch(community)) found.push(...compileCommunityMatch(community, at, scope));
    else {
      const patterns = scope.communities(community, at);
      found.push({ on: "community", match: "any", patterns });
    }
  }
  return found;
}

function compileCommunityMatch(
  source: CommunityMatchSource,
  path: Path,
  scope: Scope,
): Condition[] {
  const found: Condition[] = [];
  for (const match of ["any", "all", "exact"] as const) {
    const texts = source[match];
    if (texts === undefined) continue;
    found.push({ on: "community", match, patterns: scope.communities(texts, [...path, match]) });
  }
  return found;
}

/** Addresses, and prefixes an address may lie in. */
function compileNextHops(texts: OneOrMany<string>, path: Path, scope: Scope): PrefixList {
  const found: PrefixListEntry[] = [];
  each(texts, path, (text, at) => {
    const bits = parseAddress(text)?.length;
    const prefix = parsePrefix(bits === undefined ? text : `${text}/${bits * 8}`);
    if (prefix !== undefined) found.push(prefixListEntry(prefix, { ge: prefix.length }));
    else scope.report(at, `"${text}" is neither an address nor a prefix`);
  });
  return new PrefixList(found);
}

function compileSet(source: SetSource, path: Path, scope: Scope): Action[] {
  const found: Action[] = [];
  const { localPref, med, origin, asPath, prepend, community, nextHop } = source;
  if (localPref !== undefined) {
    found.push(compileNumber("local-pref", localPref, [...path, "localPref"], scope));
  }
  if (med === "none") found.push({ set: "med-remove" });
  else if (med !== undefined) found.push(compileNumber("med", med, [...path, "med"], scope));
  if (origin !== undefined) found.push({ set: "origin", origin: ORIGINS[origin] });
  if (asPath === "remove-private") found.push({ set: "as-path-remove-private" });
  else if (asPath !== undefined) {
    const at = [...path, "asPath", "replace"];
    const ases = asPath.replace.map((as, index) => scope.as(as, [...at, index]) ?? 0);
    found.push({ set: "as-path-replace", ases });
  }
  if (prepend !== undefined) found.push(compilePrepend(prepend, [...path, "prepend"], scope));
  if (community !== undefined) {
    const at = [...path, "community"];
    if (community.delete !== undefined) {
      const patterns = scope.communities(community.delete, [...at, "delete"]);
      found.push({ set: "community-delete", patterns });
    }
    for (const set of ["set", "add"] as const) {
      const texts = community[set];
      if (texts === undefined) continue;
      const values = scope.communities(texts, [...at, set]);
      if (!values.every((value) => value.isValue)) {
        scope.report(
          [...at, set],
          `"*" stands for many communities; only delete and match take it`,
        );
      }
      found.push({ set: `community-${set}`, values });
    }
  }
  if (nextHop !== undefined) found.push(...compileNextHop(nextHop, [...path, "nextHop"], scope));
  return found;
}

function compileNumber(
  set: "local-pref" | "med",
  source: number | { readonly add: number },
  path: Path,
  scope: Scope,
): Action {
  if (typeof source === "number") {
    scope.u32(source, path);
    return { set, value: source };
  }
  scope.u32(Math.abs(source.add), [...path, "add"]);
  return { set: `${set}-add`, value: source.add };
}

function compilePrepend(source: SetSource["prepend"] & {}, path: Path, scope: Scope): Action {
  const count = typeof source === "number" ? source : source.count;
  if (!Number.isInteger(count) || count < 1 || count > PREPEND_MAX) {
    const at = typeof source === "number" ? path : [...path, "count"];
    scope.report(at, `${count} is no prepend count; 1 to ${PREPEND_MAX}`);
    return { set: "prepend", as: undefined, count: 1 };
  }
  const isOwn = typeof source === "number" || source.as === undefined;
  return {
    set: "prepend",
    as: isOwn ? undefined : scope.as(source.as, [...path, "as"]),
    count,
  };
}

function compileNextHop(text: string, path: Path, scope: Scope): Action[] {
  if (text === "self") return [{ set: "next-hop-self" }];
  const address = parseAddress(text);
  if (address !== undefined) return [{ set: "next-hop", address }];
  scope.report(path, `"${text}" is neither "self" nor an address`);
  return [];
}

function lookUp<Item>(
  names: OneOrMany<string>,
  path: Path,
  find: (name: string, path: Path) => Item | undefined,
): Item[] {
  const found: Item[] = [];
  each(names, path, (name, at) => {
    const item = find(name, at);
    if (item !== undefined) found.push(item);
  });
  return found;
}

const items = <Item>(named: Named<Item> | undefined): [string, Item][] =>
  Object.entries(named ?? {});

const isCommunityMatch = (
  source: OneOrMany<string> | CommunityMatchSource,
): source is CommunityMatchSource => typeof source === "object" && !Array.isArray(source);

const ORIGINS: Readonly<Record<OriginSource, Origin>> = {
  igp: Origin.Igp,
  egp: Origin.Egp,
  incomplete: Origin.Incomplete,
};

/** More is never needed to lose a tie-break, and long paths are what other networks filter. */
const PREPEND_MAX = 32;
