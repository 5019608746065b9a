import fc from "fast-check";
import t from "tap";
import type { Policy } from "../../src/bgp/policy/policy.ts";
import type { PrefixBudget, RibPeer } from "../../src/bgp/rib/contract.ts";
import { WellKnownCommunity } from "../../src/bgp/wire/iana.ts";
import type { PathAttributes } from "../../src/bgp/wire/message.ts";
import {
  ACCEPT,
  address,
  Bench,
  DEFAULTS,
  IPV4,
  IPV6,
  peerOf,
  policyOf,
  prefixesOf,
  REJECT,
  runOf,
  sequence,
  slot,
} from "../unit/bgp/rib-support.ts";
import { Oracle, textOf } from "./rib-oracle.ts";

/*
 * A RIB driven by arbitrary input against an oracle that computes everything from scratch. Work and
 * output are taken in arbitrary slices in between; whatever happened on the way, what peers and FIB
 * hold in the end is what the oracle says, and nothing was said twice or too much on the way.
 */

const PREFIXES = [
  "0.0.0.0/0",
  "10.0.0.0/8",
  "10.0.0.0/16",
  "10.0.1.0/24",
  "10.128.0.0/9",
  "172.16.0.0/12",
  "192.168.7.1/32",
  "::/0",
  "2001:db8::/32",
  "2001:db8:0:1::/64",
  "2001:db8::1/128",
];

const raised = policyOf("raise", ({ attributes }) =>
  attributes.communities?.includes(7) === true ? { ...attributes, localPref: 300 } : attributes,
);
const noTens = policyOf(
  "no-tens",
  ({ attributes, address: octets, length }) =>
    octets[0] === 10 && length > 8 ? undefined : attributes,
  true,
);
const tagged = policyOf("tag", ({ attributes }) => ({ ...attributes, med: 50, communities: [9] }));
const fixedNextHop = policyOf(
  "next-hop",
  ({ attributes, afi }) => ({
    ...attributes,
    nextHop: afi === 1 ? address("203.0.113.7") : address("2001:db8:7::7"),
  }),
  true,
);
const selfNextHop = policyOf(
  "self",
  ({ attributes, afi, peer }) => {
    const nextHop = afi === 1 ? peer.localAddress4 : peer.localAddress6;
    return nextHop === undefined ? undefined : { ...attributes, nextHop };
  },
  true,
);
const shared: Policy = { ...tagged, name: "shared", looksAtPeer: false };
const IMPORTS = [ACCEPT, ACCEPT, REJECT, raised, noTens];
const EXPORTS = [ACCEPT, ACCEPT, REJECT, tagged, noTens, fixedNextHop, selfNextHop, shared];

const PEERS = 5;
const peerNumber = fc.integer({ min: 1, max: PEERS });
const somePrefixes = fc.uniqueArray(fc.constantFrom(...PREFIXES), { minLength: 1, maxLength: 6 });

/** Few values each: ties down to the last step, and sets that several peers share, are common. */
const asPath = fc.constantFrom(
  sequence(65_001),
  sequence(65_001),
  sequence(65_002),
  sequence(65_001, 100_000),
  sequence(64_512),
  sequence(),
);
const mandatory = {
  origin: fc.constantFrom(0, 0, 0, 2),
  asPath,
  nextHop: fc.integer({ min: 1, max: 3 }).map((n) => address(`192.0.2.${n}`)),
};
const attributes: fc.Arbitrary<PathAttributes> = fc.oneof(
  fc.record(mandatory),
  fc.record(
    {
      ...mandatory,
      med: fc.constantFrom(0, 10, 20),
      localPref: fc.constantFrom(100, 200),
      communities: fc.constantFrom(
        [7],
        [1],
        [WellKnownCommunity.NoExport],
        [WellKnownCommunity.NoAdvertise],
      ),
      originatorId: fc.constantFrom(0x0a00_0001, 5, 6),
      clusterList: fc.constantFrom([1], [1, 2], [0x0a00_0001]),
    },
    { requiredKeys: ["origin", "asPath", "nextHop"] },
  ),
);

const budget: fc.Arbitrary<PrefixBudget | undefined> = fc.option(
  fc.record({
    limit: fc.integer({ min: 0, max: 5 }),
    ranks: fc.uniqueArray(
      fc.record({ prefix: fc.constantFrom(...PREFIXES), rank: fc.integer({ min: 0, max: 3 }) }),
      { selector: ({ prefix }) => prefix, maxLength: 4 },
    ),
  }),
  { nil: undefined },
);
const peerConfig = fc.record({
  kind: fc.constantFrom("ebgp" as const, "ibgp" as const),
  importPolicy: fc.constantFrom(...IMPORTS),
  exportPolicy: fc.constantFrom(...EXPORTS),
  isRouteReflectorClient: fc.boolean(),
  nextHopSelf: fc.boolean(),
  allowOwnAs: fc.constantFrom(0, 0, 1),
  budget,
});
const session = fc.record({
  as4: fc.boolean(),
  messageOctetsMax: fc.constantFrom(4096, 4096, 65_535),
});
const options = fc.record({
  ebgpPathsMax: fc.constantFrom(1, 2, 8),
  ibgpPathsMax: fc.constantFrom(1, 2),
  multipathRelax: fc.boolean(),
  alwaysCompareMed: fc.boolean(),
  preferOldest: fc.boolean(),
});

const command = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(fc.constant("announce" as const), peerNumber, attributes, somePrefixes),
  },
  { weight: 5, arbitrary: fc.tuple(fc.constant("withdraw" as const), peerNumber, somePrefixes) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("up" as const), peerNumber, peerConfig, session) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("down" as const), peerNumber) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("policy" as const), peerNumber, peerConfig) },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant("next-hop" as const),
      fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1"),
      fc.boolean(),
      fc.constantFrom(0, 5, 10),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("options" as const), options) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("originate" as const), somePrefixes) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("refresh" as const), peerNumber, somePrefixes) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("work" as const), fc.integer({ min: 1, max: 20 })) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant("take" as const), peerNumber, fc.constantFrom(1, 50, 5000)),
  },
);
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

/** IPv6 prefixes travel with the IPv6 next hop of the same number. */
function nextHopFor(prefix: string, given: PathAttributes): PathAttributes {
  if (!prefix.includes(":")) return given;
  return { ...given, nextHop: address(`2001:db8::${given.nextHop.at(-1)}`) };
}

class Run {
  readonly bench = new Bench();
  readonly oracle = new Oracle(DEFAULTS);

  apply(step: Command): void {
    const { bench, oracle } = this;
    switch (step[0]) {
      case "announce": {
        const [, number, given, prefixes] = step;
        const peer = oracle.peers.get(number);
        if (peer?.isUp !== true) return;
        const { localPref, originatorId, clusterList, ...external } = given;
        const sent = peer.config.policyPeer.kind === "ebgp" ? external : given;
        bench.announce(number, sent, ...prefixes);
        for (const run of runOf(prefixes)) {
          for (const prefix of prefixesOf(run)) {
            oracle.announce(number, nextHopFor(prefix, sent), [prefix]);
          }
        }
        return;
      }
      case "withdraw": {
        const [, number, prefixes] = step;
        const peer = oracle.peers.get(number);
        if (peer?.isUp !== true) return;
        bench.withdraw(number, ...prefixes);
        for (const prefix of prefixes) peer.received.delete(prefix);
        return;
      }
      case "up": {
        const [, number, config, sessionOptions] = step;
        if (oracle.peers.get(number)?.isUp === true) return;
        this.#configure(number, config);
        const peer = oracle.peers.get(number);
        if (peer === undefined) return;
        peer.isUp = true;
        bench.up(peer.config, sessionOptions);
        return;
      }
      case "down": {
        const [, number] = step;
        const peer = oracle.peers.get(number);
        if (peer?.isUp !== true) return;
        peer.isUp = false;
        peer.received.clear();
        bench.down(number);
        return;
      }
      case "policy": {
        const [, number, config] = step;
        const before = oracle.peers.get(number)?.config;
        if (before === undefined) return;
        // Whether a peer is external is settled for the length of a session.
        this.#configure(number, { ...config, kind: before.policyPeer.kind });
        return;
      }
      case "next-hop": {
        const [, text, isReachable, igpMetric] = step;
        this.setNextHop(text, isReachable, igpMetric);
        return;
      }
      case "options": {
        oracle.options = step[1];
        bench.rib.setOptions(step[1]);
        return;
      }
      case "originate": {
        const [, prefixes] = step;
        oracle.originated = prefixes.map((prefix) => ({
          prefix,
          attributes: { origin: 0, med: 5 },
        }));
        bench.rib.setOriginated(oracle.originated);
        return;
      }
      case "refresh": {
        this.#refresh(step[1], step[2]);
        return;
      }
      case "work":
        bench.rib.work(step[1]);
        return;
      case "take": {
        const [, number, octets] = step;
        if (oracle.peers.get(number)?.isUp === true) bench.takeOnce(number, octets);
      }
    }
  }

  /** The host answers for next hops only while it is asked about them. */
  setNextHop(text: string, isReachable: boolean, igpMetric: number): void {
    this.bench.updateInterest(this.oracle);
    if (!this.bench.interest.has(text)) return;
    this.bench.rib.setNextHop(text, { isReachable, igpMetric });
    if (isReachable) this.oracle.unreachable.delete(text);
    else this.oracle.unreachable.add(text);
    this.oracle.metrics.set(text, igpMetric);
  }

  /** BoRR, some of the routes again, EoRR (RFC 7313 §4). */
  #refresh(number: number, prefixes: readonly string[]): void {
    const peer = this.oracle.peers.get(number);
    if (peer?.isUp !== true) return;
    for (const family of [IPV4, IPV6]) this.bench.rib.markStale(slot(number), family);
    const again = prefixes.filter((prefix) => peer.received.has(prefix));
    for (const prefix of again) {
      const route = peer.received.get(prefix);
      if (route !== undefined) this.bench.announce(number, route.attributes, prefix);
    }
    for (const family of [IPV4, IPV6]) this.bench.rib.removeStale(slot(number), family);
    for (const prefix of [...peer.received.keys()]) {
      if (!again.includes(prefix)) peer.received.delete(prefix);
    }
  }

  #configure(
    number: number,
    config: Omit<Partial<RibPeer>, "policyPeer"> & { readonly kind: "ebgp" | "ibgp" },
  ): void {
    const full = peerOf(number, config);
    this.bench.rib.setPeer(full);
    const peer = this.oracle.peers.get(number);
    if (peer !== undefined) peer.config = full;
    else {
      this.oracle.peers.set(number, {
        config: full,
        isUp: false,
        bgpIdentifier: 0x0a01_0000 + number,
        received: new Map(),
      });
    }
  }

  /** Everything agrees once everything has settled. */
  check(): void {
    const { bench, oracle } = this;
    bench.settle();
    // Next hops nobody asks about any more are forgotten, so what is said of them may change things.
    for (let round = 0; round < 3 && bench.updateInterest(oracle); round += 1) bench.settle();
    for (const prefix of PREFIXES) {
      const { chosen, backup } = oracle.decide(prefix);
      const group = bench.groups.get(bench.fib.get(prefix) ?? 0);
      const isOut = chosen[0] !== undefined && chosen[0].slot !== 0;
      same(
        group?.primary.map((hop) => hop.slot),
        isOut ? chosen.map((p) => p.slot) : undefined,
        `${prefix} primary`,
      );
      const others = backup.map((path) => path.slot).filter((number) => number !== 0);
      same(
        group?.backup.map((hop) => hop.slot),
        isOut ? others : undefined,
        `${prefix} backup`,
      );
    }
    for (const [number, peer] of oracle.peers) {
      if (!peer.isUp) continue;
      const { held, over } = oracle.told(number, PREFIXES);
      const heard = bench.heldBy(number);
      same([...heard.keys()].sort(), [...held.keys()].sort(), `peer ${number} holds`);
      for (const [prefix, expected] of held) {
        const actual = heard.get(prefix);
        same(actual && textOf(actual), textOf(expected), `${prefix} at peer ${number}`);
      }
      this.#checkCounts(number, held.size, over);
      const limit = peer.config.budget?.limit;
      if (limit !== undefined && heard.size > limit)
        throw new Error(`peer ${number} holds too much`);
    }
    if (bench.repeats > 0) throw new Error("a peer was told the same twice");
  }

  #checkCounts(number: number, advertised: number, over: number): void {
    const { bench, oracle } = this;
    const counts = [IPV4, IPV6].map((family) => bench.rib.view.counts(slot(number), family));
    const sum = (key: keyof (typeof counts)[0]): number =>
      counts.reduce((total, count) => total + count[key], 0);
    const peer = oracle.peers.get(number);
    if (peer === undefined) return;
    same(sum("received"), peer.received.size, `peer ${number} received`);
    const accepted = [...peer.received].filter(
      ([prefix, route]) => oracle.accepted(peer, prefix, route.attributes) !== undefined,
    );
    same(sum("accepted"), accepted.length, `peer ${number} accepted`);
    same(sum("advertised"), advertised, `peer ${number} advertised`);
    same(sum("overBudget"), over, `peer ${number} over budget`);
    const best = PREFIXES.filter((prefix) => oracle.decide(prefix).chosen[0]?.slot === number);
    same(sum("best"), best.length, `peer ${number} best`);
  }

  /** With every session gone nothing is held any more. */
  end(): void {
    for (const number of [...this.bench.sessions.keys()]) this.apply(["down", number]);
    this.apply(["originate", []]);
    this.bench.settle();
    same(this.bench.fib.size, 0, "routes left in the FIB");
    same(this.bench.groups.size, 0, "groups left");
    same(this.bench.rib.view.attributeSetCount(), 0, "attribute sets left");
    this.bench.updateInterest(this.oracle);
    same(this.bench.interest.size, 0, "next hops left");
  }
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

const UP = {
  importPolicy: ACCEPT,
  exportPolicy: ACCEPT,
  isRouteReflectorClient: false,
  nextHopSelf: false,
  allowOwnAs: 0 as const,
  budget: undefined,
};

const RUNS = Number(process.env.RIB_PROPERTY_RUNS ?? 300);

t.test("any input in any slices: peers and FIB hold what the oracle says", async (t) => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 20, maxLength: 120 }), (commands) => {
      const run = new Run();
      for (let number = 1; number <= 3; number += 1) {
        run.apply([
          "up",
          number,
          { ...UP, kind: number === 3 ? "ibgp" : "ebgp" },
          { as4: true, messageOctetsMax: 4096 },
        ]);
      }
      commands.forEach((step, index) => {
        run.apply(step);
        if (index % 30 === 29) run.check();
      });
      run.check();
      run.end();
    }),
    { numRuns: RUNS },
  );
  t.pass();
});
