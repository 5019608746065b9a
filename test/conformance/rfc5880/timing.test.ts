import t from "tap";
import { jitteredUs } from "../../../src/bfd/session/timing.ts";
import { seededRng } from "../../../src/core/rng.ts";
import { MS, mirrored, Pair, SEC, type Sent, Solo, sessionConfig } from "../../unit/bfd/harness.ts";

const gaps = (sent: readonly Sent[]): number[] =>
  sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0));

const count = (sent: readonly Sent[], bit: "poll" | "final") =>
  sent.filter(({ packet }) => packet[bit]).length;

t.test("RFC 5880 §6.8.7: jitter takes 0–25 % off, at least 10 % with Detect Mult 1", async (t) => {
  for (const [mult, lowest, highest] of [
    [3, 750, 1000],
    [1, 750, 900],
  ] as const) {
    const rng = seededRng(4);
    const drawn = Array.from({ length: 4000 }, () => jitteredUs(1000, mult, rng));
    t.ok(Math.min(...drawn) >= lowest && Math.min(...drawn) < lowest + 5);
    t.ok(Math.max(...drawn) <= highest && Math.max(...drawn) > highest - 5);
    const mean = drawn.reduce((sum, us) => sum + us, 0) / drawn.length;
    t.ok(Math.abs(mean - (lowest + highest) / 2) < 5, `spread evenly: ${mean}`);
  }
  for (const us of [1, 2, 3, 0xffff_ffff]) {
    const drawn = jitteredUs(us, 1, seededRng(1));
    t.ok(drawn >= 1 && drawn <= us, `${us} µs`);
  }
});

t.test("RFC 5880 §6.8.3: at least one second between packets while not Up", async (t) => {
  const solo = new Solo({ desiredMinTxIntervalUs: 50 * MS });
  solo.pass(20 * SEC);
  t.ok(solo.sent.every(({ packet }) => packet.desiredMinTxIntervalUs === SEC));
  t.ok(gaps(solo.sent).every((gap) => gap >= 750 * MS && gap <= SEC));
  solo.bringUp();
  t.match(solo.sent.at(-1)?.packet, { state: "Up", desiredMinTxIntervalUs: 50 * MS });
  solo.pass(5 * SEC);
  t.match(solo.sent.at(-1)?.packet, { state: "Down", desiredMinTxIntervalUs: SEC });
  const slow = new Solo({ desiredMinTxIntervalUs: 2 * SEC });
  slow.pass(0);
  t.equal(slow.sent.at(-1)?.packet.desiredMinTxIntervalUs, 2 * SEC, "a slower wish stays");
});

t.test("RFC 5880 §6.8.2: the slower of what we want and what the peer takes", async (t) => {
  const solo = new Solo({ desiredMinTxIntervalUs: 100 * MS });
  solo.bringUp();
  const from = solo.now;
  solo.passWithPeer(20 * SEC, 250 * MS, { requiredMinRxIntervalUs: 500 * MS });
  const sent = solo.sent.filter(({ at, packet }) => at > from + SEC && !packet.final);
  t.ok(sent.length > 30);
  t.ok(gaps(sent).every((gap) => gap >= 375 * MS && gap <= 500 * MS));
});

t.test("RFC 5880 §6.8.3: a faster wish of the peer counts from the last packet", async (t) => {
  const solo = new Solo({ desiredMinTxIntervalUs: 50 * MS });
  solo.bringUp();
  solo.passWithPeer(5 * SEC, 250 * MS, { requiredMinRxIntervalUs: 2 * SEC });
  const lastAt = solo.sent.filter(({ packet }) => !packet.final).at(-1)?.at ?? 0;
  solo.receive({ state: "Up", requiredMinRxIntervalUs: 100 * MS });
  const sent = solo.sent.length;
  solo.pass(100 * MS);
  const next = solo.sent[sent];
  t.ok(next !== undefined && next.at <= Math.max(lastAt + 100 * MS, solo.now - 100 * MS));
});

t.test("RFC 5880 §6.8.7 B7: a peer that requires 0 gets no periodic packets", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.receive({ state: "Up", requiredMinRxIntervalUs: 0 });
  const sent = solo.sent.length;
  for (let turn = 0; turn < 20; turn += 1) {
    solo.pass(250 * MS);
    solo.receive({ state: "Up", requiredMinRxIntervalUs: 0 });
  }
  t.equal(solo.sent.length, sent, "silence");
  const answer = solo.receive({ state: "Up", requiredMinRxIntervalUs: 0, poll: true });
  t.equal(count(answer, "final"), 1, "polls are answered");
  solo.receive({ state: "Up" });
  solo.pass(300 * MS);
  t.ok(solo.sent.length > sent + 1, "and it resumes when it is wanted");
});

t.test("RFC 5880 §6.6: a peer in Demand mode gets no periodic packets while Up", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.receive({ state: "Up", demand: true });
  const sent = solo.sent.length;
  for (let turn = 0; turn < 12; turn += 1) {
    solo.pass(250 * MS);
    solo.receive({ state: "Up", demand: true });
  }
  t.equal(solo.sent.length, sent);
  t.equal(count(solo.receive({ state: "Up", demand: true, poll: true }), "final"), 1);
  const changed = sessionConfig({ desiredMinTxIntervalUs: 200 * MS });
  solo.configure(changed);
  const polled = solo.sent.length;
  for (let turn = 0; turn < 4; turn += 1) {
    solo.pass(200 * MS);
    solo.receive({ state: "Up", demand: true });
  }
  t.ok(count(solo.sent.slice(polled), "poll") >= 3, "a change is polled until the Final");
  solo.receive({ state: "Up", demand: true, final: true });
  const after = solo.sent.length;
  for (let turn = 0; turn < 4; turn += 1) {
    solo.pass(200 * MS);
    solo.receive({ state: "Up", demand: true });
  }
  t.equal(solo.sent.length, after, "and then silence again");
  solo.pass(SEC);
  t.match(solo.sent.at(-1)?.packet, { state: "Down" }, "Down is said whatever the mode");
});

t.test("RFC 5880 §6.8.7: a peer that flips states cannot make us shout", async (t) => {
  const solo = new Solo();
  for (let packet = 0; packet < 1000; packet += 1) {
    solo.pass(MS);
    solo.receive({ state: packet % 2 === 0 ? "Down" : "AdminDown" });
  }
  t.equal(solo.states.length, 1000);
  t.ok(solo.sent.length <= 12, `${solo.sent.length} packets`);
});

t.test("RFC 5880 §6.5: a poll rides on the schedule until its Final", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.configure(sessionConfig({ requiredMinRxIntervalUs: 200 * MS }));
  const from = solo.sent.length;
  for (let turn = 0; turn < 8; turn += 1) {
    solo.pass(250 * MS);
    solo.receive({ state: "Up" });
  }
  const polled = solo.sent.slice(from);
  t.ok(polled.length >= 5);
  t.equal(count(polled, "poll"), polled.length, "every packet");
  t.ok(
    gaps(polled).every((gap) => gap >= 225 * MS && gap <= 300 * MS),
    "no additional ones",
  );
  solo.receive({ state: "Up", final: true });
  const rest = solo.sent.length;
  solo.pass(300 * MS);
  t.equal(count(solo.sent.slice(rest), "poll"), 0);
});

t.test("RFC 5880 §6.5: a Final before our Poll has left ends nothing", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.configure(sessionConfig({ desiredMinTxIntervalUs: 900 * MS }));
  solo.receive({ state: "Up", final: true });
  t.match(solo.view(), { isPolling: true, txIntervalUs: 300 * MS });
});

t.test("RFC 5880 §6.5 B6: P is answered at once by F alone, in every state", async (t) => {
  for (const state of ["Down", "Init", "Up"] as const) {
    const solo = new Solo();
    if (state === "Init") solo.receive({ state: "Down" });
    if (state === "Up") solo.bringUp();
    solo.pass(10 * MS);
    const due = solo.machine.nextDeadline();
    const answer = solo.receive({ state: state === "Up" ? "Up" : "Down", poll: true });
    t.equal(answer.length, 1, `${state}: one packet`);
    t.match(answer[0]?.packet, { poll: false, final: true, yourDiscriminator: 77 });
    if (state !== "Up") continue;
    t.equal(solo.machine.nextDeadline(), due, "outside the schedule");
    const both = solo.receive({ state: "Up", poll: true, final: true });
    t.match(both[0]?.packet, { poll: false, final: true }, "P and F together: F, once");
    t.equal(both.length, 1);
  }
});

t.test("RFC 5880 §6.8.7 B6: a burst of polls is answered at a limited rate", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.passWithPeer(10 * SEC, 250 * MS);
  let answers = 0;
  for (let packet = 0; packet < 1000; packet += 1) {
    solo.pass(MS);
    answers += count(solo.receive({ state: "Up", poll: true }), "final");
  }
  t.ok(answers >= 4 && answers <= 8, `${answers} answers to 1000 polls in a second`);
  t.equal(solo.view().discards["poll-rate"], 1000 - answers);
  t.equal(solo.view().state, "Up");
});

t.test(
  "RFC 5880 §6.8.3: a slower transmission waits for the Final, a faster does not",
  async (t) => {
    const slower = new Solo();
    slower.bringUp();
    slower.configure(sessionConfig({ desiredMinTxIntervalUs: SEC }));
    slower.pass(300 * MS);
    slower.receive({ state: "Up" });
    t.match(slower.sent.at(-1)?.packet, { poll: true, desiredMinTxIntervalUs: SEC });
    t.equal(slower.view().txIntervalUs, 300 * MS, "advertised, not in force");
    slower.receive({ state: "Up", final: true });
    t.equal(slower.view().txIntervalUs, SEC);

    const faster = new Solo();
    faster.bringUp();
    faster.configure(sessionConfig({ desiredMinTxIntervalUs: 100 * MS }));
    faster.receive({ state: "Up", requiredMinRxIntervalUs: 100 * MS });
    t.match(faster.view(), { txIntervalUs: 100 * MS, isPolling: true });
  },
);

t.test("RFC 5880 §6.8.3: a faster detection waits for the Final, a slower does not", async (t) => {
  const fast = { desiredMinTxIntervalUs: 100 * MS };
  const faster = new Solo();
  faster.bringUp();
  faster.receive({ state: "Up", ...fast });
  faster.configure(sessionConfig({ requiredMinRxIntervalUs: 200 * MS }));
  faster.pass(250 * MS);
  t.match(faster.sent.at(-1)?.packet, { poll: true, requiredMinRxIntervalUs: 200 * MS });
  faster.receive({ state: "Up", ...fast });
  t.equal(faster.view().detectionTimeUs, 900 * MS);
  faster.receive({ state: "Up", final: true, ...fast });
  t.equal(faster.view().detectionTimeUs, 600 * MS);

  const slower = new Solo();
  slower.bringUp();
  slower.receive({ state: "Up", ...fast });
  slower.configure(sessionConfig({ requiredMinRxIntervalUs: 600 * MS }));
  t.equal(slower.view().detectionTimeUs, 1800 * MS);
  slower.pass(1700 * MS);
  t.equal(slower.view().state, "Up", "the running Detection Time is the longer one");
});

t.test("RFC 5880 §6.8.3: changes during a poll wait for their own", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.configure(sessionConfig({ desiredMinTxIntervalUs: 500 * MS }));
  solo.pass(300 * MS);
  solo.receive({ state: "Up" });
  solo.configure(sessionConfig({ desiredMinTxIntervalUs: SEC }));
  solo.pass(300 * MS);
  t.equal(solo.sent.at(-1)?.packet.desiredMinTxIntervalUs, 500 * MS, "one poll, one set of values");
  solo.receive({ state: "Up", final: true });
  t.equal(solo.view().txIntervalUs, 500 * MS);
  solo.receive({ state: "Up", final: true });
  t.equal(solo.view().txIntervalUs, 500 * MS, "a second Final of the first poll ends nothing");
  for (let turn = 0; turn < 8; turn += 1) {
    solo.pass(250 * MS);
    solo.receive({ state: "Up" });
  }
  t.match(solo.sent.at(-1)?.packet, { poll: true, desiredMinTxIntervalUs: SEC });
  solo.receive({ state: "Up", final: true });
  t.equal(solo.view().txIntervalUs, SEC);
});

t.test("RFC 5880 §6.8.3: timer changes while Up never flap, in any direction", async (t) => {
  const speeds = [50 * MS, 200 * MS, 300 * MS, SEC, 3 * SEC];
  for (const delayUs of [MS, 270 * MS]) {
    const config = sessionConfig();
    const pair = new Pair({ a: config, b: mirrored(config) }, { link: { delayUs } });
    pair.bringUp();
    const ups = [pair.a.states.length, pair.b.states.length];
    let turn = 0;
    for (const tx of speeds) {
      for (const rx of speeds) {
        const changed = { desiredMinTxIntervalUs: tx, requiredMinRxIntervalUs: rx };
        if (turn % 2 === 0) pair.configure(pair.a, sessionConfig(changed));
        else pair.configure(pair.b, mirrored(sessionConfig(changed)));
        // Some changes come while the poll of the last is still in flight.
        pair.run(turn % 3 === 0 ? 20 * MS : 15 * SEC);
        turn += 1;
      }
    }
    pair.run(60 * SEC);
    t.same([pair.a.states.length, pair.b.states.length], ups, `no flap at ${delayUs} µs`);
    t.ok(pair.isUp());
    t.equal(pair.a.view().isPolling || pair.b.view().isPolling, false);
    const a = pair.a.view();
    const b = pair.b.view();
    t.equal(a.txIntervalUs, Math.max(a.desiredMinTxIntervalUs, b.requiredMinRxIntervalUs));
    t.equal(b.detectionTimeUs, 3 * a.txIntervalUs, "both ends agree");
  }
});

t.test("RFC 5880 §6.8.4: the remote multiplier × the slower of the two", async (t) => {
  const cases = [
    { rx: 300, tx: 100, mult: 3, wanted: 900 },
    { rx: 100, tx: 700, mult: 5, wanted: 3500 },
    { rx: 200, tx: 200, mult: 1, wanted: 200 },
  ];
  for (const { rx, tx, mult, wanted } of cases) {
    const solo = new Solo({ requiredMinRxIntervalUs: rx * MS, detectMult: 9 });
    const changes = { desiredMinTxIntervalUs: tx * MS, detectMult: mult };
    solo.receive({ state: "Down", ...changes });
    solo.receive({ state: "Init", ...changes });
    t.equal(solo.view().detectionTimeUs, wanted * MS);
    solo.pass(wanted * MS - 1);
    t.equal(solo.view().state, "Up");
    solo.pass(1);
    t.match(solo.view(), { state: "Down", diag: 1 });
    t.match(solo.states.at(-1), { detectionTimeUs: wanted * MS, isSuspectSelf: false });
  }
});

t.test("RFC 5880 §6.8.4 B10: extreme values neither overflow nor outrun us", async (t) => {
  const slow = new Solo();
  const greatest = { desiredMinTxIntervalUs: 0xffff_ffff, detectMult: 255 };
  slow.receive({ state: "Down", ...greatest, requiredMinRxIntervalUs: 0xffff_ffff });
  slow.receive({ state: "Init", ...greatest, requiredMinRxIntervalUs: 0xffff_ffff });
  t.equal(slow.view().detectionTimeUs, 255 * 0xffff_ffff);
  t.equal(slow.view().txIntervalUs, 0xffff_ffff);
  slow.pass(3_600 * SEC);
  t.equal(slow.view().state, "Up");

  const fast = new Solo();
  const least = { desiredMinTxIntervalUs: 1, requiredMinRxIntervalUs: 1, detectMult: 1 };
  fast.receive({ state: "Down", ...least });
  fast.receive({ state: "Init", ...least });
  t.match(fast.view(), { detectionTimeUs: 300 * MS, txIntervalUs: 300 * MS });
  const zero = new Solo();
  zero.receive({ state: "Down", desiredMinTxIntervalUs: 0 });
  t.equal(zero.view().detectionTimeUs, 900 * MS);
});

t.test("RFC 5880 §6.8.4 B11: a blocked loop reads its socket before it judges", async (t) => {
  const config = sessionConfig({
    desiredMinTxIntervalUs: 200 * MS,
    requiredMinRxIntervalUs: 200 * MS,
  });
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.bringUp();
  const states = pair.a.states.length;
  for (let turn = 0; turn < 20; turn += 1) {
    pair.a.busyUntil = pair.now + 400 * MS;
    pair.run(SEC);
  }
  t.equal(pair.a.states.length, states, "no false Down here");
  t.equal(pair.b.states.length, states, "nor at the peer");
  t.ok(pair.a.view().txLateness.sumUs > 20 * 200 * MS, "and the lateness is on record");
});

t.test("RFC 5880 §6.8.4: a timeout that our own lateness may explain says so", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.receive({ state: "Up" });
  solo.block(1_100 * MS);
  t.match(solo.states.at(-1), { to: "Down", diag: 1, isSuspectSelf: true }, "late to judge");

  const paused = new Solo();
  paused.bringUp();
  paused.receive({ state: "Up" });
  paused.block(600 * MS);
  paused.pass(300 * MS);
  t.match(paused.states.at(-1), { to: "Down", isSuspectSelf: true }, "a pause inside the window");

  const innocent = new Solo();
  innocent.bringUp();
  innocent.block(600 * MS);
  innocent.receive({ state: "Up" });
  innocent.pass(SEC);
  t.match(innocent.states.at(-1), { to: "Down", isSuspectSelf: false }, "a pause before it");

  const mute = new Solo();
  mute.bringUp();
  mute.receive({ state: "Up" });
  mute.now = (mute.now + 850 * MS) as typeof mute.now;
  mute.receive({ state: "Down", diag: 1 });
  t.match(mute.states.at(-1), { diag: 3, isSuspectSelf: true }, "the peer missed us, rightly");
});
