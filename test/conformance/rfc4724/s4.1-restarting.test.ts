/** RFC 4724 §4.1: what a speaker says and does that restarts on purpose, seen by its peers. */
import t from "tap";
import type { ConnectionId, SpeakerInput } from "../../../src/bgp/speaker/inputs.ts";
import type { Capability, Family, Message } from "../../../src/bgp/wire/message.ts";
import { encodeEndOfRib } from "../../../src/bgp/wire/update.ts";
import { originated, peerConfig } from "../../support/bgp-pair.ts";
import { IPV4, IPV6, localOpen } from "../../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer } from "../../support/bgp-solo.ts";

const P = "10.20.0.0/24";
const Q = "10.30.0.0/24";
const RESTART: Capability = {
  kind: "graceful-restart",
  ...{ restarted: false, notification: true, restartTimeSec: 90 },
  families: [{ ...IPV4, forwardingPreserved: true }],
};
const RESTARTED: SpeakerInput = { kind: "restarted", preserved: [IPV4], peers: ["b", "c"] };
const ADDRESSES: Readonly<Record<string, string>> = { b: "10.0.0.2", c: "10.0.0.3" };

interface Setting {
  /** Nothing for a cold start. */
  readonly restarted?: SpeakerInput;
  readonly families?: readonly Family[];
  /** False: no kernel that goes on forwarding. */
  readonly preserves?: boolean;
}

/** Two peers, b and c, and one route of our own. */
class Rig extends Solo {
  constructor({ restarted, families = [IPV4], preserves = true }: Setting = {}) {
    const capabilities = { ...peerConfig().capabilities, gracefulRestart: true };
    const peers = Object.entries(ADDRESSES).map(([name, remoteAddress]) =>
      soloPeer({ name, remoteAddress, families, capabilities }),
    );
    const changes = { peers, originated: originated(1), preservesForwarding: preserves };
    super(soloConfig({}, changes), {}, restarted === undefined ? [] : [restarted]);
  }

  come(peer: string, restart: Capability | "none" = RESTART): ConnectionId {
    const capabilities = [
      ...localOpen({ localAs: 45_104 }).capabilities,
      ...(restart === "none" ? [] : [restart]),
    ];
    return this.establish({ capabilities }, ADDRESSES[peer]);
  }

  /** What our OPEN says of restarts, on a connection just accepted. */
  claim(peer: string): Capability | undefined {
    const heard = this.heard(this.accept(ADDRESSES[peer]));
    return claimOf(heard);
  }

  tell(connection: ConnectionId, ...prefixes: string[]): void {
    this.say(connection, announce(prefixes));
    this.settle();
  }

  endOfRib(connection: ConnectionId, family: Family = IPV4): void {
    this.say(connection, encodeEndOfRib(family));
    this.settle();
  }

  deferred(): readonly Family[] {
    return this.speaker.view.deferrals.map(({ family }) => family);
  }

  /** Rows the kernel was told of, and what ended the wait. */
  news(): { rows: number; due: (string | number)[][] } {
    this.settle();
    const effects = this.take();
    const rows = effects.flatMap((effect) =>
      effect.kind === "routes" ? effect.changes.batches.map(({ count }) => count) : [],
    );
    const due = effects.flatMap((effect) =>
      effect.kind === "selection-due" ? [[effect.family.afi, effect.because]] : [],
    );
    return { rows: rows.reduce((sum, count) => sum + count, 0), due };
  }
}

const claimOf = (heard: readonly Message[]): Capability | undefined => {
  const open = heard.find((message) => message.kind === "open");
  const capabilities = open?.kind === "open" ? open.capabilities : [];
  return capabilities.find(({ kind }) => kind === "graceful-restart");
};

const updates = (heard: readonly Message[]) =>
  heard.flatMap((message) => (message.kind === "update" ? [message] : []));

t.test("RFC 4724 §4.1 OPEN: a cold start sets neither R nor F", async (t) => {
  const rig = new Rig();
  t.match(rig.claim("b"), {
    restarted: false,
    notification: true,
    families: [{ ...IPV4, forwardingPreserved: false }],
  });
});

t.test("RFC 4724 §4.1 OPEN: a restart sets R, and F of what the kernel kept", async (t) => {
  const rig = new Rig({ restarted: RESTARTED, families: [IPV4, IPV6] });
  const claimed = {
    restarted: true,
    families: [
      { ...IPV4, forwardingPreserved: true },
      { ...IPV6, forwardingPreserved: false },
    ],
  };
  t.match(rig.claim("b"), claimed);
  const lost = new Rig({ restarted: { ...RESTARTED, preserved: [] } as SpeakerInput });
  t.match(lost.claim("b"), { restarted: true, families: [{ forwardingPreserved: false }] });
});

t.test("RFC 4724 §4.1 OPEN: without a kernel of ours no family is named", async (t) => {
  t.match(new Rig({ preserves: false }).claim("b"), { restarted: false, families: [] });
});

t.test("RFC 4724 §4.1 OPEN: R is gone once routes are chosen, F stays", async (t) => {
  const rig = new Rig({ restarted: RESTARTED });
  for (const peer of ["b", "c"]) rig.endOfRib(rig.come(peer));
  rig.take();
  for (const peer of ["b", "c"]) {
    rig.input({ kind: "admin", peer, action: "reset", text: "" });
    rig.advance(10);
    t.match(rig.claim(peer), { restarted: false, families: [{ forwardingPreserved: true }] });
  }
});

t.test("RFC 4724 §4.1 OPEN: a session that comes back finds what the kernel held", async (t) => {
  const rig = new Rig();
  const connection = rig.come("b");
  rig.take();
  rig.input({ kind: "tcp-closed", connection, cause: "reset", text: "reset" });
  rig.advance(10);
  t.match(rig.claim("b"), { restarted: false, families: [{ forwardingPreserved: true }] });
});

t.test("RFC 4724 §4.1 deferral: no route is chosen before every End-of-RIB", async (t) => {
  const rig = new Rig({ restarted: RESTARTED });
  const b = rig.come("b");
  rig.tell(b, P);
  rig.endOfRib(b);
  t.same(rig.deferred(), [IPV4]);
  t.same(rig.news(), { rows: 0, due: [] }, "c has not come yet");
  t.same(rig.speaker.view.deferrals, [{ family: IPV4, awaited: ["c"] }]);
  const c = rig.come("c");
  rig.tell(c, P, Q);
  t.equal(rig.speaker.view.rib.locRibCount(IPV4), 0);
  t.same(updates(rig.heard(b)), [], "nobody is told anything, not even End-of-RIB");
  rig.endOfRib(c);
  t.same(rig.news(), { rows: 2, due: [[1, "end-of-rib"]] }, "then all at once");
  t.same(rig.deferred(), []);
  t.equal(rig.speaker.view.rib.locRibCount(IPV4), 3);
});

t.test("RFC 4724 §4.1 deferral: updates, then End-of-RIB, follow the selection", async (t) => {
  const rig = new Rig({ restarted: RESTARTED });
  const [b, c] = [rig.come("b"), rig.come("c")];
  rig.tell(b, P);
  rig.endOfRib(b);
  rig.heard(c);
  rig.endOfRib(c);
  const told = updates(rig.heard(c));
  t.equal(told.at(-1)?.endOfRib?.afi, 1);
  const count = told.flatMap(({ reach }) => reach).reduce((sum, run) => sum + run.count, 0);
  t.equal(count, 2, "P and our own");
});

t.test("RFC 4724 §4.1 deferral: the Selection_Deferral_Timer ends it", async (t) => {
  const rig = new Rig({ restarted: RESTARTED });
  const b = rig.come("b");
  rig.tell(b, P);
  rig.endOfRib(b);
  rig.advance(58);
  t.same(rig.news(), { rows: 0, due: [] });
  rig.advance(2);
  t.same(rig.news(), { rows: 1, due: [[1, "timer"]] });
  t.same(rig.deferred(), []);
});

t.test("RFC 4724 §4.1 deferral: who is not waited for", async (t) => {
  const others: readonly [string, (rig: Rig) => void][] = [
    ["a peer that restarts itself", (rig) => rig.come("c", { ...RESTART, restarted: true })],
    ["one without the capability", (rig) => rig.come("c", "none")],
    [
      "one whose path is dead",
      (rig) =>
        rig.input({ kind: "path-failed", peer: "c", cause: "link-down", text: "no carrier" }),
    ],
    [
      "one an operator stops",
      (rig) => rig.input({ kind: "admin", peer: "c", action: "stop", text: "" }),
    ],
    [
      "one that is removed",
      (rig) => {
        const { config } = rig.peer("b");
        rig.input({ kind: "configure", config: soloConfig({}, { peers: [config] }) });
      },
    ],
  ];
  for (const [what, act] of others) {
    const rig = new Rig({ restarted: RESTARTED });
    rig.endOfRib(rig.come("b"));
    t.same(rig.deferred(), [IPV4], what);
    act(rig);
    t.same(rig.news().due, [[1, "end-of-rib"]], what);
  }
});

t.test(
  "RFC 4724 §4.1 deferral: a peer that had no session is waited for if it comes",
  async (t) => {
    const rig = new Rig({ restarted: { ...RESTARTED, peers: ["b"] } as SpeakerInput });
    const c = rig.come("c");
    rig.endOfRib(rig.come("b"));
    t.same(rig.news().due, [], "c is up and has not said everything");
    rig.endOfRib(c);
    t.same(rig.news().due, [[1, "end-of-rib"]]);
    const alone = new Rig({ restarted: { ...RESTARTED, peers: ["b"] } as SpeakerInput });
    alone.endOfRib(alone.come("b"));
    t.same(alone.news().due, [[1, "end-of-rib"]], "c never came");
  },
);

t.test("RFC 4724 §4.1 deferral: each family has its own wait", async (t) => {
  const rig = new Rig({ restarted: RESTARTED, families: [IPV4, IPV6] });
  for (const peer of ["b", "c"]) rig.endOfRib(rig.come(peer));
  // Neither peer negotiated IPv6, so nobody is waited for there.
  t.same(rig.news().due, [
    [2, "end-of-rib"],
    [1, "end-of-rib"],
  ]);
});

t.test("RFC 4724 §4.1 deferral: nobody to wait for, nothing is held back", async (t) => {
  const rig = new Rig({ restarted: { ...RESTARTED, peers: [] } as SpeakerInput });
  rig.settle();
  t.equal(rig.speaker.view.rib.locRibCount(IPV4), 1);
  t.match(rig.claim("b"), { restarted: false, families: [{ forwardingPreserved: true }] });
  const late = new Rig();
  late.input(RESTARTED);
  t.same(late.deferred(), [], "a run under way has not restarted");
});

t.test("RFC 4724 §4 leaving: without the N bit the connection closes without a word", async (t) => {
  const rig = new Rig();
  const connection = rig.come("b", { ...RESTART, notification: false });
  rig.heard(connection);
  rig.input({ kind: "stop", text: "upgrade", isRestart: true });
  t.same(rig.closes(), [`${connection} flush`]);
  t.same(
    rig.heard(connection).filter(({ kind }) => kind === "notification"),
    [],
  );
  t.match(rig.peer("b"), { state: "Idle", downReason: 'the speaker restarts: "upgrade"' });
  rig.advance(300);
  t.equal(rig.peer("b").state, "Idle");
});

t.test("RFC 8538 §4 leaving: with the N bit the peer is told, and no Hard Reset", async (t) => {
  const rig = new Rig();
  const connection = rig.come("b");
  rig.heard(connection);
  rig.input({ kind: "stop", text: "upgrade", isRestart: true });
  t.match(rig.heard(connection).at(-1), { code: 6, subcode: 4, shutdownCommunication: "upgrade" });
});

t.test(
  "RFC 8538 §5.1 Hard Reset: whatever else ends a session of ours keeps nothing",
  async (t) => {
    const orders: readonly [SpeakerInput, number][] = [
      [{ kind: "stop", text: "bye" }, 2],
      [{ kind: "admin", peer: "b", action: "stop", text: "bye" }, 2],
      [{ kind: "admin", peer: "b", action: "reset", text: "bye" }, 4],
      [{ kind: "path-failed", peer: "b", cause: "bfd-down", text: "no packets" }, 10],
      [{ kind: "configure", config: soloConfig({}, { peers: [] }) }, 3],
      [{ kind: "hold-off", peer: "b", isOn: true, reason: "BFD is Down" }, 5],
    ];
    for (const [order, inner] of orders) {
      const rig = new Rig();
      const connection = rig.come("b");
      rig.heard(connection);
      rig.input(order);
      const last = rig.heard(connection).at(-1);
      t.match(last, { code: 6, subcode: 9 });
      t.same(last?.kind === "notification" ? [...last.data.subarray(0, 2)] : [], [6, inner]);
      const plain = new Rig();
      const other = plain.come("b", { ...RESTART, notification: false });
      plain.heard(other);
      plain.input(order);
      t.match(plain.heard(other).at(-1), { code: 6, subcode: inner }, "without the N bit");
    }
  },
);

t.test(
  "RFC 8538 §5.1 Hard Reset: a restart of a mere helper is a stop like any other",
  async (t) => {
    const rig = new Rig({ preserves: false });
    const connection = rig.come("b");
    rig.heard(connection);
    rig.input({ kind: "stop", text: "", isRestart: true });
    t.match(rig.heard(connection).at(-1), { code: 6, subcode: 9 });
  },
);
