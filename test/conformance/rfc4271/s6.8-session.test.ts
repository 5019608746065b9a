import t from "tap";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { encodeNotification } from "../../../src/bgp/wire/notification.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { remoteOpen } from "../../support/bgp-session.ts";
import { Solo, soloConfig, soloPeer } from "../../support/bgp-solo.ts";

const racing = () => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const ours = solo.connect();
  const theirs = solo.accept();
  return { solo, ours, theirs };
};
const higher = () => encodeOpen(remoteOpen({ bgpIdentifier: 0x0a00_0002 }));
const lower = () => encodeOpen(remoteOpen({ bgpIdentifier: 0x0900_0001 }));

t.test("RFC 4271 §6.8 race: the peer is higher, its connection is kept", async (t) => {
  for (const order of [
    ["ours", "theirs"],
    ["theirs", "ours"],
  ] as const) {
    const { solo, ...ids } = racing();
    solo.take();
    for (const which of order) solo.say(ids[which], higher());
    t.same(solo.closes(), [`${ids.ours} flush`], `OPENs on ${order.join(", then ")}`);
    solo.say(ids.theirs, encodeKeepalive());
    t.equal(solo.peer().state, "Established");
    t.equal(solo.peer().negotiated?.localPort, 179, "on the connection it opened");
  }
});

t.test("RFC 4271 §6.8 race: we are higher, ours is kept", async (t) => {
  for (const order of [
    ["ours", "theirs"],
    ["theirs", "ours"],
  ] as const) {
    const { solo, ...ids } = racing();
    solo.take();
    for (const which of order) solo.say(ids[which], lower());
    t.same(solo.closes(), [`${ids.theirs} flush`], `OPENs on ${order.join(", then ")}`);
    solo.say(ids.ours, encodeKeepalive());
    t.equal(solo.peer().state, "Established");
    t.equal(solo.peer().negotiated?.remotePort, 179, "on the connection we opened");
  }
});

t.test("RFC 4271 §6.8 race: an OPEN waits for that of the connection to be kept", async (t) => {
  const { solo, ours, theirs } = racing();
  solo.take();
  solo.say(theirs, lower(), encodeKeepalive());
  t.same(solo.heard(theirs), [], "no KEEPALIVE that the next OPEN would belie");
  t.equal(solo.peer().state, "OpenSent");
  solo.say(ours, lower(), encodeKeepalive());
  t.same(solo.closes(), [`${theirs} flush`]);
  t.equal(solo.peer().state, "Established");
  t.equal(solo.peer().lastReset, undefined);
});

t.test("RFC 4271 §6.8 race: it waits no longer than that connection lives", async (t) => {
  const { solo, ours, theirs } = racing();
  solo.say(theirs, lower(), encodeKeepalive());
  solo.input({ kind: "tcp-closed", connection: ours, cause: "fin", text: "closed" });
  solo.advance(0);
  t.equal(solo.peer().state, "Established", "GoBGP closes what it does not want");
  t.equal(solo.peer().negotiated?.localPort, 179);
});

t.test("RFC 4271 §6.8 race: nor longer than 5 s where that connection is silent", async (t) => {
  const { solo, theirs } = racing();
  solo.say(theirs, lower(), encodeKeepalive());
  solo.advance(4.9);
  t.equal(solo.peer().state, "OpenSent");
  solo.advance(0.2);
  t.equal(solo.peer().state, "Established");
  t.equal(solo.peer().negotiated?.localPort, 179);
});

t.test("RFC 4271 §6.8 race: a waiting connection that ends is heard of", async (t) => {
  const { solo, ours, theirs } = racing();
  solo.say(theirs, lower(), encodeNotification({ code: 6, subcode: 7 }));
  solo.input({ kind: "tcp-closed", connection: theirs, cause: "fin", text: "closed" });
  solo.say(ours, lower(), encodeKeepalive());
  t.equal(solo.peer().state, "Established");
});

t.test("RFC 4271 §6.8 race: the peer sees one steady climb, whoever wins", async (t) => {
  const { solo, ours, theirs } = racing();
  solo.say(ours, higher());
  solo.say(theirs, higher(), encodeKeepalive());
  const steps = solo.effects.flatMap((effect) =>
    effect.kind === "session" ? [`${effect.from}>${effect.to}`] : [],
  );
  t.same(steps, [
    "Idle>Connect",
    "Connect>OpenSent",
    "OpenSent>OpenConfirm",
    "OpenConfirm>Established",
  ]);
});

t.test("RFC 4271 §6.8 race: our attempt is given up once the peer's is Established", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const theirs = solo.accept();
  solo.take();
  solo.say(theirs, lower(), encodeKeepalive());
  t.equal(solo.peer().state, "Established");
  t.same(solo.closes(), ["1 flush"], "the connection still being opened");
  t.notOk(solo.peer().timers.some(({ name }) => name === "ConnectRetryTimer"));
});

t.test("RFC 4271 §6.8 race: where ours fails, the peer's goes on", async (t) => {
  const { solo, ours, theirs } = racing();
  solo.input({ kind: "tcp-closed", connection: ours, cause: "reset", text: "reset" });
  t.equal(solo.peer().state, "OpenSent");
  solo.say(theirs, lower(), encodeKeepalive());
  t.equal(solo.peer().state, "Established");
});

t.test("RFC 4271 §6.8 Established: a second connection is told once it says OPEN", async (t) => {
  const solo = new Solo();
  solo.establish();
  const second = solo.accept();
  t.match(solo.heard(second), [{ kind: "open" }]);
  solo.say(second, higher());
  t.match(solo.heard(second), [{ kind: "notification", code: 6, subcode: 7 }]);
  t.equal(solo.peer().state, "Established");
  t.equal(solo.peer().establishedTransitions, 1);
  t.equal(solo.peer().lastReset, undefined);
});

t.test("RFC 4271 §6.8 Established: what happens beside it does not touch it", async (t) => {
  const solo = new Solo();
  solo.establish();
  const second = solo.accept();
  solo.say(second, new Uint8Array(19));
  const third = solo.accept();
  solo.input({ kind: "tcp-closed", connection: third, cause: "reset", text: "reset" });
  solo.accept();
  solo.advance(20);
  t.equal(solo.peer().state, "Established");
  t.equal(solo.peer().lastReset, undefined);
  t.equal(solo.peer().downReason, undefined);
});

t.test("RFC 4271 §6.8 many connections of one peer: never more than two at once", async (t) => {
  const solo = new Solo();
  solo.establish();
  solo.take();
  for (let round = 0; round < 50; round += 1) solo.accept();
  t.equal(solo.closes().length, 49, "each newcomer replaces the one before");
  t.equal(solo.peer().state, "Established");
});

t.test("RFC 6286 §2.3 race: equal identifiers, the larger AS wins", async (t) => {
  for (const [localAs, kept] of [
    [65001, "ours"],
    [64, "theirs"],
  ] as const) {
    const peers = [soloPeer({ isPassive: false })];
    const solo = new Solo(soloConfig({}, { localAs, peers }));
    const ids = { ours: solo.connect(), theirs: solo.accept() };
    solo.take();
    const open = encodeOpen(remoteOpen({ bgpIdentifier: 0x0a00_0001, remoteAs: localAs }));
    solo.say(ids.ours, open);
    solo.say(ids.theirs, open);
    const lost = kept === "ours" ? ids.theirs : ids.ours;
    t.same(solo.closes(), [`${lost} flush`], `AS ${localAs} against AS 45104`);
  }
});
