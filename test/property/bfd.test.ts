import { deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { BFD_STATES, type BfdAuthConfig } from "../../src/bfd/sessions/contract.ts";
import { type BfdMemory, BfdSessions } from "../../src/bfd/sessions/sessions.ts";
import { toHex } from "../../src/core/bytes.ts";
import { fromTaggedJson, toTaggedJson } from "../../src/platform/tagged-json.ts";
import { MS, mirrored, Pair, SEC, Solo, sessionConfig } from "../unit/bfd/harness.ts";

const intervals = fc.constantFrom(50 * MS, 100 * MS, 300 * MS, 700 * MS, SEC, 2 * SEC);

t.test("RFC 5880 §6.8.4: Down at exactly the time the model owes it (B12)", async (t) => {
  const arrivals = fc.array(
    fc.record({
      gapUs: fc.oneof(fc.nat(400 * MS), fc.nat(4 * SEC)),
      desiredMinTxIntervalUs: intervals,
      detectMult: fc.integer({ min: 1, max: 5 }),
      // Copies and strangers in between: the first count as packets, the others do not.
      copies: fc.nat(2),
      strangers: fc.nat(2),
    }),
    { minLength: 1, maxLength: 25 },
  );
  fc.assert(
    fc.property(intervals, arrivals, (requiredMinRxIntervalUs, list) => {
      const solo = new Solo({ requiredMinRxIntervalUs });
      solo.bringUp();
      const states = solo.states.length;
      let downAt = solo.now + solo.view().detectionTimeUs;
      let owed: number | undefined;
      solo.receive({ state: "Up" });
      downAt = solo.now + 3 * Math.max(requiredMinRxIntervalUs, 300 * MS);
      for (const { gapUs, copies, strangers, ...fields } of list) {
        solo.pass(gapUs);
        if (solo.now >= downAt) {
          owed = downAt;
          break;
        }
        for (let index = 0; index < strangers; index += 1) {
          solo.receive({ state: "Up", yourDiscriminator: 0, detectMult: 255 });
        }
        for (let index = 0; index <= copies; index += 1) solo.receive({ state: "Up", ...fields });
        const { desiredMinTxIntervalUs, detectMult } = fields;
        downAt = solo.now + detectMult * Math.max(requiredMinRxIntervalUs, desiredMinTxIntervalUs);
      }
      const seen = solo.states.slice(states).map(({ at }) => at as number);
      deepEqual(seen, owed === undefined ? [] : [owed]);
    }),
    { numRuns: 150 },
  );
  t.pass();
});

const packets = fc.record({
  diag: fc.nat(31),
  state: fc.constantFrom(...BFD_STATES),
  poll: fc.boolean(),
  final: fc.boolean(),
  demand: fc.boolean(),
  detectMult: fc.nat(4),
  myDiscriminator: fc.constantFrom(77, 78, 0),
  desiredMinTxIntervalUs: fc.oneof(intervals, fc.constantFrom(0, 1, 0xffff_ffff)),
  requiredMinRxIntervalUs: fc.oneof(intervals, fc.constantFrom(0, 1, 0xffff_ffff)),
  auth: fc.constant(undefined),
});

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ receive: packets, isStranger: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ passUs: fc.oneof(fc.nat(50 * MS), fc.nat(3 * SEC)) }) },
  { weight: 1, arbitrary: fc.record({ blockUs: fc.nat(3 * SEC) }) },
  { weight: 1, arbitrary: fc.record({ isDown: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ up: fc.constant(true) }) },
  {
    weight: 1,
    arbitrary: fc.record({ tx: intervals, rx: intervals, mult: fc.integer({ min: 1, max: 3 }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
const steps = fc.array(step, { maxLength: 60 });

function play(solo: Solo, step: Step, config: Parameters<typeof sessionConfig>[0]): void {
  if ("receive" in step) {
    const stranger = step.isStranger ? { yourDiscriminator: 0 } : {};
    solo.receive({ ...step.receive, ...stranger });
  } else if ("passUs" in step) solo.pass(step.passUs);
  else if ("blockUs" in step) solo.block(step.blockUs);
  else if ("isDown" in step) {
    solo.handle({ kind: "admin", session: "s", isDown: step.isDown }, solo.now);
  } else if ("up" in step) {
    solo.receive({ state: "Down" });
    solo.receive({ state: "Init" });
  } else {
    const { tx, rx, mult } = step;
    const intervals = { desiredMinTxIntervalUs: tx, requiredMinRxIntervalUs: rx };
    solo.configure(sessionConfig({ ...config, ...intervals, detectMult: mult }));
  }
}

/** What the peer takes, and what we may want, at any moment since: the oracle's two floors. */
class Floors {
  readonly #remoteMinRx: { readonly at: number; readonly us: number }[] = [{ at: 0, us: 1 }];
  leastDesiredUs = 300 * MS;

  remote(at: number, us: number): void {
    this.#remoteMinRx.push({ at, us });
  }

  /** The least gap between two packets of the schedule that left at `from` and `to`. */
  between(from: number, to: number, isUp: boolean): number {
    let remote = Number.POSITIVE_INFINITY;
    this.#remoteMinRx.forEach(({ at, us }, index) => {
      const until = this.#remoteMinRx[index + 1]?.at ?? Number.POSITIVE_INFINITY;
      if (at <= to && until >= from) remote = Math.min(remote, us);
    });
    const own = isUp ? this.leastDesiredUs : Math.max(SEC, this.leastDesiredUs);
    return 0.75 * Math.max(own, Math.min(remote, 0xffff_ffff));
  }
}

t.test("RFC 5880 §6.8.7: never faster than allowed, never P with F, whatever comes", async (t) => {
  fc.assert(
    fc.property(steps, fc.boolean(), (list, isPassive) => {
      const solo = new Solo({ isPassive });
      const floors = new Floors();
      let polls = 0;
      const noteFloor = () => floors.remote(solo.now, solo.view().remoteRequiredMinRxIntervalUs);
      solo.onSend = noteFloor;
      for (const step of list) {
        const before = solo.view();
        if ("tx" in step) floors.leastDesiredUs = Math.min(floors.leastDesiredUs, step.tx);
        play(solo, step, { isPassive });
        if ("receive" in step && step.receive.poll && solo.view().packetsIn > before.packetsIn) {
          polls += 1;
        }
        noteFloor();
        ok(solo.states.length === 0 || solo.states.at(-1)?.to === solo.view().state);
      }
      const finals = solo.sent.filter(({ packet }) => packet.final);
      ok(!solo.sent.some(({ packet }) => packet.poll && packet.final));
      const elapsedUs = solo.now - 1_000_000;
      ok(finals.length <= Math.min(polls, 4 + elapsedUs / floors.leastDesiredUs));
      const scheduled = solo.sent.filter(({ packet }) => !packet.final);
      for (const [index, next] of scheduled.entries()) {
        const last = scheduled[index - 1];
        // A change of state goes out at once; anything else waits its turn.
        if (last === undefined || last.changes !== next.changes) continue;
        const isUp = next.packet.state === "Up";
        ok(next.at - last.at >= floors.between(last.at, next.at, isUp) - 1);
      }
    }),
    { numRuns: 150 },
  );
  t.pass();
});

t.test("a machine resumed from what it saved answers as if it had never stopped", async (t) => {
  const key = { id: 7, secret: Uint8Array.of(1, 2, 3) };
  const auth = fc.constantFrom<(BfdAuthConfig | undefined)[]>(
    undefined,
    { type: "meticulous-keyed-sha1", sendKeyId: 7, keys: [key] },
    { type: "keyed-md5", sendKeyId: 7, keys: [key] },
  );
  const list = fc.array(fc.record({ step, isMoved: fc.boolean() }), { maxLength: 60 });
  const said = ({ sent, states, logs, ended }: Solo) =>
    toTaggedJson({ sent: sent.map(({ at, octets }) => ({ at, octets })), states, logs, ended });
  fc.assert(
    fc.property(list, fc.boolean(), auth, (list, isPassive, auth) => {
      const config = { isPassive, auth };
      const [stays, moves] = [new Solo(config), new Solo(config)];
      for (const { step, isMoved } of list) {
        play(stays, step, config);
        if (isMoved) {
          const memory = fromTaggedJson(toTaggedJson(moves.machine.save()))?.value as BfdMemory;
          moves.machine = BfdSessions.resumed(memory);
        }
        play(moves, step, config);
        deepEqual(moves.machine.nextDeadline(), stays.machine.nextDeadline());
      }
      deepEqual(said(moves), said(stays));
    }),
    { numRuns: 200 },
  );
  t.pass();
});

t.test("RFC 5880 §6.8.6: arbitrary octets neither throw nor move a session", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  const before = solo.view();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(0xffff), (octets, port) => {
      const mine = before.localDiscriminator;
      const aimed = new DataView(octets.buffer, octets.byteOffset).byteLength >= 12;
      if (aimed && new DataView(octets.buffer).getUint32(8) === mine) return;
      solo.receiveOctets(octets, { port });
      ok(solo.view().state === "Up", toHex(octets));
    }),
  );
  const refused = Object.values(solo.view().discards).reduce((sum, count) => sum + count, 0);
  const strays = Object.values(solo.machine.strays()).reduce((sum, count) => sum + count, 0);
  t.ok(refused + strays >= 90, "and every one is counted");
});

t.test("RFC 5880 §6.2: two ends come up after anything, once the line is good", async (t) => {
  const link = fc.record({
    delayUs: fc.nat(300 * MS),
    jitterUs: fc.nat(300 * MS),
    loss: fc.double({ min: 0, max: 0.9, noNaN: true }),
    duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
  });
  const config = sessionConfig();
  fc.assert(
    fc.property(fc.nat(1000), link, link, fc.boolean(), (seed, there, back, isRestarted) => {
      const pair = new Pair({ a: config, b: mirrored(config) }, { seed, link: there });
      pair.setLink(pair.b, back);
      pair.run(20 * SEC);
      if (isRestarted) pair.restart(pair.b, mirrored(config), seed + 7);
      pair.run(10 * SEC);
      pair.setLink(pair.a, {});
      pair.setLink(pair.b, {});
      pair.run(8 * SEC);
      ok(pair.isUp());
      const ups = pair.a.states.length + pair.b.states.length;
      pair.run(30 * SEC);
      ok(pair.a.states.length + pair.b.states.length === ups, "and stay up");
    }),
    { numRuns: 40 },
  );
  t.pass();
});

t.test("RFC 5880 §6.8.3: timer changes at any moment never flap a good line", async (t) => {
  const changes = fc.array(
    fc.record({ isA: fc.boolean(), tx: intervals, rx: intervals, waitUs: fc.nat(3 * SEC) }),
    { maxLength: 12 },
  );
  const config = sessionConfig();
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(400 * MS), changes, (seed, delayUs, list) => {
      const pair = new Pair({ a: config, b: mirrored(config) }, { seed, link: { delayUs } });
      pair.bringUp();
      for (const { isA, tx, rx, waitUs } of list) {
        const changed = sessionConfig({ desiredMinTxIntervalUs: tx, requiredMinRxIntervalUs: rx });
        if (isA) pair.configure(pair.a, changed);
        else pair.configure(pair.b, mirrored(changed));
        pair.run(waitUs);
      }
      pair.run(20 * SEC);
      ok(![...pair.a.states, ...pair.b.states].some(({ to }) => to === "Down"));
    }),
    { numRuns: 60 },
  );
  t.pass();
});

t.test("the same seed does the same, to the octet", async (t) => {
  const config = sessionConfig();
  const run = (seed: number): string => {
    const link = { jitterUs: 50 * MS, loss: 0.2 };
    const pair = new Pair({ a: config, b: mirrored(config) }, { seed, link });
    pair.run(60 * SEC);
    return pair.a.sent.map(({ at, octets }) => `${at} ${toHex(octets)}`).join("\n");
  };
  t.equal(run(5), run(5));
  t.not(run(5), run(6));
});
