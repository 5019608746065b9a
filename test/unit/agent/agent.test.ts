import t from "tap";
import { Agent } from "../../../src/agent/agent.ts";
import { startInlineBfdEngine } from "../../../src/agent/bfd/inline-engine.ts";
import type { EdgeConfig, Secret } from "../../../src/agent/config/edge-config.ts";
import type { JournalEntry } from "../../../src/agent/journal.ts";
import { ACCEPT_ALL } from "../../../src/bgp/policy/chain.ts";
import { US_PER_MS, US_PER_SEC } from "../../../src/core/time.ts";
import type { KernelRoute } from "../../../src/platform/contract.ts";
import type { VirtualHost } from "../../../src/platform/virtual/host.ts";
import { World } from "../../../src/platform/virtual/world.ts";
import { edgeConfig, type NeighborOverrides, neighbor } from "../../support/agent-fakes.ts";

const EDGE_AS = 65_001;
const CLOUD_AS = 45_104;
const VPC = "172.16.0.0/12";
const IDC = "192.168.0.0/16";

const accepting = { importPolicy: ACCEPT_ALL, exportPolicy: ACCEPT_ALL, bfd: {} } as const;

interface Setting {
  readonly carrierVisible?: boolean;
  readonly edge?: Partial<NeighborOverrides>;
  readonly cloud?: Partial<NeighborOverrides>;
}

/** An edge with two circuits to two VBRs, every one of them the shipped agent. */
function rig(setting: Setting = {}) {
  const world = new World({ seed: 11 });
  const edgeHost = world.addHost("edge", { interfaces: [lan("192.168.0.1/16")] });
  const vbrs = [1, 2].map((index) => {
    const host = world.addHost(`vbr${index}`, { interfaces: [lan("172.16.0.1/12")] });
    const link = world.link({
      between: [
        { host: edgeHost, device: `eth${index}`, addresses: [`10.0.${index}.1/30`] },
        { host, device: "port", addresses: [`10.0.${index}.2/30`] },
      ],
      ...{ latencyUs: 2_000, carrierVisible: setting.carrierVisible ?? false },
    });
    return { host, link, agent: agentOn(host, vbrConfig(index, setting.cloud)) };
  });
  const config = edgeOf(setting.edge);
  const edge = agentOn(edgeHost, config);
  const [vbr1, vbr2] = vbrs;
  if (vbr1 === undefined || vbr2 === undefined) throw new Error("two circuits");
  const start = () => {
    for (const { agent } of vbrs) agent.start();
    edge.start();
  };
  const states = () => edge.view.speaker.peers().map((peer) => peer.state);
  const isUp = () => states().every((state) => state === "Established");
  const within = (ms: number, claim: () => boolean) =>
    world.runUntil(claim, world.now + ms * US_PER_MS);
  const gateways = (prefix = VPC) => {
    const route = kernelRoutes(world, edgeHost).find((row) => row.prefix === prefix);
    return route?.hops.map((hop) => hop.gateway).sort() ?? [];
  };
  return { world, edgeHost, edge, config, vbr1, vbr2, start, states, isUp, within, gateways };
}

const lan = (address: string) => ({ device: "lan", addresses: [address] });

function edgeOf(overrides: Partial<NeighborOverrides> = {}): EdgeConfig {
  return edgeConfig({
    localAs: EDGE_AS,
    listen: { addresses: ["10.0.1.1", "10.0.2.1"], port: 179 },
    announce: [{ prefix: IDC, rank: 1, communities: [] }],
    circuits: [1, 2].map((index) => ({
      ...{ name: `vbr${index}`, profile: "none", device: `eth${index}`, vlan: undefined },
      ...{ weight: 1, capacityBps: undefined },
      sessions: [
        neighbor({
          ...{ name: `vbr${index}`, remoteAs: CLOUD_AS, ...accepting },
          ...{ remoteAddress: `10.0.${index}.2`, localAddress: `10.0.${index}.1` },
          ...overrides,
        }),
      ],
    })),
  });
}

function vbrConfig(index: number, overrides: Partial<NeighborOverrides> = {}): EdgeConfig {
  return edgeConfig({
    ...{ name: `vbr${index}`, localAs: CLOUD_AS, routerId: `10.0.${index}.2` },
    listen: { addresses: [`10.0.${index}.2`], port: 179 },
    announce: [{ prefix: VPC, rank: 1, communities: [] }],
    neighbors: [
      neighbor({
        ...{ name: "edge", remoteAs: EDGE_AS, device: "port", ...accepting },
        ...{ remoteAddress: `10.0.${index}.1`, localAddress: `10.0.${index}.2` },
        ...overrides,
      }),
    ],
  });
}

const agentOn = (host: VirtualHost, config: EdgeConfig): Agent =>
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

t.test("agent: sessions, BFD, routes over both circuits, in two virtual seconds", async (t) => {
  const { edge, vbr1, start, isUp, within, gateways } = rig();
  start();
  t.ok(within(1_500, isUp), "Established");
  t.ok(within(3_000, () => edge.view.path("vbr1")?.bfd === "Up"));
  within(500, () => false);
  t.same(gateways(), ["10.0.1.2", "10.0.2.2"]);
  t.same(
    edge.view.circuits().map((circuit) => circuit.state),
    ["up", "up"],
  );
  t.match(edge.view.fib.route(VPC), { via: "primary", circuits: ["vbr1", "vbr2"] });
  t.ok(edge.view.fib.isSynced);
  t.ok(edge.view.health.isHealthy && edge.view.health.isReady);
  t.ok(vbr1.agent.view.speaker.rib.explain(IDC), "the cloud has the edge's prefix");
  const ids = new Set(edge.journal.since(0).map((entry) => entry.event));
  for (const id of ["agent.started", "bgp.peer.up", "bfd.session.up", "circuit.up"]) {
    t.ok(ids.has(id), id);
  }
  t.same(eventsOf(edge, "fib.circuit.joined").length, 2);
});

t.test("agent: a circuit cut in silence is left when BFD says so, whatever BGP does", async (t) => {
  const { world, edge, vbr1, start, isUp, within, gateways } = rig();
  start();
  within(5_000, () => isUp() && edge.view.path("vbr1")?.bfd === "Up");
  within(2_000, () => false);
  const cutAt = world.now;
  vbr1.link.cut();
  t.ok(within(1_000, () => eventsOf(edge, "fib.circuit.left").length === 1));
  const [left] = eventsOf(edge, "fib.circuit.left");
  const [down] = eventsOf(edge, "bfd.session.down");
  t.match(left?.fields, { circuit: "vbr1", peer: "vbr1", reason: /nothing heard for 150ms/ });
  t.ok((down?.at ?? 0) - cutAt <= 200_000, `BFD took ${(down?.at ?? 0) - cutAt} us`);
  t.ok((left?.at ?? 0) - (down?.at ?? 0) <= 10_000, "the kernel moved within milliseconds");
  within(100, () => false);
  t.same(gateways(), ["10.0.2.2"]);
  t.match(eventsOf(edge, "bgp.peer.down")[0]?.fields, { peer: "vbr1", reason: "bfd_down" });
  t.match(eventsOf(edge, "circuit.down")[0]?.fields, { circuit: "vbr1", reason: /BFD Down/ });
  t.match(edge.view.circuits()[0], { state: "down", reason: /nothing heard/ });

  vbr1.link.repair();
  t.ok(within(90_000, isUp), "comes back");
  within(2_000, () => false);
  t.same(gateways(), ["10.0.1.2", "10.0.2.2"]);
  t.equal(edge.view.circuits()[0]?.state, "up");
});

t.test("agent: BFD Up tries BGP at once, however often the line failed before", async (t) => {
  const { world, edge, vbr1, start, isUp, within } = rig();
  start();
  within(5_000, () => isUp() && edge.view.path("vbr1")?.bfd === "Up");
  const tookMs: number[] = [];
  for (const downMs of [300, 2_000, 5_000, 9_000, 30_000, 61_000, 800]) {
    within(3_000, () => false);
    vbr1.link.cut();
    within(downMs, () => false);
    vbr1.link.repair();
    within(120_000, () => edge.view.path("vbr1")?.bfd === "Up");
    const provenAt = world.now;
    t.ok(within(120_000, isUp));
    tookMs.push((world.now - provenAt) / 1_000);
  }
  t.comment(`BFD Up to Established after seven cuts: ${tookMs.join(", ")} ms`);
  t.ok(Math.max(...tookMs) < 100, tookMs.join(" "));
});

t.test("agent: lost carrier fails the session at once and its return reconnects", async (t) => {
  const { world, edge, vbr1, start, isUp, within, gateways } = rig({ carrierVisible: true });
  start();
  within(5_000, isUp);
  within(2_000, () => false);
  const cutAt = world.now;
  vbr1.link.cut();
  t.ok(within(1_000, () => eventsOf(edge, "bgp.peer.down").length === 1));
  const [down] = eventsOf(edge, "bgp.peer.down");
  t.match(down?.fields, { reason: "link_down", text: /eth1 has no carrier/ });
  t.ok((down?.at ?? 0) - cutAt < 10_000);
  t.match(edge.view.circuits()[0], { state: "down", reason: "link eth1 has no carrier" });
  t.match(edge.view.path("vbr1"), { heldBecause: "link eth1 has no carrier" });
  within(100, () => false);
  t.same(gateways(), ["10.0.2.2"]);
  const backAt = world.now;
  vbr1.link.repair();
  t.ok(within(10_000, isUp));
  t.ok(world.now - backAt < 3 * US_PER_SEC, `${(world.now - backAt) / 1_000} ms`);
  within(500, () => false);
  t.same(gateways(), ["10.0.1.2", "10.0.2.2"]);
});

t.test("agent: strict BFD sends no OPEN until BFD is Up", async (t) => {
  const bfd = { isStrict: true };
  const { edge, vbr1, start, isUp, within } = rig({ edge: { bfd }, cloud: { bfd: undefined } });
  start();
  within(10_000, () => false);
  t.same(
    edge.view.speaker.peers().map((peer) => [peer.state, peer.counters.messagesOut.open]),
    [
      ["Idle", 0],
      ["Idle", 0],
    ],
  );
  t.match(edge.view.path("vbr1")?.heldBecause, /strict BFD/);
  vbr1.agent.reload(vbrConfig(1));
  t.ok(within(60_000, () => edge.view.speaker.peer("vbr1")?.state === "Established"));
  t.notOk(isUp(), "the other still waits");
});

t.test("agent: BFD on our side only keeps BGP and warns", async (t) => {
  const { edge, start, isUp, within } = rig({ cloud: { bfd: undefined } });
  start();
  t.ok(within(5_000, isUp));
  within(30_000, () => false);
  t.ok(isUp());
  t.equal(eventsOf(edge, "bfd.session.unprotected").length, 2);
});

t.test("agent: stop says why, goes AdminDown, and leaves no route behind", async (t) => {
  const { world, edgeHost, edge, vbr1, start, isUp, within } = rig();
  start();
  within(5_000, () => isUp() && vbr1.agent.view.path("edge")?.bfd === "Up");
  within(1_000, () => false);
  let isDone = false;
  edge.stop("maintenance until 06:00", () => {
    isDone = true;
  });
  t.same(kernelRoutes(world, edgeHost), []);
  t.ok(within(10_000, () => isDone));
  const [down] = eventsOf(vbr1.agent, "bgp.peer.down");
  t.match(down?.fields, { reason: "notification_in", text: /maintenance until 06:00/ });
  t.same(eventsOf(vbr1.agent, "bgp.peer.down").length, 1);
  within(5_000, () => false);
  t.equal(edge.view.speaker.peer("vbr1")?.state, "Idle");
});

t.test("agent: MD5 and GTSM on both ends", async (t) => {
  const md5Key: Secret = { reveal: () => "k3y", toString: () => "***", toJSON: () => "***" };
  const guarded = { md5Key, ttl: 255, minTtl: 255 };
  const { edge, start, isUp, within } = rig({ edge: guarded, cloud: guarded });
  start();
  t.ok(within(5_000, isUp));
  const other = rig({ edge: guarded, cloud: { ...guarded, ttl: 64 } });
  other.start();
  t.notOk(other.within(20_000, other.isUp), "a peer that might be far away is not heard");
  t.ok(edge.view.health.isHealthy);
});

t.test("agent: reload resets what must be and nothing else", async (t) => {
  const { world, edge, config, start, isUp, states, within } = rig();
  start();
  within(5_000, isUp);
  const upAt = edge.view.speaker.peers().map((peer) => peer.since);
  const same = edge.reload({ ...config, name: "edge1" });
  t.same(same, { added: [], removed: [], reset: [], reconnect: [], restartNeeded: [] });
  within(1_000, () => false);
  t.same(
    edge.view.speaker.peers().map((peer) => peer.since),
    upAt,
  );

  const { circuits } = config;
  const [first, second] = circuits;
  if (first === undefined || second === undefined) throw new Error("two circuits");
  const one = { ...config, circuits: [first], fib: { ...config.fib, metric: 9 } };
  t.match(edge.reload(one), { added: [], removed: ["vbr2"], reset: [], restartNeeded: ["fib"] });
  within(100, () => false);
  t.same(states(), ["Established"]);
  t.equal(edge.view.speaker.peers()[0]?.since, upAt[0]);

  const ttl = first.sessions.map((session) => ({ ...session, ttl: 2 }));
  t.same(edge.reload({ ...one, circuits: [{ ...first, sessions: ttl }] }).reset, ["vbr1"]);
  within(10, () => false);
  t.not(states()[0], "Established");
  t.ok(within(30_000, isUp));

  const slow = first.sessions.map((session) => ({ ...session, ttl: 2, holdTimeSec: 77 }));
  const report = edge.reload({ ...one, circuits: [{ ...first, sessions: slow }] });
  t.match(report, { reset: ["vbr1"], reconnect: [] }, "the speaker's resets are named too");
  t.ok(within(30_000, isUp));

  const broken = { ...config, circuits: [{ ...second, device: "eth9" }] };
  t.throws(() => edge.reload(broken), /circuit vbr2: this host has no interface eth9/);
  t.ok(isUp(), "nothing changed");
  t.match(edge.view.lastReload, { isSuccess: false, text: /eth9/ });
  t.ok(world.now > 0);
});

t.test("agent: what the host cannot do is said in a sentence, and nothing is begun", async (t) => {
  const { edgeHost, config, within } = rig();
  const taken = edgeHost.tcp.listen({ localAddress: "10.0.2.1", port: 179 }, () => {
    throw new Error("nobody connects");
  });
  const agent = agentOn(edgeHost, config);
  t.throws(() => agent.start(), { code: "PLATFORM_ADDRESS_IN_USE" });
  taken.close();
  const again = agentOn(edgeHost, config);
  again.start();
  t.pass("the first listener was closed again");
  const missing = edgeOf();
  const elsewhere = { ...missing, listen: { addresses: ["10.9.9.9"], port: 179 } };
  t.throws(() => agentOn(edgeHost, elsewhere).start(), { code: "PLATFORM_ADDRESS_UNKNOWN" });
  within(10, () => false);
});

t.test("agent: VLAN sub-interfaces are made, watched, and made again", async (t) => {
  const { world, edgeHost, config, vbr1, within } = rig({ carrierVisible: true });
  const [circuit] = config.circuits;
  if (circuit === undefined) throw new Error("a circuit");
  edgeHost.removeAddress("eth1", "10.0.1.1/30");
  vbr1.host.removeAddress("port", "10.0.1.2/30");
  vbr1.host.links.ensureVlan({
    ...{ device: "port.100", parent: "port", vlanId: 100, addresses: ["10.0.1.2/30"] },
  });
  const vlan = { parent: "eth1", id: 100, addresses: ["10.0.1.1/30"], mtu: undefined };
  const edge = agentOn(edgeHost, {
    ...config,
    listen: { addresses: ["10.0.1.1"], port: 179 },
    circuits: [{ ...circuit, device: "eth1.100", vlan }],
  });
  const peer = vbrConfig(1).neighbors.map((other) => ({ ...other, device: "port.100" }));
  const cloud = agentOn(vbr1.host, { ...vbrConfig(1), neighbors: peer });
  cloud.start();
  edge.start();
  const isUp = () => edge.view.speaker.peer("vbr1")?.state === "Established";
  t.ok(within(5_000, isUp));
  vbr1.link.cut();
  t.ok(within(100, () => !isUp()));
  t.match(edge.view.circuits()[0]?.reason, /eth1\.100 is down with its parent: link eth1 has no/);
  vbr1.link.repair();
  t.ok(within(10_000, isUp));
  edgeHost.removeInterface("eth1.100");
  t.ok(within(100, () => !isUp()));
  t.ok(within(60_000, isUp), "the interface and the session are back");
  t.equal(eventsOf(edge, "circuit.link.restored").length, 1);
  t.ok(world.now > 0);
});

t.test("agent: routes somebody deleted are put back, a refusal is retried", async (t) => {
  const { world, edgeHost, edge, start, isUp, within, gateways } = rig();
  start();
  within(5_000, isUp);
  within(1_000, () => false);
  edgeHost.routes.flush();
  t.same(gateways(), []);
  t.ok(within(130_000, () => eventsOf(edge, "fib.drift.healed").length > 0));
  within(1_000, () => false);
  t.same(gateways(), ["10.0.1.2", "10.0.2.2"]);
  t.ok(world.now > 0);
});

t.test("agent: an engine that dies is started again; nobody is thrown out for it", async (t) => {
  const { world, edgeHost, config, vbr1, vbr2, within } = rig();
  vbr1.agent.start();
  vbr2.agent.start();
  let fail: ((text: string) => void) | undefined;
  const start = startInlineBfdEngine(edgeHost);
  let starts = 0;
  const edge = new Agent({
    ...{ host: edgeHost, config },
    startBfd: (handler) => {
      starts += 1;
      fail = handler.failed;
      return start(handler);
    },
  });
  edge.start();
  const isUp = () => edge.view.speaker.peers().every((peer) => peer.state === "Established");
  within(5_000, () => isUp() && edge.view.path("vbr1")?.bfd === "Up");
  fail?.("the BFD worker ended with code 1");
  t.equal(edge.view.path("vbr1")?.bfd, "Unknown");
  t.ok(isUp());
  t.notOk(edge.view.health.isHealthy);
  within(2_000, () => false);
  t.equal(starts, 2);
  t.ok(edge.view.health.isHealthy);
  t.ok(world.now > 0);
});

t.test("agent: a circuit with two families is degraded by the loss of one", async (t) => {
  const { world, edgeHost, config, vbr1, within } = rig();
  const [circuit] = config.circuits;
  const [session] = circuit?.sessions ?? [];
  if (circuit === undefined || session === undefined) throw new Error("a circuit");
  edgeHost.addAddress("eth1", "2001:db8:1::1/64");
  vbr1.host.addAddress("port", "2001:db8:1::2/64");
  const v6 = { families: ["ipv6-unicast"] as const, bfd: session.bfd };
  const [edge6, cloud6] = ["2001:db8:1::1", "2001:db8:1::2"] as const;
  const edge = agentOn(edgeHost, {
    ...config,
    listen: { addresses: ["10.0.1.1", edge6], port: 179 },
    circuits: [
      {
        ...circuit,
        sessions: [
          session,
          { ...session, ...v6, name: "vbr1-v6", remoteAddress: cloud6, localAddress: undefined },
        ],
      },
    ],
  });
  const base = vbrConfig(1);
  const [peer] = base.neighbors;
  if (peer === undefined) throw new Error("a peer");
  const peer6 = { ...peer, ...v6, name: "edge-v6", remoteAddress: edge6, localAddress: cloud6 };
  const cloud = (isShutdown: boolean): EdgeConfig => ({
    ...base,
    listen: { addresses: ["10.0.1.2", cloud6], port: 179 },
    announce: [...base.announce, { prefix: "2001:db8:aaaa::/48", rank: 1, communities: [] }],
    neighbors: [peer, { ...peer6, isShutdown }],
  });
  const vbr = agentOn(vbr1.host, cloud(false));
  vbr.start();
  edge.start();
  const stateOf = () => edge.view.circuits()[0]?.state;
  t.ok(
    within(5_000, () => stateOf() === "up"),
    edge.view.circuits()[0]?.reason ?? "up",
  );
  within(1_000, () => false);
  t.match(edge.view.fib.route("2001:db8:aaaa::/48"), { circuits: ["vbr1"], via: "primary" });
  t.same(edge.view.fib.routes, { ipv4: 1, ipv6: 1 });
  t.ok(
    within(5_000, () => edge.view.path("vbr1-v6")?.bfd === "Up"),
    "its local address was found",
  );
  vbr.reload(cloud(true));
  t.ok(within(5_000, () => stateOf() === "degraded"));
  within(1_000, () => false);
  t.same(edge.view.fib.routes, { ipv4: 1, ipv6: 0 });
  t.match(edge.view.circuits()[0], { reason: /shut down|AdminDown|Administrative/i });
  vbr.reload(cloud(false));
  t.ok(within(90_000, () => stateOf() === "up"));
  t.ok(world.now > 0);
});

t.test("agent: BFD over several hops finds its address, or says that it has none", async (t) => {
  const { edgeHost, config, within } = rig();
  const far = { name: "far", remoteAs: 65_009, ...accepting, localAddress: undefined };
  const bfd = { mode: "multihop", minTtl: 250 } as const;
  const edge = agentOn(edgeHost, {
    ...config,
    circuits: [],
    neighbors: [neighbor({ ...far, remoteAddress: "203.0.113.9", ttl: 5, bfd })],
  });
  edge.start();
  within(10, () => false);
  t.match(eventsOf(edge, "bfd.session.no-address")[0]?.fields, { peer: "far" });
  const hops = [{ gateway: "10.0.1.2", device: "eth1" }];
  edgeHost.addRoute({ prefix: "203.0.113.0/24", hops });
  within(6_000, () => false);
  let local: string | undefined;
  edge.view.bfd((sessions) => {
    local = sessions[0]?.localAddress;
  });
  within(10, () => false);
  t.equal(local, "10.0.1.1");
  t.equal(eventsOf(edge, "bfd.session.no-address").length, 1);
});
