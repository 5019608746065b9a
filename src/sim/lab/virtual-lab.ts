/** A lab on one virtual clock: the shipped agent and the cloud in a simulated network. */
import { Agent } from "../../agent/agent.ts";
import { startInlineBfdEngine } from "../../agent/bfd/inline-engine.ts";
import type { JournalEntry } from "../../agent/journal.ts";
import { after, type Micros } from "../../core/time.ts";
import type { VirtualLink } from "../../platform/virtual/link.ts";
import { Cloud, type CloudEntry } from "../cloud/cloud.ts";
import type { Cut, Drill } from "../drill/drill.ts";
import { type CircuitsByPrefix, mirrorFib, mirrorReturn } from "./fib-mirror.ts";
import type { Lab, ProbeRecord } from "./lab.ts";
import { ProbePair } from "./probes.ts";
import { buildWorld, type DrillWorld, EDGE, innerLink, withDevices } from "./topology.ts";

/** Longer than any goodbye: AdminDown lasts a Detection Time, of at most some seconds. */
const GOODBYE_US = 10_000_000;

export class VirtualLab implements Lab {
  readonly mode = "virtual";
  readonly substrate = "virtual time";
  readonly #drill: Drill;
  readonly #ground: DrillWorld;
  readonly #cloud: Cloud;
  readonly #edge: Agent;
  readonly #edgeEntries: JournalEntry[] = [];
  readonly #probes: ProbePair;
  #routes: CircuitsByPrefix = new Map();
  #returns: CircuitsByPrefix = new Map();

  constructor(drill: Drill) {
    this.#drill = { ...drill, cloud: withDevices(drill.cloud) };
    const ground = buildWorld(this.#drill);
    const { world, edge } = ground;
    this.#ground = ground;
    this.#cloud = new Cloud(this.#drill.cloud, {
      plan: {
        fib: "kernel",
        innerPort: 179,
        inner: (vbr) => innerLink(this.#drill.cloud, vbr),
      },
      host: (node) => world.host(node),
      startBfd: (node) => startInlineBfdEngine(world.host(node)),
    });
    const config = { ...drill.edge, api: { listen: undefined, socketPath: undefined } };
    this.#edge = new Agent({ host: edge, config, startBfd: startInlineBfdEngine(edge) });
    this.#edge.journal.subscribe((entry) => this.#edgeEntries.push(entry));
    mirrorFib(config, edge.routes, this.#edge.journal, (table) => {
      this.#routes = table;
    });
    this.#probes = new ProbePair(drill.traffic, ground.idc, ground.ecr);
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
  }

  async sleepUntil(at: Micros): Promise<void> {
    if (at > this.now()) this.#ground.world.run({ untilUs: at });
  }

  async waitFor(claim: () => boolean, deadline: Micros): Promise<boolean> {
    return this.#ground.world.runUntil(claim, deadline);
  }

  cut(circuit: string, cut: Cut): Micros {
    const carrier = cut.carrier === "seen" ? "seen" : "unseen";
    const where =
      cut.direction === "both" ? {} : cut.direction === "to-cloud" ? { from: EDGE } : { to: EDGE };
    this.#link(circuit).cut({ ...where, carrier });
    return this.now();
  }

  restore(circuit: string): Micros {
    this.#link(circuit).repair();
    return this.now();
  }

  shutPort(circuit: string): Micros {
    return this.cut(circuit, { direction: "both", carrier: "seen" });
  }

  restartVbr(circuit: string, how: "silent" | "graceful", downUs: number): Micros {
    const vbr = this.#cloud.vbrOf(circuit);
    if (how === "silent") this.cut(circuit, { direction: "both", carrier: "hidden" });
    this.#cloud.stopNode(vbr.name, "restart", () => undefined);
    this.#ground.world.at(after(this.now(), downUs), () => {
      this.restore(circuit);
      this.#cloud.startVbr(vbr);
    });
    return this.now();
  }

  withdraw(prefix: string): Micros {
    this.#cloud.withdraw(prefix);
    return this.now();
  }

  announce(prefix: string): Micros {
    this.#cloud.announce(prefix);
    return this.now();
  }

  edgeJournal(): readonly JournalEntry[] {
    return this.#edgeEntries;
  }

  cloudJournal(): readonly CloudEntry[] {
    return this.#cloud.journal();
  }

  routeVia(prefix: string): readonly string[] {
    return this.#routes.get(prefix) ?? [];
  }

  returnVia(prefix: string): readonly string[] {
    return this.#returns.get(prefix) ?? [];
  }

  startProbes(): void {
    this.#probes.start();
  }

  async stopProbes(settleUs: number): Promise<ProbeRecord> {
    this.#probes.stopSending();
    await this.sleepUntil(after(this.now(), settleUs));
    return this.#probes.record();
  }

  async stop(): Promise<void> {
    this.#probes.close();
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
    const { ecr } = this.#drill.cloud;
    const agent = this.#cloud.agent(ecr.name);
    if (agent !== undefined) {
      mirrorReturn(this.#drill.cloud, this.#ground.ecr.routes, agent.journal, (table) => {
        this.#returns = table;
      });
    }
  }

  #link(circuit: string): VirtualLink {
    const link = this.#ground.circuits.get(circuit);
    if (link === undefined) throw new RangeError(`no circuit "${circuit}" in this drill`);
    return link;
  }
}
