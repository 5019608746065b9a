import t from "tap";
import { Agent } from "../../src/agent/agent.ts";
import { startInlineBfdEngine } from "../../src/agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../src/agent/config/edge-config.ts";
import { ACCEPT_ALL } from "../../src/bgp/policy/chain.ts";
import type { VirtualHost } from "../../src/platform/virtual/host.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { edgeConfig, neighbor } from "../support/agent-fakes.ts";
import { at, MS, SEC } from "./topology.ts";

const accepting = { importPolicy: ACCEPT_ALL, exportPolicy: ACCEPT_ALL, bfd: {} } as const;

const EDGE = edgeConfig({
  localAs: 65_001,
  listen: { addresses: ["10.0.1.1", "10.0.2.1"], port: 179 },
  announce: [{ prefix: "192.168.0.0/16", rank: 1, communities: [] }],
  circuits: [1, 2].map((index) => ({
    ...{ name: `vbr${index}`, profile: "none", device: `eth${index}`, vlan: undefined },
    ...{ weight: 1, capacityBps: undefined },
    sessions: [
      neighbor({
        ...{ name: `vbr${index}`, remoteAs: 45_104, ...accepting },
        ...{ remoteAddress: `10.0.${index}.2`, localAddress: `10.0.${index}.1` },
      }),
    ],
  })),
});

const vbrConfig = (index: number): EdgeConfig =>
  edgeConfig({
    ...{ name: `vbr${index}`, localAs: 45_104, routerId: `10.0.${index}.2` },
    listen: { addresses: [`10.0.${index}.2`], port: 179 },
    announce: [{ prefix: "172.16.0.0/12", rank: 1, communities: [] }],
    neighbors: [
      neighbor({
        ...{ name: "edge", remoteAs: 65_001, device: "port", ...accepting },
        ...{ remoteAddress: `10.0.${index}.1`, localAddress: `10.0.${index}.2` },
      }),
    ],
  });

/** The shipped agent at both ends of two circuits, a network behind each end. */
function lab(seed: number) {
  const world = new World({ seed });
  const lan = (address: string) => ({ interfaces: [{ device: "lan", addresses: [address] }] });
  const edgeHost = world.addHost("edge", lan("192.168.0.1/16"));
  const vbrHosts = [1, 2].map((index) => world.addHost(`vbr${index}`, lan("172.16.0.1/12")));
  const circuits = vbrHosts.map((host, index) =>
    world.link({
      between: [
        { host: edgeHost, device: `eth${index + 1}`, addresses: [`10.0.${index + 1}.1/30`] },
        { host, device: "port", addresses: [`10.0.${index + 1}.2/30`] },
      ],
      ...{ latencyUs: 2 * MS, jitterUs: 200, carrierVisible: false },
    }),
  );
  const agentOn = (host: VirtualHost, config: EdgeConfig) =>
    new Agent({ host, config, startBfd: startInlineBfdEngine(host) });
  const edge = agentOn(edgeHost, EDGE);
  const agents = [edge, ...vbrHosts.map((host, index) => agentOn(host, vbrConfig(index + 1)))];
  for (const agent of agents) agent.start();
  const isUp = () => edge.view.speaker.peers().every((peer) => peer.state === "Established");
  return { world, circuits, edge, edgeHost, isUp };
}

const FLOWS = Array.from({ length: 16 }, (_, index) => ({
  host: "edge",
  source: "192.168.0.1",
  destination: `172.16.${index}.1`,
}));

t.test("the shipped agent: a circuit dies silently, every flow is carried again", async (t) => {
  const { world, circuits, isUp } = lab(1);
  for (const name of ["vbr1", "vbr2"]) world.host(name).addLocalPrefix("172.16.0.0/12");
  t.ok(world.runUntil(isUp, 30 * SEC));
  world.run({ forUs: 10 * SEC });
  const outcomes = () => FLOWS.map((flow) => world.forward(flow));
  const carriers = new Set(outcomes().map(({ host }) => host));
  t.same([...carriers].sort(), ["vbr1", "vbr2"], "both circuits carry");
  at(circuits, 0).cut();
  const lost = outcomes().filter(({ outcome }) => outcome === "cut");
  t.ok(lost.length > 0 && lost.length < FLOWS.length, "some flows fall into the hole");
  const cutAt = world.now;
  const isWhole = () => outcomes().every(({ outcome }) => outcome === "delivered");
  t.ok(world.runUntil(isWhole, cutAt + 10 * SEC), "and come out of it");
  const lostUs = world.now - cutAt;
  t.ok(lostUs > 50 * MS && lostUs < 3_500 * MS, `after ${lostUs / MS} ms`);
  at(circuits, 0).repair();
  t.ok(world.runUntil(isUp, world.now + 180 * SEC), "the session comes back");
});

t.test("the shipped agent repeats a run to the last octet", async (t) => {
  const run = (seed: number) => {
    const { world, circuits, edgeHost, edge } = lab(seed);
    for (const [index, circuit] of circuits.entries()) {
      world.at((60 + index * 100) * SEC, () => circuit.cut());
      world.at((70 + index * 100) * SEC, () => circuit.repair());
    }
    world.at(300 * SEC, () => edgeHost.process.stall(10 * SEC));
    world.at(360 * SEC, () => edgeHost.setAdmin("eth2", false));
    world.at(380 * SEC, () => edgeHost.setAdmin("eth2", true));
    world.run({ untilUs: 600 * SEC });
    return { hash: world.traceHash, events: edge.journal.since(0).length };
  };
  const first = run(1);
  t.same(run(1), first);
  t.ok(first.events > 30, `${first.events} events`);
  t.not(run(2).hash, first.hash);
});
