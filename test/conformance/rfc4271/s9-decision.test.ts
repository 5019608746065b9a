import t from "tap";
import type { RibOptions } from "../../../src/bgp/rib/contract.ts";
import { SegmentType } from "../../../src/bgp/wire/iana.ts";
import type { PathAttributes } from "../../../src/bgp/wire/message.ts";
import {
  ACCEPT,
  attributesOf,
  Bench,
  type PeerOptions,
  peerOf,
  policyOf,
  REJECT,
  sequence,
  slot,
} from "../../unit/bgp/rib-support.ts";

const P = "203.0.113.0/24";

interface Sent extends PeerOptions {
  readonly path?: Partial<PathAttributes>;
  readonly bgpIdentifier?: number;
}

/** Peer 1 sends the first, peer 2 the second, and so on; in this order, or in the other. */
function decide(
  sent: readonly Sent[],
  { options = {}, isReversed = false, prepare = (_bench: Bench): void => {} } = {} as {
    options?: Partial<RibOptions>;
    isReversed?: boolean;
    prepare?: (bench: Bench) => void;
  },
) {
  const bench = new Bench(options);
  const numbered = sent.map((one, index) => ({ ...one, number: index + 1 }));
  for (const { number, path, bgpIdentifier = number, ...peer } of numbered) {
    bench.up(peerOf(number, peer), { bgpIdentifier });
  }
  for (const { number, path } of isReversed ? numbered.toReversed() : numbered) {
    bench.announce(number, attributesOf(number, path), P);
  }
  prepare(bench);
  bench.settle();
  const group = bench.groups.get(bench.fib.get(P) ?? 0);
  const explained = bench.rib.view.explain(P);
  return {
    bench,
    best: explained?.candidates.find(({ isBest }) => isBest)?.slot,
    primary: group?.primary.map((hop) => Number(hop.slot)) ?? [],
    backup: group?.backup.map((hop) => Number(hop.slot)) ?? [],
    lost: (number: number) => {
      const found = explained?.candidates.find((row) => row.slot === number);
      return { lostAt: found?.lostAt, because: found?.because };
    },
  };
}

/** Both orders of arrival come to the same. */
function decided(sent: readonly Sent[], options: Partial<RibOptions> = {}) {
  const there = decide(sent, { options });
  const back = decide(sent, { options, isReversed: true });
  t.same(back.primary, there.primary, "whichever came first");
  t.same(back.backup, there.backup, "whichever came first, the backup too");
  return there;
}

t.test("RFC 4271 §9.1.1 LOCAL_PREF: the higher is preferred, before the path length", async (t) => {
  const outcome = decided([
    { kind: "ibgp", path: { localPref: 100, asPath: [] } },
    { kind: "ibgp", path: { localPref: 200, asPath: sequence(1, 2, 3, 4) } },
  ]);
  t.equal(outcome.best, 2);
  t.same(outcome.lost(1), { lostAt: "local-pref", because: "LOCAL_PREF 100 < 200" });
});

t.test(
  "RFC 4271 §9.1.1 LOCAL_PREF: an external route has what policy gives it, else 100",
  async (t) => {
    const lower = policyOf("lower", ({ attributes }) => ({ ...attributes, localPref: 99 }));
    const outcome = decided([{ importPolicy: lower }, { path: { asPath: sequence(65_002, 7) } }]);
    t.equal(outcome.best, 2);
    t.same(outcome.lost(1), { lostAt: "local-pref", because: "LOCAL_PREF 99 < 100" });
  },
);

t.test(
  "RFC 4271 §9.1.2 an unresolvable next hop is excluded, and counts again later",
  async (t) => {
    const { bench, best, lost } = decide([{}, { path: { asPath: sequence(65_002, 7) } }], {
      prepare: (bench) => {
        bench.settle();
        bench.rib.setNextHop("192.0.2.1", { isReachable: false, igpMetric: 0 });
      },
    });
    t.equal(best, 2);
    t.match(lost(1), { lostAt: "next-hop-unreachable" });
    bench.rib.setNextHop("192.0.2.1", { isReachable: true, igpMetric: 0 });
    bench.settle();
    t.match(bench.groups.get(bench.fib.get(P) ?? 0), { primary: [{ slot: 1 }] });
    t.same(bench.rib.takeNextHopInterest().added, ["192.0.2.1", "192.0.2.2"]);
  },
);

t.test(
  "RFC 4271 §9.1.2 loop: our AS in the path excludes it, as often as it is not allowed",
  async (t) => {
    const loop = { asPath: sequence(65_001, 64_512, 64_512) };
    for (const [allowOwnAs, isUsed] of [
      [0, false],
      [1, false],
      [2, true],
    ] as const) {
      const outcome = decide([{ allowOwnAs, path: loop }]);
      t.equal(outcome.primary.length === 1, isUsed, `allowed ${allowOwnAs} times`);
    }
    const { bench } = decide([{ path: loop }]);
    t.match(bench.rib.view.routes({ rib: "rejected", offset: 0, limit: 9 }), [
      { slot: 1, prefix: P, rejectedBy: "own-as-loop" },
    ]);
    const inSet = { asPath: [{ type: SegmentType.AsSet, ases: [65_001, 64_512] }] };
    t.same(decide([{ path: inSet }]).primary, [], "in a set as well");
  },
);

t.test("RFC 4271 §9.1.2 a next hop that is ours is excluded, and the session stays", async (t) => {
  const own = Uint8Array.of(198, 51, 100, 1);
  const { bench } = decide([{ path: { nextHop: own } }]);
  t.match(bench.rib.view.routes({ rib: "rejected", offset: 0, limit: 9 }), [
    { rejectedBy: "next-hop-own" },
  ]);
});

t.test(
  "RFC 4271 §9.1.2.2 locally originated routes win over learned ones of equal rank",
  async (t) => {
    const { bench, best, lost } = decide([{ kind: "ibgp", path: { asPath: [] } }], {
      prepare: (bench) => {
        bench.rib.setOriginated([{ prefix: P, attributes: { origin: 0 } }]);
      },
    });
    t.equal(best, 0);
    t.equal(lost(1).lostAt, "locally-originated");
    t.equal(bench.fib.size, 0, "and need no way out");
  },
);

t.test("RFC 4271 §9.1.2.2 a AS_PATH: the shorter is preferred", async (t) => {
  const outcome = decided([{ path: { asPath: sequence(65_001, 1, 2) } }, {}]);
  t.equal(outcome.best, 2);
  t.same(outcome.backup, [1]);
  t.same(outcome.lost(1), { lostAt: "as-path-length", because: "AS_PATH length 3 > 1" });
});

t.test("RFC 4271 §9.1.2.2 a AS_PATH: a set counts one, whatever it holds", async (t) => {
  const set = { type: SegmentType.AsSet, ases: [1, 2, 3, 4] };
  const outcome = decided([
    { exportPolicy: REJECT, path: { asPath: [...sequence(65_001), set] } },
    { exportPolicy: REJECT, path: { asPath: sequence(65_002, 1, 2) } },
  ]);
  t.equal(outcome.best, 1);
});

t.test("RFC 4271 §9.1.2.2 b ORIGIN: the lowest is preferred", async (t) => {
  const outcome = decided([
    { path: { origin: 2 } },
    { path: { origin: 1 } },
    { path: { origin: 0 } },
  ]);
  t.equal(outcome.best, 3);
  t.same(outcome.lost(1), { lostAt: "origin", because: "ORIGIN INCOMPLETE > IGP" });
});

t.test(
  "RFC 4271 §9.1.2.2 c MULTI_EXIT_DISC: the lowest of one neighbouring AS; none is 0",
  async (t) => {
    const path = sequence(65_009, 1);
    const outcome = decided([
      { path: { asPath: path, med: 20 } },
      { path: { asPath: path, med: 10 } },
      { path: { asPath: path } },
    ]);
    t.equal(outcome.best, 3);
    t.same(outcome.lost(2), { lostAt: "med", because: "MED 10 > 0 from AS 65009" });
    t.same(outcome.backup, [2], "the next lowest stands by");
  },
);

t.test(
  "RFC 4271 §9.1.2.2 c MULTI_EXIT_DISC: other ASes do not compare, unless told to",
  async (t) => {
    const sent = [
      { path: { asPath: sequence(65_009), med: 20 } },
      { path: { asPath: sequence(65_008), med: 10 } },
    ];
    t.equal(decided(sent).best, 1, "by BGP Identifier");
    const always = decided(sent, { alwaysCompareMed: true });
    t.equal(always.best, 2);
    t.same(always.lost(1), { lostAt: "med", because: "MED 20 > 10" });
  },
);

t.test(
  "RFC 4271 §9.1.2.2 c: a path loses to MED before its victor loses to something else",
  async (t) => {
    // Pairwise comparison in order of arrival goes round in circles here; by AS it does not.
    const sent = [
      { path: { asPath: sequence(65_009), med: 10 }, bgpIdentifier: 3 },
      { path: { asPath: sequence(65_008) }, bgpIdentifier: 2 },
      { path: { asPath: sequence(65_009), med: 20 }, bgpIdentifier: 1 },
    ];
    const orders = [sent, [2, 0, 1], [1, 2, 0]].map((order, index) =>
      index === 0 ? sent : (order as number[]).map((at) => sent[at] as (typeof sent)[0]),
    );
    for (const order of orders) {
      const { best } = decided(order);
      t.equal(order[Number(best) - 1]?.bgpIdentifier, 2);
    }
  },
);

t.test("RFC 4271 §9.1.2.2 d: an external path is preferred to an internal one", async (t) => {
  const outcome = decided([
    { kind: "ibgp", path: { asPath: sequence(1) } },
    { path: { asPath: sequence(65_002) } },
  ]);
  t.equal(outcome.best, 2);
  t.equal(outcome.lost(1).lostAt, "ebgp-over-ibgp");
});

t.test("RFC 4271 §9.1.2.2 e: the nearer next hop is preferred", async (t) => {
  const { best, lost } = decide([{}, { path: { asPath: sequence(65_002) } }], {
    prepare: (bench) => {
      bench.settle();
      bench.rib.setNextHop("192.0.2.1", { isReachable: true, igpMetric: 20 });
      bench.rib.setNextHop("192.0.2.2", { isReachable: true, igpMetric: 10 });
    },
  });
  t.equal(best, 2);
  t.same(lost(1), { lostAt: "igp-metric", because: "IGP metric 20 > 10" });
});

t.test("RFC 4271 §9.1.2.2 f: the lower BGP Identifier is preferred", async (t) => {
  const outcome = decided([{ bgpIdentifier: 0xc0a8_0001 }, { bgpIdentifier: 0x0a00_0002 }]);
  t.equal(outcome.best, 2);
  t.same(outcome.lost(1), {
    lostAt: "bgp-identifier",
    because: "BGP Identifier 192.168.0.1 > 10.0.0.2",
  });
});

t.test("RFC 4271 §9.1.2.2 g: the lower peer address is preferred", async (t) => {
  const address = (last: number): Uint8Array => Uint8Array.of(192, 0, 2, last);
  const outcome = decided([
    { bgpIdentifier: 9, remoteAddress: address(200) },
    { bgpIdentifier: 9, remoteAddress: address(100) },
  ]);
  t.equal(outcome.best, 2);
  t.same(outcome.lost(1), {
    lostAt: "peer-address",
    because: "peer address 192.0.2.200 > 192.0.2.100",
  });
  const mixed = decided([
    { bgpIdentifier: 9, remoteAddress: new Uint8Array(16) },
    { bgpIdentifier: 9, remoteAddress: address(255) },
  ]);
  t.equal(mixed.best, 2, "IPv4 is lower than IPv6");
});

t.test("RFC 4271 §9.1.2.2 oldest path, where asked for: it stays, whoever comes", async (t) => {
  const sent = [{ bgpIdentifier: 1 }, { bgpIdentifier: 2 }];
  const options = { preferOldest: true };
  t.equal(decide(sent, { options }).best, 1);
  const late = decide(sent, { options, isReversed: true });
  t.equal(late.best, 2);
  t.same(late.lost(1), { lostAt: "oldest", because: "received later" });
  late.bench.announce(2, attributesOf(2), P);
  late.bench.settle();
  t.match(
    late.bench.groups.get(late.bench.fib.get(P) ?? 0),
    { primary: [{ slot: 2 }] },
    "a repetition is not news",
  );
  late.bench.announce(2, attributesOf(2, { communities: [1] }), P);
  late.bench.settle();
  t.match(
    late.bench.groups.get(late.bench.fib.get(P) ?? 0),
    { primary: [{ slot: 1 }] },
    "a changed path is a new one",
  );
  const internal = sent.map((one) => ({
    ...one,
    kind: "ibgp" as const,
    path: { asPath: sequence(5) },
  }));
  t.equal(decide(internal, { options, isReversed: true }).best, 1, "external paths only");
  const both = { preferOldestInternal: true };
  t.equal(decide(internal, { options: both, isReversed: true }).best, 2, "where asked for");
});

t.test("RFC 4271 §9.1.2 multipath: equals up to the last step are used together", async (t) => {
  const path = sequence(65_009, 7);
  const sent = [1, 2, 3].map(() => ({ path: { asPath: path } }));
  t.same(decided(sent).primary, [1]);
  t.same(decided(sent).backup, [2], "as many stand by as would be used");
  t.same(decided(sent, { ebgpPathsMax: 2 }).primary, [1, 2]);
  t.same(decided(sent, { ebgpPathsMax: 2 }).backup, [3]);
  t.same(decided(sent, { ebgpPathsMax: 8 }).primary, [1, 2, 3]);
  t.same(decided(sent, { ibgpPathsMax: 8 }).primary, [1], "of the kind");
  const { bench } = decided(sent, { ebgpPathsMax: 8 });
  const rows = bench.rib.view.routes({ rib: "adj-rib-in", offset: 0, limit: 9 });
  t.same(
    rows.map(({ isMultipath }) => isMultipath),
    [true, true, true],
  );
});

t.test("RFC 4271 §9.1.2 multipath: paths through other ASes only where relaxed", async (t) => {
  const sent = [
    { path: { asPath: sequence(65_001, 7) } },
    { path: { asPath: sequence(65_002, 7) } },
  ];
  const options = { ebgpPathsMax: 4 };
  t.same(decided(sent, options).primary, [1]);
  t.same(decided(sent, { ...options, multipathRelax: true }).primary, [1, 2]);
});

t.test("RFC 4271 §9.1.4: the longest of overlapping prefixes is found", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1, { importPolicy: ACCEPT }));
  const nested = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "::/0", "2001:db8::/32"];
  bench.announce(1, attributesOf(1), ...nested);
  bench.settle();
  const { view } = bench.rib;
  t.equal(view.lookup("10.1.2.3"), "10.1.2.3/32");
  t.equal(view.lookup("10.1.2.4"), "10.1.0.0/16");
  t.equal(view.lookup("10.2.0.0"), "10.0.0.0/8");
  t.equal(view.lookup("192.0.2.1"), "0.0.0.0/0");
  t.equal(view.lookup("2001:db8:1::"), "2001:db8::/32");
  t.equal(view.lookup("fd00::1"), "::/0");
  t.equal(view.lookup("nonsense"), undefined);
  bench.withdraw(1, "10.1.0.0/16", "::/0");
  bench.settle();
  t.equal(view.lookup("10.1.2.4"), "10.0.0.0/8");
  t.equal(view.lookup("fd00::1"), undefined);
  t.equal(bench.rib.view.counts(slot(1), { afi: 1, safi: 1 }).received, 3);
});
