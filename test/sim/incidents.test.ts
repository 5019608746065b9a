/**
 * Incidents that other routers had in the field, played against the shipped agent in virtual time.
 * What each of them was, and which are not played yet: docs/testing.md.
 */
import t from "tap";
import type { BfdSessionView } from "../../src/bfd/sessions/contract.ts";
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import { CeaseSubcode, ErrorCode } from "../../src/bgp/wire/iana.ts";
import type { Capability } from "../../src/bgp/wire/message.ts";
import { encodeMpReach } from "../../src/bgp/wire/mp-nlri.ts";
import { encodeNotification } from "../../src/bgp/wire/notification.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { encodeEndOfRib, encodeUpdate } from "../../src/bgp/wire/update.ts";
import { concatBytes } from "../../src/core/bytes.ts";
import { US_PER_SEC } from "../../src/core/time.ts";
import { IPV4, IPV6, remoteOpen } from "../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer } from "../support/bgp-solo.ts";
import { agentOn, edgeRig, eventsOf, vbrOf } from "../support/edge-rig.ts";
import { AS_PATH, ORIGIN, octets } from "../support/wire-octets.ts";

/** As far as virtual time goes with it; the clock does not count what the processor does. */
const TABLE_ROUTES = 100_000;

const BOTH = ["10.0.1.2", "10.0.2.2"];

t.test(
  "F1: BFD expires without strict mode: BGP leaves Established in the same turn",
  async (t) => {
    const { vbr1, edge, within, isWhole, pass } = edgeRig();
    t.ok(within(10_000, isWhole));
    pass(1_000);
    // TCP goes on as if nothing were wrong; only BFD is lost.
    vbr1.link.addRule((packet) => (packet.body.kind === "udp" ? "drop" : "pass"));
    t.ok(within(1_000, () => eventsOf(edge, "bgp.peer.down").length > 0));
    const [bfd] = eventsOf(edge, "bfd.session.down");
    const [bgp] = eventsOf(edge, "bgp.peer.down");
    t.match(bgp?.fields, { peer: "vbr1", reason: "bfd_down" });
    t.equal(bgp?.at, bfd?.at, "at the very instant");
    pass(10);
    const [far] = eventsOf(vbr1.agent, "bgp.peer.down");
    t.match(far?.fields, { peer: "edge" });
  },
);

t.test("F2: strict, BFD held down for ten minutes: not one OPEN, then a session", async (t) => {
  const { edge, vbr1, vbr2, within, pass, isUp } = edgeRig({
    edge: { bfd: { isStrict: true } },
    cloud: { bfd: undefined },
  });
  pass(600_000);
  for (const peer of edge.view.speaker.peers()) {
    t.match(peer, { state: "Idle", isHeldOff: true, counters: { messagesOut: { open: 0 } } });
  }
  for (const { agent } of [vbr1, vbr2]) {
    t.equal(agent.view.speaker.peer("edge")?.counters.messagesIn.open, 0);
  }
  vbr1.agent.reload(vbrOf(1));
  vbr2.agent.reload(vbrOf(2));
  const from = edge.view.speaker.peer("vbr1")?.since ?? 0;
  t.ok(within(60_000, isUp), `since ${from}`);
});

t.test("F3: both ends dial, BFD stays in Init: no road leads to Established", async (t) => {
  const { edge, vbr1, within, pass } = edgeRig({ edge: { bfd: { isStrict: true } } });
  vbr1.link.addRule((packet) => {
    return packet.body.kind === "udp" && packet.source.text === "10.0.1.1" ? "drop" : "pass";
  });
  t.ok(within(30_000, () => edge.view.path("vbr1")?.bfd === "Init"));
  pass(120_000);
  t.equal(edge.view.path("vbr1")?.bfd, "Init");
  t.match(edge.view.speaker.peer("vbr1"), { state: "Idle", establishedTransitions: 0 });
  const far = vbr1.agent.view.speaker.peer("edge");
  t.match(far, { establishedTransitions: 0 });
  t.not(far?.state, "Established");
  t.ok(edge.view.speaker.peer("vbr2")?.state === "Established", "the other circuit is up");
});

t.test("F4: BFD on our side only: BGP stays up, and the operator is told once", async (t) => {
  const { edge, within, pass, isUp } = edgeRig({ cloud: { bfd: undefined } });
  t.ok(within(10_000, isUp));
  pass(600_000);
  t.ok(isUp());
  t.equal(eventsOf(edge, "bgp.peer.down").length, 0);
  t.same(
    eventsOf(edge, "bfd.session.unprotected").map(({ level }) => level),
    ["warn", "warn"],
    "one line a session",
  );
});

t.test("F5: a peer is deleted while BFD holds it: nothing rings for it afterwards", async (t) => {
  const { edge, config, vbr2, within, pass, isUp } = edgeRig({ edge: { bfd: { isStrict: true } } });
  t.ok(within(60_000, isUp));
  vbr2.link.cut();
  t.ok(within(1_000, () => edge.view.speaker.peer("vbr2")?.isHeldOff === true));
  edge.reload({ ...config, circuits: config.circuits.slice(0, 1) });
  pass(2_000);
  const seq = edge.journal.lastSeq;
  vbr2.link.repair();
  pass(300_000);
  const later = edge.journal.since(seq).filter(({ fields }) => {
    return Object.values(fields).some((value) => value === "vbr2");
  });
  t.same(later, []);
  t.equal(edge.view.speaker.peer("vbr2"), undefined);
  t.equal(edge.view.speaker.peer("vbr1")?.state, "Established");
});

t.test("F6: carrier lost for 0.6 ms: the routes are in the kernel afterwards", async (t) => {
  const { vbr1, edge, within, pass, isWhole, gateways } = edgeRig({ carrierVisible: true });
  t.ok(within(10_000, isWhole));
  pass(1_000);
  t.same(gateways(), BOTH);
  vbr1.link.cut();
  within(0.6, () => false);
  vbr1.link.repair();
  t.ok(within(30_000, isWhole));
  pass(1_000);
  t.same(gateways(), BOTH);
  t.ok(edge.view.fib.isSynced);
});

t.test("F7: an interface goes down and up: what the kernel flushed is put back", async (t) => {
  const { edgeHost, vbr1, edge, within, pass, isWhole, gateways } = edgeRig({ cloud: { bfd: {} } });
  t.ok(within(10_000, isWhole));
  pass(1_000);
  for (const downMs of [5, 100, 5_000]) {
    edgeHost.setAdmin("eth1", false);
    pass(downMs);
    edgeHost.setAdmin("eth1", true);
    t.ok(within(60_000, isWhole), `down for ${downMs} ms`);
    pass(2_000);
    t.same(gateways(), BOTH, `down for ${downMs} ms`);
  }
  t.ok(edge.view.fib.isSynced);
  t.equal(vbr1.agent.view.speaker.peer("edge")?.state, "Established");
});

t.test("F8: another circuit's interface flaps: this one's routes are not touched", async (t) => {
  const { edgeHost, edge, within, pass, isWhole, gateways } = edgeRig();
  t.ok(within(10_000, isWhole));
  pass(1_000);
  const since = edge.view.speaker.peer("vbr2")?.since;
  const seq = edge.journal.lastSeq;
  for (let flap = 0; flap < 5; flap += 1) {
    edgeHost.setAdmin("eth1", false);
    pass(300);
    t.same(gateways(), ["10.0.2.2"]);
    edgeHost.setAdmin("eth1", true);
    pass(300);
  }
  t.equal(edge.view.speaker.peer("vbr2")?.since, since);
  const drift = edge.journal.since(seq).filter(({ event }) => event === "fib.drift.healed");
  t.same(drift, [], "the audit found nothing to heal");
  t.ok(within(90_000, isWhole));
});

t.test("F12: the peer's box is switched off and on inside the Detection Time", async (t) => {
  const slow = { desiredMinTxIntervalUs: 1_000_000, requiredMinRxIntervalUs: 1_000_000 };
  const { world, vbr1, edge, within, pass, isWhole, gateways } = edgeRig({
    ...{ edge: { bfd: slow }, cloud: { bfd: slow } },
  });
  t.ok(within(20_000, isWhole));
  pass(5_000);
  const before = edge.view.path("vbr1");
  t.equal(before?.bfd, "Up");
  vbr1.host.powerOff();
  pass(300);
  vbr1.host.powerOn();
  const offAt = world.now;
  const reborn = agentOn(vbr1.host.spawn("again").host, vbrOf(1, { bfd: slow }));
  reborn.start();
  t.ok(
    within(3_000, () => edge.view.path("vbr1")?.bfd !== "Up"),
    "it is noticed",
  );
  t.match(eventsOf(edge, "bfd.session.down")[0]?.fields, { diag: 3 }, "told, not timed out");
  t.ok(within(60_000, () => isWhole() && reborn.view.path("edge")?.bfd === "Up"));
  t.ok(world.now - offAt < 20 * US_PER_SEC, `after ${(world.now - offAt) / 1_000} ms`);
  pass(2_000);
  t.same(gateways(), BOTH);
});

// Of graceful restart: what is kept over a loss (RFC 4724 §4.2), and when nothing may be.

const GR: Capability = {
  kind: "graceful-restart",
  ...{ restarted: false, notification: true, restartTimeSec: 120 },
  families: [IPV4, IPV6].map((family) => ({ ...family, forwardingPreserved: true })),
};
const families = [IPV4, IPV6];
const capabilities = { ...soloPeer().capabilities, gracefulRestart: true };
const multi: Capability = { kind: "multiprotocol", family: IPV6 };

/** A session with GR for both families and a route of each. */
function restarting() {
  const solo = new Solo(soloConfig({ families, capabilities, remoteAddress: "2001:db8::2" }));
  const meet = (extra: readonly Capability[]) => {
    const connection = solo.accept("2001:db8::2", "2001:db8::1");
    const open = remoteOpen({ families });
    const all = [...open.capabilities, ...extra];
    solo.say(connection, encodeOpen({ ...open, capabilities: all }), encodeKeepalive());
    solo.settle();
    return connection;
  };
  const connection = meet([multi, GR]);
  const nlri = octets("2020010db8");
  const nextHop = octets("20010db8000000000000000000000002");
  const reach = concatBytes([encodeMpReach(IPV6, nextHop, nlri.length), nlri]);
  const ipv6 = encodeUpdate({ attributes: concatBytes([reach, octets(`${ORIGIN} ${AS_PATH}`)]) });
  solo.say(connection, announce(["10.20.0.0/24"]), ipv6, encodeEndOfRib(IPV4));
  solo.settle();
  const counts = () => families.map((family) => solo.speaker.view.rib.locRibCount(family));
  return { solo, meet, connection, counts };
}

t.test("F9: a big table of one peer while BFD 200 × 3 runs to both: no false Down", async (t) => {
  const bfd = { desiredMinTxIntervalUs: 200_000, requiredMinRxIntervalUs: 200_000 };
  const rig = edgeRig({ edge: { bfd }, cloud: { bfd } });
  const { edge, vbr1, within, isWhole, pass } = rig;
  t.ok(within(20_000, isWhole));
  pass(5_000);
  const before = eventsOf(edge, "bfd.session.down").length;
  const route = (index: number) => ({
    ...{ prefix: `${20 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`, rank: 1 },
    communities: [],
  });
  const table = Array.from({ length: TABLE_ROUTES }, (_, index) => route(index));
  const config = vbrOf(1, { bfd });
  vbr1.agent.reload({ ...config, announce: [...config.announce, ...table] });
  const learned = () => edge.view.speaker.rib.locRibCount(IPV4) > TABLE_ROUTES;
  t.ok(within(60_000, learned), "all of it is learned");
  vbr1.agent.reload(config);
  t.ok(
    within(60_000, () => edge.view.speaker.rib.locRibCount(IPV4) < 10),
    "and forgotten",
  );
  pass(5_000);
  t.ok(isWhole());
  t.equal(eventsOf(edge, "bfd.session.down").length, before);
  t.same(eventsOf(vbr1.agent, "bfd.session.down"), []);
  t.same(eventsOf(rig.vbr2.agent, "bfd.session.down"), []);
  t.equal(eventsOf(edge, "bgp.peer.up").length, 2, "nor a session lost");
  let sessions: readonly BfdSessionView[] = [];
  edge.view.bfd((found) => {
    sessions = found;
  });
  pass(10);
  t.ok(sessions.length === 2 && sessions.every(({ packetsOut }) => packetsOut > 50));
  t.ok(
    sessions.every(({ txLateness }) => txLateness.sumUs === 0),
    "and never late",
  );
});

t.test("F10: Hard Reset with GR negotiated, bare or wrapped: nothing is kept", async (t) => {
  for (const data of [new Uint8Array(0), Uint8Array.of(6, 10)]) {
    const { solo, connection, counts } = restarting();
    t.same(counts(), [1, 1]);
    const code = ErrorCode.Cease;
    solo.say(connection, encodeNotification({ code, subcode: CeaseSubcode.HardReset, data }));
    solo.settle();
    t.same(counts(), [0, 0]);
    t.match(solo.peer().lastReset, { reason: "notification_in", code: 6, subcode: 9 });
  }
});

t.test("F11: a restarted peer no longer offers a family: its routes are gone", async (t) => {
  const { solo, meet, connection, counts } = restarting();
  t.same(counts(), [1, 1]);
  solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "reset" });
  solo.advance(60);
  t.same(counts(), [1, 1], "kept while it restarts");
  const again = meet([]);
  solo.say(again, announce(["10.20.0.0/24"]), encodeEndOfRib(IPV4));
  solo.settle();
  t.equal(solo.peer().state, "Established");
  t.same(counts(), [1, 0]);
  t.same(solo.peer().endOfRib, [IPV4], "the End-of-RIB of the other is not waited for");
});

t.test("F18: BFD goes down while GR would keep the routes: they go at once", async (t) => {
  const lost = restarting();
  const { connection } = lost;
  lost.solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "reset" });
  lost.solo.settle();
  t.same(lost.counts(), [1, 1], "a lost connection alone keeps them");
  const { solo, counts } = restarting();
  solo.input({ kind: "path-failed", peer: "b", cause: "bfd-down", text: "BFD is Down" });
  solo.settle();
  t.same(counts(), [0, 0]);
});
