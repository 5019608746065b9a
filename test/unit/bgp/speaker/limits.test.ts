/** What a peer may make us do or keep, whatever it sends: each bound, its counter and its reason. */
import t from "tap";
import { Rib } from "../../../../src/bgp/rib/rib.ts";
import type { PeerConfig } from "../../../../src/bgp/speaker/config.ts";
import { encodeKeepalive } from "../../../../src/bgp/wire/header.ts";
import { encodeRouteRefresh } from "../../../../src/bgp/wire/route-refresh.ts";
import { concatBytes } from "../../../../src/core/bytes.ts";
import { LIMITS } from "../../../../src/core/limits.ts";
import { originated } from "../../../support/bgp-pair.ts";
import { IPV4 } from "../../../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer, withdraw } from "../../../support/bgp-solo.ts";

const prefixAt = (index: number): string => `10.${index >> 8}.${index & 255}.0/24`;

/** A RIB in which peers may hold little, so that a test need not bring much. */
function small(limits: Partial<typeof LIMITS>, peer: Partial<PeerConfig> = {}) {
  const peers = [
    soloPeer(peer),
    soloPeer({ name: "c", remoteAddress: "10.0.0.3", remoteAs: 45_104 }),
  ];
  const solo = new Solo(soloConfig({}, { peers }), {
    createRib: (options) => new Rib({ ...options, limits: { ...LIMITS, ...limits } }),
  });
  const hostile = solo.establish();
  const other = solo.establish({ bgpIdentifier: 3 }, "10.0.0.3");
  solo.take();
  return { solo, hostile, other };
}

const received = (solo: Solo, name = "b"): number => {
  const { slot } = solo.peer(name);
  return solo.speaker.view.rib.counts(slot, IPV4).received;
};

t.test(
  "attribute sets: so many of one peer; the next are withdrawn, counted and said",
  async (t) => {
    const { solo, hostile, other } = small({ attributeSetsPerPeer: 100 });
    for (let index = 0; index < 1000; index += 1) {
      solo.say(hostile, announce([prefixAt(index)], { med: index }));
    }
    solo.settle();
    t.equal(received(solo), 100);
    t.ok(solo.speaker.view.rib.attributeSetCount() <= 210, "with what is passed on of them");
    t.same(solo.peer().counters.discards, { "no-room-attribute-sets": 900 });
    t.equal(solo.peer().state, "Established");
    const lines = solo.logs("bgp.peer.no-room");
    t.equal(lines.length, LIMITS.logLinesPerCausePerMinute);
    t.match(lines[0], { level: "error", fields: { peer: "b", reason: "attribute-sets" } });

    for (let index = 0; index < 100; index += 1) {
      solo.say(other, announce([`11.0.${index}.0/24`], { med: 100_000 + index }));
    }
    solo.settle();
    t.equal(received(solo, "c"), 100, "another peer has its own");

    solo.say(hostile, announce([prefixAt(5)], { med: 77_777 }));
    solo.settle();
    t.equal(
      solo.speaker.view.rib.explain(prefixAt(5)),
      undefined,
      "an old route is not kept as new",
    );
    solo.say(hostile, withdraw(Array.from({ length: 1000 }, (_, index) => prefixAt(index))));
    solo.settle();
    solo.say(hostile, announce([prefixAt(7)], { med: 99_999 }));
    solo.settle();
    t.equal(received(solo), 1, "what it withdraws it may bring anew");
  },
);

t.test("attribute octets: a few long sets are as much as many short ones", async (t) => {
  const { solo, hostile } = small({ attributeOctetsPerPeer: 100_000 });
  const communities = Array.from({ length: 900 }, (_, index) => index);
  for (let index = 0; index < 200; index += 1) {
    solo.say(hostile, announce([prefixAt(index)], { med: index, communities }));
  }
  solo.settle();
  const held = received(solo);
  t.ok(held > 20 && held <= 100_000 / 3600, `${held} routes of 3.6 kB`);
  t.same(solo.peer().counters.discards, { "no-room-attribute-sets": 200 - held });
});

t.test(
  "attribute sets: one shared set is charged once, and freed with its last route",
  async (t) => {
    const { solo, hostile } = small({ attributeSetsPerPeer: 1 });
    solo.say(hostile, announce(Array.from({ length: 500 }, (_, index) => prefixAt(index))));
    solo.settle();
    t.equal(received(solo), 500);
    solo.input({ kind: "tcp-closed", connection: hostile, cause: "reset", text: "reset" });
    solo.advance(10);
    const again = solo.establish();
    solo.say(again, announce([prefixAt(1)], { med: 1 }));
    solo.settle();
    t.equal(received(solo), 1);
  },
);

t.test("routes: the newest go beyond the ceiling, whatever maxPrefix allows", async (t) => {
  const generous = {
    limit: 5000,
    warnAtPercent: 80,
    action: "reset",
    restartSec: undefined,
  } as const;
  for (const maxPrefix of [undefined, generous]) {
    const { solo, hostile } = small({ routesPerPeer: 300 }, { maxPrefix });
    solo.say(hostile, announce(Array.from({ length: 250 }, (_, index) => prefixAt(index))));
    solo.say(hostile, announce(Array.from({ length: 250 }, (_, index) => prefixAt(200 + index))));
    solo.settle();
    t.equal(received(solo), 300);
    t.same(solo.peer().counters.discards, { "no-room-routes": 150 });
    t.match(solo.logs("bgp.peer.no-room"), [{ fields: { reason: "routes", count: 150 } }]);
    t.equal(solo.peer().state, "Established");
    solo.say(hostile, announce([prefixAt(3)], { med: 7 }));
    solo.settle();
    t.match(solo.speaker.view.rib.explain(prefixAt(3))?.candidates, [{ attributes: { med: 7 } }]);
  }
});

t.test("AS path: beyond the bound the routes are withdrawn (RFC 7606 §7.2)", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  const path = (count: number) => [
    { type: 2 as const, ases: Array.from({ length: count }, () => 45_104) },
  ];
  solo.say(connection, announce(["10.1.0.0/24"], { asPath: path(LIMITS.asPathLength) }));
  solo.say(connection, announce(["10.2.0.0/24"], { asPath: path(LIMITS.asPathLength + 1) }));
  solo.settle();
  t.ok(solo.speaker.view.rib.explain("10.1.0.0/24"));
  t.equal(solo.speaker.view.rib.explain("10.2.0.0/24"), undefined);
  t.same(solo.peer().counters.discards, { "as-path-too-long": 1 });
});

/** Feeds the peer got: BoRRs of ours. */
const feeds = (solo: Solo, connection: Parameters<Solo["heard"]>[0]): number =>
  solo
    .heard(connection)
    .filter((message) => message.kind === "route-refresh" && message.subtype === 1).length;

t.test("refreshes: ten a minute at once, and the last of the others when it is over", async (t) => {
  const solo = new Solo(soloConfig({}, { originated: originated(100) }));
  const connection = solo.establish();
  solo.heard(connection);
  const request = encodeRouteRefresh({ family: IPV4, subtype: 0 });
  let told = 0;
  for (let time = 0; time < 1000; time += 1) {
    solo.say(connection, request);
    solo.settle();
    told += feeds(solo, connection);
    solo.input({ kind: "tcp-progress", connection, queuedOctets: 0 });
  }
  t.equal(told, LIMITS.refreshesPerMinute);
  t.same(solo.peer().counters.discards, { "route-refresh-rate": 990 });
  t.ok(solo.peer().timers.some(({ name }) => name === "RefreshTimer"));
  solo.advance(59);
  t.equal(feeds(solo, connection), 0);
  solo.say(connection, encodeKeepalive());
  solo.advance(2);
  t.equal(feeds(solo, connection), 1, "it is told once more: it may have dropped what it asks for");
  solo.input({ kind: "refresh", peer: "b", direction: "out", family: undefined });
  solo.settle();
  t.equal(feeds(solo, connection), 1, "an operator's order is not a peer's");
});

t.test("refreshes: to a peer that takes nothing they cost one queue", async (t) => {
  const solo = new Solo(soloConfig({}, { originated: [] }));
  const connection = solo.establish();
  const request = encodeRouteRefresh({ family: IPV4, subtype: 0 });
  for (let time = 0; time < 10_000; time += 1) {
    solo.say(connection, request);
    solo.settle();
  }
  t.ok(solo.peer().outQueueOctets < 1000, `${solo.peer().outQueueOctets} octets`);
});

t.test("BoRR: marking a table stale costs a walk, so ten a minute", async (t) => {
  class Counting extends Rib {
    static walks = 0;
    override markStale(...args: Parameters<Rib["markStale"]>): void {
      Counting.walks += 1;
      super.markStale(...args);
    }
  }
  const solo = new Solo(soloConfig(), { createRib: (options) => new Counting(options) });
  const connection = solo.establish();
  solo.say(connection, announce([prefixAt(1)]));
  const begin = encodeRouteRefresh({ family: IPV4, subtype: 1 });
  solo.say(connection, concatBytes(Array.from({ length: 2000 }, () => begin)));
  solo.settle();
  t.equal(Counting.walks, LIMITS.refreshesPerMinute);
  t.same(solo.peer().counters.discards, { "route-refresh-rate": 1990 });
});

t.test("connections: sixty a minute of one peer, and never more than two at a time", async (t) => {
  const solo = new Solo();
  let open = 0;
  let openMax = 0;
  for (let time = 0; time < 2000; time += 1) {
    const from = solo.effects.length;
    solo.accept();
    for (const effect of solo.effects.slice(from)) {
      if (effect.kind === "tcp-adopt") open += 1;
      else if (effect.kind === "tcp-close" && effect.how !== "reset") open -= 1;
    }
    openMax = Math.max(openMax, open);
  }
  t.ok(openMax <= 2, `${openMax} at a time`);
  t.same(solo.peer().counters.discards, { "refused-rate": 2000 - LIMITS.connectionsPerMinute });
  t.equal(solo.logs("bgp.connection.refused").length, LIMITS.logLinesPerCausePerMinute);
  t.ok(solo.effects.length < 2000 + 5 * LIMITS.connectionsPerMinute, `${solo.effects.length}`);
  solo.advance(61);
  solo.establish();
  t.equal(solo.peer().state, "Established", "and it may come when the minute is over");
});

t.test(
  "connections: of nobody's address they are refused, counted and hardly logged",
  async (t) => {
    const solo = new Solo();
    for (let time = 0; time < 5000; time += 1) solo.accept(`192.0.2.${time & 255}`);
    t.same(solo.speaker.view.refusedConnections, { "unknown-peer": 5000 });
    t.equal(solo.logs("bgp.connection.refused").length, LIMITS.logLinesPerCausePerMinute);
    t.equal(solo.closes().length, 5000);
  },
);
