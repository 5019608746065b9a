/** A lab on one virtual clock: the shipped agent and the cloud in a simulated network. */
import { startInlineBfdEngine } from "../../../agent/bfd/inline-engine.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import type { AgentOrders } from "../../../agent/orders.ts";
import { after, type Micros } from "../../../core/time.ts";
import type { Host } from "../../../platform/contract.ts";
import { START_WALL_MS } from "../../../platform/virtual/world.ts";
import { scrapeAgent } from "../../alerts/scrape-edge.ts";
import { ScrapeLog } from "../../alerts/scrape-log.ts";
import { Cloud, type CloudEntry } from "../../cloud/cloud.ts";
import { virtualField } from "../../cloud/world.ts";
import type { Drill } from "../../drill/drill.ts";
import type { LabFault } from "../../drill/faults/faults.ts";
import { BgpLog } from "../../evidence/bgp-log.ts";
import { EvidenceKeeper } from "../../evidence/keeper.ts";
import { captureLine } from "../../evidence/line-capture.ts";
import { MrtWriter } from "../../evidence/mrt.ts";
import { dumpRib } from "../../evidence/rib-dump.ts";
import { CloudFaults } from "../cloud-faults.ts";
import type { FlowCircuits, Lab, ProbeRecord, Watched } from "../lab.ts";
import { Pending } from "../pending.ts";
import { ProbePair } from "../probes.ts";
import type { CircuitsByPrefix } from "../watch/fib-mirror.ts";
import { FlowWatch } from "../watch/flow-watch.ts";
import { watchReturn } from "../watch/return-watch.ts";
import { RibFibWatch } from "../watch/rib-fib-watch.ts";
import { EDGE_TABLE, RouteHistory } from "../watch/route-history.ts";
import { updateRules } from "../watch/update-watch.ts";
import { OtherRouters } from "./other-routers.ts";
import { buildWorld, type DrillWorld, EDGE, hostOf, withDevices } from "./topology.ts";
import { type EdgeInjection, VirtualEdge } from "./virtual-edge.ts";
import { VirtualFaults } from "./virtual-faults.ts";

/** Longer than any goodbye: AdminDown lasts a Detection Time, of at most some seconds. */
const GOODBYE_US = 10_000_000;

export class VirtualLab implements Lab {
  readonly mode = "virtual";
  readonly substrate = "virtual time";
  readonly routes = new RouteHistory();
  readonly #drill: Drill;
  readonly #ground: DrillWorld;
  readonly #cloud: Cloud;
  readonly #edge: VirtualEdge;
  readonly #others: OtherRouters;
  readonly #faults: VirtualFaults;
  readonly #probes: ProbePair;
  readonly #flows: FlowWatch;
  readonly #ribFib: RibFibWatch;
  #scrapes: ScrapeLog | undefined;

  /** `injection`: where a test may put a bug into the edge. */
  constructor(drill: Drill, injection: EdgeInjection = {}) {
    this.#drill = { ...drill, cloud: withDevices(drill.cloud) };
    const ground = buildWorld(this.#drill);
    const { world } = ground;
    this.#ground = ground;
    const config = this.#drill.cloud;
    const plan = { fib: "kernel", innerPort: 179 } as const;
    const pending = new Pending((delayUs, run) => world.at(after(world.now, delayUs), run));
    const cloudFaults = new CloudFaults({
      config,
      cloud: () => this.#cloud,
      pending,
    });
    const reborn = new Map<string, Host>();
    const ofNode = (node: string) => reborn.get(node) ?? world.host(node);
    this.#cloud = new Cloud(config, {
      plan,
      host: (node) => cloudFaults.tapped(node, ofNode(node)),
      startBfd: (node) => startInlineBfdEngine(ofNode(node)),
      reborn: (node) => {
        reborn.set(node, world.host(node).spawn(`main-${reborn.size + 2}`).host);
      },
      field: virtualField(world, ground.network),
    });
    const routed = (table: CircuitsByPrefix) => this.routes.update(EDGE_TABLE, table, world.now);
    const rules = updateRules(drill);
    this.#edge = new VirtualEdge(ground.edge, drill.edge, routed, { injection, rules });
    this.#others = new OtherRouters(world, drill);
    this.#faults = new VirtualFaults({
      others: this.#others,
      ...{ drill: this.#drill, world: ground, cloud: this.#cloud, cloudFaults, edge: this.#edge },
      pending,
    });
    this.#probes = new ProbePair(drill.traffic, (address) => hostOf(ground, drill, address));
    this.#flows = new FlowWatch(world, this.#drill);
    this.#ribFib = new RibFibWatch(world, ground.edge, () => this.#edge.settled);
  }

  /** Of everything that happened in the network; the same seed and code repeat it. */
  get traceHash(): string {
    return this.#ground.world.traceHash;
  }

  /** Events of the world so far: the measure of work. */
  get eventCount(): number {
    return this.#ground.world.eventCount;
  }

  now(): Micros {
    return this.#ground.world.now;
  }

  async start(): Promise<void> {
    this.#cloud.start();
    this.#watchReturn();
    this.#edge.start();
    this.#others.start();
  }

  async sleepUntil(at: Micros): Promise<void> {
    if (at > this.now()) this.#ground.world.run({ untilUs: at });
  }

  async waitFor(claim: () => boolean, deadline: Micros): Promise<boolean> {
    return this.#ground.world.runUntil(claim, deadline);
  }

  whyNot(): undefined {}

  perform(fault: LabFault): Micros {
    this.#faults.perform(fault);
    this.#look();
    return this.now();
  }

  rollback(): void {
    this.#faults.rollback();
    this.#look();
  }

  /** What an operator may tell the edge. */
  get edgeOrders(): AgentOrders {
    return this.#edge.agent.orders;
  }

  #look(): void {
    this.#flows.look();
    this.#ribFib.changed();
  }

  edgeJournal(): readonly JournalEntry[] {
    return this.#edge.journal;
  }

  cloudJournal(): readonly CloudEntry[] {
    return this.#cloud.journal();
  }

  flowCircuits(): FlowCircuits {
    return this.#flows.circuits;
  }

  flowFates() {
    return this.#flows.fates;
  }

  watched(): Watched {
    const flows = this.#flows.changes;
    const loops = flows
      .filter(({ outcome }) => outcome === "loop" || outcome === "ttl")
      .map(({ flow, direction, circuit }) => `flow ${flow} ${direction} over ${circuit}`);
    const ribFaults = this.#ribFib.faults;
    return { flows, loops: [...new Set(loops)], ribFaults, updates: this.#edge.offences };
  }

  /** Leaves no trace either. */
  keepEvidence(): EvidenceKeeper {
    const { circuits, network, world } = this.#ground;
    const captures = network.customers.flatMap(({ circuit, node }) => {
      const link = circuits.get(circuit);
      const line = { circuit, edge: EDGE, far: node, startWallMs: START_WALL_MS };
      return link === undefined ? [] : [captureLine(link, line)];
    });
    const messages = new MrtWriter();
    const epochUs = START_WALL_MS * 1000;
    this.#edge.observe((speaker) => new BgpLog(speaker, messages, epochUs));
    const dump = (file: MrtWriter) => {
      const { speaker, config } = this.#edge.agent.view;
      dumpRib({ speaker, viewName: config.name }, epochUs + world.now, file);
      return world.now;
    };
    return new EvidenceKeeper({ captures, messages, dump });
  }

  /** Leaves no trace: a drill that is scraped is the same drill. */
  startScrapes(intervalUs: number): void {
    const log = new ScrapeLog(this.now(), intervalUs);
    this.#scrapes = log;
    const scrape = (slot: number) => {
      const dueUs = this.now();
      log.due(slot);
      this.#edge.ask((agent) => {
        // As Prometheus: an answer that takes longer than an interval is none.
        if (this.now() < dueUs + intervalUs) scrapeAgent(agent, log, slot);
      });
      this.#ground.world.at(dueUs + intervalUs, () => scrape(slot + 1));
    };
    scrape(0);
  }

  get scrapes(): ScrapeLog | undefined {
    return this.#scrapes;
  }

  lateUs(): undefined {}

  /** From now on the checkers look as well: before, everything is still on its way up. */
  startProbes(): void {
    this.#probes.start();
    this.#look();
    this.#ground.world.onChange(() => this.#look());
  }

  async stopProbes(settleUs: number): Promise<ProbeRecord> {
    this.#probes.stopSending();
    await this.sleepUntil(after(this.now(), settleUs));
    return this.#probes.record();
  }

  async stop(): Promise<void> {
    this.#probes.close();
    this.#others.stop();
    let isEdgeDone = false;
    let isCloudDone = false;
    this.#edge.stop("drill ends", () => {
      isEdgeDone = true;
    });
    this.#cloud.stop("drill ends", () => {
      isCloudDone = true;
    });
    const { world } = this.#ground;
    world.runUntil(() => isEdgeDone && isCloudDone, after(this.now(), GOODBYE_US));
  }

  #watchReturn(): void {
    const { cloud: config, traffic } = this.#drill;
    watchReturn({
      ...{ config, traffic, cloud: this.#cloud },
      routesOf: (node) => this.#ground.world.host(node).routes,
      changed: (router, table) => this.routes.update(router, table, this.now()),
    });
  }
}
