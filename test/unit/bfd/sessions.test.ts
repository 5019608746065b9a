import fc from "fast-check";
import t from "tap";
import { Agenda } from "../../../src/bfd/sessions/agenda.ts";
import { checkSessions } from "../../../src/bfd/sessions/check-config.ts";
import type { BfdSessionConfig } from "../../../src/bfd/sessions/contract.ts";
import { BfdSessions } from "../../../src/bfd/sessions/sessions.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { type Rng, seededRng } from "../../../src/core/rng.ts";
import { micros } from "../../../src/core/time.ts";
import { MS, mirrored, Pair, SEC, Solo, sessionConfig } from "./harness.ts";

t.test("configure: nothing changed, nothing happens", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  const sent = solo.sent.length;
  const due = solo.machine.nextDeadline();
  solo.configure(sessionConfig());
  t.equal(solo.sent.length, sent);
  t.equal(solo.machine.nextDeadline(), due);
  t.match(solo.view(), { state: "Up", isPolling: false });
});

t.test("configure: a removed session says AdminDown for a Detection Time, then ends", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  const from = solo.now;
  solo.configure();
  t.match(solo.sent.at(-1)?.packet, { state: "AdminDown", diag: 7 });
  t.same(solo.ended, []);
  solo.pass(2_900 * MS);
  t.same(solo.ended, [], "three intervals of a second are not over");
  solo.pass(200 * MS);
  t.same(solo.ended, ["s"]);
  t.same(solo.machine.view(), []);
  t.equal(solo.machine.nextDeadline(), undefined, "no timer outlives its session");
  const said = solo.sent.filter(({ at }) => at >= from);
  t.ok(said.length >= 3 && said.every(({ packet }) => packet.state === "AdminDown"));
  const late = solo.sent.length;
  solo.receive({ state: "Up", yourDiscriminator: 1 });
  solo.pass(10 * SEC);
  t.equal(solo.sent.length, late);
});

t.test("configure: a session without a peer ends at once", async (t) => {
  const solo = new Solo();
  solo.pass(5 * SEC);
  solo.configure();
  solo.pass(0);
  t.same(solo.ended, ["s"]);
  t.equal(solo.sent.at(-1)?.packet.state, "AdminDown");
});

t.test("configure: a session comes back while it is ending", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  const discriminator = solo.view().localDiscriminator;
  solo.configure();
  solo.pass(SEC);
  solo.configure(sessionConfig());
  t.match(solo.view(), { state: "Down", localDiscriminator: discriminator });
  solo.bringUp();
  solo.passWithPeer(10 * SEC, 250 * MS);
  t.same(solo.ended, []);
  t.equal(solo.view().state, "Up");
});

t.test("configure: another path under the same name is an end and a beginning", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  const old = solo.view().localDiscriminator;
  const sent = solo.sent.length;
  solo.configure(sessionConfig({ remoteAddress: "10.0.0.9" }));
  t.match(solo.sent[sent]?.packet, { state: "AdminDown", myDiscriminator: old });
  t.same(solo.ended, ["s"]);
  t.match(solo.view(), { state: "Down", remoteAddress: "10.0.0.9", packetsIn: 0 });
  t.not(solo.view().localDiscriminator, old);
});

t.test("configure: names change places, paths stay", async (t) => {
  const solo = new Solo();
  const one = sessionConfig({ name: "one" });
  const two = sessionConfig({ name: "two", remoteAddress: "10.0.0.9" });
  solo.configure(one, two);
  solo.configure({ ...one, name: "two" }, { ...two, name: "one" });
  solo.pass(5 * SEC);
  t.same(
    solo.machine.view().map(({ name, remoteAddress }) => [name, remoteAddress]),
    [
      ["two", "10.0.0.2"],
      ["one", "10.0.0.9"],
    ],
  );
  solo.receive({ state: "Down", yourDiscriminator: 0 }, { remoteAddress: "10.0.0.9" });
  t.equal(solo.view("one").state, "Init");
});

t.test("configure: AdminDown by configuration and by order", async (t) => {
  const solo = new Solo({ isAdminDown: true });
  solo.pass(5 * SEC);
  t.ok(solo.sent.length >= 5);
  t.ok(solo.sent.every(({ packet }) => packet.state === "AdminDown" && packet.diag === 7));
  solo.configure(sessionConfig());
  t.equal(solo.view().state, "Down");
  solo.handle({ kind: "admin", session: "s", isDown: true }, solo.now);
  solo.configure(sessionConfig({ detectMult: 5 }));
  t.equal(solo.view().state, "AdminDown", "an order outlives other changes");
  solo.configure(sessionConfig({ isAdminDown: true }));
  solo.configure(sessionConfig());
  t.equal(solo.view().state, "Down", "but not a change of the same thing");
  solo.handle({ kind: "admin", session: "nobody", isDown: true }, solo.now);
});

t.test("checkSessions: says what is wrong, and the machine insists", async (t) => {
  const secret = new Uint8Array(17);
  const auth = { type: "keyed-sha1", sendKeyId: 1, keys: [{ id: 1, secret }] } as const;
  const cases: readonly (readonly [BfdSessionConfig[], RegExp])[] = [
    [[sessionConfig({ desiredMinTxIntervalUs: 0 })], /transmit interval/],
    [[sessionConfig({ requiredMinRxIntervalUs: 0 })], /receive interval/],
    [[sessionConfig({ requiredMinRxIntervalUs: 2 ** 32 })], /receive interval/],
    [[sessionConfig({ detectMult: 0 })], /multiplier/],
    [[sessionConfig({ detectMult: 256 })], /multiplier/],
    [[sessionConfig({ minTtl: 256 })], /TTL/],
    [[sessionConfig(), sessionConfig()], /two sessions are named s/],
    [[sessionConfig(), sessionConfig({ name: "t" })], /s and t share a path/],
    [[sessionConfig(), sessionConfig({ name: "t", device: undefined })], /s and t share a path/],
    [[sessionConfig({ auth: { ...auth, sendKeyId: 2 } })], /no key 2 to send with/],
    [[sessionConfig({ auth: { ...auth, type: "keyed-md5" } })], /key 1 is not 1 to 16/],
    [[sessionConfig({ auth: { ...auth, keys: [...auth.keys, ...auth.keys] } })], /used twice/],
  ];
  for (const [sessions, message] of cases) {
    t.match(checkSessions(sessions), message);
    const machine = new BfdSessions({ rng: seededRng(1) });
    t.throws(() => machine.handle({ kind: "configure", sessions }, micros(0), []), message);
  }
  t.equal(
    checkSessions([sessionConfig({ auth }), sessionConfig({ name: "t", device: "e1" })]),
    undefined,
  );
});

t.test("discards: strays are counted, and the log is bounded", async (t) => {
  const solo = new Solo();
  for (let packet = 0; packet < 500; packet += 1) {
    solo.receive({ yourDiscriminator: 0 }, { remoteAddress: `192.0.2.${packet & 255}` });
    solo.receive({ state: "Up", yourDiscriminator: 0 });
    solo.pass(10 * MS);
  }
  t.same(solo.machine.strays(), { "no-session": 500 });
  t.equal(solo.view().discards["your-discriminator-zero"], 500);
  t.equal(solo.logs.length, 20, "ten lines a cause");
  solo.pass(60 * SEC);
  solo.receive({ state: "Up", yourDiscriminator: 0 });
  t.match(solo.logs.at(-1), { level: "info", fields: { held: 490 } });
});

t.test(
  "lost, late, doubled and overtaking packets: no flap that the model does not owe",
  async (t) => {
    const config = sessionConfig({ detectMult: 5 });
    const link = { delayUs: 5 * MS, jitterUs: 270 * MS, loss: 0.02, duplicate: 0.1 };
    const pair = new Pair({ a: config, b: mirrored(config) }, { link, seed: 3 });
    pair.bringUp();
    pair.run(300 * SEC);
    t.notOk(pair.a.states.some(({ to }) => to === "Down"));
    t.notOk(pair.b.states.some(({ to }) => to === "Down"));
  },
);

t.test("one-way cut: the deaf end detects, the other is told", async (t) => {
  const config = sessionConfig();
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.bringUp();
  pair.cut.add(pair.a);
  const from = pair.now;
  pair.run(10 * SEC);
  const told = pair.a.states.find(({ to, at }) => to === "Down" && at > from);
  const deaf = pair.b.states.find(({ to, at }) => to === "Down" && at > from);
  t.match(deaf, { diag: 1 });
  t.match(told, { diag: 3, remoteDiag: 1 });
  t.ok((told?.at ?? 0) - (deaf?.at ?? 0) <= 2 * MS);
  t.notOk(pair.isUp());
  pair.cut.clear();
  pair.run(3 * SEC);
  t.ok(pair.isUp());
});

t.test("a bug that one session's timers or packets meet is that session's alone", async (t) => {
  const PLANTED = "a field that is not there";
  let isBroken = false;
  const planted: Rng = seededRng(1);
  const trap = (own: Rng): Rng => ({
    ...own,
    unit: () => {
      if (isBroken) throw new TypeError(PLANTED);
      return own.unit();
    },
  });
  let sessions = 0;
  const fork = () => {
    sessions += 1;
    return sessions === 1 ? trap(planted.fork()) : planted.fork();
  };
  const rng = { ...planted, fork };
  const poisoned = sessionConfig({ name: "poisoned" });
  const healthy = sessionConfig({ name: "healthy", remoteAddress: "10.0.0.3", device: "eth1" });
  const pair = new Pair({ a: poisoned, b: mirrored(poisoned) });
  pair.a.machine = new BfdSessions({ rng });
  pair.configure(pair.a, poisoned, healthy);
  pair.configure(pair.b, mirrored(poisoned), mirrored(healthy));
  pair.run(10 * SEC);
  t.same([pair.a.view("poisoned").state, pair.a.view("healthy").state], ["Up", "Up"]);
  const before = pair.a.states.length;
  isBroken = true;
  pair.run(60 * SEC);
  const changed = pair.a.states.slice(before).map(({ session }) => session);
  t.notOk(changed.includes("healthy"), "its neighbour does not change");
  t.equal(pair.a.view("healthy").state, "Up");
  const { "internal-error": count = 0 } = pair.a.view("poisoned").discards;
  t.ok(count > 20 && count < 400, `${count} times in a minute: it does not spin`);
  const errors = pair.a.logs.filter(({ level }) => level === "error");
  t.ok(errors.length <= 2 * LIMITS.logLinesPerCausePerMinute);
  t.match(errors[0], {
    event: "bfd.session.internal-error",
    fields: { session: "poisoned", message: PLANTED },
  });
  isBroken = false;
  pair.run(10 * SEC);
  t.equal(pair.a.view("poisoned").state, "Up", "and it is back once the bug is not met");
});

t.test("histograms: cumulative, one count beyond the bounds", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  const { rxGap, txLateness, packetsIn } = solo.view();
  t.equal(rxGap.counts.length, rxGap.boundsUs.length + 1);
  t.equal(rxGap.counts.at(-1), packetsIn - 1);
  t.equal(txLateness.sumUs, 0);
  t.same(
    [...rxGap.counts].sort((a, b) => a - b),
    rxGap.counts,
  );
});

t.test("Agenda: like a sorted list", async (t) => {
  const moves = fc.array(
    fc.tuple(fc.nat(20), fc.oneof(fc.nat(50), fc.constant(Number.POSITIVE_INFINITY))),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(moves, (list) => {
      const agenda = new Agenda();
      const model = new Map<number, number>();
      for (const [slot, at] of list) {
        agenda.set(slot, at);
        if (at === Number.POSITIVE_INFINITY) model.delete(slot);
        else model.set(slot, at);
        const [first] = [...model].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
        t.equal(agenda.next(), first?.[1]);
        t.equal(agenda.due(micros(100)), first?.[0]);
        t.equal(agenda.due(micros((first?.[1] ?? 0) - 1)), undefined);
      }
    }),
    { numRuns: 50 },
  );
});
