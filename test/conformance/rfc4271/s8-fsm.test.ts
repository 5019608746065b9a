import t, { type Test } from "tap";
import type { Event, FsmEffect } from "../../../src/bgp/fsm/event.ts";
import { EVENT_NUMBERS } from "../../../src/bgp/fsm/event.ts";
import { handle, takeDueEvent } from "../../../src/bgp/fsm/machine.ts";
import { trackSendQueue } from "../../../src/bgp/fsm/session.ts";
import { BGP_STATES, type BgpState } from "../../../src/bgp/fsm/state.ts";
import { after, micros } from "../../../src/core/time.ts";
import { apply, EVENTS, localOpen, negotiated, sessionIn, T0 } from "../../support/bgp-session.ts";

/** Next state, and the NOTIFICATION sent on the way there. */
type Row = readonly [
  Idle: string,
  Connect: string,
  Active: string,
  OpenSent: string,
  OpenConfirm: string,
  Established: string,
];

const STAYS: Row = ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"];
const DIALS: Row = ["Connect", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"];
const LISTENS: Row = ["Active", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"];
const CONNECTED: Row = ["Idle", "OpenSent", "OpenSent", "OpenSent", "OpenConfirm", "Established"];

/** RFC 4271 §8.2.2 as one literal: a new event without a row does not compile. */
const TABLE: Readonly<Record<Event["kind"], Row>> = {
  ManualStart: DIALS,
  ManualStop: ["Idle", "Idle", "Idle", "Idle 6/2", "Idle 6/2", "Idle 6/2"],
  AutomaticStart: DIALS,
  ManualStart_with_PassiveTcpEstablishment: LISTENS,
  AutomaticStart_with_PassiveTcpEstablishment: LISTENS,
  AutomaticStart_with_DampPeerOscillations: DIALS,
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: LISTENS,
  AutomaticStop: ["Idle", "Idle", "Idle", "Idle 6/2", "Idle 6/2", "Idle 6/2"],
  ConnectRetryTimer_Expires: ["Idle", "Connect", "Connect", "Idle 5/0", "Idle 5/0", "Idle 5/0"],
  HoldTimer_Expires: ["Idle", "Idle", "Idle", "Idle 4/0", "Idle 4/0", "Idle 4/0"],
  KeepaliveTimer_Expires: ["Idle", "Idle", "Idle", "Idle 5/0", "OpenConfirm", "Established"],
  // Active: without a connection that waits in DelayOpen, Events 12 and 20 have no meaning.
  DelayOpenTimer_Expires: ["Idle", "OpenSent", "Idle", "Idle 5/0", "Idle 5/0", "Idle 5/0"],
  IdleHoldTimer_Expires: ["Connect", "Idle", "Idle", "Idle 5/0", "Idle 5/0", "Idle 5/0"],
  TcpConnection_Valid: STAYS,
  Tcp_CR_Invalid: STAYS,
  Tcp_CR_Acked: CONNECTED,
  TcpConnectionConfirmed: CONNECTED,
  // Connect: a deviation that src/bgp/fsm/connect.ts explains.
  TcpConnectionFails: ["Idle", "Active", "Idle", "Active", "Idle", "Idle"],
  BGPOpen: ["Idle", "Idle", "Idle", "OpenConfirm", "Idle 5/2", "Idle 5/3"],
  BGPOpen_with_DelayOpenTimer_running: [
    "Idle",
    "OpenConfirm",
    "Idle",
    "Idle 5/1",
    "Idle 5/2",
    "Idle 5/3",
  ],
  BGPHeaderErr: ["Idle", "Idle", "Idle", "Idle 1/2", "Idle 1/2", "Idle 1/2"],
  BGPOpenMsgErr: ["Idle", "Idle", "Idle", "Idle 2/2", "Idle 2/2", "Idle 5/3"],
  OpenCollisionDump: ["Idle", "Idle", "Idle", "Idle 6/7", "Idle 6/7", "Idle 6/7"],
  NotifMsgVerErr: ["Idle", "Idle", "Idle", "Idle", "Idle", "Idle"],
  NotifMsg: ["Idle", "Idle", "Idle", "Idle", "Idle", "Idle"],
  KeepAliveMsg: ["Idle", "Idle", "Idle", "Idle 5/1", "Established", "Established"],
  UpdateMsg: ["Idle", "Idle", "Idle", "Idle 5/1", "Idle 5/2", "Established"],
  UpdateMsgErr: ["Idle", "Idle", "Idle", "Idle 5/1", "Idle 5/2", "Idle 3/1"],
  SendHoldTimer_Expires: ["Idle", "Idle", "Idle", "Idle 5/0", "Idle 5/0", "Idle 8/0"],
  RouteRefreshMsg: ["Idle", "Idle", "Idle", "Idle 5/1", "Idle 5/2", "Established"],
  RouteRefreshMsgErr: ["Idle", "Idle", "Idle", "Idle 5/1", "Idle 5/2", "Idle 7/1"],
};

const kinds = Object.keys(TABLE) as Event["kind"][];

t.test("RFC 4271 §8.1 events: all 28 of them, and those of RFC 9687 and RFC 2918", async (t) => {
  const numbers = kinds.map((kind) => EVENT_NUMBERS[kind]).filter((number) => number !== undefined);
  t.same(
    numbers,
    Array.from({ length: 29 }, (_, index) => index + 1),
  );
  t.same(Object.keys(EVENTS), kinds, "the examples cover the table");
});

for (const [column, state] of BGP_STATES.entries()) {
  t.test(`RFC 4271 §8.2.2 ${state}: the answer to every event`, async (t) => {
    for (const kind of kinds) {
      const session = sessionIn(state);
      const out = apply(session, EVENTS[kind]);
      const told = out.find((effect) => effect.kind === "send-notification");
      const outcome = told === undefined ? "" : ` ${told.code}/${told.subcode}`;
      t.equal(
        `${session.state}${outcome}`,
        TABLE[kind][column],
        `${kind} (${EVENT_NUMBERS[kind]})`,
      );
      assertSound(t, state, session, out);
    }
  });
}

/** What holds after any event in any state. */
function assertSound(
  t: Test,
  from: BgpState,
  session: ReturnType<typeof sessionIn>,
  out: readonly FsmEffect[],
): void {
  const timers = (
    ["ConnectRetryTimer", "HoldTimer", "KeepaliveTimer", "DelayOpenTimer"] as const
  ).filter((name) => session.timers.isArmed(name));
  if (session.state === "Idle") {
    t.same(timers, [], "Idle: no timer but the idle hold");
    t.notOk(session.hasConnection, "Idle: no connection");
    t.equal(session.negotiated, undefined);
  }
  const told = out.filter((effect) => effect.kind === "send-notification").length;
  t.ok(told <= 1, "at most one NOTIFICATION");
  const ends = out.filter((effect) => effect.kind === "ended").length;
  const hadOpen = ["OpenSent", "OpenConfirm", "Established"].includes(from);
  const isDown = hadOpen && BGP_STATES.indexOf(session.state) < BGP_STATES.indexOf(from);
  t.equal(isDown ? ends : 1, 1, "what goes down says why, once");
}

t.test(
  "RFC 4271 §8.2.2 Idle: ManualStart (Event 1) dials and arms the ConnectRetryTimer",
  async (t) => {
    const session = sessionIn("Idle");
    session.connectRetryCounter = 3;
    t.same(apply(session, EVENTS.ManualStart), [{ kind: "open-connection" }]);
    t.equal(session.connectRetryCounter, 0, "the counter is zero again");
    const at = session.timers.at("ConnectRetryTimer") ?? 0;
    t.ok(at >= T0 + 90e6 && at <= T0 + 120e6, "120 s with the jitter of §10");
  },
);

t.test("RFC 4271 §8.2.2 Idle: a passive peer never dials", async (t) => {
  const session = sessionIn("Idle", { isPassive: true });
  t.same(apply(session, EVENTS.ManualStart), []);
  t.equal(session.state, "Active");
  t.equal(session.timers.next(), undefined);
});

t.test("RFC 4271 §8.2.2 Idle: damping holds automatic starts, not manual ones", async (t) => {
  const session = sessionIn("Established");
  apply(session, EVENTS.UpdateMsgErr);
  t.ok(session.timers.isArmed("IdleHoldTimer"));
  apply(session, EVENTS.AutomaticStart_with_DampPeerOscillations);
  t.equal(session.state, "Idle", "Event 6 waits for the IdleHoldTimer");
  apply(session, EVENTS.ManualStart);
  t.equal(session.state, "Connect", "Event 1 does not");
  t.notOk(session.timers.isArmed("IdleHoldTimer"));
});

t.test("RFC 4271 §8.2.2 Connect: ConnectRetryTimer_Expires (Event 9) dials anew", async (t) => {
  const session = sessionIn("Connect");
  const out = apply(session, EVENTS.ConnectRetryTimer_Expires, after(T0, 120e6));
  t.same(out, [{ kind: "close-connection", how: "reset" }, { kind: "open-connection" }]);
  t.ok((session.timers.at("ConnectRetryTimer") ?? 0) > T0 + 120e6);
});

t.test("RFC 4271 §8.2.2 Connect: Tcp_CR_Acked (Event 16) sends OPEN", async (t) => {
  const session = sessionIn("Connect");
  t.same(apply(session, EVENTS.Tcp_CR_Acked), [{ kind: "send-open" }]);
  t.notOk(session.timers.isArmed("ConnectRetryTimer"));
  t.equal(session.timers.at("HoldTimer"), T0 + 240e6, "the large hold time");
});

t.test("RFC 4271 §8.2.2 Connect: DelayOpen keeps the OPEN back (Events 12 and 20)", async (t) => {
  const waits = sessionIn("Connect", { delayOpenTimeSec: 10 });
  t.same(apply(waits, EVENTS.Tcp_CR_Acked), []);
  t.equal(waits.state, "Connect");
  t.equal(waits.timers.at("DelayOpenTimer"), T0 + 10e6);
  const due = takeDueEvent(waits, after(T0, 10e6), false);
  t.same(due, { kind: "DelayOpenTimer_Expires" });
  t.same(apply(waits, EVENTS.DelayOpenTimer_Expires), [{ kind: "send-open" }]);

  const greeted = sessionIn("Active", { delayOpenTimeSec: 10 });
  apply(greeted, EVENTS.TcpConnectionConfirmed);
  t.equal(greeted.state, "Active");
  const out = apply(greeted, EVENTS.BGPOpen_with_DelayOpenTimer_running);
  t.same(out, [{ kind: "send-open" }, { kind: "send-keepalive" }]);
  t.equal(greeted.state, "OpenConfirm");
  t.notOk(greeted.timers.isArmed("DelayOpenTimer"));
});

t.test("RFC 4271 §8.2.2 Active: ConnectRetryTimer_Expires (Event 9) dials", async (t) => {
  const session = sessionIn("Active");
  t.same(apply(session, EVENTS.ConnectRetryTimer_Expires), [{ kind: "open-connection" }]);
  t.equal(session.state, "Connect");
});

t.test(
  "RFC 4271 §8.2.2 OpenSent: TcpConnectionFails (Event 18) listens on in Active",
  async (t) => {
    const session = sessionIn("OpenSent");
    t.match(apply(session, EVENTS.TcpConnectionFails), [
      { kind: "ended", ended: { reason: "tcp" } },
    ]);
    t.ok(session.timers.isArmed("ConnectRetryTimer"));
    t.notOk(session.timers.isArmed("HoldTimer"));
    t.equal(session.connectRetryCounter, 0, "no fault of the session");
  },
);

t.test("RFC 4271 §8.2.2 OpenSent: BGPOpen (Event 19) answers KEEPALIVE", async (t) => {
  const session = sessionIn("OpenSent");
  t.same(apply(session, EVENTS.BGPOpen), [{ kind: "send-keepalive" }]);
  t.equal(session.timers.at("HoldTimer"), T0 + 90e6, "the negotiated hold time");
  const keepalive = session.timers.at("KeepaliveTimer") ?? 0;
  t.ok(keepalive >= T0 + 22.5e6 && keepalive <= T0 + 30e6, "a third of it, with jitter");
});

t.test("RFC 4271 §4.4, §8.2.2 OpenSent: a hold time of 0 stops both timers", async (t) => {
  const local = localOpen({ holdTimeSec: 0 });
  const session = sessionIn("OpenSent", { local });
  apply(session, { kind: "BGPOpen", negotiated: negotiated(local) });
  t.equal(session.timers.next(), undefined);
  apply(session, EVENTS.KeepAliveMsg);
  t.equal(session.state, "Established");
  t.equal(session.timers.next(), undefined);
});

t.test("RFC 4271 §6.4, §8.2.2 OpenSent: NotifMsg (Event 25) is never answered", async (t) => {
  for (const state of ["OpenSent", "OpenConfirm", "Established"] as const) {
    for (const event of [EVENTS.NotifMsg, EVENTS.NotifMsgVerErr]) {
      const session = sessionIn(state);
      const out = apply(session, event);
      t.same(
        out.map((effect) => effect.kind),
        ["close-connection", "ended"],
      );
      t.equal(session.connectRetryCounter, event.kind === "NotifMsg" ? 1 : 0);
      t.ok(session.timers.isArmed("IdleHoldTimer"), "and comes back by itself");
    }
  }
});

t.test("RFC 4271 §8.2.2 Established: ManualStop (Event 2) says Cease and stays down", async (t) => {
  const session = sessionIn("Established");
  t.match(apply(session, EVENTS.ManualStop), [
    { kind: "send-notification", code: 6, subcode: 2, data: Uint8Array.of(1, 0x78) },
    { kind: "close-connection", how: "flush" },
    { kind: "ended", ended: { reason: "admin", text: "stopped by hand", code: 6, subcode: 2 } },
  ]);
  t.equal(session.timers.next(), undefined, "no timer is left armed");
});

t.test("RFC 4271 §8.2.2 Established: UpdateMsg (Event 27) restarts the HoldTimer", async (t) => {
  for (const event of [EVENTS.UpdateMsg, EVENTS.KeepAliveMsg]) {
    const session = sessionIn("Established");
    t.same(apply(session, event, after(T0, 60e6)), []);
    t.equal(session.timers.at("HoldTimer"), T0 + 150e6);
  }
});

t.test("RFC 4271 §6.5 HoldTimer_Expires: counted as a fault, told, damped", async (t) => {
  const session = sessionIn("Established");
  const out: FsmEffect[] = [];
  const due = takeDueEvent(session, after(T0, 90e6), false);
  // The KeepaliveTimer is due long before; whoever drives takes them in order.
  t.same(due, { kind: "KeepaliveTimer_Expires" });
  const hold = takeDueEvent(session, after(T0, 90e6), false);
  t.same(hold, { kind: "HoldTimer_Expires" });
  handle(session, EVENTS.HoldTimer_Expires, after(T0, 90e6), out);
  t.match(out, [
    { kind: "send-notification", code: 4, subcode: 0 },
    { kind: "close-connection", how: "flush" },
    {
      kind: "ended",
      ended: { reason: "hold_timer", text: "hold timer expired after 90 s of silence" },
    },
  ]);
  t.equal(session.connectRetryCounter, 1);
});

t.test("RFC 4271 §6.5 HoldTimer: our own lateness is no proof of the peer's silence", async (t) => {
  const session = sessionIn("Established");
  session.timers.disarm("KeepaliveTimer");
  const late = after(T0, 95e6);
  t.equal(takeDueEvent(session, late, false), undefined, "5 s late: the socket is read first");
  t.equal(session.timers.at("HoldTimer"), late + 250e3);
  t.match(takeDueEvent(session, after(late, 10e6), false), { kind: "HoldTimer_Expires" }, "once");

  const busy = sessionIn("Established");
  busy.timers.disarm("KeepaliveTimer");
  t.equal(takeDueEvent(busy, after(T0, 90e6), true), undefined, "its octets wait with us");
  t.ok(busy.timers.isArmed("HoldTimer"));
});

t.test("RFC 4271 §4.4 KEEPALIVE: never more than one a second", async (t) => {
  const local = localOpen({ holdTimeSec: 3, keepaliveTimeSec: 1 });
  const session = sessionIn("OpenSent", { local });
  for (let round = 0; round < 50; round += 1) {
    apply(session, { kind: "BGPOpen", negotiated: negotiated(local) });
    t.equal(session.timers.at("KeepaliveTimer"), T0 + 1e6);
    session.state = "OpenSent";
  }
});

t.test("RFC 4271 §10 timers: jitter between 75 and 100 percent", async (t) => {
  const session = sessionIn("Established");
  const seen: number[] = [];
  for (let round = 0; round < 200; round += 1) {
    apply(session, EVENTS.KeepaliveTimer_Expires);
    seen.push((session.timers.at("KeepaliveTimer") ?? 0) - T0);
  }
  t.ok(Math.min(...seen) >= 22.5e6 && Math.max(...seen) <= 30e6);
  t.ok(Math.max(...seen) - Math.min(...seen) > 5e6, "spread over the whole range");
});

t.test(
  "RFC 4271 §8.1.1 DampPeerOscillations: the idle hold doubles, and is forgiven",
  async (t) => {
    const session = sessionIn("Established");
    const holds: number[] = [];
    let now = T0;
    for (let round = 0; round < 9; round += 1) {
      apply(session, EVENTS.UpdateMsgErr, now);
      const at = session.timers.at("IdleHoldTimer") ?? micros(0);
      holds.push((at - now) / 1e6);
      now = at;
      for (const event of [EVENTS.IdleHoldTimer_Expires, EVENTS.Tcp_CR_Acked]) {
        apply(session, event, now);
      }
      for (const event of [EVENTS.BGPOpen, EVENTS.KeepAliveMsg]) apply(session, event, now);
    }
    for (const [index, sec] of holds.entries()) {
      const full = Math.min(5 * 2 ** index, 300);
      t.ok(sec >= full * 0.75 && sec <= full, `${sec} s after fault ${index + 1}`);
    }
    const stable = after(now, 300e6);
    apply(session, EVENTS.UpdateMsgErr, stable);
    t.ok((session.timers.at("IdleHoldTimer") ?? 0) - stable <= 5e6, "300 s Established: forgiven");
  },
);

t.test(
  "RFC 9687 §3 SendHoldTimer: armed while octets wait, anew with every one taken",
  async (t) => {
    const session = sessionIn("Established");
    trackSendQueue(session, 100, false, T0);
    t.equal(session.timers.at("SendHoldTimer"), T0 + 480e6);
    trackSendQueue(session, 300, false, after(T0, 60e6));
    t.equal(session.timers.at("SendHoldTimer"), T0 + 480e6, "more to send is no progress");
    trackSendQueue(session, 200, true, after(T0, 90e6));
    t.equal(session.timers.at("SendHoldTimer"), T0 + 570e6, "octets taken are");
    trackSendQueue(session, 0, true, after(T0, 95e6));
    t.notOk(session.timers.isArmed("SendHoldTimer"), "nothing waits");
  },
);

t.test("RFC 9687 §3 SendHoldTimer_Expires (Event 29): code 8, connection reset", async (t) => {
  const session = sessionIn("Established");
  t.match(apply(session, EVENTS.SendHoldTimer_Expires), [
    { kind: "send-notification", code: 8, subcode: 0 },
    { kind: "close-connection", how: "reset" },
    { kind: "ended", ended: { reason: "send_hold_timer" } },
  ]);
});

t.test("RFC 9687 §3 SendHoldTimer: off by configuration, or without a hold time", async (t) => {
  const off = sessionIn("Established", { sendHoldTimeSec: 0 });
  trackSendQueue(off, 100, false, T0);
  t.notOk(off.timers.isArmed("SendHoldTimer"));
  const holdless = sessionIn("Established", { local: localOpen({ holdTimeSec: 0 }) });
  trackSendQueue(holdless, 100, false, T0);
  t.notOk(holdless.timers.isArmed("SendHoldTimer"));
});

t.test(
  "RFC 4271 §6.6, RFC 6608 §4 unexpected messages: subcode by state, data the message's type",
  async (t) => {
    const cases = [
      ["OpenSent", "KeepAliveMsg", 1, 4],
      ["OpenSent", "UpdateMsg", 1, 2],
      ["OpenSent", "RouteRefreshMsg", 1, 5],
      ["OpenConfirm", "BGPOpen", 2, 1],
      ["OpenConfirm", "UpdateMsg", 2, 2],
      ["Established", "BGPOpen", 3, 1],
    ] as const;
    for (const [state, kind, subcode, type] of cases) {
      const out = apply(sessionIn(state), EVENTS[kind]);
      t.match(out[0], { code: 5, subcode, data: Uint8Array.of(type) }, `${kind} in ${state}`);
    }
    const timer = apply(sessionIn("OpenSent"), EVENTS.ConnectRetryTimer_Expires);
    t.match(timer[0], { code: 5, subcode: 0, data: new Uint8Array() }, "a timer has no subcode");
  },
);
