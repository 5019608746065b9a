import t from "tap";
import { transitionOn } from "../../../src/bfd/session/transitions.ts";
import { BFD_STATES, type BfdState } from "../../../src/bfd/sessions/contract.ts";
import { micros } from "../../../src/core/time.ts";
import {
  MS,
  mirrored,
  Node,
  Pair,
  SEC,
  type Sent,
  Solo,
  sessionConfig,
} from "../../unit/bfd/harness.ts";

const first = <Item>(items: readonly Item[]): Item => {
  const item = items[0];
  if (item === undefined) throw new Error("nothing there");
  return item;
};

const last = (sent: readonly Sent[]) => first(sent.slice(-1)).packet;

t.test("RFC 5880 §6.1: the active role sends before it hears anything", async (t) => {
  const solo = new Solo();
  solo.pass(0);
  t.match(last(solo.sent), {
    state: "Down",
    diag: 0,
    myDiscriminator: solo.view().localDiscriminator,
    yourDiscriminator: 0,
    requiredMinEchoRxIntervalUs: 0,
    controlPlaneIndependent: false,
    demand: false,
    multipoint: false,
    poll: false,
    final: false,
  });
  t.not(solo.view().localDiscriminator, 0);
});

t.test("RFC 5880 §6.1: the passive role is silent until it hears, and again after", async (t) => {
  const solo = new Solo({ isPassive: true });
  solo.pass(10 * SEC);
  t.equal(solo.sent.length, 0);
  t.equal(last(solo.receive({ state: "Down", desiredMinTxIntervalUs: SEC })).state, "Init");
  solo.pass(SEC);
  t.ok(solo.sent.length > 1, "the schedule runs");
  solo.pass(10 * SEC);
  const then = solo.sent.length;
  t.equal(solo.view().state, "Down");
  solo.pass(10 * SEC);
  t.equal(solo.sent.length, then, "a forgotten peer gets nothing");
});

t.test("RFC 5880 §6.2: the state table, every state × received state", async (t) => {
  const table: Readonly<Record<BfdState, Readonly<Record<BfdState, BfdState>>>> = {
    AdminDown: { AdminDown: "AdminDown", Down: "AdminDown", Init: "AdminDown", Up: "AdminDown" },
    Down: { AdminDown: "Down", Down: "Init", Init: "Up", Up: "Down" },
    Init: { AdminDown: "Down", Down: "Init", Init: "Up", Up: "Up" },
    Up: { AdminDown: "Down", Down: "Down", Init: "Up", Up: "Up" },
  };
  for (const local of BFD_STATES) {
    for (const received of BFD_STATES) {
      const transition = transitionOn(local, received);
      const wanted = table[local][received];
      t.equal(transition?.to ?? local, wanted, `${local} × ${received}`);
      if (wanted === "Down" && local !== "Down") t.equal(transition?.diag, 3);
    }
  }
});

t.test("RFC 5880 §6.2: the same table through the machine", async (t) => {
  const reach: Readonly<Record<BfdState, (solo: Solo) => void>> = {
    AdminDown: (solo) => solo.handle({ kind: "admin", session: "s", isDown: true }, solo.now),
    Down: () => {},
    Init: (solo) => solo.receive({ state: "Down" }),
    Up: (solo) => solo.bringUp(),
  };
  for (const local of BFD_STATES) {
    for (const received of BFD_STATES) {
      const solo = new Solo();
      reach[local](solo);
      t.equal(solo.view().state, local);
      const states = solo.states.length;
      solo.receive({ state: received, yourDiscriminator: solo.view().localDiscriminator });
      const wanted = transitionOn(local, received);
      t.equal(solo.view().state, wanted?.to ?? local, `${local} × ${received}`);
      t.equal(solo.states.length - states, wanted === undefined ? 0 : 1, "one effect a change");
      t.equal(solo.view().remoteState, received);
    }
  }
});

t.test("RFC 5880 §6.2: three-way handshake both ways, and the reason goes with Up", async (t) => {
  const config = sessionConfig();
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.bringUp();
  t.same(pair.a.path(), ["Init", "Up"]);
  t.same(pair.b.path(), ["Init", "Up"]);
  t.match(pair.a.view(), { state: "Up", remoteState: "Up", diag: 0, txIntervalUs: 300 * MS });
  t.match(first(pair.a.states.slice(-1)), { from: "Init", to: "Up", diag: 0, session: "s" });
  pair.cut.add(pair.b);
  pair.run(SEC);
  t.match(pair.a.view(), { state: "Down", diag: 1 });
  pair.cut.clear();
  pair.run(5 * SEC);
  t.match(pair.a.view(), { state: "Up", diag: 0 });
});

t.test("RFC 5880 §6.3: Your Discriminator selects, addresses find the first packet", async (t) => {
  const solo = new Solo();
  solo.receive({ state: "Down", yourDiscriminator: 0 });
  t.match(solo.view(), { state: "Init", remoteDiscriminator: 77 });
  t.match(last(solo.sent), { state: "Init", yourDiscriminator: 77 });
  const unknown = (solo.view().localDiscriminator ^ 1) >>> 0;
  solo.receive({ state: "Init", yourDiscriminator: unknown });
  t.match(solo.view(), { state: "Init", discards: { "your-discriminator": 1 } }, "B3");
});

t.test("RFC 5880 §6.3: discriminators are unique, random and not 0", async (t) => {
  const node = new Node(9);
  const sessions = Array.from({ length: 300 }, (_, index) =>
    sessionConfig({ name: `s${index}`, remoteAddress: `10.1.${index >> 8}.${index & 255}` }),
  );
  node.handle({ kind: "configure", sessions }, micros(0));
  const seen = new Set(node.machine.view().map((session) => session.localDiscriminator));
  t.equal(seen.size, 300);
  t.notOk(seen.has(0));
  const other = new Node(10);
  other.handle({ kind: "configure", sessions }, micros(0));
  t.notOk(other.machine.view().some((session) => seen.has(session.localDiscriminator)));
});

t.test("RFC 5880 §6.8.6: what needs a session is discarded and counted there", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.receive({ detectMult: 0, state: "Up" });
  solo.receive({ myDiscriminator: 0, state: "Up" });
  solo.receive({ yourDiscriminator: 0, state: "Up" });
  solo.receive({ yourDiscriminator: 0, state: "Init" });
  solo.receiveOctets(new Uint8Array(23));
  t.same(solo.view().discards, {
    "detect-mult": 1,
    "my-discriminator": 1,
    "your-discriminator-zero": 2,
    truncated: 1,
  });
  t.equal(solo.view().state, "Up");
});

t.test("RFC 5880 §6.8.6: a discarded packet does not feed the Detection Time", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.receive({ state: "Up" });
  for (let turn = 0; turn < 4; turn += 1) {
    solo.pass(299 * MS);
    solo.receive({ state: "Up", yourDiscriminator: 0 });
  }
  t.equal(solo.view().state, "Down");
});

t.test("RFC 5880 §6.8.1 B8: a peer that restarts with a new discriminator", async (t) => {
  const config = sessionConfig();
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.bringUp();
  const before = pair.now;
  const upBefore = pair.a.states.length;
  pair.restart(pair.b, mirrored(config), 99);
  pair.run(3 * SEC);
  t.same(
    pair.a.states.slice(upBefore).map(({ to, diag }) => `${to}/${diag}`),
    ["Down/3", "Up/0"],
  );
  t.ok(pair.isUp());
  const up = first(pair.a.states.slice(-1));
  t.ok(up.at - before < 2_500 * MS, `up again after ${up.at - before} µs`);
  t.equal(pair.a.view().remoteDiscriminator, pair.b.view().localDiscriminator);
});

t.test("RFC 5880 §6.8.1: bfd.RemoteDiscr is 0 after a silent Detection Time", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  solo.pass(SEC);
  t.match(solo.view(), { state: "Down", remoteDiscriminator: 0 });
  t.match(last(solo.sent), { state: "Down", diag: 1, yourDiscriminator: 0 });
  const down = new Solo();
  down.receive({ state: "AdminDown" });
  t.match(down.view(), { state: "Down", remoteDiscriminator: 77 });
  down.pass(SEC);
  t.match(down.view(), { state: "Down", remoteDiscriminator: 0 }, "in Down too");
});

t.test("RFC 5880 §6.8.16: AdminDown is said, for good reason, and undone", async (t) => {
  const solo = new Solo();
  solo.bringUp();
  const sent = solo.sent.length;
  solo.handle({ kind: "admin", session: "s", isDown: true }, solo.now);
  t.match(first(solo.sent.slice(sent)).packet, { state: "AdminDown", diag: 7 });
  t.match(first(solo.states.slice(-1)), { from: "Up", to: "AdminDown", diag: 7 });
  const from = solo.now;
  solo.pass(4 * SEC);
  const later = solo.sent.filter(({ at }) => at > from);
  t.ok(later.length >= 3, "it goes on for more than a Detection Time");
  t.ok(later.every(({ packet }) => packet.state === "AdminDown"));
  t.same(solo.receive({ state: "Up", poll: true }), [], "nothing is answered (§6.8.6)");
  t.equal(solo.view().discards["admin-down"], 1);
  solo.handle({ kind: "admin", session: "s", isDown: false }, solo.now);
  t.match(last(solo.sent), { state: "Down", diag: 0 });
  solo.bringUp();
  t.equal(solo.view().state, "Up");
});

t.test("RFC 5880 §6.8.6 B9: a peer's AdminDown is told from a failure", async (t) => {
  const config = sessionConfig();
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.bringUp();
  pair.b.handle({ kind: "admin", session: "s", isDown: true }, pair.now);
  pair.run(10 * MS);
  t.match(first(pair.a.states.slice(-1)), {
    to: "Down",
    diag: 3,
    remoteState: "AdminDown",
    remoteDiag: 7,
  });
  pair.run(20 * SEC);
  t.match(pair.a.view(), { state: "Down", remoteState: "AdminDown" }, "it is still told so");
  pair.b.handle({ kind: "admin", session: "s", isDown: false }, pair.now);
  pair.run(3 * SEC);
  t.ok(pair.isUp());
});
