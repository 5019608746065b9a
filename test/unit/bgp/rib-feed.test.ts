/** When a first feed begins and ends: not before what the session found undecided is decided. */
import fc from "fast-check";
import t from "tap";
import { prefixListOf } from "../../support/prefixes.ts";
import { attributesOf, Bench, IPV4, IPV6, peerOf, sequence, slot } from "./rib-support.ts";

const PREFIXES = prefixListOf(300);
const DEAD = { isReachable: false, igpMetric: 0 };

t.test("a session that comes up among undecided prefixes is told them, then End-of-RIB", (t) => {
  const bench = new Bench();
  bench.up(peerOf(1));
  bench.settle();
  bench.announce(1, attributesOf(1), ...PREFIXES);
  bench.up(peerOf(2));
  t.notOk(bench.rib.isFed(slot(2)));
  bench.rib.work(100);
  bench.take(2);
  t.same(bench.endOfRibs.get(2), [IPV6], "of the family that has nothing");
  t.equal(bench.heldBy(2).size, 0);
  bench.settle(100);
  t.equal(bench.heldBy(2).size, PREFIXES.length);
  t.same(bench.endOfRibs.get(2), [IPV6, IPV4]);
  t.ok(bench.rib.isFed(slot(2)));
  t.end();
});

t.test("a first feed has nothing in it that is about to change", (t) => {
  const better = { asPath: sequence(65_001) };
  const worse = { asPath: sequence(65_003, 65_003, 65_003) };
  const changes: [string, (bench: Bench) => void][] = [
    ["a better path", (bench) => bench.announce(1, attributesOf(1, better), ...PREFIXES)],
    ["a lost peer", (bench) => bench.down(3)],
    ["withdrawals", (bench) => bench.withdraw(3, ...PREFIXES)],
    ["another import policy", (bench) => bench.rib.setPeer(peerOf(3, { allowOwnAs: 1 }))],
    ["a dead next hop", (bench) => bench.rib.setNextHop("192.0.2.3", DEAD)],
    ["stale paths", (bench) => lose(bench, 3)],
  ];
  for (const [what, change] of changes) {
    const bench = new Bench();
    bench.up(peerOf(1));
    bench.up(peerOf(3));
    bench.announce(3, attributesOf(3, worse), ...PREFIXES);
    bench.settle();
    change(bench);
    bench.up(peerOf(2));
    bench.take(2);
    bench.settle(50, 500);
    const announced = bench.told.get(2)?.size ?? 0;
    t.equal(bench.announcements.get(2), announced, `${what}: each prefix once, none for nothing`);
    t.same(bench.endOfRibs.get(2)?.length, 2, what);
  }
  t.end();
});

t.test("property: whatever is under way, End-of-RIB says that the peer holds it all", (t) => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("announce"), from: fc.nat(2), first: fc.nat(250) }),
    fc.record({ do: fc.constant("down"), from: fc.nat(2), first: fc.constant(0) }),
    fc.record({
      do: fc.constant("work"),
      from: fc.constant(0),
      first: fc.integer({ min: 1, max: 90 }),
    }),
  );
  const run = (before: readonly { do: string; from: number; first: number }[], slice: number) => {
    const bench = new Bench();
    for (const number of [1, 2, 3]) bench.up(peerOf(number));
    for (const { do: what, from, first } of before) {
      if (what === "work") bench.rib.work(first);
      else if (what === "down") bench.up(peerOf(from + 1));
      else bench.announce(from + 1, attributesOf(from + 1), ...PREFIXES.slice(first, first + 50));
    }
    bench.up(peerOf(4));
    const isOver = () => bench.endOfRibs.get(4)?.some(({ afi }) => afi === 1) === true;
    for (let turns = 0; !isOver() && turns < 5_000; turns += 1) {
      bench.takeOnce(4, 200);
      if (!isOver()) bench.rib.work(slice);
    }
    const held = [...bench.heldBy(4).keys()].sort();
    bench.settle();
    return [held, [...bench.heldBy(4).keys()].sort()];
  };
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 12 }),
      fc.integer({ min: 1, max: 60 }),
      (steps, slice) => {
        const [atEnd, final] = run(steps, slice);
        return JSON.stringify(atEnd) === JSON.stringify(final);
      },
    ),
    { numRuns: 60 },
  );
  t.end();
});

/** RFC 4724 §4.2: lost, kept, back, and everything it had is gone. */
function lose(bench: Bench, number: number): void {
  bench.rib.peerLost(slot(number), [IPV4]);
  bench.rib.removeStale(slot(number), IPV4);
}
