import t from "tap";
import { ACCEPT_ALL, PolicyChain } from "../../../src/bgp/policy/chain.ts";
import type { Message } from "../../../src/bgp/wire/message.ts";
import { encodeRouteRefresh } from "../../../src/bgp/wire/route-refresh.ts";
import { originated, peerConfig } from "../../support/bgp-pair.ts";
import { IPV4, IPV6 } from "../../support/bgp-session.ts";
import { announce, Solo, soloConfig } from "../../support/bgp-solo.ts";

const refresh = (subtype: number, family = IPV4 as { afi: number; safi: number }) =>
  encodeRouteRefresh({ family, subtype });

/** `BoRR`, `5 routes`, `EoRR` …: what was said, in order. */
const story = (messages: readonly Message[]): string[] =>
  messages.map((message) => {
    if (message.kind === "route-refresh")
      return ["request", "BoRR", "EoRR"][message.subtype] ?? "?";
    if (message.kind !== "update") return message.kind;
    if (message.endOfRib !== undefined) return "End-of-RIB";
    return `${message.reach.reduce((sum, { count }) => sum + count, 0)} routes`;
  });

const plain = { ...peerConfig().capabilities, enhancedRouteRefresh: false };
const deaf = { ...plain, routeRefresh: false };

t.test("RFC 7313 §4 a request is answered between BoRR and EoRR", async (t) => {
  const solo = new Solo(soloConfig({}, { originated: originated(5) }));
  const connection = solo.establish();
  solo.settle();
  t.same(story(solo.heard(connection)).slice(-2), ["5 routes", "End-of-RIB"]);
  solo.say(connection, refresh(0));
  solo.settle();
  t.same(story(solo.heard(connection)), ["BoRR", "5 routes", "EoRR"]);
  solo.say(connection, refresh(0), refresh(0));
  solo.settle();
  t.same(story(solo.heard(connection)), ["BoRR", "5 routes", "EoRR"], "twice at once is once");
});

t.test("RFC 7313 §4 no BoRR before the first End-of-RIB", async (t) => {
  const solo = new Solo(soloConfig({}, { originated: originated(5) }));
  const connection = solo.establish();
  solo.say(connection, refresh(0));
  solo.settle();
  const told = story(solo.heard(connection));
  t.ok(told.indexOf("End-of-RIB") >= 0 && told.indexOf("End-of-RIB") < told.indexOf("BoRR"));
});

t.test("RFC 7313 §4 with nothing to tell, BoRR and EoRR still tell that", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.heard(connection);
  solo.say(connection, refresh(0));
  solo.settle();
  t.same(story(solo.heard(connection)), ["BoRR", "EoRR"]);
});

t.test("RFC 2918 §4 without the enhanced form: the routes alone", async (t) => {
  const solo = new Solo(soloConfig({ capabilities: plain }, { originated: originated(5) }));
  const connection = solo.establish();
  solo.settle();
  solo.heard(connection);
  solo.say(connection, refresh(0));
  solo.settle();
  t.same(story(solo.heard(connection)), ["5 routes"]);
});

t.test("RFC 2918 §4 what was not negotiated is ignored, and counted", async (t) => {
  const solo = new Solo(soloConfig({ capabilities: deaf }, { originated: originated(5) }));
  const connection = solo.establish();
  solo.settle();
  solo.heard(connection);
  solo.say(connection, refresh(0), refresh(1));
  solo.settle();
  t.same(story(solo.heard(connection)), []);
  t.same(solo.peer().counters.discards, { "route-refresh-not-negotiated": 2 });

  const other = new Solo();
  other.say(other.establish(), refresh(0, IPV6), refresh(7), refresh(2));
  t.same(other.peer().counters.discards, {
    "route-refresh-family": 1,
    "route-refresh-subtype": 1,
    "route-refresh-without-begin": 1,
  });
  t.equal(other.peer().state, "Established");
});

t.test("RFC 7313 §5 a wrong length ends an enhanced session only", async (t) => {
  const broken = refresh(1).slice();
  const longer = new Uint8Array(broken.length + 1);
  longer.set(broken);
  longer[17] = longer.length;
  const enhanced = new Solo();
  const connection = enhanced.establish();
  enhanced.heard(connection);
  enhanced.say(connection, longer);
  t.match(enhanced.heard(connection), [{ kind: "notification", code: 7, subcode: 1 }]);
  const old = new Solo(soloConfig({ capabilities: plain }));
  old.say(old.establish(), longer);
  t.equal(old.peer().state, "Established");
  t.equal(old.peer().counters.discards["route-refresh-length"], 1);
});

t.test("RFC 7313 §4 the peer's refresh: what it did not repeat is gone", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  const { rib } = solo.speaker.view;
  solo.say(connection, announce(["10.1.0.0/16", "10.2.0.0/16"]), refresh(1));
  solo.say(connection, announce(["10.2.0.0/16"]));
  solo.settle();
  t.equal(rib.locRibCount(IPV4), 2, "stale is not gone");
  t.ok(solo.peer().timers.some(({ name }) => name === "StaleRoutesTimer"));
  solo.say(connection, refresh(2));
  solo.settle();
  t.equal(rib.lookup("10.1.0.1"), undefined);
  t.equal(rib.lookup("10.2.0.1"), "10.2.0.0/16");
  t.notOk(solo.peer().timers.some(({ name }) => name === "StaleRoutesTimer"));
});

t.test("RFC 7313 §4 an EoRR that never comes: stale paths are dropped in the end", async (t) => {
  const solo = new Solo(soloConfig({ holdTimeSec: 0 }));
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16", "10.2.0.0/16"]), refresh(1));
  solo.say(connection, announce(["10.2.0.0/16"]));
  solo.advance(599);
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 2);
  solo.advance(2);
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 1);
});

t.test("RFC 7313 §4 stale paths do not outlive their session", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16"]), refresh(1));
  solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "reset" });
  solo.settle();
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 0);
  t.same(
    solo.peer().timers.map(({ name }) => name),
    ["IdleHoldTimer"],
  );
});

t.test("RFC 2918 §3 our request: by order, for the families of the session", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.heard(connection);
  const order = { kind: "refresh", peer: "b", family: undefined } as const;
  solo.input({ ...order, direction: "in" });
  t.same(story(solo.heard(connection)), ["request"]);
  solo.input({ ...order, direction: "in", family: IPV6 });
  t.same(story(solo.heard(connection)), []);
  t.match(solo.logs("bgp.peer.refresh-impossible"), [{ fields: { family: "ipv6-unicast" } }]);
  solo.input({ ...order, direction: "out" });
  solo.settle();
  t.same(story(solo.heard(connection)), ["BoRR", "EoRR"]);
});

t.test("a changed export policy is told without being asked", async (t) => {
  const other = new PolicyChain("accept-too", ACCEPT_ALL.parts);
  const config = (exportPolicy: typeof ACCEPT_ALL) =>
    soloConfig({ exportPolicy }, { originated: originated(5) });
  const solo = new Solo(config(ACCEPT_ALL));
  const connection = solo.establish();
  solo.settle();
  solo.heard(connection);
  solo.input({ kind: "configure", config: config(other) });
  solo.settle();
  t.same(story(solo.heard(connection)), [], "the same verdicts: nothing to tell");
  t.equal(solo.peer().state, "Established");
});
