import { lengthMax, parsePrefix } from "../../core/prefix.ts";
import { AsPathPattern } from "./as-path-pattern.ts";
import { type CommunityPattern, parseCommunity } from "./community.ts";
import type { AsPathList, Range } from "./condition.ts";
import { PrefixList, type PrefixListEntry, prefixListEntry } from "./prefix-list.ts";
import type {
  AsPathEntrySource,
  AsSource,
  LengthSource,
  OneOrMany,
  PermitOrDeny,
  PolicyFault,
  PrefixEntrySource,
  RangeSource,
} from "./source.ts";

export type Path = PolicyFault["path"];

interface Rule {
  readonly text: string;
  readonly isPermit: boolean;
  readonly path: Path;
}

/** The named lists compiled so far, and everything found wrong. */
export class Scope {
  readonly prefixLists = new Map<string, PrefixList>();
  readonly asPathLists = new Map<string, AsPathList>();
  readonly communityLists = new Map<string, readonly CommunityPattern[]>();
  readonly faults: PolicyFault[] = [];

  report(path: Path, because: string): void {
    this.faults.push({ path, kind: "value", because });
  }

  /** The list of that name; where there is none, the fault names those there are. */
  named<Item>(kind: string, lists: ReadonlyMap<string, Item>, path: Path, name: string) {
    const list = lists.get(name);
    if (list === undefined) {
      const known =
        lists.size === 0 ? "none is defined" : `defined: ${[...lists.keys()].join(", ")}`;
      this.faults.push({
        path,
        kind: "unknown-name",
        because: `there is no ${kind} "${name}"; ${known}`,
      });
    }
    return list;
  }

  prefixList(entries: OneOrMany<PrefixEntrySource>, path: Path): PrefixList {
    const found: PrefixListEntry[] = [];
    each(entries, path, (entry, at) => {
      const compiled = this.#prefixEntry(entry, at);
      if (compiled !== undefined) found.push(compiled);
    });
    return new PrefixList(found);
  }

  asPathList(entries: OneOrMany<AsPathEntrySource>, path: Path): AsPathList {
    const found: { pattern: AsPathPattern; isPermit: boolean }[] = [];
    each(entries, path, (entry, at) => {
      const rule = this.#rule(entry, at);
      if (rule === undefined) return;
      const pattern = AsPathPattern.compile(rule.text);
      if (pattern.ok) found.push({ pattern: pattern.value, isPermit: rule.isPermit });
      else this.report(rule.path, `AS path pattern "${rule.text}" is not valid: ${pattern.fault}`);
    });
    return found;
  }

  /** Values, values with `*`, and (once they are compiled) names of lists. */
  communities(texts: OneOrMany<string>, path: Path): CommunityPattern[] {
    const found: CommunityPattern[] = [];
    each(texts, path, (text, at) => {
      const pattern = parseCommunity(text);
      if (pattern !== undefined) found.push(pattern);
      else if (/^[A-Za-z][\w.-]*$/.test(text)) {
        found.push(...(this.named("community list", this.communityLists, at, text) ?? []));
      } else this.report(at, `"${text}" is no community; ${COMMUNITY_FORMS}`);
    });
    return found;
  }

  ases(sources: OneOrMany<AsSource>, path: Path): ReadonlySet<number> {
    const found = new Set<number>();
    each(sources, path, (source, at) => {
      const as = this.as(source, at);
      if (as !== undefined) found.add(as);
    });
    return found;
  }

  as(source: AsSource, path: Path): number | undefined {
    const as = parseAs(source);
    if (as === undefined) {
      this.report(path, `"${source}" is no AS number; 1 to 4294967295, as in 45104 or AS45104`);
    }
    return as;
  }

  /** Bounds of 32-bit numbers; a number alone is both. */
  range(source: RangeSource, path: Path): Range {
    if (typeof source === "number") {
      this.u32(source, path);
      return { min: source, max: source };
    }
    const { min = 0, max = 0xffff_ffff } = source;
    this.u32(min, [...path, "min"]);
    this.u32(max, [...path, "max"]);
    if (min > max) this.report(path, `min ${min} is above max ${max}`);
    return { min, max };
  }

  u32(value: number, path: Path): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      this.report(path, `${value} is out of range; a whole number from 0 to 4294967295`);
    }
  }

  #prefixEntry(entry: PrefixEntrySource, path: Path): PrefixListEntry | undefined {
    const rule = this.#rule(entry, path);
    if (rule === undefined) return undefined;
    const { text, isPermit } = rule;
    const prefix = parsePrefix(text);
    if (prefix === undefined) {
      this.report(rule.path, `"${text}" is no prefix; write it as 10.0.0.0/8, without host bits`);
      return undefined;
    }
    if (typeof entry === "string") return prefixListEntry(prefix);
    const ge = entry.ge === undefined ? undefined : this.#length(entry.ge, [...path, "ge"]);
    const le = entry.le === undefined ? undefined : this.#length(entry.le, [...path, "le"]);
    const compiled = prefixListEntry(prefix, { ge, le }, isPermit);
    const { lengthMin, lengthMax: most } = compiled;
    if (prefix.length > lengthMin || lengthMin > most || most > lengthMax(prefix.afi)) {
      const bounds = `/${prefix.length} ≤ ge ≤ le ≤ /${lengthMax(prefix.afi)}`;
      this.report(path, `the length bounds of ${text} match nothing; needed is ${bounds}`);
    }
    return compiled;
  }

  #rule(entry: string | PermitOrDeny, path: Path): Rule | undefined {
    if (typeof entry === "string") return { text: entry, isPermit: true, path };
    const { permit, deny } = entry;
    if (permit !== undefined && deny === undefined) {
      return { text: permit, isPermit: true, path: [...path, "permit"] };
    }
    if (deny !== undefined && permit === undefined) {
      return { text: deny, isPermit: false, path: [...path, "deny"] };
    }
    this.report(path, "an entry needs exactly one of permit and deny");
    return undefined;
  }

  #length(source: LengthSource, path: Path): number | undefined {
    const length = parseLength(source);
    if (length === undefined) this.report(path, `"${source}" is no prefix length, as in /24`);
    return length;
  }
}

/** Calls `visit` with the item, or each of the items, and its place. */
export function each<Item extends string | number | object>(
  items: OneOrMany<Item>,
  path: Path,
  visit: (item: Item, path: Path) => void,
): void {
  if (isMany(items)) {
    items.forEach((item, index) => {
      visit(item, [...path, index]);
    });
  } else visit(items, path);
}

/** `45104` or `AS45104`; AS 0 is nobody (RFC 7607). */
export function parseAs(source: AsSource): number | undefined {
  const found = /^(?:AS)?(\d{1,10})$/i.exec(String(source));
  const as = Number(found?.[1] ?? Number.NaN);
  return as >= 1 && as <= 0xffff_ffff ? as : undefined;
}

/** `24` or `/24`. */
export function parseLength(source: LengthSource): number | undefined {
  const found = /^\/?(\d{1,3})$/.exec(String(source));
  const length = Number(found?.[1] ?? Number.NaN);
  return length <= 128 ? length : undefined;
}

/** `Array.isArray` does not narrow a readonly array away. */
const isMany = <Item>(items: OneOrMany<Item>): items is readonly Item[] => Array.isArray(items);

const COMMUNITY_FORMS =
  "65000:1, 65000:*, 65000:1:2, rt:65000:1, soo:65000:1, no-export, or the name of a list";
