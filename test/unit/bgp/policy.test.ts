import fc from "fast-check";
import t from "tap";
import { formatAsPath } from "../../../src/bgp/policy/as-path.ts";
import { AsPathPattern } from "../../../src/bgp/policy/as-path-pattern.ts";
import { ACCEPT_ALL, chainPolicies, REJECT_ALL } from "../../../src/bgp/policy/chain.ts";
import { formatCommunity, parseCommunity } from "../../../src/bgp/policy/community.ts";
import { compilePolicies } from "../../../src/bgp/policy/compile.ts";
import type { PolicyPeer, PolicyRoute } from "../../../src/bgp/policy/policy.ts";
import { PrefixList, type PrefixListEntry } from "../../../src/bgp/policy/prefix-list.ts";
import type { PolicySource, SetSource, TermSource } from "../../../src/bgp/policy/source.ts";
import { Origin, SegmentType, WellKnownCommunity } from "../../../src/bgp/wire/iana.ts";
import type { PathAttributes } from "../../../src/bgp/wire/message.ts";
import { parseAddress } from "../../../src/core/address.ts";
import { assert } from "../../../src/core/assert.ts";
import { coversPrefix, formatPrefix, maskAddress, parsePrefix } from "../../../src/core/prefix.ts";

const PEER: PolicyPeer = {
  name: "circuit-1",
  kind: "ebgp",
  remoteAs: 45104,
  localAs: 65010,
  localAddress4: Uint8Array.of(10, 0, 1, 2),
  localAddress6: undefined,
};

const ATTRIBUTES: PathAttributes = {
  origin: Origin.Igp,
  asPath: [{ type: SegmentType.AsSequence, ases: [45104, 64512] }],
  nextHop: Uint8Array.of(10, 0, 1, 1),
  communities: [(45104 << 16) >>> 0, WellKnownCommunity.NoExport],
  largeCommunities: [65010, 1, 2],
};

function routeTo(prefixText: string, attributes: Partial<PathAttributes> = {}): PolicyRoute {
  const prefix = parsePrefix(prefixText);
  assert(prefix !== undefined, `${prefixText} is a prefix`);
  return { ...prefix, attributes: { ...ATTRIBUTES, ...attributes }, peer: PEER };
}

function compile(source: PolicySource) {
  const compiled = compilePolicies(source);
  assert(compiled.ok, `compiles: ${compiled.ok ? "" : JSON.stringify(compiled.fault)}`);
  return compiled.value;
}

function policyOf(terms: readonly TermSource[], lists: PolicySource = {}) {
  const policy = compile({ ...lists, policies: { p: terms } }).get("p");
  assert(policy !== undefined, "the policy is there");
  return policy;
}

const ROUTE = routeTo("172.16.0.0/16");

t.test("RFC 8212 §2: what no term accepts is rejected", async (t) => {
  t.equal(REJECT_ALL.evaluate(ROUTE).verdict, "reject");
  t.equal(ACCEPT_ALL.evaluate(ROUTE).verdict, "accept");
  t.equal(ACCEPT_ALL.evaluate(ROUTE).attributes, ROUTE.attributes);
  t.same(policyOf([]).evaluate(ROUTE).by, "default");
  t.equal(policyOf([{ term: "a", set: { med: 1 } }]).evaluate(ROUTE).verdict, "reject");
});

t.test("terms: order, fall through, next-policy, who decided", async (t) => {
  const policies = compile({
    policies: {
      first: [
        { term: "mark", set: { localPref: 200 } },
        { term: "leave", match: { prefix: "172.16.0.0/16" }, action: "next-policy" },
        { term: "never", action: "reject" },
      ],
      second: [
        { term: "raised", match: { localPref: 200 }, set: { med: 5 }, action: "accept" },
        { term: "rest", action: "reject" },
      ],
    },
  });
  const [first, second] = [policies.get("first"), policies.get("second")];
  assert(first !== undefined && second !== undefined, "both are there");
  const chain = chainPolicies("both", [first, second]);
  const decision = chain.evaluate(ROUTE);
  t.match(decision, { verdict: "accept", by: "second/raised" });
  t.match(decision.attributes, { localPref: 200, med: 5 });
  t.match(chain.evaluate(routeTo("10.0.0.0/8")), { verdict: "reject", by: "first/never" });
  t.equal(chain.evaluate(routeTo("10.0.0.0/8")).attributes.localPref, undefined);
  t.equal(second.looksAtPrefix, false);
  t.equal(first.looksAtPrefix, true);
  t.equal(chain.looksAtPrefix, true);
  t.match(chainPolicies("late", [first, REJECT_ALL]).evaluate(ROUTE), { by: "reject-all/all" });
});

t.test("looksAtPrefix, looksAtPeer: whatever depends on them", async (t) => {
  const looks = (term: Omit<TermSource, "term">) =>
    policyOf([{ term: "x", ...term }]).looksAtPrefix;
  t.ok(looks({ match: { family: "ipv4" } }));
  t.ok(looks({ match: { not: { prefix: "10.0.0.0/8" } } }));
  t.ok(looks({ set: { nextHop: "self" } }));
  const tellsApart = (match: TermSource["match"] & {}) =>
    policyOf([{ term: "x", match }]).looksAtPeer;
  t.ok(tellsApart({ not: { peer: "a" } }) && tellsApart({ peerAs: 1 }));
  t.notOk(tellsApart({ peerKind: "ebgp", prefix: "10.0.0.0/8" }));
  t.notOk(looks({ match: { not: { med: 1 }, asPath: "_1_" }, set: { prepend: 2 } }));
});

t.test("conditions: each holds where it should and only there", async (t) => {
  const lists: PolicySource = {
    prefixLists: {
      cloud: [{ deny: "172.16.9.0/24" }, { permit: "172.16.0.0/12", ge: "/16", le: 24 }],
    },
    asPathLists: { ours: [{ deny: "_64512_" }, ".*"] },
    communityLists: { marks: ["no-export", "1:1"] },
  };
  const cases: [TermSource["match"] & {}, PolicyRoute, PolicyRoute][] = [
    [{ prefixList: "cloud" }, ROUTE, routeTo("172.16.9.0/24")],
    [{ prefixList: ["cloud"] }, routeTo("172.16.8.0/24"), routeTo("172.16.0.0/12")],
    [{ prefix: [{ permit: "::/0", le: "/128" }] }, routeTo("2001:db8::/32"), ROUTE],
    [{ family: "ipv6" }, routeTo("2001:db8::/32"), ROUTE],
    [{ asPath: ["^45104_"] }, ROUTE, routeTo("10.0.0.0/8", { asPath: [] })],
    [{ asPathList: "ours" }, routeTo("10.0.0.0/8", { asPath: [] }), ROUTE],
    [{ asPathLength: { max: 1 } }, routeTo("10.0.0.0/8", { asPath: [] }), ROUTE],
    [{ asPathContains: "AS64512" }, ROUTE, routeTo("10.0.0.0/8", { asPath: [] })],
    [{ originAs: [1, 64512] }, ROUTE, routeTo("10.0.0.0/8", { asPath: [] })],
    [{ neighborAs: 45104 }, ROUTE, routeTo("10.0.0.0/8", { asPath: [] })],
    [{ community: "no-export" }, ROUTE, routeTo("10.0.0.0/8", { communities: [] })],
    [{ community: "marks" }, ROUTE, routeTo("10.0.0.0/8", { communities: [1] })],
    [
      { community: { all: ["45104:*", "no-export"] } },
      ROUTE,
      routeTo("1.0.0.0/8", { communities: [1] }),
    ],
    [{ community: "65010:*:2" }, ROUTE, routeTo("10.0.0.0/8", { largeCommunities: [65010, 1, 3] })],
    [{ med: 0 }, ROUTE, routeTo("10.0.0.0/8", { med: 1 })],
    [{ localPref: { min: 100, max: 100 } }, ROUTE, routeTo("10.0.0.0/8", { localPref: 99 })],
    [{ origin: ["igp", "egp"] }, ROUTE, routeTo("10.0.0.0/8", { origin: Origin.Incomplete })],
    [
      { nextHop: "10.0.1.0/30" },
      ROUTE,
      routeTo("1.0.0.0/8", { nextHop: Uint8Array.of(10, 0, 2, 1) }),
    ],
    [
      { nextHop: ["10.0.1.1"] },
      ROUTE,
      routeTo("1.0.0.0/8", { nextHop: Uint8Array.of(10, 0, 1, 9) }),
    ],
    [
      { nextHop: ["0.0.0.0/0", "::/0"] },
      ROUTE,
      routeTo("1.0.0.0/8", { nextHop: new Uint8Array() }),
    ],
    [{ peer: "circuit-1" }, ROUTE, { ...ROUTE, peer: { ...PEER, name: "circuit-2" } }],
    [{ peerKind: "ebgp" }, ROUTE, { ...ROUTE, peer: { ...PEER, kind: "ibgp" } }],
    [{ peerAs: [45104] }, ROUTE, { ...ROUTE, peer: { ...PEER, remoteAs: 1 } }],
    [{ not: { med: 0, origin: "egp" } }, ROUTE, routeTo("10.0.0.0/8", { origin: Origin.Egp })],
  ];
  for (const [match, yes, no] of cases) {
    const policy = policyOf([{ term: "x", match, action: "accept" }], lists);
    t.equal(policy.evaluate(yes).verdict, "accept", JSON.stringify(match));
    t.equal(policy.evaluate(no).verdict, "reject", `not: ${JSON.stringify(match)}`);
  }
});

t.test("community exact: nothing else of the kinds named", async (t) => {
  const exact = policyOf([
    { term: "x", match: { community: { exact: ["no-export", "1:*"] } }, action: "accept" },
  ]);
  const verdict = (communities: number[]) =>
    exact.evaluate(routeTo("10.0.0.0/8", { communities })).verdict;
  t.equal(verdict([WellKnownCommunity.NoExport, 0x1_0001, 0x1_0002]), "accept");
  t.equal(verdict([WellKnownCommunity.NoExport]), "reject");
  t.equal(verdict([WellKnownCommunity.NoExport, 0x1_0001, 0x2_0001]), "reject");
});

t.test("AS sets: the origin may be any of them, the neighbour none", async (t) => {
  const asPath = [
    { type: SegmentType.AsConfedSequence, ases: [65100] },
    { type: SegmentType.AsSet, ases: [1, 2] },
  ];
  const route = routeTo("10.0.0.0/8", { asPath });
  const holds = (match: TermSource["match"] & {}) =>
    policyOf([{ term: "x", match, action: "accept" }]).evaluate(route).verdict === "accept";
  t.ok(holds({ originAs: 2, asPathLength: 1, asPathContains: 65100 }));
  t.notOk(holds({ neighborAs: 1 }));
  t.equal(formatAsPath(asPath), "(65100) {1,2}");
});

t.test("actions: each changes what it says", async (t) => {
  const after = (set: SetSource, route = ROUTE) =>
    policyOf([{ term: "x", set, action: "accept" }]).evaluate(route).attributes;
  t.equal(after({ localPref: { add: -150 } }).localPref, 0);
  t.equal(after({ localPref: { add: 50 } }).localPref, 150);
  t.equal(after({ med: 7 }).med, 7);
  t.equal(after({ med: { add: 3 } }, routeTo("10.0.0.0/8", { med: 0xffff_fffe })).med, 0xffff_ffff);
  t.notOk("med" in after({ med: "none" }, routeTo("10.0.0.0/8", { med: 1 })));
  t.equal(after({ origin: "incomplete" }).origin, Origin.Incomplete);
  t.same(after({ prepend: 2 }).asPath[0]?.ases, [65010, 65010, 45104, 64512]);
  t.same(after({ prepend: { as: "AS7", count: 1 } }).asPath[0]?.ases, [7, 45104, 64512]);
  t.same(after({ asPath: { replace: [7, "AS8"] }, prepend: 1 }).asPath, [
    { type: SegmentType.AsSequence, ases: [65010, 7, 8] },
  ]);
  t.same(after({ asPath: { replace: [] } }).asPath, []);
  t.same(after({ asPath: "remove-private" }).asPath, [
    { type: SegmentType.AsSequence, ases: [45104] },
  ]);
  t.same(after({ prepend: 1 }, routeTo("10.0.0.0/8", { asPath: [] })).asPath, [
    { type: SegmentType.AsSequence, ases: [65010] },
  ]);
  t.same(after({ community: { add: ["1:2", "no-export"] } }).communities, [
    (45104 << 16) >>> 0,
    WellKnownCommunity.NoExport,
    0x1_0002,
  ]);
  t.same(after({ community: { set: ["1:2"] } }).communities, [0x1_0002]);
  t.same(after({ community: { set: ["1:2"] } }).largeCommunities, [65010, 1, 2]);
  t.notOk("communities" in after({ community: { delete: ["*:*"] } }));
  t.same(after({ community: { delete: ["*:*:*"], add: ["9:9:9"] } }).largeCommunities, [9, 9, 9]);
  t.same(
    after({ community: { add: ["rt:65000:1", "soo:10.0.0.1:2", "rt:4200000000:3"] } })
      .extendedCommunities,
    Uint8Array.of(
      ...[0, 2, 0xfd, 0xe8, 0, 0, 0, 1],
      ...[1, 3, 10, 0, 0, 1, 0, 2],
      ...[2, 2, 0xfa, 0x56, 0xea, 0, 0, 3],
    ),
  );
  t.same(after({ nextHop: "self" }).nextHop, Uint8Array.of(10, 0, 1, 2));
  t.same(after({ nextHop: "192.0.2.1" }).nextHop, Uint8Array.of(192, 0, 2, 1));
  t.equal(after({ nextHop: "2001:db8::1" }), ROUTE.attributes, "the other family is left alone");
});

t.test("actions: nothing to change answers the very same object", async (t) => {
  const route = routeTo("10.0.0.0/8", { med: 5, localPref: 100 });
  const set: SetSource = {
    localPref: 100,
    med: { add: 0 },
    origin: "igp",
    community: { delete: ["9:*", "rt:1:*", "ext:*"], add: ["no-export", "65010:1:2"] },
    nextHop: "10.0.1.1",
  };
  const policy = policyOf([{ term: "x", set, action: "accept" }]);
  t.equal(policy.evaluate(route).attributes, route.attributes);
  const frozen = Object.freeze({ ...route.attributes });
  policyOf([{ term: "x", set: { prepend: 3, med: 1, community: { delete: ["*:*"] } } }]).evaluate({
    ...route,
    attributes: frozen,
  });
  t.same(frozen, route.attributes, "what was received stays as received");
});

t.test("RFC 4271 §5.1.2 prepend: a full sequence gets a segment in front", async (t) => {
  const ases = new Array<number>(255).fill(1);
  const asPath = [{ type: SegmentType.AsSequence, ases }];
  const policy = policyOf([{ term: "x", set: { prepend: 1 }, action: "accept" }]);
  const out = policy.evaluate(routeTo("10.0.0.0/8", { asPath })).attributes.asPath;
  t.same(
    out.map((segment) => segment.ases.length),
    [1, 255],
  );
});

t.test("communities as text", async (t) => {
  for (const text of ["65000:1", "0:0", "65535:65535", "no-export", "graceful-shutdown"]) {
    const pattern = parseCommunity(text);
    const value = new DataView(Uint8Array.from(pattern?.octets ?? []).buffer).getUint32(0);
    t.equal(parseCommunity(formatCommunity(value))?.octets.join(), pattern?.octets.join(), text);
  }
  const bad = ["", ":", "1", "65536:1", "1:65536", "-1:1", "1:1:1:1", "rt:1", "rt:*:1", "ext:00"];
  for (const text of [...bad, "4294967296:1:1", "rt:4200000000:65536", "No-Export", "1: 1"]) {
    t.equal(parseCommunity(text), undefined, `"${text}" is none`);
  }
});

t.test("faults: all of them, each with its place", async (t) => {
  const compiled = compilePolicies({
    prefixLists: {
      a: ["10.0.0.1/8", { permit: "10.0.0.0/8", ge: 4 }, { deny: "::/0", le: "/x" }, {}],
    },
    asPathLists: { a: ["^45104", { deny: "(1" }] },
    communityLists: { "no-export": ["1:1"], b: ["65536:1", "later"], later: [] },
    policies: {
      p: [
        { term: "x", match: { prefixList: "b", asPathList: ["a", "z"], med: { min: 2, max: 1 } } },
        {
          term: "x",
          match: { not: { originAs: 0, nextHop: "here" } },
          set: { med: -1, prepend: 33, community: { add: ["1:*"] }, nextHop: "me" },
        },
      ],
    },
  });
  assert(!compiled.ok, "nothing of this is right");
  t.same(
    compiled.fault.map(({ path, kind }) => `${path.join("/")} ${kind}`),
    [
      "prefixLists/a/0 value",
      "prefixLists/a/1 value",
      "prefixLists/a/2/le value",
      "prefixLists/a/3 value",
      "asPathLists/a/1/deny value",
      "communityLists/no-export value",
      "communityLists/b/0 value",
      "communityLists/b/1 unknown-name",
      "policies/p/0/match/prefixList unknown-name",
      "policies/p/0/match/asPathList/1 unknown-name",
      "policies/p/0/match/med value",
      "policies/p/1/match/not/originAs value",
      "policies/p/1/match/not/nextHop value",
      "policies/p/1/set/med value",
      "policies/p/1/set/prepend value",
      "policies/p/1/set/community/add value",
      "policies/p/1/set/nextHop value",
      "policies/p/1/term value",
    ],
  );
});

t.test("prefix lists: the trie agrees with reading the list from the top", async (t) => {
  const prefixes = fc
    .record({
      isV6: fc.boolean(),
      octets: fc.uint8Array({ minLength: 16, maxLength: 16, max: 3 }),
      length: fc.nat(128),
    })
    .map(({ isV6, octets, length }) => {
      const bits = isV6 ? length : length % 33;
      const address = maskAddress(octets.slice(0, isV6 ? 16 : 4), bits);
      return { afi: isV6 ? (2 as const) : (1 as const), address, length: bits };
    });
  const entries = fc.record({
    prefix: prefixes,
    more: fc.nat(40),
    span: fc.nat(40),
    isPermit: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(entries, { maxLength: 12 }), prefixes, (drawn, route) => {
      const list = drawn.map(({ prefix, more, span, isPermit }): PrefixListEntry => {
        const lengthMin = prefix.length + more;
        return { prefix, lengthMin, lengthMax: lengthMin + span, isPermit };
      });
      const first = list.find(
        (entry) =>
          coversPrefix(entry.prefix, route) &&
          route.length >= entry.lengthMin &&
          route.length <= entry.lengthMax,
      );
      const permits = new PrefixList(list).permits(route.address, route.length);
      return permits === (first?.isPermit ?? false);
    }),
    { numRuns: 2000 },
  );
  const host = parseAddress("10.0.0.1");
  assert(host !== undefined, "an address");
  t.notOk(new PrefixList([]).permitsAddress(host));
  t.equal(formatPrefix({ afi: 1, address: host, length: 32 }), "10.0.0.1/32");
});

/** The same pattern for the regular expressions of the language. */
const asRegExp = (pattern: string): RegExp =>
  new RegExp(pattern.replaceAll("_", "(?:^|[,{}() ]|$)"));

t.test("AS path patterns: what routers write", async (t) => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ["^$", [""], ["1"]],
    [".*", ["", "1 2", "{1,2}"], []],
    ["^45104_", ["45104", "45104 1", "45104 {1,2}"], ["451041", "1 45104", ""]],
    ["_64512$", ["64512", "1 64512"], ["64512 1", "164512"]],
    ["_64512_", ["{64512,1}", "1 64512 2", "(64512)"], ["645120", "1645123"]],
    ["^45104(_45104)*$", ["45104", "45104 45104 45104"], ["45104 1", ""]],
    ["^[0-9]+$", ["1", "4200000000"], ["1 2", ""]],
    ["^(1|2|)_3$", ["1 3", "2 3", " 3", "3"], ["4 3"]],
    ["_6451[2-9]_", ["64512", "64519 1"], ["64511"]],
    ["^[^ ]+( [0-9]{1,3}){2}$", ["1 2 3", "70000 1 999"], ["1 2", "1 2 1000"]],
    ["\\{1,2\\}", ["{1,2}"], ["1 2"]],
  ];
  for (const [source, yes, no] of cases) {
    const pattern = AsPathPattern.compile(source);
    assert(pattern.ok, `${source} compiles`);
    for (const path of yes) t.ok(pattern.value.matches(path), `${source} in "${path}"`);
    for (const path of no) t.notOk(pattern.value.matches(path), `${source} not in "${path}"`);
  }
  const bad = [
    "(",
    ")",
    "a",
    "*1",
    "^*{",
    "[",
    "[]",
    "[1",
    "[5-1]",
    "[a-b]",
    "{2}",
    "1{2,1}",
    "\\",
  ];
  for (const source of [...bad, "1{", "((((1{9}){99}){99}){99})", "1".repeat(256), "é", "-"]) {
    t.notOk(AsPathPattern.compile(source).ok, `"${source}" is refused`);
  }
});

t.test("AS path patterns: agree with the language's own on any pattern and path", async (t) => {
  const leaf = fc.constantFrom("1", "2", "12", "_", ".", "^", "$", "[12]", "[^1]", " ", "[0-9]");
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => a + b),
      fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => `(${a}|${b})`),
      fc
        .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "{2}", "{1,}", "{0,2}"))
        .map(([a, times]) => `(${a})${times}`),
    ),
  }));
  const paths = fc
    .array(fc.constantFrom("1", "2", "12", "21", "{1,2}", "(2 1)", "3"), { maxLength: 6 })
    .map((parts) => parts.join(" "));
  fc.assert(
    fc.property(pattern, fc.array(paths, { maxLength: 4 }), (source, texts) => {
      const compiled = AsPathPattern.compile(source);
      if (!compiled.ok) return false;
      const expected = asRegExp(source);
      return texts.every((text) => compiled.value.matches(text) === expected.test(text));
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.string(), (source, path) => {
      const compiled = AsPathPattern.compile(source);
      return !compiled.ok || typeof compiled.value.matches(path) === "boolean";
    }),
  );
  t.pass();
});

t.test("AS path patterns: no pattern makes a long path expensive", async (t) => {
  const pattern = AsPathPattern.compile("^((.*)*)*_(1*)*(1+)+2$");
  assert(pattern.ok, "it compiles");
  t.notOk(pattern.value.matches("1".repeat(20_000)), "and ends, where backtracking would not");
});
