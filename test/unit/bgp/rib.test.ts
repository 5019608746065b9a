import t from "tap";
import { attributesOf, Bench, IPV4, IPV6, peerOf, sequence, slot } from "./rib-support.ts";

t.test("a route goes in, is chosen, goes out and into the FIB", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1));
  bench.up(peerOf(2));
  bench.announce(1, attributesOf(1), "10.0.0.0/8", "10.1.0.0/16", "2001:db8:1::/48");
  bench.settle();

  t.same([...bench.heldBy(1).keys()], [], "not back to where it came from");
  t.same([...bench.heldBy(2).keys()].sort(), ["10.0.0.0/8", "10.1.0.0/16", "2001:db8:1::/48"]);
  const heard = bench.heldBy(2).get("10.0.0.0/8");
  t.same(heard?.asPath, sequence(64_512, 65_001));
  t.same([...(heard?.nextHop ?? [])], [198, 51, 100, 2]);
  t.equal(bench.fib.size, 3);
  t.match(bench.groups.get(bench.fib.get("10.0.0.0/8") ?? 0), {
    afi: 1,
    primary: [{ slot: 1, nextHop: "192.0.2.1" }],
    backup: [],
  });
  t.same(bench.endOfRibs.get(2), [IPV4, IPV6]);
  t.equal(bench.rib.view.locRibCount(IPV4), 2);
  t.equal(bench.rib.view.lookup("10.1.2.3"), "10.1.0.0/16");

  bench.withdraw(1, "10.0.0.0/8");
  bench.settle();
  t.same([...bench.heldBy(2).keys()].sort(), ["10.1.0.0/16", "2001:db8:1::/48"]);
  bench.down(1);
  bench.settle();
  t.equal(bench.heldBy(2).size, 0);
  t.equal(bench.fib.size, 0);
  t.equal(bench.groups.size, 0);
  t.equal(bench.rib.view.attributeSetCount(), 0, "every attribute set is let go of");
  t.same(bench.rib.takeNextHopInterest(), { added: [], removed: [] });
});

t.test("losing a peer moves its prefixes to the other one", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1));
  bench.up(peerOf(2));
  bench.up(peerOf(3));
  const prefixes = Array.from({ length: 3000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
  bench.announce(1, attributesOf(1), ...prefixes);
  bench.announce(2, attributesOf(2, { asPath: sequence(65_002, 65_100) }), ...prefixes);
  bench.settle();
  t.equal(bench.groups.size, 1);
  t.match([...bench.groups.values()][0], { primary: [{ slot: 1 }], backup: [{ slot: 2 }] });
  bench.down(1);
  bench.settle(100, 5000);
  t.equal(bench.heldBy(3).size, 3000);
  t.same(bench.heldBy(3).get("10.3.3.0/24")?.asPath, sequence(64_512, 65_002, 65_100));
  t.match([...bench.groups.values()][0], { primary: [{ slot: 2 }], backup: [] });
  t.equal(bench.rib.view.counts(slot(2), IPV4).best, 3000);
});

t.test("a group's number is not used again for the other family", async (t) => {
  const bench = new Bench();
  bench.up(peerOf(1));
  const numbersOf = (family: 1 | 2) =>
    [...bench.groups.values()].filter(({ afi }) => afi === family).map(({ id }) => id);
  bench.announce(1, attributesOf(1), "10.0.0.0/8");
  bench.settle();
  const [ipv4] = numbersOf(1);
  bench.withdraw(1, "10.0.0.0/8");
  bench.settle();
  bench.announce(1, attributesOf(1), "2001:db8:1::/48");
  bench.settle();
  t.not(numbersOf(2)[0], ipv4, "its removal may still be under way to the kernel");
  bench.announce(1, attributesOf(1), "10.0.0.0/8");
  bench.settle();
  t.equal(numbersOf(1)[0], ipv4, "for its own it is");
});
