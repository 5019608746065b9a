import t from "tap";
import { failoverPolicies } from "../../../src/agent/config/built-in-policies.ts";
import { ACCEPT_ALL, chainPolicies } from "../../../src/bgp/policy/chain.ts";
import { WellKnownCommunity } from "../../../src/bgp/wire/iana.ts";
import {
  ACCEPT,
  attributesOf,
  Bench,
  LOCAL_AS,
  peerOf,
  policyOf,
  slot,
} from "../../unit/bgp/rib-support.ts";

const P = "10.20.0.0/24";
const TAG = WellKnownCommunity.GracefulShutdown;
const leaving = (number: number) => attributesOf(number, { communities: [TAG] });

/** Whose path is used, first hops of the FIB's group. */
function usedBy(bench: Bench): number[] {
  const group = bench.groups.get(bench.fib.get(P) ?? 0);
  return (group?.primary ?? []).map((hop) => Number(hop.slot));
}

t.test("RFC 8326 §4.3 receiver: LOCAL_PREF 0 from external peers only", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1));
  bench.up(peerOf(2));
  bench.announce(1, leaving(1), P);
  bench.settle();
  t.same(usedBy(bench), [1], "still better than nothing");
  bench.announce(2, attributesOf(2, { asPath: [{ type: 2, ases: [65_002, 7, 7, 7] }] }), P);
  bench.settle();
  t.same(usedBy(bench), [2], "a longer way that stays");
  bench.announce(1, attributesOf(1), P);
  bench.settle();
  t.same(usedBy(bench), [1], "the maintenance is over");

  const inner = new Bench();
  inner.up(peerOf(3, { kind: "ibgp" }));
  inner.announce(3, { ...leaving(3), asPath: [], localPref: 70 }, P);
  inner.settle();
  t.equal(inner.rib.view.explain(P)?.candidates[0]?.attributes.localPref, 70, "inside the AS");
});

t.test("RFC 8326 §4.3 receiver: the operator's policy has the last word", async (t) => {
  const bench = new Bench();
  const raise = policyOf("raise", ({ attributes }) => ({
    ...attributes,
    localPref: (attributes.localPref ?? 100) + 50,
  }));
  bench.up(peerOf(1, { importPolicy: raise }));
  bench.announce(1, leaving(1), P);
  bench.settle();
  t.equal(bench.rib.view.explain(P)?.candidates[0]?.attributes.localPref, 50, "policy saw 0");
});

t.test("RFC 8326 §4.3 receiver: active-standby does not undo it", async (t) => {
  const importPolicy = chainPolicies("in", [failoverPolicies(0, 2).importPolicy, ACCEPT_ALL]);
  const route = { afi: 1, address: new Uint8Array(4), length: 0 } as const;
  const { policyPeer: peer } = peerOf(1);
  const seen = (communities: readonly number[]) =>
    importPolicy.evaluate({
      ...route,
      peer,
      attributes: { ...attributesOf(1), communities, localPref: 0 },
    }).attributes.localPref;
  t.equal(seen([TAG]), 0);
  t.equal(seen([7]), 120);
});

t.test("RFC 8326 §4.2 initiator: maintenance tags what is sent and leaves the path", async (t) => {
  const bench = new Bench();
  bench.rib.setOriginated([{ prefix: "10.1.0.0/16", attributes: { origin: 0 } }]);
  for (const number of [1, 2]) bench.up(peerOf(number));
  bench.announce(1, attributesOf(1, { communities: [7] }), P);
  bench.announce(2, attributesOf(2, { asPath: [{ type: 2, ases: [65_002, 7, 7, 7] }] }), P);
  bench.settle();
  t.same(usedBy(bench), [1]);
  const before = bench.heldBy(1).get("10.1.0.0/16");
  t.equal(before?.communities, undefined);

  bench.rib.setPeer(peerOf(1, { isInMaintenance: true }));
  bench.settle();
  t.same(bench.heldBy(1).get("10.1.0.0/16")?.communities, [TAG], "the peer is told");
  t.equal(bench.heldBy(2).get("10.1.0.0/16")?.communities, undefined, "and no other");
  t.same(usedBy(bench), [2], "our own traffic leaves too");
  const own = bench.rib.view.explain(P)?.candidates.find((row) => row.slot === slot(1));
  t.match(own?.attributes, { localPref: 0, communities: [7, TAG] });
  t.equal(own?.lostAt !== undefined, true);

  bench.rib.setPeer(peerOf(1, { importPolicy: ACCEPT }));
  bench.settle();
  t.same(usedBy(bench), [1], "and comes back");
  t.equal(bench.heldBy(1).get("10.1.0.0/16")?.communities, undefined);
  t.equal(bench.repeats, 0);
});

t.test("RFC 8326 §4.2 initiator: the community is not said twice", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1));
  bench.up(peerOf(2, { isInMaintenance: true, localAs: LOCAL_AS }));
  bench.announce(1, leaving(1), P);
  bench.settle();
  t.same(bench.heldBy(2).get(P)?.communities, [TAG]);
});
