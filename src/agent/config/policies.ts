import { chainPolicies, type PolicyChain, REJECT_ALL } from "../../bgp/policy/chain.ts";
import { isWellKnownName } from "../../bgp/policy/community.ts";
import { compilePolicies } from "../../bgp/policy/compile.ts";
import type { MatchSource, OneOrMany, PolicySource, TermSource } from "../../bgp/policy/source.ts";
import { formatPrefix } from "../../core/prefix.ts";
import {
  BUILT_IN_NAMES,
  builtInPolicies,
  FAILOVER_PREFIX,
  failoverPolicies,
} from "./built-in-policies.ts";
import { type Draft, type SessionDraft, sessionsOf } from "./draft.ts";
import { type Path, type Problems, suggest } from "./problem.ts";

/**
 * The policies of a file by name, and what a session gets of them. Sessions with the same names get
 * the same object: the speaker then makes their announcements once (design §3).
 */
export class PolicyBook {
  readonly #policies: ReadonlyMap<string, PolicyChain>;
  readonly #order: readonly string[];
  readonly #chains = new Map<string, PolicyChain>();

  constructor(policies: ReadonlyMap<string, PolicyChain>, order: readonly string[]) {
    this.#policies = policies;
    this.#order = order;
  }

  importOf(session: SessionDraft): PolicyChain {
    return this.#chain(session.importNames, this.#failover(session)?.importPolicy);
  }

  exportOf(session: SessionDraft): PolicyChain {
    return this.#chain(session.exportNames, this.#failover(session)?.exportPolicy);
  }

  #failover(session: SessionDraft) {
    const rank = session.circuit === undefined ? -1 : this.#order.indexOf(session.circuit);
    return rank < 0 ? undefined : failoverPolicies(rank, this.#order.length);
  }

  /** Without a policy nothing passes, whatever failover would add (RFC 8212 §2). */
  #chain(names: readonly string[], first: PolicyChain | undefined): PolicyChain {
    const parts = names.map((name) => this.#policies.get(name) ?? REJECT_ALL);
    if (parts.length === 0) return REJECT_ALL;
    if (first !== undefined) parts.unshift(first);
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    const name = parts.map((part) => part.name).join(" ");
    const known = this.#chains.get(name);
    if (known !== undefined) return known;
    const chain = chainPolicies(name, parts);
    this.#chains.set(name, chain);
    return chain;
  }
}

/** Compiles what the file defines and holds every reference against it. */
export function readPolicies(draft: Draft, problems: Problems): PolicyBook {
  const source = draft.file.policy ?? {};
  const policies = builtInPolicies({
    announced: draft.announce.map((own) => own.text),
    links: draft.circuits.flatMap((circuit) =>
      circuit.links.map((link) => formatPrefix(link.local.subnet)),
    ),
  });
  for (const name of Object.keys(source.policies ?? {})) {
    if (!policies.has(name) && !name.startsWith(FAILOVER_PREFIX)) continue;
    const message = `"${name}" is a built-in policy; yours needs another name`;
    problems.report("E315", ["policy", "policies", name], message, "key");
  }
  const compiled = compilePolicies(source);
  if (compiled.ok) for (const [name, policy] of compiled.value) policies.set(name, policy);
  else {
    for (const { path, kind, because } of compiled.fault) {
      problems.report(kind === "value" ? "E301" : "E302", ["policy", ...path], because);
    }
  }
  if (draft.isWhole) judgeReferences(draft, source, problems);
  const { failover } = draft.file;
  const isRanked = failover?.mode === "active-standby";
  const order = failover?.order ?? draft.circuits.map((circuit) => circuit.source.name);
  return new PolicyBook(policies, isRanked ? order : []);
}

function judgeReferences(draft: Draft, source: PolicySource, problems: Problems): void {
  const defined = Object.keys(source.policies ?? {});
  const known = [...BUILT_IN_NAMES, ...defined];
  const used = new Set<string>();
  for (const session of sessionsOf(draft)) {
    for (const key of ["import", "export"] as const) {
      for (const [name, path] of placesOf(session.source[key], [...session.path, key])) {
        used.add(name);
        if (known.includes(name)) continue;
        const defines = defined.length === 0 ? "the file defines none" : defined.join(", ");
        const hint = suggest(name, known) || `; defined: ${defines}`;
        problems.report("E302", path, `there is no policy "${name}"${hint}`);
      }
    }
  }
  const unused = (kind: string, section: keyof PolicySource, names: ReadonlySet<string>) => {
    for (const name of Object.keys(source[section] ?? {})) {
      if (names.has(name)) continue;
      const message = `nothing uses the ${kind} "${name}"`;
      problems.report("W303", ["policy", section, name], message, "key");
    }
  };
  const references = referencesOf(source);
  unused("policy", "policies", used);
  unused("prefix list", "prefixLists", references.prefixLists);
  unused("AS path list", "asPathLists", references.asPathLists);
  unused("community list", "communityLists", references.communityLists);
  judgePeers(draft, source, problems);
}

function judgePeers(draft: Draft, source: PolicySource, problems: Problems): void {
  const peers = sessionsOf(draft).map((session) => session.name);
  eachTerm(source, (term, path) => {
    for (const [match, at] of matchesOf(term, path)) {
      for (const [name, place] of placesOf(match.peer, [...at, "peer"])) {
        if (peers.includes(name)) continue;
        const hint = suggest(name, peers) || `; there are ${peers.join(", ")}`;
        problems.report("W316", place, `no session is named "${name}"${hint}`);
      }
    }
  });
}

function referencesOf(source: PolicySource) {
  const found = {
    prefixLists: new Set<string>(),
    asPathLists: new Set<string>(),
    communityLists: new Set<string>(),
  };
  const communities = (texts: OneOrMany<string> | undefined): void => {
    for (const [text] of placesOf(texts, [])) {
      if (!isWellKnownName(text)) found.communityLists.add(text);
    }
  };
  for (const texts of Object.values(source.communityLists ?? {})) communities(texts);
  eachTerm(source, (term, path) => {
    for (const [match] of matchesOf(term, path)) {
      for (const [name] of placesOf(match.prefixList, [])) found.prefixLists.add(name);
      for (const [name] of placesOf(match.asPathList, [])) found.asPathLists.add(name);
      const { community } = match;
      if (typeof community === "string" || isList(community)) communities(community);
      else for (const texts of Object.values(community ?? {})) communities(texts);
    }
    for (const texts of Object.values(term.set?.community ?? {})) communities(texts);
  });
  return found;
}

function eachTerm(source: PolicySource, visit: (term: TermSource, path: Path) => void): void {
  for (const [name, terms] of Object.entries(source.policies ?? {})) {
    for (const [index, term] of terms.entries()) visit(term, ["policy", "policies", name, index]);
  }
}

function matchesOf({ match }: TermSource, path: Path): [MatchSource, Path][] {
  if (match === undefined) return [];
  const at = [...path, "match"];
  return match.not === undefined
    ? [[match, at]]
    : [
        [match, at],
        [match.not, [...at, "not"]],
      ];
}

/** Each text with its place, whether it stands alone or in a list. */
function placesOf(texts: OneOrMany<string> | undefined, path: Path): [string, Path][] {
  if (texts === undefined) return [];
  if (typeof texts === "string") return [[texts, path]];
  return texts.map((text, index) => [text, [...path, index]]);
}

const isList = (value: unknown): value is readonly string[] => Array.isArray(value);
