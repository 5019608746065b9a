import t from "tap";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import type { OpenMessage } from "../../../src/bgp/wire/message.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { originated, pair, peerConfig } from "../../support/bgp-pair.ts";
import { Restarting } from "../../support/bgp-restart.ts";
import { IPV4, IPV6, localOpen, remoteOpen } from "../../support/bgp-session.ts";
import { announce } from "../../support/bgp-solo.ts";

const P = "10.20.0.0/24";
const Q = "10.30.0.0/24";

/** A peer that told us P and Q and everything, and was lost. */
function lost(announced: Parameters<Restarting["come"]>[0] = {}) {
  const solo = new Restarting();
  const connection = solo.come(announced);
  solo.tell(connection, P, Q);
  solo.endOfRib(connection);
  solo.lose(connection);
  return solo;
}

t.test("RFC 4724 §3 capability: a helper announces itself, with no family", async (t) => {
  const solo = new Restarting();
  const connection = solo.accept();
  const open = solo.heard(connection).find((message) => message.kind === "open");
  const own = open?.kind === "open" ? open.capabilities : [];
  t.match(
    own.find(({ kind }) => kind === "graceful-restart"),
    { restarted: false, notification: true, restartTimeSec: 120, families: [] },
  );
});

t.test("RFC 4724 §4.2 loss: routes are kept and used for the Restart Time", async (t) => {
  const solo = lost({ restartTimeSec: 90 });
  t.same(solo.routes(), [P, Q]);
  t.match(solo.peer().timers.find(({ name }) => name === "RestartTimer")?.name, "RestartTimer");
  solo.advance(89);
  t.same(solo.routes(), [P, Q]);
  solo.advance(2);
  t.same(solo.routes(), [], "RFC 4724 §4.2: deleted when it is over");
});

t.test("RFC 4724 §4.2 stale: what was not said again yet is counted and shown", async (t) => {
  const solo = lost();
  const { rib } = solo.speaker.view;
  const { slot } = solo.peer();
  const stale = () => rib.counts(slot, IPV4).stale;
  const marked = () => {
    const rows = rib.routes({ rib: "loc-rib", offset: 0, limit: 9 });
    return rows.filter(({ isStale }) => isStale).map(({ prefix }) => prefix);
  };
  t.equal(stale(), 2);
  t.same(marked(), [P, Q]);
  solo.advance(10);
  const back = solo.come({ restarted: true });
  t.equal(stale(), 2);
  solo.tell(back, P);
  t.same(marked(), [Q]);
  t.equal(stale(), 1);
  t.match(rib.counts(slot, IPV4), { received: 2, accepted: 2, best: 2 });
  solo.endOfRib(back);
  t.equal(stale(), 0);
  solo.lose(back);
  t.equal(stale(), 1);
  solo.advance(91);
  t.equal(stale(), 0);
});

t.test("RFC 4724 §4.2 loss: a Restart Time beyond our bound is cut", async (t) => {
  const solo = lost({ restartTimeSec: 4095 });
  solo.advance(119);
  t.same(solo.routes(), [P, Q]);
  solo.advance(2);
  t.same(solo.routes(), []);
});

t.test("RFC 4724 §4.2 loss: nothing is kept that was not agreed on", async (t) => {
  t.same(lost({ restartTimeSec: 0 }).routes(), [], "no time to restart in");
  t.same(lost({ families: [] }).routes(), [], "family not listed");
  t.same(lost({ families: [{ ...IPV6, forwardingPreserved: true }] }).routes(), []);
  t.same(lost({ families: undefined }).routes(), [], "not announced by the peer");
  t.same(lost({ families: [{ ...IPV4, forwardingPreserved: false }] }).routes(), [P, Q], "F bit");
  const off = new Restarting(false);
  const connection = off.come();
  off.tell(connection, P);
  off.lose(connection);
  t.same(off.routes(), [], "not configured here");
});

t.test("RFC 4724 §4.2 restart: End-of-RIB removes what was not said again", async (t) => {
  const solo = lost();
  solo.advance(10);
  const back = solo.come({ restarted: true });
  t.equal(solo.peer().state, "Established");
  t.same(solo.routes(), [P, Q], "until then it is used");
  solo.take();
  solo.tell(back, P);
  t.same(
    solo.take().filter(({ kind }) => kind === "routes"),
    [],
    "what is said again as it was moves nothing",
  );
  solo.endOfRib(back, IPV6);
  t.same(solo.routes(), [P, Q], "of another family");
  solo.endOfRib(back);
  t.same(solo.routes(), [P]);
  t.same(
    solo.peer().timers.some(({ name }) => name === "StalePathTimer"),
    false,
  );
});

t.test("RFC 4724 §4.2 restart: an F bit of 0, or a family left out, flushes at once", async (t) => {
  const bits = [
    { families: [{ ...IPV4, forwardingPreserved: false }] },
    { families: [{ ...IPV6, forwardingPreserved: true }] },
    { families: [] },
    { families: undefined },
    { bgpIdentifier: 0x0a00_0009 },
  ];
  for (const announced of bits) {
    const solo = lost();
    solo.advance(10);
    solo.come(announced);
    t.same(solo.routes(), [], JSON.stringify(announced));
  }
});

t.test("RFC 4724 §4.2 restart: a peer that is back without any family of ours", async (t) => {
  const vpn = { afi: 1, safi: 128 } as const;
  const solo = lost();
  solo.advance(10);
  const open = (capabilities: OpenMessage["capabilities"]) => {
    solo.say(solo.accept(), encodeOpen({ ...remoteOpen(), capabilities }));
    solo.settle();
  };
  open([{ kind: "multiprotocol", family: vpn }]);
  t.match(solo.peer().lastReset, { code: 2, subcode: 7 });
  t.same(solo.routes(), [], "no session will come to take them away");
  const other = lost();
  other.advance(10);
  other.say(other.accept(), encodeOpen(remoteOpen({ localAs: 64_999 })));
  other.settle();
  t.match(other.peer().lastReset, { code: 2, subcode: 2 });
  t.same(other.routes(), [P, Q], "of another fault in its OPEN a peer may recover in time");
});

t.test("RFC 4724 §4.2 restart: without an End-of-RIB a timer ends the wait", async (t) => {
  const solo = lost();
  solo.advance(10);
  const back = solo.come();
  solo.tell(back, P);
  for (let sec = 0; sec < 620; sec += 20) {
    solo.say(back, encodeKeepalive());
    solo.input({ kind: "tcp-progress", connection: back, queuedOctets: 0 });
    solo.advance(20);
  }
  t.equal(solo.peer().state, "Established");
  t.same(solo.routes(), [P]);
});

t.test("RFC 4724 §4.2 restart: what is stale at the next loss is deleted", async (t) => {
  const solo = lost();
  solo.advance(10);
  const back = solo.come();
  solo.tell(back, P);
  solo.lose(back);
  t.same(solo.routes(), [P], "Q was never said again");
  solo.advance(91);
  t.same(solo.routes(), []);
});

t.test("RFC 4724 §4.2 restart: a withdrawal counts, stale or not", async (t) => {
  const solo = lost();
  solo.advance(10);
  const back = solo.come();
  solo.tell(back, Q);
  solo.endOfRib(back);
  t.same(solo.routes(), [Q]);
  solo.lose(back);
  t.same(solo.routes(), [Q], "and the next restart begins anew");
});

t.test("RFC 4724 §4.2 loss: a new connection of the peer says that the old is gone", async (t) => {
  const solo = new Restarting();
  const first = solo.come();
  solo.tell(first, P, Q);
  const second = solo.accept();
  const capabilities = [
    ...localOpen({ localAs: 45_104 }).capabilities,
    {
      kind: "graceful-restart",
      ...{ restarted: true, notification: true, restartTimeSec: 90 },
      families: [{ ...IPV4, forwardingPreserved: true }],
    } as const,
  ];
  solo.say(second, encodeOpen(remoteOpen({ capabilities })));
  solo.settle();
  t.same(solo.routes(), [P, Q], "between two sessions");
  solo.say(second, encodeKeepalive(), announce([P]));
  solo.endOfRib(second);
  t.equal(solo.peer().state, "Established");
  t.same(solo.routes(), [P]);
});

t.test("RFC 4724 §4.2 loss: an order of ours keeps nothing, now or later", async (t) => {
  const orders = [
    { kind: "path-failed", peer: "b", cause: "bfd-down", text: "no packets" },
    { kind: "path-failed", peer: "b", cause: "link-down", text: "eth0 has no carrier" },
    { kind: "hold-off", peer: "b", isOn: true, reason: "BFD is Down" },
    { kind: "admin", peer: "b", action: "stop", text: "" },
    { kind: "admin", peer: "b", action: "reset", text: "" },
  ] as const;
  for (const order of orders) {
    const solo = lost();
    t.same(solo.routes(), [P, Q]);
    solo.input(order);
    t.same(solo.routes(), [], `${order.kind} while the peer restarts`);

    const up = new Restarting();
    const connection = up.come();
    up.tell(connection, P);
    up.input(order);
    t.same(up.routes(), [], `${order.kind} while Established`);

    const between = lost();
    between.advance(10);
    between.come();
    between.input(order);
    t.same(between.routes(), [], `${order.kind} before End-of-RIB`);
  }
});

t.test(
  "RFC 4724 §4.2 loss: a peer that is removed or changed takes its routes along",
  async (t) => {
    const solo = lost();
    const { config } = solo.peer();
    const base = { localAs: 65_001, bgpIdentifier: 0x0a00_0001, originated: [] };
    const rib = {
      ...{ ebgpPathsMax: 1, ibgpPathsMax: 1, multipathRelax: false },
      ...{ alwaysCompareMed: false, preferOldest: false },
    };
    solo.input({ kind: "configure", config: { ...base, rib, peers: [{ ...config }] } });
    t.same(solo.routes(), [P, Q], "the same again changes nothing");
    const changed = { ...config, holdTimeSec: 60 };
    solo.input({ kind: "configure", config: { ...base, rib, peers: [changed] } });
    t.same(solo.routes(), [], "reset");
    const other = lost();
    other.input({ kind: "configure", config: { ...base, rib, peers: [] } });
    t.same(other.routes(), [], "removed");
  },
);

t.test("RFC 4724 §4.2: two speakers in virtual time", async (t) => {
  // A helper of ours lists no family, so nothing is kept of one: a run of what we are.
  const capabilities = { ...peerConfig().capabilities, gracefulRestart: true };
  const { net, a, b } = pair({
    a: { capabilities },
    b: { capabilities },
    bSpeaker: { originated: originated(50) },
  });
  const up = () => a.peer("b").state === "Established" && b.peer("a").state === "Established";
  t.ok(net.runUntil(up));
  net.run(5);
  t.equal(a.speaker.view.rib.locRibCount(IPV4), 50);
  net.isCut = true;
  t.ok(net.runUntil(() => a.speaker.view.rib.locRibCount(IPV4) === 0, 120));
  net.isCut = false;
  t.ok(net.runUntil(() => up() && a.speaker.view.rib.locRibCount(IPV4) === 50));
});
