import t from "tap";
import type { ConnectionId } from "../../../src/bgp/speaker/inputs.ts";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { Solo, soloConfig } from "../../support/bgp-solo.ts";

/** A peer that talks, and takes `octetsPerStep` of what we say every ten seconds. */
function steps(solo: Solo, connection: ConnectionId, count: number, octetsPerStep: number): void {
  for (let step = 0; step < count; step += 1) {
    solo.advance(10);
    solo.say(connection, encodeKeepalive());
    const queuedOctets = Math.max(solo.peer().outQueueOctets - octetsPerStep, 0);
    if (octetsPerStep > 0) solo.input({ kind: "tcp-progress", connection, queuedOctets });
  }
}

t.test("RFC 9687 §3 a peer that talks but takes nothing: code 8, reset", async (t) => {
  const solo = new Solo(soloConfig({ sendHoldTimeSec: 100, keepaliveTimeSec: 10 }));
  const connection = solo.establish();
  solo.input({ kind: "tcp-progress", connection, queuedOctets: 0 });
  t.notOk(solo.peer().timers.some(({ name }) => name === "SendHoldTimer"));
  solo.take();
  steps(solo, connection, 9, 0);
  t.equal(solo.peer().state, "Established");
  t.ok(solo.peer().timers.some(({ name }) => name === "SendHoldTimer"));
  steps(solo, connection, 3, 0);
  t.match(solo.peer().lastReset, { reason: "send_hold_timer", code: 8, subcode: 0 });
  t.same(solo.closes(), [`${connection} reset`]);
  t.match(solo.heard(connection).at(-1), { kind: "notification", code: 8 });
});

t.test("RFC 9687 §3 a slow peer is not a dead one", async (t) => {
  const solo = new Solo(soloConfig({ sendHoldTimeSec: 100, keepaliveTimeSec: 10 }));
  const connection = solo.establish();
  steps(solo, connection, 100, 1);
  t.equal(solo.peer().state, "Established");
  t.ok(solo.peer().outQueueOctets > 0, "though something always waits");
});

t.test("RFC 9687 §3 off at 0", async (t) => {
  const solo = new Solo(soloConfig({ sendHoldTimeSec: 0, keepaliveTimeSec: 10 }));
  const connection = solo.establish();
  steps(solo, connection, 200, 0);
  t.equal(solo.peer().state, "Established");
});
