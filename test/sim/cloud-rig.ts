/**
 * A cloud and an edge in a virtual world, from the text of their two files: what the tests of the
 * cloud's behaviour stand on. Time moves only when a test says so.
 */
import { Agent } from "../../src/agent/agent.ts";
import { startInlineBfdEngine } from "../../src/agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../src/agent/config/edge-config.ts";
import { loadEdgeConfig } from "../../src/agent/config/load.ts";
import type { VirtualHost } from "../../src/platform/virtual/host.ts";
import { Cloud } from "../../src/sim/cloud/cloud.ts";
import type { CloudConfig } from "../../src/sim/cloud/config/cloud-config.ts";
import type { CloudField } from "../../src/sim/cloud/deeds/deeds.ts";
import { loadCloud } from "../../src/sim/cloud/file/load.ts";
import { virtualField } from "../../src/sim/cloud/world.ts";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { buildWorld, hostOf, withDevices } from "../../src/sim/lab/virtual/topology.ts";

const SEC = 1_000_000;

export interface RigOptions {
  readonly cloud: string;
  readonly edge?: string;
  readonly idc?: string;
  readonly vpc?: string;
  /** What the lab cannot lend the cloud. */
  readonly lacks?: keyof CloudField;
}

/** A circuit in the edge's file, as the tests use it: the other end of `10.0.N.1/30`. */
export const circuit = (number: number, more = ""): string => `
  - name: circuit-${number}
    profile: alibaba-vbr
    interface: { device: c${number}, vlan: 0 }
    local: 10.0.${number}.2/30
    remote: 10.0.${number}.1
    bfd: { interval: 300ms, multiplier: 3, hops: 255 }${more}`;

export const edgeFile = (circuits: string, rest = "failover: { mode: ecmp }"): string => `
router: { name: edge-1, as: 65010, id: 10.255.0.1 }
circuits:${circuits}
announce: [{ prefix: 10.1.0.0/16, rank: 1 }]
${rest}
fib: { kind: kernel }
`;

export const vbr = (number: number, more = ""): string => `
  - name: vbr-${number}
    circuit: circuit-${number}
    local: 10.0.${number}.1/30
    peer: 10.0.${number}.2
    peerAs: 65010
    bfd: { tx: 300ms, rx: 300ms, multiplier: 3, hops: 255 }${more}`;

export const ECR = "ecr: { name: ecr-1, prefixes: [10.64.0.0/16] }";
export const GROUP = "failoverGroups: [{ name: ha, vbrs: [vbr-1, vbr-2] }]";

/** The cloud's file with an ECR that is given no prefixes, and what a test adds to it. */
export const cloudFile = (rest: string, vbrs = vbr(1) + vbr(2)): string => `
cloud: { name: lab }
vbrs:${vbrs}
ecr: { name: ecr-1 }
${rest}`;

/** A line and a VPC in each of two regions. */
export const TWO_REGIONS = cloudFile(
  `regions: [{ name: near, cdt: true }, { name: far, cdt: true }]
accessPoints: [{ name: ap-near, region: near }, { name: ap-far, region: far }]
connections: [{ name: pc-1, accessPoint: ap-near }, { name: pc-2, accessPoint: ap-far }]
vpcs:
  - { name: vpc-a, region: near, vswitches: [{ name: a, cidr: 10.64.0.0/24 }] }
  - { name: vpc-b, region: far, vswitches: [{ name: b, cidr: 10.65.0.0/24 }] }
`,
  vbr(1, "\n    connection: pc-1") + vbr(2, "\n    connection: pc-2"),
);

export function readCloud(text: string): CloudConfig {
  const { config, problems } = loadCloud("cloud.yaml", text);
  if (config === undefined) throw new RangeError(problems.map(({ message }) => message).join("\n"));
  return config;
}

export function readEdge(text: string): EdgeConfig {
  const { config, problems } = loadEdgeConfig("edge.yaml", text);
  if (config === undefined) throw new RangeError(problems.map(({ message }) => message).join("\n"));
  return { ...config, api: { listen: undefined, socketPath: undefined } };
}

export class CloudRig {
  readonly config: CloudConfig;
  readonly ground: ReturnType<typeof buildWorld>;
  readonly cloud: Cloud;
  readonly edge: Agent;
  /** Where the VPC's end of the traffic is. */
  readonly vpc: VirtualHost;
  readonly #traffic: { readonly idc: string; readonly vpc: string };
  #edgeConfig: EdgeConfig;

  constructor(options: RigOptions) {
    const { idc = "10.1.0.10", vpc = "10.64.0.10" } = options;
    this.#traffic = { idc, vpc };
    this.config = withDevices(readCloud(options.cloud));
    this.#edgeConfig = readEdge(options.edge ?? edgeFile(circuit(1) + circuit(2)));
    const drill: Drill = {
      ...{ name: "rig", description: "", seed: 7, steps: [] },
      ...{ edge: this.#edgeConfig, cloud: this.config },
      traffic: { idc, vpc, flows: 1, intervalUs: SEC },
      budgets: {
        ...{ detectionUsMax: undefined, convergenceUsMax: undefined },
        ...{ outageUsMax: undefined, lostPercentMax: undefined },
      },
    };
    this.ground = buildWorld(drill);
    this.vpc = hostOf(this.ground, drill, vpc);
    const { world } = this.ground;
    const lent = Object.entries(virtualField(world, this.ground.network));
    const field = Object.fromEntries(lent.filter(([what]) => what !== options.lacks));
    this.cloud = new Cloud(this.config, {
      plan: { fib: "kernel", innerPort: 179 },
      host: (node) => world.host(node),
      startBfd: (node) => startInlineBfdEngine(world.host(node)),
      field,
    });
    this.edge = new Agent({
      host: this.ground.edge,
      config: this.#edgeConfig,
      startBfd: startInlineBfdEngine(this.ground.edge),
    });
  }

  /** Both start, and a while passes in which everything comes up. */
  start(forSec = 15): this {
    this.cloud.start();
    this.edge.start();
    this.run(forSec);
    return this;
  }

  run(forSec: number): void {
    this.ground.world.run({ forUs: forSec * SEC });
  }

  /** Seconds until it holds, `maxSec` at most; undefined where it does not. */
  until(claim: () => boolean, maxSec: number): number | undefined {
    const { world } = this.ground;
    const from = world.now;
    const isMet = world.runUntil(claim, from + maxSec * SEC);
    return isMet ? (world.now - from) / SEC : undefined;
  }

  get edgeConfig(): EdgeConfig {
    return this.#edgeConfig;
  }

  reloadEdge(change: (config: EdgeConfig) => EdgeConfig): void {
    this.#edgeConfig = change(this.#edgeConfig);
    this.edge.reload(this.#edgeConfig);
  }

  link(name: string) {
    const found = this.ground.circuits.get(name);
    if (found === undefined) throw new RangeError(`no circuit ${name}`);
    return found;
  }

  sessionState(node: string, peer: string): string {
    return this.cloud.agent(node)?.view.speaker.peer(peer)?.state ?? "none";
  }

  edgeState(peer: string): string {
    return this.edge.view.speaker.peer(peer)?.state ?? "none";
  }

  /** Circuits that flows from the VPC to the data centre take, by the tables as they are now. */
  backVia(flows = 32): readonly string[] {
    return this.#via(this.vpc.name, this.#traffic.vpc, this.#traffic.idc, flows);
  }

  outVia(flows = 32): readonly string[] {
    return this.#via("idc", this.#traffic.idc, this.#traffic.vpc, flows);
  }

  /** Where one flow ends: `delivered`, or why not. */
  fate(from: "idc" | "vpc"): string {
    const { idc, vpc } = this.#traffic;
    const isOut = from === "idc";
    const walk = this.ground.world.forward({
      host: isOut ? "idc" : this.vpc.name,
      source: isOut ? idc : vpc,
      destination: isOut ? vpc : idc,
      ...PORTS,
    });
    return walk.outcome;
  }

  /** Prefixes the edge has from a circuit. */
  toldToEdge(peer: string): readonly string[] {
    const slot = this.edge.view.speaker.peer(peer)?.slot;
    if (slot === undefined) return [];
    const { rib } = this.edge.view.speaker;
    return rib.routes({ rib: "adj-rib-in", slot, offset: 0, limit: 10_000 }).map((r) => r.prefix);
  }

  /** Prefixes in a cloud node's table. */
  tableOf(node: string): readonly string[] {
    const rib = this.cloud.agent(node)?.view.speaker.rib;
    return rib?.routes({ rib: "loc-rib", offset: 0, limit: 10_000 }).map((r) => r.prefix) ?? [];
  }

  #via(host: string, source: string, destination: string, flows: number): readonly string[] {
    const found = new Set<string>();
    for (let flow = 0; flow < flows; flow += 1) {
      const ports = { ...PORTS, sourcePort: PORTS.sourcePort + flow };
      const walk = this.ground.world.forward({ host, source, destination, ...ports });
      if (walk.outcome !== "delivered") found.add(walk.outcome);
      const hosts = new Set(walk.path.map((step) => step.host));
      for (const { circuit: name, node } of this.ground.network.customers) {
        if (hosts.has(node)) found.add(name);
      }
    }
    return [...found].sort();
  }
}

const PORTS = { sourcePort: 20_000, destinationPort: 7007 };
