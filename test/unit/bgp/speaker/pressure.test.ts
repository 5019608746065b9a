import t from "tap";
import { REJECT_ALL } from "../../../../src/bgp/policy/chain.ts";
import { Rib } from "../../../../src/bgp/rib/rib.ts";
import { encodeKeepalive } from "../../../../src/bgp/wire/header.ts";
import { encodeNotification } from "../../../../src/bgp/wire/notification.ts";
import { encodeRouteRefresh } from "../../../../src/bgp/wire/route-refresh.ts";
import { encodeUpdate } from "../../../../src/bgp/wire/update.ts";
import { assert } from "../../../../src/core/assert.ts";
import { concatBytes } from "../../../../src/core/bytes.ts";
import { LIMITS } from "../../../../src/core/limits.ts";
import { after } from "../../../../src/core/time.ts";
import { isUp, originated, pair } from "../../../support/bgp-pair.ts";
import { IPV4 } from "../../../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer, withdraw } from "../../../support/bgp-solo.ts";

/** `count` UPDATEs of one prefix each. */
const table = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => announce([`10.${index >> 8}.${index & 255}.0/24`]));

t.test("a peer that reads nothing costs one queue, then its session", async (t) => {
  const link = pair({ a: { sendHoldTimeSec: 60 }, aSpeaker: { originated: originated(200) } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(1);
  link.b.isStuck = true;
  // The whole table changes, over and over.
  for (let round = 1; round <= 6; round += 1) {
    const routes = originated(15_000).map(({ prefix }, index) => ({
      prefix,
      attributes: { origin: 0, communities: [65001 * 65536 + ((index + round) & 0xffff)] } as const,
    }));
    const peers = [soloPeer({ isPassive: false, sendHoldTimeSec: 60 })];
    const config = soloConfig({}, { originated: routes, peers });
    link.a.deliver({ kind: "configure", config });
    link.net.run(1);
    const { outQueueOctets } = link.a.peer("b");
    t.ok(outQueueOctets <= LIMITS.sendQueueOctets + 65_535, `${outQueueOctets} octets wait`);
  }
  t.ok(link.b.waitingOctetsMax > LIMITS.sendQueueOctets / 2, "the queue was worth a test");
  link.net.run(53);
  t.ok(isUp(link), "not before its time");
  t.ok(link.net.runUntil(() => link.a.peer("b").state !== "Established", 3));
  t.match(link.a.peer("b").lastReset, {
    reason: "send_hold_timer",
    code: 8,
    text: "send hold timer expired: peer took nothing for 60 s",
  });
});

t.test("a peer that reads again gets the latest, not the history", async (t) => {
  const link = pair({ aSpeaker: { originated: originated(100) } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(1);
  link.b.isStuck = true;
  for (const count of [30_000, 10, 20_000, 5, 10_000, 77]) {
    const config = soloConfig(
      {},
      { originated: originated(count), peers: [soloPeer({ isPassive: false })] },
    );
    link.a.deliver({ kind: "configure", config });
    link.net.run(0.5);
  }
  link.b.isStuck = false;
  for (const id of link.b.ends.keys()) link.b.drainTowards(id);
  link.net.run(10);
  t.ok(isUp(link));
  t.equal(link.b.speaker.view.rib.locRibCount(IPV4), 77);
});

t.test("a peer ahead of us is paused, digested in slices, and read again", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.take();
  const flood = concatBytes(table(50_000));
  t.ok(flood.length > 2 * LIMITS.receiveQueueOctets);
  let sent = 0;
  for (let at = 0; at < flood.length; at += 65_536) {
    const isPaused = solo.effects.some((effect) => effect.kind === "tcp-pause");
    if (isPaused) break;
    solo.say(connection, flood.subarray(at, at + 65_536));
    sent = at + 65_536;
  }
  t.ok(sent < flood.length, "the pause came before the end");
  t.ok(sent <= LIMITS.receiveQueueOctets * 1.5, `after ${sent} octets`);
  t.equal(solo.speaker.nextDeadline(), solo.now, "the rest is work for now");
  solo.take();
  let slices = 0;
  while (!solo.effects.some((effect) => effect.kind === "tcp-pause")) {
    solo.expire();
    slices += 1;
  }
  t.match(
    solo.effects.find((effect) => effect.kind === "tcp-pause"),
    { isPaused: false },
  );
  t.ok(slices > 3 && slices < 100, `${slices} slices`);
  solo.say(connection, flood.subarray(sent));
  solo.settle();
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 50_000);
  t.equal(solo.peer().counters.messagesIn.update, 50_000);
});

t.test("while a table is digested KEEPALIVEs go out and no HoldTimer is blamed", async (t) => {
  const peers = [
    // Nothing of it is passed on: an UPDATE would stand in for a KEEPALIVE.
    soloPeer({ holdTimeSec: 9, keepaliveTimeSec: 3, importPolicy: REJECT_ALL }),
    soloPeer({ name: "c", remoteAddress: "10.0.0.3", holdTimeSec: 9, keepaliveTimeSec: 3 }),
  ];
  const solo = new Solo(soloConfig({}, { peers }));
  const busy = solo.establish();
  const quiet = solo.establish({ bgpIdentifier: 3 }, "10.0.0.3");
  solo.take();
  solo.say(busy, concatBytes(table(9000)));
  // Every slice takes a second, as on a machine that is far too slow.
  for (let sec = 0; sec < 20 && solo.speaker.nextDeadline() === solo.now; sec += 1) {
    solo.now = after(solo.now, 1e6);
    solo.say(quiet, encodeKeepalive());
    solo.expire();
  }
  t.equal(solo.peer().state, "Established", "its octets waited with us");
  t.equal(solo.peer("c").state, "Established");
  const kinds = solo.heard(quiet).map((message) => message.kind);
  t.ok(kinds.filter((kind) => kind === "keepalive").length >= 2, kinds.slice(0, 5).join());
});

t.test("one busy connection does not starve another", async (t) => {
  const peers = [soloPeer(), soloPeer({ name: "c", remoteAddress: "10.0.0.3" })];
  const solo = new Solo(soloConfig({}, { peers }));
  const busy = solo.establish();
  const other = solo.establish({ bgpIdentifier: 3 }, "10.0.0.3");
  solo.say(busy, concatBytes(table(12_000)));
  solo.say(other, concatBytes(table(1000)));
  let slices = 0;
  while (solo.peer("c").counters.messagesIn.update < 1000) {
    solo.expire();
    slices += 1;
  }
  t.ok(slices <= 4, `${slices} slices for the small one`);
  t.ok(solo.peer().counters.messagesIn.update < 12_000, "the big one is not done yet");
});

t.test("an internal error ends the session of the peer that met it, no other", async (t) => {
  class Fragile extends Rib {
    override receive(...args: Parameters<Rib["receive"]>) {
      if (args[0] === 1) throw new TypeError("no such column");
      return super.receive(...args);
    }
  }
  const peers = [soloPeer(), soloPeer({ name: "c", remoteAddress: "10.0.0.3" })];
  const createRib = (options: ConstructorParameters<typeof Rib>[0]) => new Fragile(options);
  const solo = new Solo(soloConfig({}, { peers }), { createRib });
  const poisoned = solo.establish();
  const healthy = solo.establish({ bgpIdentifier: 3 }, "10.0.0.3");
  solo.heard(poisoned);
  solo.say(poisoned, announce(["10.1.0.0/16"]));
  t.match(solo.heard(poisoned), [{ kind: "notification", code: 6, subcode: 8 }]);
  t.match(solo.logs("bgp.peer.internal-error"), [
    { level: "error", fields: { peer: "b", message: "no such column" } },
  ]);
  t.equal(solo.peer().downReason, "internal error: no such column");
  solo.say(healthy, announce(["10.1.0.0/16"]));
  solo.settle();
  t.equal(solo.peer("c").state, "Established");
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 1);
  solo.advance(5);
  solo.establish();
  t.equal(solo.peer().state, "Established", "and may come back");
});

t.test("a broken invariant of the RIB all share is not contained", async (t) => {
  class Broken extends Rib {
    override receive(): never {
      assert(false, "the prefix table is sound");
    }
  }
  const createRib = (options: ConstructorParameters<typeof Rib>[0]) => new Broken(options);
  const solo = new Solo(soloConfig(), { createRib });
  const connection = solo.establish();
  t.throws(() => solo.say(connection, announce(["10.1.0.0/16"])), /prefix table is sound/);
});

t.test("malformed UPDATEs: counted, logged with their octets, but not a log full", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  // ORIGIN 3 (RFC 7606 §7.1): the route is withdrawn, the session stays.
  const attributes = Uint8Array.of(0x40, 1, 1, 3, 0x40, 2, 6, 2, 1, 0, 0, 0xb0, 0x30);
  const nextHop = Uint8Array.of(0x40, 3, 4, 10, 0, 0, 2);
  const poison = encodeUpdate({
    attributes: concatBytes([attributes, nextHop]),
    nlri: Uint8Array.of(16, 10, 1),
  });
  solo.say(connection, announce(["10.1.0.0/16", "10.2.0.0/16"]));
  solo.settle();
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 2);
  for (let round = 0; round < 1000; round += 1) solo.say(connection, poison);
  solo.say(connection, announce(["10.3.0.0/16"]));
  solo.settle();
  t.equal(solo.peer().state, "Established");
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 2, "10.1 went, 10.3 came");
  const [reason, count] = Object.entries(solo.peer().counters.discards)[0] ?? [];
  t.equal(count, 1000, reason ?? "nothing was counted");
  const logs = solo.logs("bgp.update.malformed");
  t.equal(logs.length, 10);
  const hex = Array.from(poison, (octet) => octet.toString(16).padStart(2, "0")).join("");
  t.match(logs[0]?.fields, { peer: "b", hex, action: "treat-as-withdraw", reason });
});

t.test("a NOTIFICATION that waits behind a table when the connection ends is heard", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  const last = encodeNotification({ code: 6, subcode: 4 });
  solo.say(connection, concatBytes([...table(2000), last]));
  solo.input({ kind: "tcp-closed", connection, cause: "fin", text: "closed" });
  t.match(solo.peer().lastReset, {
    reason: "notification_in",
    text: "peer sent Cease/Administrative Reset",
  });
  t.same(solo.closes(), [], "what is closed is not closed again");
});

t.test("a table of which the peer is told nothing still ends in End-of-RIB", async (t) => {
  const config = soloConfig({ exportPolicy: REJECT_ALL }, { originated: originated(60_000) });
  const solo = new Solo(config);
  solo.settle();
  const connection = solo.establish();
  solo.settle();
  t.ok(solo.effects.some((effect) => effect.kind === "feed-complete"));
  t.match(solo.heard(connection).at(-1), { kind: "update", endOfRib: IPV4 });
});

t.test("a flood of ROUTE-REFRESH costs one feed, not thousands", async (t) => {
  const solo = new Solo(soloConfig({}, { originated: originated(2000) }));
  const connection = solo.establish();
  solo.settle();
  solo.take();
  const request = encodeRouteRefresh({ family: IPV4, subtype: 0 });
  solo.say(connection, concatBytes(Array.from({ length: 500 }, () => request)));
  solo.settle();
  const sent = solo.effects.reduce(
    (sum, effect) => sum + (effect.kind === "tcp-send" ? effect.octets.length : 0),
    0,
  );
  t.ok(sent > 2000 * 4 && sent < 3 * 2000 * 4, `${sent} octets`);
});

t.test("withdrawals and announcements in one flood end in the right table", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  const flood: Uint8Array[] = [];
  for (let index = 0; index < 3000; index += 1) {
    const prefix = `10.${index & 63}.${(index >> 6) & 63}.0/24`;
    flood.push(index % 3 === 0 ? withdraw([prefix]) : announce([prefix]));
  }
  solo.say(connection, concatBytes(flood));
  solo.settle();
  const expected = new Set<number>();
  for (let index = 0; index < 3000; index += 1) {
    if (index % 3 === 0) expected.delete(index & 0xfff);
    else expected.add(index & 0xfff);
  }
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), expected.size);
});
