import t from "tap";
import { encodeAttributes } from "../../../src/bgp/wire/attribute-encode.ts";
import { decodeMessage } from "../../../src/bgp/wire/decode.ts";
import { Framer } from "../../../src/bgp/wire/framer.ts";
import type { PathAttributes, UpdateMessage } from "../../../src/bgp/wire/message.ts";
import { encodeNlri } from "../../../src/bgp/wire/nlri.ts";
import { encodeUpdate } from "../../../src/bgp/wire/update.ts";
import { parsePrefix } from "../../../src/core/prefix.ts";
import { speakerConfig } from "../../support/bgp-pair.ts";
import { Solo, soloPeer, withdraw } from "../../support/bgp-solo.ts";
import { BASE, EBGP, IBGP, NLRI, octets, outcome, survivor } from "../../support/wire-octets.ts";

const P = "10.20.0.0/24";
/** Peers of AS 65001: two external ones, one of our own AS, at 10.0.0.2 to .4, and another. */
const PEERS = [
  { name: "b", remoteAddress: "10.0.0.2", remoteAs: 45_104 },
  { name: "c", remoteAddress: "10.0.0.3", remoteAs: 45_105 },
  { name: "i", remoteAddress: "10.0.0.4", remoteAs: 65_001 },
  { name: "j", remoteAddress: "10.0.0.5", remoteAs: 65_001 },
] as const;
type Name = (typeof PEERS)[number]["name"];

/** One speaker with these peers, all Established. */
function router(changes: Parameters<typeof speakerConfig>[0] = {}) {
  const solo = new Solo(speakerConfig({ peers: PEERS.map((peer) => soloPeer(peer)), ...changes }));
  const connections = new Map(
    PEERS.map(({ name, remoteAddress, remoteAs }, index) => {
      const open = { localAs: remoteAs, bgpIdentifier: 0x0a00_0002 + index };
      return [name, solo.establish(open, remoteAddress)] as const;
    }),
  );
  const connectionOf = (name: Name) => {
    const connection = connections.get(name);
    if (connection === undefined) throw new Error(`no connection of ${name}`);
    return connection;
  };
  const tell = (name: Name, attributes: Partial<PathAttributes> = {}, prefix = P) => {
    const peer = PEERS.find((at) => at.name === name) ?? PEERS[0];
    const asPath = [{ type: 2 as const, ases: [peer.remoteAs] }];
    const nextHop = Uint8Array.from(peer.remoteAddress.split(".").map(Number));
    const session = peer.remoteAs === 65_001 ? "ibgp" : "ebgp";
    const encoded = encodeAttributes(
      { origin: 0, asPath, nextHop, ...attributes },
      { as4: true, session, includeNextHop: true },
    );
    const route = parsePrefix(prefix);
    if (route === undefined) throw new Error(`${prefix} is no prefix`);
    const update = encodeUpdate({ attributes: encoded, nlri: encodeNlri([route]) });
    solo.say(connectionOf(name), update);
    solo.settle();
  };
  /** UPDATEs with attributes that went to the peer since the last `take`. */
  const told = (name: Name): UpdateMessage[] => {
    const framer = new Framer();
    const context = name === "i" || name === "j" ? { ...IBGP, peerAs: 65_001 } : EBGP;
    const found: UpdateMessage[] = [];
    for (const effect of solo.effects) {
      if (effect.kind !== "tcp-send" || effect.connection !== connectionOf(name)) continue;
      framer.push(effect.octets);
      for (let frame = framer.next(true); frame.ok && frame.value; frame = framer.next(true)) {
        const decoded = decodeMessage(frame.value, { ...context, peerAs: undefined });
        if (decoded.ok && decoded.value.kind === "update") found.push(decoded.value);
      }
    }
    return found.filter(({ endOfRib }) => endOfRib === undefined);
  };
  const lost = () => {
    const rows = solo.speaker.view.rib.explain(P)?.candidates ?? [];
    return rows.map((row) => row.lostAt ?? row.rejectedBy ?? "best").sort();
  };
  solo.take();
  return { solo, tell, told, lost, connectionOf };
}

t.test("RFC 4271 §4.3 UPDATE: a prefix withdrawn and announced at once is announced", async (t) => {
  const { solo, tell, connectionOf } = router();
  tell("b");
  solo.say(
    connectionOf("b"),
    encodeUpdate({ withdrawn: octets(NLRI), attributes: octets(BASE), nlri: octets(NLRI) }),
  );
  solo.settle();
  t.equal(solo.speaker.view.rib.explain(P)?.candidates.length, 1);
  solo.say(connectionOf("b"), withdraw([P]));
  solo.settle();
  t.equal(solo.speaker.view.rib.explain(P), undefined);
});

t.test("RFC 4271 §4.3 flags: the lower four bits are ignored when received", async (t) => {
  t.same(outcome("8f0404 00000007").reasons, []);
  t.equal(outcome("8f0404 00000007").attributes?.med, 7);
  const { reasons, attributes } = outcome("c50804 ffffff01");
  t.same([reasons, attributes?.communities], [[], [0xffff_ff01]]);
  t.equal(survivor({ attributes: BASE.replace("4001", "4f01"), nlri: NLRI }).faults.length, 0);
});

t.test("RFC 4271 §5.1.1 ORIGIN, §5.1.6 ATOMIC_AGGREGATE: handed on as they came", async (t) => {
  const { tell, told } = router();
  tell("b", { origin: 2, atomicAggregate: true });
  for (const name of ["c", "i"] as const) {
    t.match(told(name), [{ attributes: { origin: 2, atomicAggregate: true } }]);
  }
});

t.test(
  "RFC 4271 §5.1.2 AS_PATH: ours in front for external peers, alone for internal",
  async (t) => {
    const own = { prefix: "10.9.0.0/24", attributes: { origin: 0 as const } };
    const { tell, told, solo } = router();
    tell("b");
    t.match(told("c"), [{ attributes: { asPath: [{ type: 2, ases: [65_001, 45_104] }] } }]);
    t.match(told("i"), [{ attributes: { asPath: [{ type: 2, ases: [45_104] }] } }]);
    solo.take();
    const peers = PEERS.map((peer) => soloPeer(peer));
    solo.input({ kind: "configure", config: speakerConfig({ peers, originated: [own] }) });
    solo.settle();
    t.match(told("c"), [{ attributes: { asPath: [{ type: 2, ases: [65_001] }] } }]);
    t.same(told("i")[0]?.attributes?.asPath, [], "empty where it began inside");
  },
);

t.test("RFC 4271 §5.1.3 NEXT_HOP: ours for external peers, unchanged for internal", async (t) => {
  const { tell, told, solo, lost } = router();
  tell("b");
  t.same(told("c")[0]?.attributes?.nextHop, Uint8Array.of(10, 0, 0, 1));
  t.same(told("i")[0]?.attributes?.nextHop, Uint8Array.of(10, 0, 0, 2));
  solo.take();
  tell("b", { nextHop: Uint8Array.of(10, 0, 0, 1) });
  t.same(lost(), ["next-hop-own"], "a route with ourselves as next hop is not installed");
  t.match(told("c"), [{ unreach: [{ count: 1 }] }]);
});

t.test("RFC 4271 §5.1.4 MULTI_EXIT_DISC: not on to another AS, but inside", async (t) => {
  const { tell, told } = router();
  tell("b", { med: 7 });
  t.equal(told("c")[0]?.attributes?.med, undefined);
  t.equal(told("c").length, 1);
  t.equal(told("i")[0]?.attributes?.med, 7);
});

t.test("RFC 4271 §5.1.5 LOCAL_PREF: for internal peers only", async (t) => {
  const { tell, told } = router();
  tell("b");
  t.equal(told("i")[0]?.attributes?.localPref, 100);
  const inside = router();
  inside.tell("i", { asPath: [], localPref: 300 });
  t.equal(inside.told("c").length, 1);
  t.equal(inside.told("c")[0]?.attributes?.localPref, undefined);
});

t.test("RFC 4271 §9.1.2 loops: a path with our own AS is no candidate", async (t) => {
  const { tell, told, lost } = router();
  tell("b", { asPath: [{ type: 2, ases: [45_104, 65_001, 45_104] }] });
  t.same(lost(), ["own-as-loop"]);
  t.same(told("c"), []);
});

t.test("RFC 4271 §9.1.2.1 next hop: an unreachable one is no candidate", async (t) => {
  const { solo, tell, told } = router();
  tell("b");
  t.equal(told("c").length, 1);
  solo.take();
  const state = { isReachable: false, igpMetric: 0 };
  solo.input({ kind: "next-hop", nextHop: "10.0.0.2", state });
  solo.settle();
  t.match(told("c"), [{ unreach: [{ count: 1 }], reach: [] }]);
  t.equal(solo.speaker.view.rib.locRibCount({ afi: 1, safi: 1 }), 0);
  solo.input({ kind: "next-hop", nextHop: "10.0.0.2", state: { ...state, isReachable: true } });
  solo.settle();
  t.equal(solo.speaker.view.rib.locRibCount({ afi: 1, safi: 1 }), 1);
});

t.test("RFC 4271 §9.1.2.2 ties: each step in its order", async (t) => {
  const path = (...ases: number[]) => ({ asPath: [{ type: 2 as const, ases }] });
  const inside = { asPath: [{ type: 2 as const, ases: [45_104] }], localPref: 100 };
  const steps: readonly [string, Name, Partial<PathAttributes>, Name, Partial<PathAttributes>][] = [
    ["local-pref", "i", { ...inside, localPref: 200 }, "b", {}],
    ["as-path-length", "b", {}, "c", path(45_105, 1)],
    ["origin", "b", { origin: 0 }, "c", { origin: 1 }],
    ["med", "i", { ...inside, med: 1 }, "j", { ...inside, med: 2 }],
    ["ebgp-over-ibgp", "b", {}, "i", inside],
    ["bgp-identifier", "i", inside, "j", inside],
  ];
  const rib = { ...speakerConfig().rib, ebgpPathsMax: 1, multipathRelax: false };
  for (const [step, best, bestAttributes, worse, worseAttributes] of steps) {
    for (const order of [0, 1]) {
      const { tell, lost, solo } = router({ rib });
      if (order === 0) tell(best, bestAttributes);
      tell(worse, worseAttributes);
      if (order === 1) tell(best, bestAttributes);
      t.same(lost(), ["best", step].sort(), `${step}, order ${order}`);
      const candidates = solo.speaker.view.rib.explain(P)?.candidates ?? [];
      const winner = candidates.find((row) => row.isBest);
      t.equal(solo.speaker.view.peerName(winner?.slot ?? solo.peer().slot), best, step);
    }
  }
});

t.test("RFC 4271 §9.1.2.2 c: MULTI_EXIT_DISC of different ASes is not compared", async (t) => {
  const rib = { ...speakerConfig().rib, ebgpPathsMax: 1, multipathRelax: false };
  const { tell, lost } = router({ rib });
  tell("b", { med: 9 });
  tell("c", { med: 1 });
  t.notOk(lost().includes("med"));
});

t.test("RFC 4271 §9.2 internal routes are not told to internal peers", async (t) => {
  const { tell, told } = router();
  tell("i", { asPath: [], localPref: 100 });
  t.same(told("j"), []);
  t.equal(told("b").length, 1);
});

t.test("RFC 4271 §9.1.4 overlap: the more specific route stands beside the other", async (t) => {
  const { solo, tell } = router();
  tell("b", {}, "10.20.0.0/16");
  tell("c", {}, P);
  t.equal(solo.speaker.view.rib.locRibCount({ afi: 1, safi: 1 }), 2);
  t.equal(solo.speaker.view.rib.lookup("10.20.0.9"), P);
  t.equal(solo.speaker.view.rib.lookup("10.20.1.9"), "10.20.0.0/16");
});
