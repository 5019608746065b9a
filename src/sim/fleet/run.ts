/**
 * A fleet in one virtual world: every edge and every router of every region is a shipped agent. One
 * region is lost, its wires cut without a sign, and comes back; each edge's journal and round trips
 * say what that was to it. Edges without a circuit into that region must not notice.
 */
import { Agent } from "../../agent/agent.ts";
import { startInlineBfdEngine } from "../../agent/bfd/inline-engine.ts";
import { after, type Micros } from "../../core/time.ts";
import type { VirtualHost } from "../../platform/virtual/host.ts";
import type { VirtualLink } from "../../platform/virtual/link.ts";
import { World } from "../../platform/virtual/world.ts";
import { Cloud } from "../cloud/cloud.ts";
import type { CloudConfig } from "../cloud/config/cloud-config.ts";
import { addCloud, virtualField } from "../cloud/world.ts";
import { withDevices } from "../lab/virtual/topology.ts";
import type { Fleet } from "./fleet.ts";
import { cloudConfig, type EdgePlan, ecrName, edgeConfig, planEdges, SERVICE } from "./plan.ts";
import { answerTrips, RoundTrips, type TripFigures } from "./round-trips.ts";

const SETUP_US_MAX = 120_000_000;
const BACK_US_MAX = 180_000_000;
const SETTLE_US = 500_000;
const BASELINE_US = 300_000;
/** A goodbye lasts a Detection Time, of at most some seconds. */
const GOODBYE_US = 10_000_000;
const LATENCY = { latencyUs: 2_000, jitterUs: 200 } as const;

/** What the loss of the region was to one edge. */
export interface EdgeFigures extends TripFigures {
  readonly edge: string;
  /** It has a circuit into that region. */
  readonly isTouched: boolean;
  /** From the cut to the first session down; null where none went down. */
  readonly detectionMs: number | null;
  /** From there until the kernel's groups had left the circuit. */
  readonly convergenceMs: number | null;
  /** From the repair until every session was up again. */
  readonly backMs: number | null;
  /** Sessions that went down between the cut and the repair. */
  readonly downs: number;
}

export interface FleetFigures {
  readonly edges: readonly EdgeFigures[];
  readonly isReady: boolean;
  readonly setupMs: number;
  readonly agents: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly traceHash: string;
}

export function playFleet(fleet: Fleet, progress: (text: string) => void): FleetFigures {
  const run = new FleetRun(fleet);
  const isReady = run.isReady();
  const setupMs = run.nowMs;
  progress(`${run.agents} agents, every session ${isReady ? "up" : "not up"} `);
  progress(`after ${(setupMs / 1000).toFixed(1)} s of virtual time\n`);
  if (isReady) run.lose(progress);
  const figures = run.figures();
  run.stop();
  return { ...figures, isReady, setupMs };
}

/** One edge, its agent, and what its journal said, noted as it is said. */
interface EdgeState {
  readonly plan: EdgePlan;
  readonly agent: Agent;
  readonly trips: RoundTrips;
  readonly up: Set<string>;
  detectedUs: number | undefined;
  leftUs: number | undefined;
  backUs: number | undefined;
  downs: number;
}

class FleetRun {
  readonly #fleet: Fleet;
  readonly #world: World;
  readonly #clouds: Cloud[] = [];
  readonly #edges: EdgeState[];
  readonly #lines = new Map<number, VirtualLink[]>();
  readonly #services: { close(): void }[] = [];
  #sessionsUp = 0;
  #nodeCount = 0;
  #cutUs: Micros | undefined;
  #repairUs: Micros | undefined;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#world = new World({ seed: fleet.seed });
    const plans = planEdges(fleet);
    for (let region = 0; region < fleet.regions; region += 1) this.#addRegion(plans, region);
    this.#edges = plans.map((plan, index) => this.#addEdge(plan, index));
    for (const cloud of this.#clouds) cloud.start();
    for (const { agent } of this.#edges) agent.start();
  }

  get nowMs(): number {
    return this.#world.now / 1000;
  }

  get agents(): number {
    return this.#edges.length + this.#nodeCount;
  }

  isReady(): boolean {
    const wanted = this.#fleet.edges * this.#fleet.circuits;
    const isUp = () => this.#sessionsUp === wanted;
    if (!this.#world.runUntil(isUp, SETUP_US_MAX)) return false;
    // The cloud's routers still tell each other what they learned.
    this.#world.run({ forUs: SETTLE_US });
    return true;
  }

  lose(progress: (text: string) => void): void {
    const { traffic, lose } = this.#fleet;
    for (const [index, { trips }] of this.#edges.entries()) {
      trips.start(Math.floor((index * traffic.intervalUs) / this.#edges.length));
    }
    this.#world.run({ forUs: BASELINE_US + lose.atUs });
    this.#cutUs = this.#world.now;
    for (const line of this.#lines.get(lose.region) ?? []) line.cut({ carrier: "unseen" });
    progress(`region ${lose.region + 1} is lost\n`);
    this.#world.run({ forUs: lose.forUs });
    for (const { trips } of this.#edges) trips.stop();
    this.#repairUs = this.#world.now;
    for (const line of this.#lines.get(lose.region) ?? []) line.repair();
    const wanted = this.#fleet.edges * this.#fleet.circuits;
    const isUp = () => this.#sessionsUp === wanted;
    const isBack = this.#world.runUntil(isUp, after(this.#world.now, BACK_US_MAX));
    progress(`region ${lose.region + 1} is back, ${isBack ? "every session up" : "not whole"}\n`);
    this.#world.run({ forUs: SETTLE_US });
  }

  figures(): Omit<FleetFigures, "isReady" | "setupMs"> {
    return {
      edges: this.#edges.map((edge) => this.#figuresOf(edge)),
      agents: this.agents,
      events: this.#world.eventCount,
      virtualMs: this.nowMs,
      traceHash: this.#world.traceHash,
    };
  }

  stop(): void {
    let waiting = this.#edges.length + this.#clouds.length;
    const done = () => {
      waiting -= 1;
    };
    for (const { trips } of this.#edges) trips.close();
    for (const service of this.#services) service.close();
    for (const { agent } of this.#edges) agent.stop("the fleet's run ends", done);
    for (const cloud of this.#clouds) cloud.stop("the fleet's run ends", done);
    this.#world.runUntil(() => waiting === 0, after(this.#world.now, GOODBYE_US));
  }

  #figuresOf(edge: EdgeState): EdgeFigures {
    const { detectedUs, leftUs, backUs, downs, plan, trips } = edge;
    const isTouched = plan.circuits.some(({ region }) => region === this.#fleet.lose.region);
    const since = (from: number | undefined, to: number | undefined) =>
      from === undefined || to === undefined ? null : (to - from) / 1000;
    return {
      edge: plan.name,
      isTouched,
      detectionMs: since(this.#cutUs, detectedUs),
      convergenceMs: since(detectedUs, leftUs),
      backMs: isTouched ? since(this.#repairUs, backUs) : null,
      downs,
      ...trips.figures(),
    };
  }

  #addRegion(plans: readonly EdgePlan[], region: number): void {
    const bare = cloudConfig(this.#fleet, plans, region);
    if (bare === undefined) return;
    const config: CloudConfig = withDevices(bare);
    const world = this.#world;
    const network = addCloud(world, config);
    const cloud = new Cloud(config, {
      plan: { fib: "kernel", innerPort: 179 },
      host: (node) => world.host(node),
      startBfd: (node) => startInlineBfdEngine(world.host(node)),
      field: virtualField(world, network),
    });
    this.#clouds.push(cloud);
    this.#nodeCount += network.nodes.length;
    const ecr = world.host(ecrName(region));
    ecr.addLocalPrefix(`${SERVICE.address}/32`);
    this.#services.push(answerTrips(ecr, SERVICE.address));
    // Everything inside the region goes with it; the circuits are added as edges are.
    this.#lines.set(region, [...world.links].slice(-network.wires.length));
  }

  #addEdge(plan: EdgePlan, index: number): EdgeState {
    const world = this.#world;
    const host = world.addHost(plan.name, { hashPolicy: "l4" });
    host.addLocalPrefix(`${plan.address}/32`);
    for (const [at, circuit] of plan.circuits.entries()) {
      const link = world.link({
        name: `${plan.name} ${circuit.name}`,
        between: [
          { host, device: `c${at + 1}`, addresses: [`${circuit.edgeAddress}/30`] },
          {
            host: world.host(circuit.vbr),
            device: "edge",
            addresses: [`${circuit.vbrAddress}/30`],
          },
        ],
        ...LATENCY,
      });
      this.#lines.get(circuit.region)?.push(link);
    }
    return this.#edgeState(plan, index, host);
  }

  #edgeState(plan: EdgePlan, index: number, host: VirtualHost): EdgeState {
    const { flows, intervalUs } = this.#fleet.traffic;
    const config = edgeConfig(this.#fleet, plan, index);
    const agent = new Agent({ host, config, startBfd: startInlineBfdEngine(host) });
    const to = SERVICE.address;
    const trips = new RoundTrips({ host, from: plan.address, to, flows, intervalUs });
    const state: EdgeState = {
      ...{ plan, agent, trips, up: new Set(), downs: 0 },
      ...{ detectedUs: undefined, leftUs: undefined, backUs: undefined },
    };
    agent.journal.subscribe(({ event, at, fields }) => {
      if (event === "bgp.peer.up") this.#cameUp(state, String(fields.peer), at);
      else if (event === "bgp.peer.down") this.#wentDown(state, String(fields.peer));
      else if (event === "bfd.session.down") this.#noticed(state, at);
      else if (event === "fib.circuit.left" && this.#cutUs !== undefined) state.leftUs ??= at;
    });
    return state;
  }

  #cameUp(state: EdgeState, peer: string, at: number): void {
    state.up.add(peer);
    this.#sessionsUp += 1;
    if (this.#repairUs !== undefined) state.backUs = at;
  }

  #wentDown(state: EdgeState, peer: string): void {
    if (!state.up.delete(peer)) return;
    this.#sessionsUp -= 1;
    if (this.#cutUs !== undefined && this.#repairUs === undefined) state.downs += 1;
  }

  #noticed(state: EdgeState, at: number): void {
    if (this.#cutUs !== undefined && this.#repairUs === undefined) state.detectedUs ??= at;
  }
}
