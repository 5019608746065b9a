/** Rows B1 to B12 of the hostile table against the shipped `BfdSessions`, in virtual time. */
import t from "tap";
import type { BfdState } from "../../../src/bfd/sessions/contract.ts";
import {
  type ControlPacketToSend,
  decodeControlPacket,
  encodeControlPacket,
} from "../../../src/bfd/wire/control-packet.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { MS, mirrored, Node, Pair, SEC, Solo, sessionConfig } from "../../unit/bfd/harness.ts";
import { BfdOracle } from "./bfd-oracle.ts";
import { BFD_ROWS, type BfdRow } from "./bfd-rows.ts";

/** A session that was brought to `state` by a peer that signs where it has to. */
function sessionIn(state: BfdState, row: BfdRow): { solo: Solo; welcome: () => Uint8Array } {
  const config = sessionConfig(row.session);
  const solo = new Solo(row.session);
  const peer = new Node(7);
  peer.handle({ kind: "configure", sessions: [mirrored(config)] }, solo.now);
  const answer = (octets: Uint8Array) => {
    peer.handle(
      {
        ...{ kind: "packet", octets, ttl: 255, port: config.mode === "multihop" ? 4784 : 3784 },
        ...{ localAddress: config.remoteAddress, remoteAddress: config.localAddress },
        device: config.device,
      },
      solo.now,
    );
  };
  /** Both ends exchange what they send, for `us`. */
  const meet = (us: number) => {
    for (const end = solo.now + us; solo.now < end; ) {
      const [mine, theirs] = [solo.sent.length, peer.sent.length];
      solo.pass(100 * MS);
      for (let due = peer.machine.nextDeadline(); due !== undefined && due <= solo.now; ) {
        peer.expire(solo.now);
        due = peer.machine.nextDeadline();
      }
      for (const { octets } of peer.sent.slice(theirs)) solo.receiveOctets(octets);
      for (const { octets } of solo.sent.slice(mine)) answer(octets);
    }
  };
  while (peer.sent.length === 0) {
    solo.pass(100 * MS);
    peer.expire(solo.now);
  }
  if (state === "Init") {
    solo.receiveOctets(peer.sent.at(-1)?.octets ?? new Uint8Array(0));
  } else if (state === "Up") meet(10 * SEC);
  if (solo.view().state !== state) throw new Error(`${row.id}: ${solo.view().state}`);
  /** What this session would take from this peer now. */
  const welcome = () => {
    const last = (peer.sent.at(-1)?.octets ?? new Uint8Array(0)).slice();
    new DataView(last.buffer).setUint32(8, solo.view().localDiscriminator);
    if (row.isUnsigned !== true) return last;
    const { auth: _auth, ...packet } = decoded(last);
    return encodeControlPacket({ ...packet, auth: undefined });
  };
  return { solo, welcome };
}

function decoded(octets: Uint8Array): ControlPacketToSend {
  const packet = decodeControlPacket(octets);
  if (!packet.ok) throw new Error(packet.fault.because);
  return packet.value;
}

const countOf = (solo: Solo, { reason, isStray }: BfdRow): number =>
  (isStray === true ? solo.machine.strays()[reason] : solo.view().discards[reason]) ?? 0;

const TIMES = 100_000;

for (const row of BFD_ROWS) {
  t.test(`${row.clause}, row ${row.row}: ${row.id} is discarded and counted`, async (t) => {
    for (const state of ["Down", "Init", "Up"] as const) {
      const { solo, welcome } = sessionIn(state, row);
      const hostile = row.spoil?.(welcome()) ?? welcome();
      const [view, said, counted] = [solo.view(), solo.sent.length, countOf(solo, row)];
      const changes = solo.states.length;
      solo.receiveOctets(hostile.slice(), row.way);
      t.equal(countOf(solo, row), counted + 1, `${state}: counted as ${row.reason}`);
      t.equal(solo.sent.length, said, `${state}: not answered`);
      t.match(solo.view(), { state, packetsIn: view.packetsIn, lastPacketAt: view.lastPacketAt });
      for (let time = 1; time < TIMES / 10; time += 1) {
        solo.receiveOctets(hostile.slice(), row.way);
      }
      t.equal(countOf(solo, row), counted + TIMES / 10);
      const lines = solo.logs.filter(({ fields }) => fields.reason === row.reason).length;
      t.ok(lines <= LIMITS.logLinesPerCausePerMinute, `${state}: ${lines} lines`);
      t.equal(solo.states.length, changes, `${state}: nothing moved`);
      if (state !== "Up") continue;
      const { lastPacketAt = 0, detectionTimeUs } = solo.view();
      solo.pass(detectionTimeUs);
      t.match(solo.states.at(-1), { to: "Down", diag: 1 });
      t.equal(solo.states.at(-1)?.at, lastPacketAt + detectionTimeUs, "it fed no Detection Time");
    }
  });
}

t.test(
  "RFC 5880 §6.8.6, rows B1–B5: 10^5 of all kinds amid a good session cost nothing",
  async (t) => {
    const row: BfdRow = { id: "all", row: "B1", clause: "", reason: "" };
    const { solo, welcome } = sessionIn("Up", row);
    const kinds = BFD_ROWS.filter(({ session }) => session === undefined).map(({ spoil, way }) => {
      return { octets: spoil?.(welcome()) ?? welcome(), way };
    });
    const changes = solo.states.length;
    for (let time = 0; time < TIMES; time += 1) {
      const { octets, way } = kinds[time % kinds.length] ?? { octets: welcome(), way: {} };
      solo.receiveOctets(octets, way);
      if (time % 500 === 0) {
        solo.pass(200 * MS);
        solo.receiveOctets(welcome());
      }
    }
    t.equal(solo.states.length, changes, "not a flap");
    t.ok(
      solo.logs.length < kinds.length * LIMITS.logLinesPerCausePerMinute,
      `${solo.logs.length} lines`,
    );
    t.ok(Object.keys(solo.view().discards).length < 20);
  },
);

t.test("RFC 5880 §6.5, row B6: P with F is answered by one F, and a Final never is", async (t) => {
  for (const state of ["Down", "Init", "Up"] as const) {
    const { solo, welcome } = sessionIn(state, { id: "pf", row: "B6", clause: "", reason: "" });
    const packet = decoded(welcome());
    const answers = solo.receiveOctets(encodeControlPacket({ ...packet, poll: true, final: true }));
    const bits = answers.filter((sent) => sent.packet.final).map((sent) => sent.packet.poll);
    t.same(bits, [false], `${state}: F without P`);
    const final = encodeControlPacket({ ...packet, poll: false, final: true });
    t.notOk(
      solo.receiveOctets(final).some((sent) => sent.packet.final),
      `${state}: no loop`,
    );
  }
});

t.test("RFC 5880 §6.8.7, row B6: 10^5 polls are not answered 10^5 times", async (t) => {
  const { solo, welcome } = sessionIn("Up", { id: "p", row: "B6", clause: "", reason: "" });
  const poll = encodeControlPacket({ ...decoded(welcome()), poll: true });
  const before = solo.sent.length;
  const since = solo.now;
  for (let time = 0; time < TIMES; time += 1) {
    solo.receiveOctets(poll);
    if (time % 1000 === 0) solo.pass(10 * MS);
  }
  const answered = solo.sent.slice(before).filter(({ packet }) => packet.final).length;
  const elapsedUs = solo.now - since;
  t.ok(answered > 0 && answered <= 4 + elapsedUs / (300 * MS), `${answered} answers`);
  t.equal((solo.view().discards["poll-rate"] ?? 0) + answered, TIMES, "the rest are counted");
  t.equal(solo.view().state, "Up");
});

t.test("RFC 5880 §6.8.4, row B12: every change at the instant the model owes it", async (t) => {
  const lines = {
    "10 % loss": { loss: 0.1 },
    "a third lost": { loss: 0.33 },
    reordered: { jitterUs: 400 * MS },
    doubled: { duplicate: 0.5 },
    "270 ms outliers": { delayUs: 2 * MS, jitterUs: 270 * MS, loss: 0.05, duplicate: 0.1 },
  };
  let downs = 0;
  for (const [name, link] of Object.entries(lines)) {
    for (const detectMult of [3, 1, 10]) {
      for (let seed = 1; seed <= 4; seed += 1) {
        const config = sessionConfig({
          ...{ desiredMinTxIntervalUs: 200 * MS, requiredMinRxIntervalUs: 200 * MS, detectMult },
        });
        const pair = new Pair({ a: config, b: mirrored(config) }, { seed, link });
        const ends = [pair.a, pair.b].map((node) => {
          const oracle = new BfdOracle(200 * MS);
          oracle.watch(node);
          return { node, oracle };
        });
        pair.run(60 * SEC);
        pair.setLink(pair.b, { loss: 1 }); // one way only
        pair.run(5 * SEC);
        pair.setLink(pair.b, link);
        pair.run(60 * SEC);
        for (const { node, oracle } of ends) {
          oracle.passed(pair.now);
          const seen = node.states.map(({ at, to, diag }) => ({ at, to, diag }));
          const isSame = JSON.stringify(seen) === JSON.stringify(oracle.owed);
          if (!isSame) t.same(seen, oracle.owed, `${name}, x ${detectMult}, seed ${seed}`);
          downs += seen.filter(({ to }) => to === "Down").length;
        }
      }
    }
  }
  t.ok(downs > 100, `${downs} times Down`);
});

t.test("RFC 5880 §4.1 C: read, never claimed, and no reason to doubt a failure", async (t) => {
  for (const controlPlaneIndependent of [false, true]) {
    const solo = new Solo();
    const fields = { controlPlaneIndependent };
    solo.receive({ state: "Down", ...fields });
    solo.receive({ state: "Init", ...fields });
    solo.passWithPeer(2 * SEC, 250 * MS, fields);
    t.equal(solo.view().state, "Up");
    t.notOk(
      solo.sent.some(({ packet }) => packet.controlPlaneIndependent),
      "our fate is shared",
    );
    solo.pass(2 * SEC);
    t.match(solo.states.at(-1), { to: "Down", diag: 1 }, `C ${controlPlaneIndependent}`);
  }
});
