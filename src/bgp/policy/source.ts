/**
 * Policies as an operator writes them: the shape `compilePolicies` accepts, and word for word the
 * `policy` section of the configuration file. Prefixes, AS numbers and communities are text here;
 * what cannot be read is reported with its place, all of it at once.
 */
export interface PolicySource {
  readonly prefixLists?: Named<readonly PrefixEntrySource[]>;
  readonly asPathLists?: Named<readonly AsPathEntrySource[]>;
  /** Communities of any kind; a list may also name well-known ones and use `*`. */
  readonly communityLists?: Named<readonly string[]>;
  readonly policies?: Named<readonly TermSource[]>;
}

export type Named<Item> = Readonly<Record<string, Item>>;
export type OneOrMany<Item> = Item | readonly Item[];

/** `45104` or `"AS45104"`. */
export type AsSource = number | string;
/** `24` or `"/24"`. */
export type LengthSource = number | string;

/**
 * A prefix alone permits exactly itself. `ge` and `le` bound the length of what it covers; the
 * first entry that matches decides, none denies.
 */
export type PrefixEntrySource =
  | string
  | (PermitOrDeny & { readonly ge?: LengthSource; readonly le?: LengthSource });

/** Patterns as in `as-path-pattern.ts`; the first that matches decides, none denies. */
export type AsPathEntrySource = string | PermitOrDeny;

/** Exactly one of the two. */
export interface PermitOrDeny {
  readonly permit?: string;
  readonly deny?: string;
}

/** One rung of a policy: where all of `match` holds, `set` is applied, then `action` is taken. */
export interface TermSource {
  readonly term: string;
  readonly match?: MatchSource;
  readonly set?: SetSource;
  /** `next-term` where absent. */
  readonly action?: "accept" | "reject" | "next-term" | "next-policy";
}

/** All that are given must hold; where one takes a list, any of the list will do. */
export interface MatchSource {
  readonly prefix?: OneOrMany<PrefixEntrySource>;
  readonly prefixList?: OneOrMany<string>;
  readonly family?: "ipv4" | "ipv6";
  readonly asPath?: OneOrMany<string>;
  readonly asPathList?: OneOrMany<string>;
  /** As the decision process counts (RFC 4271 §9.1.2.2 a): an AS_SET is one. */
  readonly asPathLength?: RangeSource;
  readonly asPathContains?: OneOrMany<AsSource>;
  readonly originAs?: OneOrMany<AsSource>;
  readonly neighborAs?: OneOrMany<AsSource>;
  readonly community?: OneOrMany<string> | CommunityMatchSource;
  /** A missing MED counts as 0 (RFC 4271 §9.1.2.2 c). */
  readonly med?: RangeSource;
  /** A missing LOCAL_PREF counts as 100. */
  readonly localPref?: RangeSource;
  readonly origin?: OneOrMany<OriginSource>;
  /** Addresses, or prefixes the next hop lies in. */
  readonly nextHop?: OneOrMany<string>;
  readonly peer?: OneOrMany<string>;
  readonly peerKind?: "ebgp" | "ibgp";
  readonly peerAs?: OneOrMany<AsSource>;
  /** Holds where what is in here does not. */
  readonly not?: MatchSource;
}

export type RangeSource = number | { readonly min?: number; readonly max?: number };
export type OriginSource = "igp" | "egp" | "incomplete";

export interface CommunityMatchSource {
  readonly any?: readonly string[];
  readonly all?: readonly string[];
  /** All of these and, among the kinds that are named here, nothing else. */
  readonly exact?: readonly string[];
}

export interface SetSource {
  readonly localPref?: number | { readonly add: number };
  readonly med?: number | "none" | { readonly add: number };
  readonly origin?: OriginSource;
  /** Before `prepend`: takes private ASes out (RFC 6996), or puts others in place of all. */
  readonly asPath?: "remove-private" | { readonly replace: readonly AsSource[] };
  /** A count of our own AS, or any AS. */
  readonly prepend?: number | { readonly as?: AsSource; readonly count: number };
  readonly community?: CommunitySetSource;
  /** Our address on the session, or an address; routes of the other family are left alone. */
  readonly nextHop?: string;
}

/** In this order: `delete`, `set` (replaces the kinds it names), `add`. */
export interface CommunitySetSource {
  readonly delete?: readonly string[];
  readonly set?: readonly string[];
  readonly add?: readonly string[];
}

/** One thing wrong with a `PolicySource`. */
export interface PolicyFault {
  /** Keys and indices from the top of the source, for the file's line and column. */
  readonly path: readonly (string | number)[];
  /** `unknown-name` is a list that nobody defined; everything else is `value`. */
  readonly kind: "value" | "unknown-name";
  readonly because: string;
}
