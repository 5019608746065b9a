import t from "tap";
import { REJECT_ALL } from "../../../../src/bgp/policy/chain.ts";
import type { PeerConfig } from "../../../../src/bgp/speaker/config.ts";
import { classifyPeerChange, needsRefresh } from "../../../../src/bgp/speaker/config-diff.ts";
import type { SpeakerEffect } from "../../../../src/bgp/speaker/effects.ts";
import type { ConnectionId } from "../../../../src/bgp/speaker/inputs.ts";
import { Speaker } from "../../../../src/bgp/speaker/speaker.ts";
import { encodeKeepalive } from "../../../../src/bgp/wire/header.ts";
import { encodeNotification, shutdownData } from "../../../../src/bgp/wire/notification.ts";
import { encodeOpen } from "../../../../src/bgp/wire/open.ts";
import { seededRng } from "../../../../src/core/rng.ts";
import { IPV4, IPV6, remoteOpen, T0 } from "../../../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer } from "../../../support/bgp-solo.ts";

t.test("admin stop: told with the operator's words, down until started", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const connection = solo.connect();
  solo.say(connection, encodeOpen(remoteOpen()), encodeKeepalive());
  solo.settle();
  t.equal(solo.peer().state, "Established");
  solo.heard(connection);
  solo.input({ kind: "admin", peer: "b", action: "stop", text: "maintenance" });
  t.match(solo.heard(connection), [
    { kind: "notification", code: 6, subcode: 2, shutdownCommunication: "maintenance" },
  ]);
  t.equal(solo.peer().downReason, 'stopped by operator: "maintenance"');
  t.same(solo.peer().timers, [], "nothing is armed");
  solo.take();
  solo.advance(3600);
  t.same(solo.take(), [], "an hour later it is still down");
  solo.accept();
  t.equal(solo.peer().counters.discards["refused-stopped"], 1);
  solo.input({ kind: "admin", peer: "b", action: "start", text: "" });
  t.equal(solo.peer().state, "Connect");
});

t.test("admin reset: down and up again at once", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const connection = solo.connect();
  solo.say(connection, encodeOpen(remoteOpen()), encodeKeepalive());
  solo.settle();
  solo.heard(connection);
  solo.input({ kind: "admin", peer: "b", action: "reset", text: "why not" });
  t.match(solo.heard(connection), [
    { kind: "notification", code: 6, subcode: 4, shutdownCommunication: "why not" },
  ]);
  t.equal(solo.peer().state, "Connect");
  t.match(solo.peer().lastReset, { reason: "admin", text: 'reset by operator: "why not"' });
});

t.test("admin reset of a peer that waits dials now", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false, connectRetryTimeSec: 3000 }));
  const dialled = solo.take().find((effect) => effect.kind === "tcp-connect");
  t.ok(dialled?.kind === "tcp-connect");
  if (dialled?.kind !== "tcp-connect") return;
  const { connection } = dialled;
  solo.input({ kind: "tcp-closed", connection, cause: "refused", text: "ECONNREFUSED" });
  t.equal(solo.peer().state, "Active");
  solo.input({ kind: "admin", peer: "b", action: "reset", text: "" });
  t.equal(solo.peer().state, "Connect");
});

t.test("orders that cannot be followed say so", async (t) => {
  const solo = new Solo(soloConfig({ isShutdown: true }));
  solo.input({ kind: "admin", peer: "b", action: "start", text: "" });
  t.match(solo.logs("bgp.peer.order-without-effect"), [
    { fields: { peer: "b", because: "shut down in the configuration" } },
  ]);
  solo.input({ kind: "admin", peer: "nobody", action: "stop", text: "" });
  t.match(solo.logs("bgp.peer.unknown"), [{ fields: { peer: "nobody", order: "admin" } }]);
  solo.input({ kind: "refresh", peer: "b", direction: "in", family: undefined });
  t.equal(solo.logs("bgp.peer.refresh-impossible").length, 1);
});

t.test("hold-off: before the peer exists, while it runs, and released", async (t) => {
  const solo = new Solo(soloConfig({}, { peers: [] }));
  const hold = { kind: "hold-off", peer: "b", reason: "waiting for BFD" } as const;
  solo.input({ ...hold, isOn: true });
  solo.input({ kind: "configure", config: soloConfig({ isPassive: false }) });
  t.equal(solo.peer().state, "Idle");
  t.equal(solo.peer().downReason, "held off: waiting for BFD");
  t.ok(solo.peer().isHeldOff);
  solo.accept();
  t.same(solo.closes(), ["2 reset"]);
  t.equal(solo.peer().counters.discards["refused-held-off"], 1);
  solo.advance(600);
  t.notOk(
    solo.effects.some((effect) => effect.kind === "tcp-connect"),
    "not one OPEN",
  );
  solo.input({ ...hold, isOn: false });
  t.equal(solo.peer().state, "Connect", "the first Up establishes");
  const connection = solo.connect();
  solo.say(connection, encodeOpen(remoteOpen()), encodeKeepalive());
  t.equal(solo.peer().state, "Established");
  solo.heard(connection);
  solo.input({ ...hold, isOn: true });
  t.match(solo.heard(connection), [{ kind: "notification", code: 6, subcode: 5 }]);
  t.equal(solo.peer().state, "Idle");
  t.match(solo.peer().lastReset, { reason: "hold_off" });
});

t.test("hold-off reaches both connections of a race", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const ours = solo.connect();
  const theirs = solo.accept();
  solo.say(theirs, encodeOpen(remoteOpen({ bgpIdentifier: 1 })));
  solo.take();
  solo.input({ kind: "hold-off", peer: "b", isOn: true, reason: "BFD Init" });
  t.same(solo.closes().sort(), [`${ours} flush`, `${theirs} flush`].sort());
  t.equal(solo.peer().state, "Idle");
  t.same(solo.peer().timers, []);
  solo.advance(300);
  t.equal(solo.peer().state, "Idle");
});

t.test("stop: every session is told, nothing is opened any more", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.heard(connection);
  solo.input({ kind: "stop", text: "upgrade" });
  t.match(solo.heard(connection), [{ code: 6, subcode: 2, shutdownCommunication: "upgrade" }]);
  t.match(solo.closes(), [`${connection} flush`]);
  solo.take();
  solo.input({ kind: "configure", config: soloConfig({ isPassive: false }) });
  solo.accept();
  solo.input({ kind: "admin", peer: "b", action: "start", text: "" });
  solo.advance(600);
  t.notOk(solo.effects.some((effect) => effect.kind === "tcp-connect"));
  t.equal(solo.peer().state, "Idle");
});

t.test("a change of configuration: what it is called", async (t) => {
  const before = soloPeer();
  const cases: [Partial<PeerConfig>, string][] = [
    [{}, "none"],
    [{ families: [{ ...IPV4 }], capabilities: { ...before.capabilities } }, "none"],
    [{ importPolicy: REJECT_ALL }, "soft"],
    [{ exportPolicy: REJECT_ALL }, "soft"],
    [{ maxPrefix: { limit: 1, warnAtPercent: 80, action: "warn", restartSec: undefined } }, "soft"],
    [{ budget: { limit: 3, ranks: [] } }, "soft"],
    [{ isPassive: false }, "soft"],
    [{ holdTimeSec: 30 }, "reset"],
    [{ remoteAs: 1 }, "reset"],
    [{ localAs: 64512 }, "reset"],
    [{ remoteAddress: "10.0.0.9" }, "reset"],
    [{ families: [IPV4, IPV6] }, "reset"],
    [{ isShutdown: true }, "reset"],
    [{ capabilities: { ...before.capabilities, extendedMessage: false } }, "reset"],
    [{ role: { value: 3, isStrict: false } }, "reset"],
    [{ importPolicy: REJECT_ALL, holdTimeSec: 30 }, "reset"],
  ];
  for (const [change, expected] of cases) {
    const found = classifyPeerChange(before, { ...before, ...change });
    t.equal(found, expected, Object.keys(change).join(", "));
  }
});

t.test("a change of configuration: only what was never kept is asked for again", async (t) => {
  const limited = (limit: number, action: "warn" | "drop-newest") =>
    soloPeer({ maxPrefix: { limit, action, warnAtPercent: 80, restartSec: undefined } });
  t.ok(needsRefresh(limited(10, "drop-newest"), limited(20, "drop-newest")));
  t.ok(needsRefresh(limited(10, "drop-newest"), soloPeer()));
  t.notOk(needsRefresh(limited(10, "drop-newest"), limited(5, "drop-newest")));
  t.notOk(needsRefresh(limited(10, "warn"), limited(20, "warn")));
  t.notOk(needsRefresh(soloPeer(), soloPeer({ importPolicy: REJECT_ALL })));
});

t.test("a soft change keeps the session and is applied to what is here", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16", "10.2.0.0/16"]));
  solo.settle();
  const { rib } = solo.speaker.view;
  t.equal(rib.locRibCount(IPV4), 2);
  solo.heard(connection);
  solo.input({ kind: "configure", config: soloConfig({ importPolicy: REJECT_ALL }) });
  solo.settle();
  t.equal(solo.peer().state, "Established");
  t.equal(rib.locRibCount(IPV4), 0, "RFC 8212: no policy, no routes");
  solo.input({ kind: "configure", config: soloConfig() });
  solo.settle();
  t.equal(rib.locRibCount(IPV4), 2, "they had been kept");
  t.same(solo.heard(connection), [], "without asking the peer");
});

t.test("a limit that is raised asks for what was dropped", async (t) => {
  const limit = (count: number) =>
    soloConfig({
      maxPrefix: { limit: count, action: "drop-newest", warnAtPercent: 80, restartSec: undefined },
    });
  const solo = new Solo(limit(1));
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16", "10.2.0.0/16"]));
  solo.settle();
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 1);
  t.equal(solo.logs("bgp.prefix-limit.exceeded").length, 1);
  solo.heard(connection);
  solo.input({ kind: "configure", config: limit(10) });
  t.match(solo.heard(connection), [{ kind: "route-refresh", family: IPV4, subtype: 0 }]);
});

t.test("a change of what OPENs agreed on resets, and starts again at once", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const connection = solo.connect();
  solo.say(connection, encodeOpen(remoteOpen()), encodeKeepalive());
  solo.settle();
  solo.heard(connection);
  const config = soloConfig({ isPassive: false, holdTimeSec: 30 });
  solo.input({ kind: "configure", config });
  t.match(solo.heard(connection), [{ code: 6, subcode: 6 }]);
  t.match(solo.peer().lastReset, { reason: "config" });
  t.equal(solo.peer().state, "Connect");
  const again = solo.connect();
  t.match(solo.heard(again), [{ kind: "open", holdTimeSec: 30 }], "with the new hold time");
});

t.test("a peer taken out of the configuration is told so and forgotten", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16"]));
  solo.settle();
  solo.heard(connection);
  solo.input({ kind: "configure", config: soloConfig({}, { peers: [] }) });
  t.match(solo.heard(connection), [{ code: 6, subcode: 3 }]);
  t.equal(solo.speaker.view.peer("b"), undefined);
  solo.settle();
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 0);
  solo.take();
  solo.say(connection, encodeKeepalive());
  solo.input({ kind: "tcp-progress", connection, queuedOctets: 0 });
  t.same(solo.take(), [], "what was under way is void");
  solo.accept();
  t.same(solo.speaker.view.refusedConnections, { "unknown-peer": 1 });

  solo.input({ kind: "configure", config: soloConfig({ name: "c" }) });
  t.equal(solo.peer("c").slot, 1, "its slot is used again");
  t.equal(solo.speaker.view.peerName(solo.peer("c").slot), "c");
});

t.test("another AS or identifier is another router", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16"]));
  solo.settle();
  solo.take();
  solo.input({ kind: "configure", config: soloConfig({}, { bgpIdentifier: 7 }) });
  t.match(solo.heard(connection), [{ code: 6, subcode: 6 }]);
  t.equal(solo.speaker.view.bgpIdentifier, 7);
  solo.settle();
  const removed = solo.effects.flatMap((effect) =>
    effect.kind === "routes" ? effect.changes.batches.map(({ groups }) => groups[0]) : [],
  );
  t.same(removed, [0], "its routes were taken out of the FIB");
  const anew = solo.establish();
  t.equal(solo.peer().state, "Established");
  t.match(solo.heard(anew)[0], { kind: "open", bgpIdentifier: 7 });
});

t.test("a configuration nobody checked: what cannot be is left out, loudly", async (t) => {
  const peers = [soloPeer(), soloPeer(), soloPeer({ name: "c", remoteAddress: "nowhere" })];
  const solo = new Solo(soloConfig({}, { peers }));
  t.same(
    solo.speaker.view.peers().map(({ name }) => name),
    ["b"],
  );
  t.equal(solo.logs("bgp.peer.ignored").length, 2);
});

t.test("peers that share an address are told apart by ours", async (t) => {
  const peers = [
    soloPeer({ name: "one", localAddress: "10.0.0.1" }),
    soloPeer({ name: "two", localAddress: "10.9.9.9" }),
    soloPeer({ name: "any", remoteAddress: "10.0.0.3" }),
  ];
  const solo = new Solo(soloConfig({}, { peers }));
  solo.accept("10.0.0.2", "10.9.9.9");
  t.equal(solo.peer("two").state, "OpenSent");
  t.equal(solo.peer("one").state, "Active");
  solo.accept("10.0.0.2", "10.7.7.7");
  t.equal(solo.speaker.view.refusedConnections["unknown-peer"], 1);
  solo.accept("10.0.0.3", "10.7.7.7");
  t.equal(solo.peer("any").state, "OpenSent");
});

t.test("strangers are refused, counted, and cannot fill the log", async (t) => {
  const solo = new Solo();
  for (let round = 0; round < 100; round += 1) solo.accept("192.0.2.1");
  t.equal(solo.speaker.view.refusedConnections["unknown-peer"], 100);
  t.equal(solo.logs("bgp.connection.refused").length, 10);
  t.equal(solo.closes().length, 100);
  solo.advance(61);
  solo.accept("192.0.2.1");
  t.match(solo.logs("bgp.connection.refused").at(-1), { fields: { suppressed: 90 } });
});

t.test("before it is configured a speaker refuses, and has nothing to show", async (t) => {
  const speaker = new Speaker({ rng: seededRng(1) });
  t.equal(speaker.view.localAs, 0);
  t.same(speaker.view.peers(), []);
  t.equal(speaker.view.rib.locRibCount(IPV4), 0);
  t.equal(speaker.nextDeadline(), undefined);
  const out: SpeakerEffect[] = [];
  speaker.expire(T0, out);
  t.same(out, []);
  const address = { remoteAddress: "10.0.0.2", localAddress: "10.0.0.1" };
  const connection = 2 as ConnectionId;
  const ports = { remotePort: 40_000, localPort: 179 };
  speaker.handle({ kind: "tcp-accepted", connection, ...address, ...ports }, T0, out);
  t.match(out, [{ kind: "tcp-close", how: "reset" }, { kind: "log" }]);
});

t.test("a peer that stays in Idle for a while refuses connections meanwhile", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.say(connection, encodeNotification({ code: 6, subcode: 2, data: shutdownData("bye") }));
  t.equal(solo.peer().state, "Idle");
  t.equal(
    solo.peer().downReason,
    'peer sent Cease/Administrative Shutdown: "bye"',
    "the peer's words",
  );
  t.match(solo.peer().timers, [{ name: "IdleHoldTimer" }]);
  solo.accept();
  t.equal(solo.peer().counters.discards["refused-idle"], 1);
  solo.advance(5);
  solo.establish();
  t.equal(solo.peer().state, "Established");
});
