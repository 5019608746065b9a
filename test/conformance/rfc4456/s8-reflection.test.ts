import t from "tap";
import {
  address,
  attributesOf,
  Bench,
  LOCAL_AS,
  peerOf,
  ROUTER_ID,
  sequence,
} from "../../unit/bgp/rib-support.ts";

const P = "203.0.113.0/24";
const inside = { asPath: sequence(7), localPref: 100 };

/** Peers 1 and 2 are clients, 3 and 4 are not, 5 is external. */
function reflector(): Bench {
  const bench = new Bench();
  for (const number of [1, 2]) {
    bench.up(peerOf(number, { kind: "ibgp", isRouteReflectorClient: true, nextHopSelf: true }));
  }
  for (const number of [3, 4]) bench.up(peerOf(number, { kind: "ibgp" }));
  bench.up(peerOf(5));
  return bench;
}

const holders = (bench: Bench): number[] =>
  [1, 2, 3, 4, 5].filter((number) => bench.heldBy(number).has(P));

t.test("RFC 4456 §6 from a client: to all others", async (t) => {
  const bench = reflector();
  bench.announce(1, attributesOf(1, inside), P);
  bench.settle();
  t.same(holders(bench), [2, 3, 4, 5]);
});

t.test("RFC 4456 §6 from a non-client: to clients and external peers", async (t) => {
  const bench = reflector();
  bench.announce(3, attributesOf(3, inside), P);
  bench.settle();
  t.same(holders(bench), [1, 2, 5]);
});

t.test("RFC 4456 §6 from an external peer: to everybody", async (t) => {
  const bench = reflector();
  bench.announce(5, attributesOf(5), P);
  bench.settle();
  t.same(holders(bench), [1, 2, 3, 4]);
  t.equal(bench.heldBy(3).get(P)?.originatorId, undefined, "which is no reflection");
  t.equal(bench.heldBy(3).get(P)?.clusterList, undefined);
});

t.test("RFC 4456 §6 a peer that becomes a client is told what clients are told", async (t) => {
  const bench = reflector();
  bench.announce(3, attributesOf(3, inside), P);
  bench.settle();
  bench.rib.setPeer(peerOf(4, { kind: "ibgp", isRouteReflectorClient: true }));
  bench.settle();
  t.same(holders(bench), [1, 2, 4, 5]);
  bench.rib.setPeer(peerOf(4, { kind: "ibgp" }));
  bench.rib.setPeer(peerOf(3, { kind: "ibgp", isRouteReflectorClient: true }));
  bench.settle();
  t.same(holders(bench), [1, 2, 4, 5], "nor does it matter which of the two is one");
});

t.test("RFC 4456 §8 ORIGINATOR_ID and CLUSTER_LIST are made, and added to", async (t) => {
  const bench = reflector();
  bench.announce(1, attributesOf(1, inside), P);
  bench.settle();
  t.match(bench.heldBy(2).get(P), { originatorId: 0x0a01_0001, clusterList: [ROUTER_ID] });
  t.equal(bench.heldBy(5).get(P)?.originatorId, undefined, "nothing of it leaves the AS");
  t.equal(bench.heldBy(5).get(P)?.clusterList, undefined);
  bench.announce(1, attributesOf(1, { ...inside, originatorId: 77, clusterList: [8, 9] }), P);
  bench.settle();
  t.match(bench.heldBy(2).get(P), { originatorId: 77, clusterList: [ROUTER_ID, 8, 9] });
});

t.test("RFC 4456 §8 our own ORIGINATOR_ID or CLUSTER_ID: ignored as a loop", async (t) => {
  for (const [mark, reason] of [
    [{ originatorId: ROUTER_ID }, "own-originator-id"],
    [{ originatorId: 5, clusterList: [1, ROUTER_ID] }, "own-cluster-id"],
  ] as const) {
    const bench = reflector();
    bench.announce(1, attributesOf(1, { ...inside, ...mark }), P);
    bench.settle();
    t.same(holders(bench), []);
    const rejected = bench.rib.view.routes({ rib: "rejected", offset: 0, limit: 9 });
    t.match(rejected, [{ rejectedBy: reason }]);
  }
});

t.test("RFC 4456 §9 the lower ORIGINATOR_ID, then the shorter CLUSTER_LIST", async (t) => {
  const bench = reflector();
  bench.announce(1, attributesOf(1, { ...inside, originatorId: 50 }), P);
  bench.announce(2, attributesOf(2, { ...inside, originatorId: 40, clusterList: [1, 2] }), P);
  bench.announce(3, attributesOf(3, { ...inside, originatorId: 40, clusterList: [1] }), P);
  bench.settle();
  const candidates = bench.rib.view.explain(P)?.candidates;
  t.match(candidates, [
    { slot: 3, isBest: true },
    { slot: 2, lostAt: "cluster-list-length", because: "CLUSTER_LIST length 2 > 1" },
    { slot: 1, lostAt: "bgp-identifier", because: "BGP Identifier 0.0.0.50 > 0.0.0.40" },
  ]);
});

t.test("RFC 4456 §10 NEXT_HOP, AS_PATH, LOCAL_PREF and MED are reflected unchanged", async (t) => {
  const bench = reflector();
  bench.announce(3, attributesOf(3, { ...inside, med: 30, localPref: 250 }), P);
  bench.settle();
  const heard = bench.heldBy(1).get(P);
  t.match(heard, { med: 30, localPref: 250, asPath: sequence(7) });
  t.same(heard?.nextHop, address("192.0.2.3"), "even where next-hop-self is set");
  t.notOk(heard?.asPath.some(({ ases }) => ases.includes(LOCAL_AS)));
});
