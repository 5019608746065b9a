import t from "tap";
import { seededRng } from "../../../../src/core/rng.ts";
import {
  isUp,
  Net,
  originated,
  pair,
  peerConfig,
  speakerConfig,
} from "../../../support/bgp-pair.ts";
import { IPV4 } from "../../../support/bgp-session.ts";

t.test("two speakers that dial each other end with one Established connection each", async (t) => {
  for (const latencyUs of [0, 10, 1000, 50_000]) {
    const link = pair({ latencyUs });
    t.ok(
      link.net.runUntil(() => isUp(link), 60),
      `latency ${latencyUs} µs`,
    );
    link.net.run(300);
    t.ok(isUp(link));
    t.equal(link.a.ends.size, 1, "no connection is left over");
    t.equal(link.b.ends.size, 1);
    t.equal(link.a.peer("b").establishedTransitions, 1);
    t.equal(link.a.peer("b").downReason, undefined);
  }
});

t.test("whoever starts first, whatever the delay, they find each other", async (t) => {
  const rng = seededRng(42);
  for (let round = 0; round < 60; round += 1) {
    const latencyUs = rng.int(0, 400_000);
    const net = new Net({ latencyUs, isOneByte: round % 3 === 0 });
    const a = net.add("10.0.0.1", speakerConfig(), { rng: seededRng(round) });
    net.run(rng.int(0, 3_000_000) / 1e6);
    const bPeer = peerConfig({ name: "a", remoteAddress: "10.0.0.1", remoteAs: 65001 });
    const bConfig = { localAs: 45104, bgpIdentifier: rng.int(1, 0x7fff_ffff), peers: [bPeer] };
    const b = net.add("10.0.0.2", speakerConfig(bConfig), { rng: seededRng(round + 1000) });
    t.ok(
      net.runUntil(() => isUp({ a, b }), 180),
      `round ${round}: latency ${latencyUs} µs`,
    );
    net.run(60);
    t.ok(isUp({ a, b }), "and stay together");
    t.same([a.ends.size, b.ends.size], [1, 1]);
    const established = a.history("b").filter((step) => step.endsWith(">Established"));
    t.equal(established.length, a.peer("b").establishedTransitions);
  }
});

t.test("octet by octet is as good as whole segments", async (t) => {
  const link = pair({ isOneByte: true, aSpeaker: { originated: originated(300) } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(5);
  t.equal(link.b.speaker.view.rib.locRibCount(IPV4), 300);
  t.same(link.b.peer("a").counters.discards, {});
});

t.test("routes cross, are withdrawn, and go with the session", async (t) => {
  const link = pair({ aSpeaker: { originated: originated(1000) } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(5);
  const { rib } = link.b.speaker.view;
  t.equal(rib.locRibCount(IPV4), 1000);
  t.equal(rib.lookup("10.0.7.9"), "10.0.7.0/24");
  t.same(link.b.peer("a").endOfRib, [IPV4], "End-of-RIB came");
  t.ok(link.a.effects.some((effect) => effect.kind === "feed-complete"));
  t.ok(link.b.effects.some((effect) => effect.kind === "end-of-rib"));

  const config = speakerConfig({ originated: originated(400) });
  link.a.deliver({ kind: "configure", config });
  link.net.run(5);
  t.equal(rib.locRibCount(IPV4), 400, "600 were withdrawn");
  t.equal(link.a.peer("b").establishedTransitions, 1, "and nothing else happened");

  link.a.deliver({ kind: "admin", peer: "b", action: "stop", text: "" });
  link.net.run(5);
  t.equal(rib.locRibCount(IPV4), 0);
  const changes = link.b.effects.flatMap((effect) =>
    effect.kind === "routes" ? [effect.changes] : [],
  );
  const rows = changes.flatMap(({ batches }) => batches.map(({ count }) => count));
  t.ok(rows.reduce((sum, count) => sum + count, 0) >= 2000, "the FIB heard of all of it");
});

t.test("DelayOpen: the peer's OPEN is waited for, but not for ever", async (t) => {
  const one = pair({ a: { delayOpenTimeSec: 20 } });
  t.ok(
    one.net.runUntil(() => isUp(one), 10),
    "the other end does not wait",
  );
  const both = pair({ a: { delayOpenTimeSec: 8 }, b: { delayOpenTimeSec: 8 } });
  both.net.run(7.5);
  t.equal(both.a.peer("b").counters.messagesOut.open, 0);
  t.ok(both.net.runUntil(() => isUp(both), 30));
});

t.test("both passive: each says that it waits", async (t) => {
  const link = pair({ a: { isPassive: true }, b: { isPassive: true } });
  link.net.run(120);
  t.equal(link.a.peer("b").state, "Active");
  t.equal(link.a.peer("b").downReason, "waiting for 10.0.0.2 to connect");
});

t.test("one passive: the other one dials", async (t) => {
  const link = pair({ a: { isPassive: true } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  t.notOk(link.a.effects.some((effect) => effect.kind === "tcp-connect"));
});

t.test("a wire that is cut ends both sessions by their HoldTimers, and heals", async (t) => {
  const timers = { holdTimeSec: 9, keepaliveTimeSec: 3 };
  const link = pair({ a: timers, b: timers });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(100);
  link.net.isCut = true;
  link.net.run(8.9 - 3);
  t.ok(isUp(link), "not before the hold time is over");
  link.net.run(4);
  for (const [node, peer] of [
    [link.a, "b"],
    [link.b, "a"],
  ] as const) {
    t.not(node.peer(peer).state, "Established");
    t.match(node.peer(peer).lastReset, {
      reason: "hold_timer",
      text: "hold timer expired after 9 s of silence",
      code: 4,
    });
  }
  link.net.isCut = false;
  t.ok(
    link.net.runUntil(() => isUp(link), 120),
    "and comes back by itself",
  );
});

t.test("the smallest hold time keeps a quiet session up", async (t) => {
  const timers = { holdTimeSec: 3, keepaliveTimeSec: 1 };
  const link = pair({ a: timers, b: timers, latencyUs: 20_000 });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(1800);
  t.equal(link.a.peer("b").establishedTransitions, 1);
  t.equal(link.b.peer("a").establishedTransitions, 1);
});

t.test("hold time 0: no KEEPALIVE, no HoldTimer", async (t) => {
  const link = pair({ a: { holdTimeSec: 0 } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  const before = link.a.peer("b").counters.messagesOut.keepalive;
  link.net.isCut = true;
  link.net.run(3600);
  t.ok(isUp(link), "silence proves nothing");
  t.equal(link.a.peer("b").counters.messagesOut.keepalive, before);
  t.same(link.a.peer("b").timers, []);
});

t.test("every way to be down says why in one sentence", async (t) => {
  const alone = new Net();
  const nobody = alone.add("10.0.0.1", speakerConfig());
  alone.run(1);
  t.equal(nobody.peer("b").state, "Connect");
  t.equal(nobody.peer("b").downReason, "connecting to 10.0.0.2");

  const deaf = new Net();
  const a = deaf.add("10.0.0.1", speakerConfig());
  const b = deaf.add("10.0.0.2", speakerConfig({ peers: [] }));
  b.isDeaf = true;
  deaf.run(1);
  t.equal(a.peer("b").state, "Active");
  t.equal(a.peer("b").downReason, "TCP connection to 10.0.0.2 refused");

  const wrongAs = pair({ bSpeaker: { localAs: 65099 }, b: { remoteAs: 65001 } });
  wrongAs.net.run(3);
  t.match(wrongAs.a.peer("b").lastReset?.text, "peer's AS is 65099, configured 45104");
  const blamed = [wrongAs.a.peer("b").lastReset?.code, wrongAs.b.peer("a").lastReset?.subcode];
  t.same(blamed, [2, 2], "OPEN Message Error/Bad Peer AS, on both sides");

  const shut = pair({ a: { isShutdown: true } });
  shut.net.run(3);
  t.equal(shut.a.peer("b").downReason, "shut down in the configuration");
  t.equal(shut.b.peer("a").downReason, "peer reset the TCP connection");
  t.ok((shut.a.peer("b").counters.discards["refused-shutdown"] ?? 0) > 0);
});

t.test("two wrong ASes back off instead of hammering each other", async (t) => {
  const link = pair({ bSpeaker: { localAs: 65099 } });
  link.net.run(3600);
  const { open } = link.a.peer("b").counters.messagesOut;
  t.ok(open > 10 && open < 3600 / 30, `${open} OPENs in an hour`);
});

t.test("GR negotiated: a peer that comes anew has restarted", async (t) => {
  const capabilities = { ...peerConfig().capabilities, gracefulRestart: true };
  const link = pair({ a: { capabilities }, b: { capabilities } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(10);
  // b dies without a word and comes back as a new process.
  link.b.die();
  link.net.run(2);
  const peer = peerConfig({ name: "a", remoteAddress: "10.0.0.1", remoteAs: 65001, capabilities });
  const config = { localAs: 45104, bgpIdentifier: 0x0a00_0002, peers: [peer] };
  const reborn = link.net.add("10.0.0.2", speakerConfig(config));
  t.ok(
    link.net.runUntil(() => isUp({ a: link.a, b: reborn }), 20),
    "long before the hold time is over",
  );
  t.equal(link.a.peer("b").establishedTransitions, 2);
});

t.test("without GR an Established connection is kept, and the newcomer is told", async (t) => {
  const link = pair({});
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.b.die();
  const peer = peerConfig({ name: "a", remoteAddress: "10.0.0.1", remoteAs: 65001 });
  const config = { localAs: 45104, bgpIdentifier: 0x0a00_0002, peers: [peer] };
  const reborn = link.net.add("10.0.0.2", speakerConfig(config));
  link.net.run(20);
  t.equal(link.a.peer("b").establishedTransitions, 1);
  t.match(reborn.peer("a").lastReset, { code: 6, subcode: 7, reason: "notification_in" });
  t.ok((link.a.peer("b").counters.resets.collision ?? 0) > 0);
  t.ok(
    link.net.runUntil(() => isUp({ a: link.a, b: reborn }), 400),
    "until the HoldTimer tells that the old one is dead",
  );
});

t.test("whatever happened, once it is over they are Established and agree", async (t) => {
  for (let seed = 1; seed <= 25; seed += 1) {
    const rng = seededRng(seed);
    const timers = { holdTimeSec: 9, keepaliveTimeSec: 3, connectRetryTimeSec: 10 };
    const link = pair({
      ...{ latencyUs: rng.int(0, 100_000), a: timers, b: timers },
      aSpeaker: { originated: originated(50) },
      bSpeaker: { originated: originated(50, 1000) },
    });
    for (let step = 0; step < 30; step += 1) {
      const [node, peer] = rng.int(0, 1) === 0 ? [link.a, "b"] : [link.b, "a"];
      const text = "chaos";
      const isOn = rng.int(0, 1) === 0;
      const dice = rng.int(0, 6);
      if (dice === 0) link.net.isCut = isOn;
      if (dice === 1) node.isDeaf = isOn;
      if (dice === 2) node.deliver({ kind: "admin", peer, action: isOn ? "reset" : "start", text });
      if (dice === 3) node.deliver({ kind: "path-failed", peer, cause: "bfd-down", text });
      if (dice === 4) node.deliver({ kind: "hold-off", peer, isOn, reason: text });
      if (dice === 5) node.isStuck = isOn;
      link.net.run(rng.int(0, 5_000_000) / 1e6);
    }
    link.net.isCut = false;
    for (const [node, peer] of [
      [link.a, "b"],
      [link.b, "a"],
    ] as const) {
      node.isDeaf = false;
      node.isStuck = false;
      for (const id of node.ends.keys()) node.drainTowards(id);
      node.deliver({ kind: "hold-off", peer, isOn: false, reason: "" });
    }
    t.ok(
      link.net.runUntil(() => isUp(link), 120),
      `seed ${seed}: up again`,
    );
    link.net.run(30);
    t.ok(isUp(link), "to stay");
    t.equal(link.a.speaker.view.rib.locRibCount(IPV4), 100);
    t.equal(link.b.speaker.view.rib.locRibCount(IPV4), 100);
    t.same([link.a.ends.size, link.b.ends.size], [1, 1]);
  }
});

t.test("the same seed gives the same run, to the octet", async (t) => {
  const trace = () => {
    const link = pair({ latencyUs: 700, aSpeaker: { originated: originated(50) } });
    link.net.run(40);
    link.net.isCut = true;
    link.net.run(200);
    link.net.isCut = false;
    link.net.run(200);
    const plain = (_key: string, value: unknown) =>
      value instanceof Uint8Array || value instanceof Uint32Array ? Array.from(value) : value;
    return JSON.stringify([link.a.effects, [...link.a.sent], link.b.effects], plain);
  };
  const first = trace();
  t.ok(first.length > 5000);
  t.equal(trace(), first);
});
