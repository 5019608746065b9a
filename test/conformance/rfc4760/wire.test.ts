import t from "tap";
import {
  AS_PATH,
  BASE,
  decodedUpdate,
  EBGP,
  NLRI,
  ORIGIN,
  octets,
  survivor,
} from "../../support/wire-octets.ts";

const GLOBAL = "20010db8000000000000000000000001";
const LOCAL = "fe800000000000000000000000000001";
const ROUTES = `${ORIGIN} ${AS_PATH}`;

t.test("RFC 4760 §3 MP_REACH_NLRI: routes and their next hop, no NEXT_HOP needed", async (t) => {
  const update = survivor({ attributes: `${ROUTES} 800e1a 000201 10 ${GLOBAL} 00 2020010db8` });
  t.match(update.reach, [{ afi: 2, count: 1, hasPathIds: false, nextHop: octets(GLOBAL) }]);
  t.same(update.reach[0]?.octets, octets("2020010db8"));
  t.same(update.attributes?.nextHop, octets(GLOBAL));
});

t.test("RFC 4760 §3 MP_REACH_NLRI: a NEXT_HOP beside it is not looked at", async (t) => {
  const attributes = `${ROUTES} 40030400000000 800e1a 000201 10 ${GLOBAL} 00 2020010db8`;
  t.equal(survivor({ attributes }).treatAsWithdraw, false);
});

t.test("RFC 4760 §3 MP_REACH_NLRI: IPv4 routes in NLRI and in it are two runs", async (t) => {
  const attributes = `${BASE} 800e0b 000101 04 0a000003 00 080b`;
  const update = survivor({ attributes, nlri: NLRI });
  t.same(
    update.reach.map(({ nextHop, count }) => [nextHop, count]),
    [
      [octets("0a000002"), 1],
      [octets("0a000003"), 1],
    ],
  );
  t.same(update.attributes?.nextHop, octets("0a000002"), "of the first run");
});

t.test("RFC 2545 §3 next hop: a link-local address behind the global one", async (t) => {
  const update = survivor({
    attributes: `${ROUTES} 800e2a 000201 20 ${GLOBAL} ${LOCAL} 00 2020010db8`,
  });
  t.same(update.reach[0]?.nextHop, octets(GLOBAL + LOCAL));
});

t.test("RFC 8950 §3 next hop: an IPv6 address for IPv4 routes", async (t) => {
  const update = survivor({ attributes: `${ROUTES} 800e19 000101 10 ${GLOBAL} 00 180a1400` });
  t.match(update.reach, [{ afi: 1, count: 1, nextHop: octets(GLOBAL) }]);
});

t.test("RFC 4760 §4 MP_UNREACH_NLRI: withdrawals", async (t) => {
  const update = survivor({ attributes: "800f08 000201 2020010db8" });
  t.match(update.unreach, [{ afi: 2, count: 1 }]);
  t.match(decodedUpdate({ attributes: "800f02 0002" }), { fault: { code: 3, subcode: 9 } });
});

t.test("RFC 4760 §7: families nobody negotiated are ignored, whatever is in them", async (t) => {
  const ipv4Only = { ...EBGP, families: [{ afi: 1, safi: 1 }] };
  const ipv6 = `800e1a 000201 10 ${GLOBAL} 00 ff20010db8`;
  const update = survivor({ attributes: `${ROUTES} ${ipv6} 800f04 004004 01` }, ipv4Only);
  t.same(update.reach, []);
  t.same(update.ignored, [
    { afi: 2, safi: 1 },
    { afi: 64, safi: 4 },
  ]);
  const ipv6Only = { ...EBGP, families: [{ afi: 2, safi: 1 }] };
  const ignored = survivor({ withdrawn: "080b", attributes: BASE, nlri: NLRI }, ipv6Only);
  t.match(ignored, { reach: [], unreach: [], ignored: [{ afi: 1, safi: 1 }] });
});

t.test(
  "RFC 4724 §2 End-of-RIB: of IPv4 unicast, of others, and what only looks like it",
  async (t) => {
    t.same(survivor({}).endOfRib, { afi: 1, safi: 1 });
    t.same(survivor({ attributes: "800f03000201" }).endOfRib, { afi: 2, safi: 1 });
    t.same(survivor({ attributes: "900f0003000101" }).endOfRib, { afi: 1, safi: 1 });
    t.same(survivor({ attributes: "800f03004004" }).endOfRib, { afi: 64, safi: 4 });
    t.equal(survivor({ attributes: "800f03000101", nlri: NLRI }).endOfRib, undefined);
    t.equal(survivor({ attributes: "800f03000201", withdrawn: "080b" }).endOfRib, undefined);
    t.equal(survivor({ attributes: `800f03000201 ${BASE}` }).endOfRib, undefined);
    t.equal(survivor({ attributes: "800f08 000201 2020010db8" }).endOfRib, undefined);
  },
);

t.test("RFC 7911 §3 path identifiers: of the families that agreed on them", async (t) => {
  const addPath = { ...EBGP, addPath: [{ afi: 1, safi: 1 }] };
  const update = survivor({ attributes: BASE, nlri: `00000007 ${NLRI}` }, addPath);
  t.match(update.reach, [{ hasPathIds: true, count: 1 }]);
  t.match(decodedUpdate({ attributes: BASE, nlri: NLRI }, addPath), { fault: { subcode: 10 } });
  const ipv6 = `${ROUTES} 800e1a 000201 10 ${GLOBAL} 00 2020010db8`;
  t.match(survivor({ attributes: ipv6 }, addPath).reach, [{ hasPathIds: false }]);
});
