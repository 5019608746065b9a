import t from "tap";
import { Role } from "../../../src/bgp/rib/standing-rules.ts";
import {
  attributesOf,
  Bench,
  type PeerOptions,
  peerOf,
  sequence,
} from "../../unit/bgp/rib-support.ts";

const P = "10.20.0.0/24";

/** What we hold of a route of peer 1, to which we are `role`. */
function heldFrom(role: number | undefined, otc?: number, options: PeerOptions = {}) {
  const bench = new Bench();
  bench.up(peerOf(1, { role, ...options }));
  bench.announce(1, attributesOf(1, otc === undefined ? {} : { otc }), P);
  bench.settle();
  const row = bench.rib.view.routes({ rib: "adj-rib-in", offset: 0, limit: 1 })[0];
  return { otc: row?.attributes.otc, rejectedBy: row?.rejectedBy, isUsed: bench.fib.has(P) };
}

/** The OTC peer 2 hears, to which we are `role`; undefined where it hears nothing. */
function heardAs(role: number | undefined, otc?: number, options: PeerOptions = {}) {
  const bench = new Bench();
  bench.up(peerOf(1));
  bench.up(peerOf(2, { role, ...options }));
  bench.announce(1, attributesOf(1, otc === undefined ? {} : { otc }), P);
  bench.settle();
  const heard = bench.heldBy(2).get(P);
  return heard === undefined ? undefined : (heard.otc ?? "none");
}

const leak = { rejectedBy: "route-leak", isUsed: false };

t.test("RFC 9234 §5 ingress 1: OTC from a Customer or RS-Client is a leak", async (t) => {
  for (const role of [Role.Provider, Role.RouteServer]) {
    t.match(heldFrom(role, 65_001), leak, "even the sender's own AS");
    t.match(heldFrom(role, 7), leak);
    t.same(heldFrom(role), { otc: undefined, rejectedBy: undefined, isUsed: true }, "none added");
  }
});

t.test("RFC 9234 §5 ingress 2: OTC from a Peer names that Peer, else it is a leak", async (t) => {
  t.match(heldFrom(Role.Peer, 7), leak);
  t.match(heldFrom(Role.Peer, 65_001), { otc: 65_001, rejectedBy: undefined, isUsed: true });
});

t.test("RFC 9234 §5 ingress 3: a Provider, Peer or RS without OTC gets its AS", async (t) => {
  for (const role of [Role.Customer, Role.Peer, Role.RsClient]) {
    t.match(heldFrom(role), { otc: 65_001, isUsed: true });
  }
  for (const role of [Role.Customer, Role.RsClient]) {
    t.match(heldFrom(role, 7), { otc: 7, isUsed: true }, "what is there stays");
  }
});

t.test("RFC 9234 §5 egress 1: OTC is added towards Customer, Peer and RS-Client", async (t) => {
  for (const role of [Role.Provider, Role.Peer, Role.RouteServer]) {
    t.equal(heardAs(role), 64_512, `ours ${role}`);
    t.equal(heardAs(role, undefined, { localAs: 64_999 }), 64_999, "our AS towards this peer");
  }
  for (const role of [Role.Provider, Role.RouteServer]) {
    t.equal(heardAs(role, 7), 7, "what is there stays");
  }
  for (const role of [Role.Customer, Role.RsClient]) t.equal(heardAs(role), "none");
});

t.test("RFC 9234 §5 egress 2: OTC goes to no Provider, Peer or RS", async (t) => {
  for (const role of [Role.Customer, Role.Peer, Role.RsClient]) {
    t.equal(heardAs(role, 7), undefined, `ours ${role}`);
  }
});

t.test("RFC 9234 §5: own routes carry OTC as well; two providers never meet", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1, { role: Role.Customer }));
  bench.up(peerOf(2, { role: Role.Customer }));
  bench.up(peerOf(3, { role: Role.Provider }));
  bench.rib.setOriginated([{ prefix: "10.1.0.0/16", attributes: { origin: 0 } }]);
  bench.announce(1, attributesOf(1), P);
  bench.settle();
  t.same([...bench.heldBy(2).keys()], ["10.1.0.0/16"], "no transit between providers");
  t.equal(bench.heldBy(2).get("10.1.0.0/16")?.otc, undefined);
  t.equal(bench.heldBy(3).get("10.1.0.0/16")?.otc, 64_512);
  t.equal(bench.heldBy(3).get(P)?.otc, 65_001, "as added on the way in");
});

t.test("RFC 9234 §5: without a role, and inside the AS, OTC is only carried", async (t) => {
  t.match(heldFrom(undefined, 7), { otc: 7, isUsed: true });
  t.match(heldFrom(undefined), { otc: undefined, isUsed: true });
  t.equal(heardAs(undefined, 7), 7);
  t.equal(heardAs(undefined), "none");
  t.match(heldFrom(Role.Provider, 7, { kind: "ibgp" }), { otc: 7, isUsed: true });
  t.equal(heardAs(Role.Customer, 7, { kind: "ibgp" }), 7);
});

t.test("RFC 9234 §5: a role that changes is applied to what is here", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1));
  bench.up(peerOf(2));
  bench.announce(1, attributesOf(1, { otc: 7, asPath: sequence(65_001, 7) }), P);
  bench.settle();
  t.ok(bench.heldBy(2).has(P));
  bench.rib.setPeer(peerOf(2, { role: Role.Customer }));
  bench.settle();
  t.notOk(bench.heldBy(2).has(P), "export");
  bench.rib.setPeer(peerOf(1, { role: Role.Provider }));
  bench.settle();
  t.notOk(bench.fib.has(P), "import");
});
