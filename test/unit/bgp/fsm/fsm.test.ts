import fc from "fast-check";
import t from "tap";
import { idleHoldUs, isStable } from "../../../../src/bgp/fsm/damping.ts";
import type { Event, FsmEffect } from "../../../../src/bgp/fsm/event.ts";
import { handle, takeDueEvent } from "../../../../src/bgp/fsm/machine.ts";
import { trackSendQueue } from "../../../../src/bgp/fsm/session.ts";
import { BGP_STATES, stateRank } from "../../../../src/bgp/fsm/state.ts";
import { notificationName, notificationText } from "../../../../src/bgp/fsm/texts.ts";
import { seededRng } from "../../../../src/core/rng.ts";
import { after, micros } from "../../../../src/core/time.ts";
import { EVENTS, sessionIn, T0 } from "../../../support/bgp-session.ts";

t.test("any sequence of events keeps the invariants of a session", async (t) => {
  const kinds = Object.keys(EVENTS) as Event["kind"][];
  const step = fc.record({
    kind: fc.constantFrom(...kinds),
    waitUs: fc.nat(400_000_000),
    queuedOctets: fc.nat(2),
    tookSome: fc.boolean(),
  });
  const start = fc.constantFrom(...BGP_STATES);
  const options = fc.record({
    isPassive: fc.boolean(),
    delayOpenTimeSec: fc.constantFrom(0, 5),
    sendHoldTimeSec: fc.constantFrom(0, 60),
  });
  fc.assert(
    fc.property(start, options, fc.array(step, { maxLength: 60 }), (state, changes, steps) => {
      const session = sessionIn(state);
      session.settings = { ...session.settings, ...changes };
      let now = T0;
      let openSent = stateRank(state) >= 3;
      for (const { kind, waitUs, queuedOctets, tookSome } of steps) {
        now = after(now, waitUs);
        trackSendQueue(session, queuedOctets, tookSome, now);
        const due = takeDueEvent(session, now, tookSome);
        for (const event of due === undefined ? [EVENTS[kind]] : [due, EVENTS[kind]]) {
          const before = session.state;
          const counter = session.connectRetryCounter;
          const out: FsmEffect[] = [];
          handle(session, event, now, out);
          for (const effect of out) {
            if (effect.kind === "send-open") openSent = true;
            if (effect.kind === "close-connection") openSent = false;
            if (effect.kind === "send-notification" && !openSent) return false;
          }
          const told = out.findIndex((effect) => effect.kind === "send-notification");
          const closed = out.findIndex((effect) => effect.kind === "close-connection");
          if (told >= 0 && closed !== told + 1) return false; // the last message of a connection
          if (session.state === "Idle") {
            const armed = session.timers.next() !== undefined;
            if (armed && !session.timers.isArmed("IdleHoldTimer")) return false;
            if (session.hasConnection || session.negotiated !== undefined) return false;
          } else if (session.timers.isArmed("IdleHoldTimer")) return false;
          const isDown = stateRank(before) >= 3 && stateRank(session.state) < stateRank(before);
          if (isDown && out.filter((effect) => effect.kind === "ended").length !== 1) return false;
          if (session.state === "Established" && session.negotiated === undefined) return false;
          if (session.connectRetryCounter > counter + 1) return false;
        }
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

t.test("timers are soonest first, and the due ones only", async (t) => {
  const session = sessionIn("Established");
  t.equal(takeDueEvent(session, T0, false), undefined);
  t.match(takeDueEvent(session, after(T0, 30e6), false), { kind: "KeepaliveTimer_Expires" });
  t.equal(takeDueEvent(session, after(T0, 30e6), false), undefined);
});

t.test("idle hold: doubled, bounded, jittered", async (t) => {
  const settings = { idleHoldTimeSec: 5, idleHoldTimeSecMax: 60 };
  const rng = seededRng(7);
  for (const faults of [0, 1, 2, 3, 4, 5, 40, 5000]) {
    const full = Math.min(5 * 2 ** Math.max(faults - 1, 0), 60) * 1e6;
    for (let round = 0; round < 20; round += 1) {
      const us = idleHoldUs(settings, faults, rng);
      t.ok(us >= full * 0.75 && us <= full, `${us} after ${faults}`);
    }
  }
  t.ok(isStable(settings, 60e6));
  t.notOk(isStable(settings, 60e6 - 1));
  t.equal(idleHoldUs({ idleHoldTimeSec: 0, idleHoldTimeSecMax: 0 }, 3, rng), 0);
});

t.test("an Established session that lasted starts with the first idle hold again", async (t) => {
  const session = sessionIn("Established");
  session.connectRetryCounter = 6;
  handle(session, EVENTS.TcpConnectionFails, micros(T0 + 300e6), []);
  t.equal(session.connectRetryCounter, 1);
});

t.test("NOTIFICATIONs in words", async (t) => {
  t.equal(notificationName(6, 2), "Cease/Administrative Shutdown");
  t.equal(notificationName(4, 0), "Hold Timer Expired");
  t.equal(notificationName(6, 77), "Cease/subcode 77");
  t.equal(notificationName(99, 1), "error 99/subcode 1");
  const message = { kind: "notification", code: 6, subcode: 2, data: new Uint8Array() } as const;
  t.equal(notificationText(message), "peer sent Cease/Administrative Shutdown");
  t.equal(
    notificationText({ ...message, shutdownCommunication: "maintenance" }),
    'peer sent Cease/Administrative Shutdown: "maintenance"',
  );
});
