/**
 * Incidents that other routers had in the field, played against the shipped agent in virtual time.
 * What each of them was, and which are not played yet: docs/testing.md.
 */
import t from "tap";
import { Agent } from "../../src/agent/agent.ts";
import { startInlineBfdEngine } from "../../src/agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../src/agent/config/edge-config.ts";
import type { JournalEntry } from "../../src/agent/journal.ts";
import { ACCEPT_ALL } from "../../src/bgp/policy/chain.ts";
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import { CeaseSubcode, ErrorCode } from "../../src/bgp/wire/iana.ts";
import type { Capability } from "../../src/bgp/wire/message.ts";
import { encodeMpReach } from "../../src/bgp/wire/mp-nlri.ts";
import { encodeNotification } from "../../src/bgp/wire/notification.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { encodeEndOfRib, encodeUpdate } from "../../src/bgp/wire/update.ts";
import { concatBytes } from "../../src/core/bytes.ts";
import { US_PER_MS, US_PER_SEC } from "../../src/core/time.ts";
import type { Host, KernelRoute } from "../../src/platform/contract.ts";
import type { VirtualHost } from "../../src/platform/virtual/host.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { edgeConfig, type NeighborOverrides, neighbor } from "../support/agent-fakes.ts";
import { IPV4, IPV6, remoteOpen } from "../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer } from "../support/bgp-solo.ts";
import { AS_PATH, ORIGIN, octets } from "../support/wire-octets.ts";

const VPC = "172.16.0.0/12";
const accepting = { importPolicy: ACCEPT_ALL, exportPolicy: ACCEPT_ALL, bfd: {} } as const;
const NEAR = { edge: 65_001, cloud: 45_104 };

interface Setting {
  readonly carrierVisible?: boolean;
  readonly edge?: Partial<NeighborOverrides>;
  readonly cloud?: Partial<NeighborOverrides>;
}

/** An edge with two circuits to two VBRs; all three run the shipped agent. */
function rig(setting: Setting = {}) {
  const world = new World({ seed: 18 });
  const lan = (address: string) => ({ interfaces: [{ device: "lan", addresses: [address] }] });
  const edgeHost = world.addHost("edge", lan("192.168.0.1/16"));
  const vbrs = [1, 2].map((index) => {
    const host = world.addHost(`vbr${index}`, lan("172.16.0.1/12"));
    const link = world.link({
      between: [
        { host: edgeHost, device: `eth${index}`, addresses: [`10.0.${index}.1/30`] },
        { host, device: "port", addresses: [`10.0.${index}.2/30`] },
      ],
      ...{ latencyUs: 2_000, carrierVisible: setting.carrierVisible ?? false },
    });
    const agent = agentOn(host, vbrOf(index, setting.cloud));
    agent.start();
    return { host, link, agent };
  });
  const [vbr1, vbr2] = vbrs;
  if (vbr1 === undefined || vbr2 === undefined) throw new Error("two circuits");
  const config = edgeOf(setting.edge);
  const edge = agentOn(edgeHost, config);
  edge.start();
  const within = (ms: number, claim: () => boolean) =>
    world.runUntil(claim, world.now + ms * US_PER_MS);
  const pass = (ms: number) => void within(ms, () => false);
  const stateOf = (name: string) => edge.view.speaker.peer(name)?.state;
  const isUp = () => stateOf("vbr1") === "Established" && stateOf("vbr2") === "Established";
  const isWhole = () => isUp() && [1, 2].every((at) => edge.view.path(`vbr${at}`)?.bfd === "Up");
  const gateways = () => {
    const route = kernelRoutes(world, edgeHost).find(({ prefix }) => prefix === VPC);
    return route?.hops.map(({ gateway }) => gateway).sort() ?? [];
  };
  return { world, edgeHost, edge, config, vbr1, vbr2, within, pass, isUp, isWhole, gateways };
}

function edgeOf(overrides: Partial<NeighborOverrides> = {}): EdgeConfig {
  return edgeConfig({
    localAs: NEAR.edge,
    listen: { addresses: ["10.0.1.1", "10.0.2.1"], port: 179 },
    announce: [{ prefix: "192.168.0.0/16", rank: 1, communities: [] }],
    circuits: [1, 2].map((index) => ({
      ...{ name: `vbr${index}`, profile: "none", device: `eth${index}`, vlan: undefined },
      ...{ weight: 1, capacityBps: undefined },
      sessions: [
        neighbor({
          ...{ name: `vbr${index}`, remoteAs: NEAR.cloud, ...accepting },
          ...{ remoteAddress: `10.0.${index}.2`, localAddress: `10.0.${index}.1` },
          ...overrides,
        }),
      ],
    })),
  });
}

function vbrOf(index: number, overrides: Partial<NeighborOverrides> = {}): EdgeConfig {
  return edgeConfig({
    ...{ name: `vbr${index}`, localAs: NEAR.cloud, routerId: `10.0.${index}.2` },
    listen: { addresses: [`10.0.${index}.2`], port: 179 },
    announce: [{ prefix: VPC, rank: 1, communities: [] }],
    neighbors: [
      neighbor({
        ...{ name: "edge", remoteAs: NEAR.edge, device: "port", ...accepting },
        ...{ remoteAddress: `10.0.${index}.1`, localAddress: `10.0.${index}.2` },
        ...overrides,
      }),
    ],
  });
}

const agentOn = (host: Host, config: EdgeConfig): Agent =>
  new Agent({ host, config, startBfd: startInlineBfdEngine(host) });

function kernelRoutes(world: World, host: VirtualHost): readonly KernelRoute[] {
  let rows: readonly KernelRoute[] | undefined;
  host.routes.dump((found) => {
    rows = found;
  });
  world.runUntil(() => rows !== undefined, world.now + US_PER_SEC);
  return rows ?? [];
}

const eventsOf = (agent: Agent, id: string): JournalEntry[] =>
  agent.journal.since(0).filter((entry) => entry.event === id);

const BOTH = ["10.0.1.2", "10.0.2.2"];

t.test(
  "F1: BFD expires without strict mode: BGP leaves Established in the same turn",
  async (t) => {
    const { vbr1, edge, within, isWhole, pass } = rig();
    t.ok(within(10_000, isWhole));
    pass(1_000);
    // TCP goes on as if nothing were wrong; only BFD is lost.
    vbr1.link.addRule((packet) => (packet.body.kind === "udp" ? "drop" : "pass"));
    t.ok(within(1_000, () => eventsOf(edge, "bgp.peer.down").length > 0));
    const [bfd] = eventsOf(edge, "bfd.session.down");
    const [bgp] = eventsOf(edge, "bgp.peer.down");
    t.match(bgp?.fields, { peer: "vbr1", reason: "bfd_down" });
    t.equal(bgp?.at, bfd?.at, "at the very instant");
    pass(10);
    const [far] = eventsOf(vbr1.agent, "bgp.peer.down");
    t.match(far?.fields, { peer: "edge" });
  },
);

t.test("F2: strict, BFD held down for ten minutes: not one OPEN, then a session", async (t) => {
  const { edge, vbr1, vbr2, within, pass, isUp } = rig({
    edge: { bfd: { isStrict: true } },
    cloud: { bfd: undefined },
  });
  pass(600_000);
  for (const peer of edge.view.speaker.peers()) {
    t.match(peer, { state: "Idle", isHeldOff: true, counters: { messagesOut: { open: 0 } } });
  }
  for (const { agent } of [vbr1, vbr2]) {
    t.equal(agent.view.speaker.peer("edge")?.counters.messagesIn.open, 0);
  }
  vbr1.agent.reload(vbrOf(1));
  vbr2.agent.reload(vbrOf(2));
  const from = edge.view.speaker.peer("vbr1")?.since ?? 0;
  t.ok(within(60_000, isUp), `since ${from}`);
});

t.test("F3: both ends dial, BFD stays in Init: no road leads to Established", async (t) => {
  const { edge, vbr1, within, pass } = rig({ edge: { bfd: { isStrict: true } } });
  vbr1.link.addRule((packet) => {
    return packet.body.kind === "udp" && packet.source.text === "10.0.1.1" ? "drop" : "pass";
  });
  t.ok(within(30_000, () => edge.view.path("vbr1")?.bfd === "Init"));
  pass(120_000);
  t.equal(edge.view.path("vbr1")?.bfd, "Init");
  t.match(edge.view.speaker.peer("vbr1"), { state: "Idle", establishedTransitions: 0 });
  const far = vbr1.agent.view.speaker.peer("edge");
  t.match(far, { establishedTransitions: 0 });
  t.not(far?.state, "Established");
  t.ok(edge.view.speaker.peer("vbr2")?.state === "Established", "the other circuit is up");
});

t.test("F4: BFD on our side only: BGP stays up, and the operator is told once", async (t) => {
  const { edge, within, pass, isUp } = rig({ cloud: { bfd: undefined } });
  t.ok(within(10_000, isUp));
  pass(600_000);
  t.ok(isUp());
  t.equal(eventsOf(edge, "bgp.peer.down").length, 0);
  t.same(
    eventsOf(edge, "bfd.session.unprotected").map(({ level }) => level),
    ["warn", "warn"],
    "one line a session",
  );
});

t.test("F5: a peer is deleted while BFD holds it: nothing rings for it afterwards", async (t) => {
  const { edge, config, vbr2, within, pass, isUp } = rig({ edge: { bfd: { isStrict: true } } });
  t.ok(within(60_000, isUp));
  vbr2.link.cut();
  t.ok(within(1_000, () => edge.view.speaker.peer("vbr2")?.isHeldOff === true));
  edge.reload({ ...config, circuits: config.circuits.slice(0, 1) });
  pass(2_000);
  const seq = edge.journal.lastSeq;
  vbr2.link.repair();
  pass(300_000);
  const later = edge.journal.since(seq).filter(({ fields }) => {
    return Object.values(fields).some((value) => value === "vbr2");
  });
  t.same(later, []);
  t.equal(edge.view.speaker.peer("vbr2"), undefined);
  t.equal(edge.view.speaker.peer("vbr1")?.state, "Established");
});

t.test("F6: carrier lost for 0.6 ms: the routes are in the kernel afterwards", async (t) => {
  const { vbr1, edge, within, pass, isWhole, gateways } = rig({ carrierVisible: true });
  t.ok(within(10_000, isWhole));
  pass(1_000);
  t.same(gateways(), BOTH);
  vbr1.link.cut();
  within(0.6, () => false);
  vbr1.link.repair();
  t.ok(within(30_000, isWhole));
  pass(1_000);
  t.same(gateways(), BOTH);
  t.ok(edge.view.fib.isSynced);
});

t.test("F7: an interface goes down and up: what the kernel flushed is put back", async (t) => {
  const { edgeHost, vbr1, edge, within, pass, isWhole, gateways } = rig({ cloud: { bfd: {} } });
  t.ok(within(10_000, isWhole));
  pass(1_000);
  for (const downMs of [5, 100, 5_000]) {
    edgeHost.setAdmin("eth1", false);
    pass(downMs);
    edgeHost.setAdmin("eth1", true);
    t.ok(within(60_000, isWhole), `down for ${downMs} ms`);
    pass(2_000);
    t.same(gateways(), BOTH, `down for ${downMs} ms`);
  }
  t.ok(edge.view.fib.isSynced);
  t.equal(vbr1.agent.view.speaker.peer("edge")?.state, "Established");
});

t.test("F8: another circuit's interface flaps: this one's routes are not touched", async (t) => {
  const { edgeHost, edge, within, pass, isWhole, gateways } = rig();
  t.ok(within(10_000, isWhole));
  pass(1_000);
  const since = edge.view.speaker.peer("vbr2")?.since;
  const seq = edge.journal.lastSeq;
  for (let flap = 0; flap < 5; flap += 1) {
    edgeHost.setAdmin("eth1", false);
    pass(300);
    t.same(gateways(), ["10.0.2.2"]);
    edgeHost.setAdmin("eth1", true);
    pass(300);
  }
  t.equal(edge.view.speaker.peer("vbr2")?.since, since);
  const drift = edge.journal.since(seq).filter(({ event }) => event === "fib.drift.healed");
  t.same(drift, [], "the audit found nothing to heal");
  t.ok(within(90_000, isWhole));
});

t.test("F12: the peer's box is switched off and on inside the Detection Time", async (t) => {
  const slow = { desiredMinTxIntervalUs: 1_000_000, requiredMinRxIntervalUs: 1_000_000 };
  const { world, vbr1, edge, within, pass, isWhole, gateways } = rig({
    ...{ edge: { bfd: slow }, cloud: { bfd: slow } },
  });
  t.ok(within(20_000, isWhole));
  pass(5_000);
  const before = edge.view.path("vbr1");
  t.equal(before?.bfd, "Up");
  vbr1.host.powerOff();
  pass(300);
  vbr1.host.powerOn();
  const offAt = world.now;
  const reborn = agentOn(vbr1.host.spawn("again").host, vbrOf(1, { bfd: slow }));
  reborn.start();
  t.ok(
    within(3_000, () => edge.view.path("vbr1")?.bfd !== "Up"),
    "it is noticed",
  );
  t.match(eventsOf(edge, "bfd.session.down")[0]?.fields, { diag: 3 }, "told, not timed out");
  t.ok(within(60_000, () => isWhole() && reborn.view.path("edge")?.bfd === "Up"));
  t.ok(world.now - offAt < 20 * US_PER_SEC, `after ${(world.now - offAt) / 1_000} ms`);
  pass(2_000);
  t.same(gateways(), BOTH);
});

// Of graceful restart: what is kept over a loss (RFC 4724 §4.2), and when nothing may be.

const GR: Capability = {
  kind: "graceful-restart",
  ...{ restarted: false, notification: true, restartTimeSec: 120 },
  families: [IPV4, IPV6].map((family) => ({ ...family, forwardingPreserved: true })),
};
const families = [IPV4, IPV6];
const capabilities = { ...soloPeer().capabilities, gracefulRestart: true };
const multi: Capability = { kind: "multiprotocol", family: IPV6 };

/** A session with GR for both families and a route of each. */
function restarting() {
  const solo = new Solo(soloConfig({ families, capabilities, remoteAddress: "2001:db8::2" }));
  const meet = (extra: readonly Capability[]) => {
    const connection = solo.accept("2001:db8::2", "2001:db8::1");
    const open = remoteOpen({ families });
    const all = [...open.capabilities, ...extra];
    solo.say(connection, encodeOpen({ ...open, capabilities: all }), encodeKeepalive());
    solo.settle();
    return connection;
  };
  const connection = meet([multi, GR]);
  const nlri = octets("2020010db8");
  const nextHop = octets("20010db8000000000000000000000002");
  const reach = concatBytes([encodeMpReach(IPV6, nextHop, nlri.length), nlri]);
  const ipv6 = encodeUpdate({ attributes: concatBytes([reach, octets(`${ORIGIN} ${AS_PATH}`)]) });
  solo.say(connection, announce(["10.20.0.0/24"]), ipv6, encodeEndOfRib(IPV4));
  solo.settle();
  const counts = () => families.map((family) => solo.speaker.view.rib.locRibCount(family));
  return { solo, meet, connection, counts };
}

t.test("F10: Hard Reset with GR negotiated, bare or wrapped: nothing is kept", async (t) => {
  for (const data of [new Uint8Array(0), Uint8Array.of(6, 10)]) {
    const { solo, connection, counts } = restarting();
    t.same(counts(), [1, 1]);
    const code = ErrorCode.Cease;
    solo.say(connection, encodeNotification({ code, subcode: CeaseSubcode.HardReset, data }));
    solo.settle();
    t.same(counts(), [0, 0]);
    t.match(solo.peer().lastReset, { reason: "notification_in", code: 6, subcode: 9 });
  }
});

t.test("F11: a restarted peer no longer offers a family: its routes are gone", async (t) => {
  const { solo, meet, connection, counts } = restarting();
  t.same(counts(), [1, 1]);
  solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "reset" });
  solo.advance(60);
  t.same(counts(), [1, 1], "kept while it restarts");
  const again = meet([]);
  solo.say(again, announce(["10.20.0.0/24"]), encodeEndOfRib(IPV4));
  solo.settle();
  t.equal(solo.peer().state, "Established");
  t.same(counts(), [1, 0]);
  t.same(solo.peer().endOfRib, [IPV4], "the End-of-RIB of the other is not waited for");
});

t.test("F18: BFD goes down while GR would keep the routes: they go at once", async (t) => {
  const lost = restarting();
  const { connection } = lost;
  lost.solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "reset" });
  lost.solo.settle();
  t.same(lost.counts(), [1, 1], "a lost connection alone keeps them");
  const { solo, counts } = restarting();
  solo.input({ kind: "path-failed", peer: "b", cause: "bfd-down", text: "BFD is Down" });
  solo.settle();
  t.same(counts(), [0, 0]);
});
