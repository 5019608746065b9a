import t from "tap";
import { encodeNotification } from "../../../src/bgp/wire/notification.ts";
import { type Announced, Restarting } from "../../support/bgp-restart.ts";

const P = "10.20.0.0/24";

/** What is left of P after the peer's NOTIFICATION. */
function after(code: number, subcode: number, announced: Announced = {}, data = new Uint8Array(0)) {
  const solo = new Restarting();
  const connection = solo.come(announced);
  solo.tell(connection, P);
  solo.say(connection, encodeNotification({ code, subcode, data }));
  return solo.routes();
}

t.test("RFC 8538 §4 N bit: a NOTIFICATION of the peer is a restart like any other", async (t) => {
  t.same(after(6, 2), [P], "Cease/Administrative Shutdown");
  t.same(after(6, 4), [P], "Cease/Administrative Reset");
  t.same(after(4, 0), [P], "Hold Timer Expired");
  t.same(after(3, 1), [P], "UPDATE Message Error");
});

t.test("RFC 8538 §4 N bit: without it a NOTIFICATION ends everything", async (t) => {
  t.same(after(6, 4, { notification: false }), []);
  t.same(after(4, 0, { notification: false }), []);
});

t.test("RFC 8538 §3 Hard Reset: bare or wrapped, it flushes", async (t) => {
  t.same(after(6, 9), []);
  t.same(after(6, 9, {}, Uint8Array.of(6, 2)), [], "Administrative Shutdown inside");
  t.same(after(6, 9, {}, Uint8Array.of(4, 0)), []);
});

t.test("RFC 8538 §3 Hard Reset: people are told what it wraps", async (t) => {
  const texts: readonly [number[], string][] = [
    [[], "peer sent Cease/Hard Reset"],
    [[6], "peer sent Cease/Hard Reset"],
    [[6, 10], "peer sent Cease/Hard Reset (Cease/BFD Down)"],
    [[6, 2, 3, 98, 121, 101], 'peer sent Cease/Hard Reset (Cease/Administrative Shutdown): "bye"'],
  ];
  for (const [data, text] of texts) {
    const solo = new Restarting();
    const connection = solo.come();
    solo.say(connection, encodeNotification({ code: 6, subcode: 9, data: Uint8Array.from(data) }));
    t.equal(solo.peer().lastReset?.text, text);
  }
});

t.test("RFC 8538 §4 N bit: our own HoldTimer keeps routes as well", async (t) => {
  for (const notification of [true, false]) {
    const solo = new Restarting();
    const connection = solo.come({ notification, restartTimeSec: 60 });
    solo.tell(connection, P);
    solo.advance(91);
    t.not(solo.peer().state, "Established");
    t.equal(solo.peer().lastReset?.reason, "hold_timer");
    t.same(solo.routes(), notification ? [P] : []);
    solo.advance(61);
    t.same(solo.routes(), []);
  }
});

t.test("RFC 8538 §4 N bit: ours is sent, so a peer may rely on it", async (t) => {
  const solo = new Restarting();
  const connection = solo.come();
  solo.tell(connection, P);
  solo.say(connection, new Uint8Array(19));
  t.equal(solo.peer().lastReset?.reason, "notification_out", "a broken header");
  t.same(solo.routes(), [P]);
});
