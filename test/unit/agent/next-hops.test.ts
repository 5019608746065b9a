import t from "tap";
import { LinkBook } from "../../../src/agent/link-book.ts";
import { NextHops } from "../../../src/agent/next-hops.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { World } from "../../../src/platform/virtual/world.ts";

t.test(
  "next hops: beyond the bound nobody is asked, and who waits takes a free place",
  async (t) => {
    const { links } = new World({ seed: 1 }).addHost("edge");
    let asked = 0;
    const routes = {
      resolve: (_address: string) => {
        asked += 1;
        return { device: "eth0" };
      },
    };
    const told = new Map<string, boolean>();
    const nextHops = new NextHops(
      routes,
      new LinkBook(links, () => undefined),
      (nextHop, state) => {
        told.set(nextHop, state.isReachable);
      },
    );
    const names = Array.from({ length: LIMITS.nextHops + 500 }, (_, index) => {
      return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    });
    nextHops.interest(names, []);
    t.equal(asked, LIMITS.nextHops);
    t.equal(nextHops.beyondCount, 500);
    t.equal([...told.values()].filter((isReachable) => isReachable).length, LIMITS.nextHops);
    t.equal(told.get(names.at(-1) ?? ""), false, "not used, because nobody knows");
    nextHops.refresh();
    t.equal(asked, 2 * LIMITS.nextHops, "a tick costs as much as there are");
    nextHops.interest([], names.slice(0, 300));
    t.ok(nextHops.refresh(), "answers changed");
    t.equal(nextHops.beyondCount, 200);
    t.equal(told.get(names[LIMITS.nextHops] ?? ""), true);
  },
);
