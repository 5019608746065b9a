import { ACCEPT_ALL, type PolicyChain, REJECT_ALL } from "../../bgp/policy/chain.ts";
import { compilePolicies } from "../../bgp/policy/compile.ts";
import type { PolicySource, PrefixEntrySource, TermSource } from "../../bgp/policy/source.ts";
import { assert } from "../../core/assert.ts";

/** Names that begin like this are taken by `failoverPolicies`. */
export const FAILOVER_PREFIX = "failover-";

/** What built-in policies need to know of this router. */
export interface OwnPrefixes {
  readonly announced: readonly string[];
  readonly links: readonly string[];
}

/** Policies a file may name without defining them; written in the language it could use itself. */
export const BUILT_IN_NAMES = [
  "accept-all",
  "reject-all",
  "all-but-martians",
  "cloud-in",
  "default-in",
  "announce-own",
] as const;

export function builtInPolicies(own: OwnPrefixes): Map<string, PolicyChain> {
  const policies = compiled({
    policies: {
      "all-but-martians": [MARTIANS, { term: "rest", action: "accept" }],
      "cloud-in": cloudIn(own),
      "default-in": [{ term: "default", match: { prefix: DEFAULTS }, action: "accept" }],
      "announce-own": own.announced.length === 0 ? [] : [announceOwn(own.announced)],
    },
  });
  return new Map([["accept-all", ACCEPT_ALL], ["reject-all", REJECT_ALL], ...policies]);
}

/**
 * What `active-standby` adds in front of the policies of the circuit at `rank` of `count`: falling
 * LOCAL_PREF for what comes in, growing AS_PATH for what goes out, so that both ends choose alike.
 */
export function failoverPolicies(rank: number, count: number) {
  const localPref = LOCAL_PREF_BASE + LOCAL_PREF_STEP * (count - rank);
  const isLeaving = { community: "graceful-shutdown" };
  const prefer: TermSource = {
    term: "local-pref",
    match: { not: isLeaving }, // RFC 8326 §4.3: those keep their LOCAL_PREF of 0
    set: { localPref },
  };
  const prepend: TermSource = {
    term: "prepend",
    set: { prepend: Math.min(Math.max(rank, 1), 32) },
  };
  const policies = compiled({
    policies: {
      [`${FAILOVER_PREFIX}${rank}-in`]: [prefer],
      [`${FAILOVER_PREFIX}${rank}-out`]: [prepend],
    },
  });
  const [importPolicy, exportPolicy] = [...policies.values()];
  assert(importPolicy !== undefined && exportPolicy !== undefined, "both were compiled");
  return { importPolicy, exportPolicy: rank === 0 ? undefined : exportPolicy };
}

/** Everything a cloud may say, and nothing that would turn our own traffic around. */
function cloudIn({ announced, links }: OwnPrefixes): TermSource[] {
  const terms: TermSource[] = [
    // RFC 8326 §4: routes about to be withdrawn are used only where nothing else is left.
    { term: "graceful-shutdown", match: { community: "graceful-shutdown" }, set: { localPref: 0 } },
    MARTIANS,
    { term: "default-route", match: { prefix: DEFAULTS }, action: "reject" },
    // The cloud's services live in this range; as a whole it would swallow those of other clouds.
    { term: "service-range", match: { prefix: "100.64.0.0/10" }, action: "reject" },
  ];
  if (announced.length > 0) terms.push(refuseWithin("own-networks", announced));
  if (links.length > 0) terms.push(refuseWithin("link-subnets", links));
  return [...terms, { term: "rest", action: "accept" }];
}

const announceOwn = (announced: readonly string[]): TermSource => ({
  term: "own",
  match: { prefix: announced },
  action: "accept",
});

const refuseWithin = (term: string, prefixes: readonly string[]): TermSource => ({
  term,
  match: { prefix: prefixes.map(within) },
  action: "reject",
});

/** A prefix and everything inside of it. */
const within = (prefix: string): PrefixEntrySource => ({
  permit: prefix,
  le: prefix.includes(":") ? 128 : 32,
});

const DEFAULTS = ["0.0.0.0/0", "::/0"];

/** Never a destination: this network, loopback, link-local, multicast, reserved (RFC 6890 §2.2). */
export const MARTIAN_PREFIXES: readonly string[] = [
  ...["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"],
  ...["::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8"],
];

const MARTIANS: TermSource = refuseWithin("martians", MARTIAN_PREFIXES);

function compiled(source: PolicySource): Map<string, PolicyChain> {
  const policies = compilePolicies(source);
  assert(policies.ok, "policies of our own compile");
  return policies.value;
}

/** A standby is still better than what comes over sessions without failover (100). */
const LOCAL_PREF_BASE = 100;
const LOCAL_PREF_STEP = 10;
