import { Agent, type AgentDeps } from "../../src/agent/agent.ts";
import { startInlineBfdEngine } from "../../src/agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../src/agent/config/edge-config.ts";
import type { JournalEntry } from "../../src/agent/journal.ts";
import { ACCEPT_ALL } from "../../src/bgp/policy/chain.ts";
import { US_PER_MS, US_PER_SEC } from "../../src/core/time.ts";
import type { Host, KernelRoute } from "../../src/platform/contract.ts";
import type { VirtualHost } from "../../src/platform/virtual/host.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { edgeConfig, type NeighborOverrides, neighbor } from "./agent-fakes.ts";

export const VPC = "172.16.0.0/12";
const accepting = { importPolicy: ACCEPT_ALL, exportPolicy: ACCEPT_ALL, bfd: {} } as const;
const NEAR = { edge: 65_001, cloud: 45_104 };

export interface Setting {
  readonly carrierVisible?: boolean;
  readonly edge?: Partial<NeighborOverrides>;
  readonly cloud?: Partial<NeighborOverrides>;
  /** Of the edge's session over the first circuit alone. */
  readonly first?: Partial<NeighborOverrides>;
  readonly agent?: Partial<AgentDeps>;
  readonly seed?: number;
}

/** An edge with two circuits to two VBRs; all three run the shipped agent. */
export function edgeRig(setting: Setting = {}) {
  const world = new World({ seed: setting.seed ?? 18 });
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
  const config = edgeOf(setting);
  const edge = agentOn(edgeHost, config, setting.agent);
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

function edgeOf({ edge, first }: Setting): EdgeConfig {
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
          ...edge,
          ...(index === 1 ? first : {}),
        }),
      ],
    })),
  });
}

export function vbrOf(index: number, overrides: Partial<NeighborOverrides> = {}): EdgeConfig {
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

export const agentOn = (host: Host, config: EdgeConfig, more: Partial<AgentDeps> = {}): Agent =>
  new Agent({ host, config, startBfd: startInlineBfdEngine(host), ...more });

export function kernelRoutes(world: World, host: VirtualHost): readonly KernelRoute[] {
  let rows: readonly KernelRoute[] | undefined;
  host.routes.dump((found) => {
    rows = found;
  });
  world.runUntil(() => rows !== undefined, world.now + US_PER_SEC);
  return rows ?? [];
}

export const eventsOf = (agent: Agent, id: string): JournalEntry[] =>
  agent.journal.since(0).filter((entry) => entry.event === id);
