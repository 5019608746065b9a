/**
 * A lab for those who are not root: real TCP and UDP sockets on loopback addresses, one process,
 * and a virtual FIB. Forwarding is a virtual world that runs beside the real clock; probes are
 * walks through its tables, taken at the same pace as packets would be sent.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "../../../agent/agent.ts";
import { startInlineBfdEngine } from "../../../agent/bfd/inline-engine.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import { reloadConfig } from "../../../agent/reload-config.ts";
import type { Micros } from "../../../core/time.ts";
import type { Host } from "../../../platform/contract.ts";
import { createLinuxHost, type LinuxHost } from "../../../platform/linux/host.ts";
import type { VirtualLink } from "../../../platform/virtual/link.ts";
import type { World } from "../../../platform/virtual/world.ts";
import { SocketScraper } from "../../alerts/scrape-edge.ts";
import { ScrapeLog } from "../../alerts/scrape-log.ts";
import { Cloud, type CloudEntry } from "../../cloud/cloud.ts";
import { addressOf, type CustomerEnd, interconnects } from "../../cloud/network.ts";
import { virtualField } from "../../cloud/world.ts";
import type { Drill } from "../../drill/drill.ts";
import type { FaultDirection, LabFault } from "../../drill/faults/faults.ts";
import { DIRECTIONS } from "../../drill/traffic.ts";
import { isShared } from "../circuit-ports.ts";
import { CloudFaults } from "../cloud-faults.ts";
import { type Deeds, perform } from "../deeds.ts";
import { judgeReload, withAnnounced, withoutAnnounced, withoutApi } from "../edge-faults.ts";
import type { Direction, FlowCircuits, Lab, ProbeColumns, ProbeRecord, Watched } from "../lab.ts";
import { openLabApi } from "../lab-api.ts";
import { LatenessWatch } from "../lateness.ts";
import { Pending } from "../pending.ts";
import { buildWorld, type DrillWorld, EDGE, withDevices } from "../virtual/topology.ts";
import { mirrorFib } from "../watch/fib-mirror.ts";
import { FlowWatch, walkedFlows } from "../watch/flow-watch.ts";
import { watchReturn } from "../watch/return-watch.ts";
import { EDGE_TABLE, RouteHistory } from "../watch/route-history.ts";
import { type UpdateOffence, updateRules, watchUpdates } from "../watch/update-watch.ts";
import { LoopbackMap, loopbackTcp, loopbackUdp, Wires } from "./loopback-net.ts";

const QUIET = { write: () => undefined };
/** How often the virtual world is brought up to the real clock. */
const PUMP_MS = 1;

export class LoopbackLab implements Lab {
  readonly mode = "lab";
  readonly substrate: string;
  readonly routes = new RouteHistory();
  readonly #drill: Drill;
  readonly #ground: DrillWorld;
  readonly #real: LinuxHost;
  readonly #map: LoopbackMap;
  readonly #wires = new Wires();
  readonly #hosts = new Map<string, Host>();
  readonly #cloud: Cloud;
  readonly #cloudFaults: CloudFaults;
  readonly #deeds: Deeds;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #pending = new Pending((delayUs, run) => this.#afterUs(delayUs, run));
  readonly #edge: Agent;
  readonly #edgeEntries: JournalEntry[] = [];
  readonly #offences: UpdateOffence[] = [];
  readonly #startUs: Micros;
  readonly #walks: WalkProbes;
  readonly #flows: FlowWatch;
  readonly #socketPath: string | undefined;
  #lateness: LatenessWatch | undefined;
  #api: { close(): Promise<void> } | undefined;
  #pump: NodeJS.Timeout | undefined;
  #scraper: SocketScraper | undefined;

  /** `because`: why it is not a lab of namespaces. */
  constructor(drill: Drill, socketPath?: string, because = "no namespaces") {
    this.substrate = `loopback sockets, virtual FIB, no kernel routes, no packets: ${because}`;
    this.#socketPath = socketPath;
    this.#drill = { ...drill, cloud: withDevices(drill.cloud) };
    this.#ground = buildWorld(this.#drill);
    this.#real = createLinuxHost({ name: "lab", log: QUIET, seed: drill.seed });
    // Two labs of one machine differ in their process ids, so in their loopback networks.
    this.#map = new LoopbackMap(process.pid, 17_000);
    this.#startUs = this.#real.clock.now();
    const cloudConfig = this.#drill.cloud;
    const plan = { fib: "virtual", innerPort: 179 } as const;
    this.#cloudFaults = new CloudFaults({
      ...{ config: cloudConfig, cloud: () => this.#cloud },
      pending: this.#pending,
    });
    this.#deeds = this.#loopbackDeeds();
    this.#cloud = new Cloud(cloudConfig, {
      plan,
      host: (node) => this.#cloudFaults.tapped(node, this.#host(node)),
      startBfd: (node) => startInlineBfdEngine(this.#host(node)),
      reborn: (node) => {
        const { routes, links } = this.#ground.world.host(node).spawn(`again-${this.now()}`).host;
        this.#hosts.set(node, { ...this.#host(node), routes, links });
      },
      field: virtualField(this.#ground.world, this.#ground.network),
    });
    const config = withoutApi(drill.edge);
    // The agent knows its peers by the drill's addresses, as the map has them.
    const rules = updateRules(this.#drill);
    const { host, see } = watchUpdates(this.#host(EDGE), rules, (one) => this.#offences.push(one));
    this.#edge = new Agent({ host, config, startBfd: startInlineBfdEngine(host) });
    see(this.#edge.view);
    this.#edge.journal.subscribe((entry) => this.#edgeEntries.push(entry));
    mirrorFib(config, host.routes, this.#edge.journal, (table) => {
      this.routes.update(EDGE_TABLE, table, this.now());
    });
    this.#flows = new FlowWatch(this.#ground.world, this.#drill);
    this.#walks = new WalkProbes(this.#drill, this.#ground.world, () => this.now());
  }

  now(): Micros {
    return this.#real.clock.now();
  }

  async start(): Promise<void> {
    this.#pump = setInterval(() => this.#catchUp(), PUMP_MS);
    this.#lateness = new LatenessWatch();
    this.#cloud.start();
    this.#watchReturn();
    this.#edge.start();
    if (this.#socketPath !== undefined) this.#api = await openLabApi(this.#edge, this.#socketPath);
  }

  async sleepUntil(at: Micros): Promise<void> {
    const waitMs = (at - this.now()) / 1000;
    if (waitMs > 0) await sleep(waitMs);
  }

  async waitFor(claim: () => boolean, deadline: Micros): Promise<boolean> {
    while (!claim()) {
      if (this.now() >= deadline) return false;
      await sleep(1);
    }
    return true;
  }

  whyNot(fault: LabFault): string | undefined {
    if (fault.do in this.#deeds) return undefined;
    return `do "${fault.do}" over loopback sockets: that needs root, or virtual time`;
  }

  perform(fault: LabFault): Micros {
    perform(this.#deeds, fault);
    return this.now();
  }

  rollback(): void {
    this.#pending.rollback();
    for (const { name } of this.#drill.edge.circuits) this.#restore(name);
    this.#cloudFaults.rollback();
  }

  edgeJournal(): readonly JournalEntry[] {
    return this.#edgeEntries;
  }

  cloudJournal(): readonly CloudEntry[] {
    return this.#cloud.journal();
  }

  flowCircuits(): FlowCircuits {
    this.#flows.look();
    return this.#flows.circuits;
  }

  flowFates() {
    return this.#flows.look();
  }

  watched(): Watched {
    return { flows: undefined, loops: [], ribFaults: [], updates: this.#offences };
  }

  keepEvidence(): undefined {}

  startScrapes(intervalUs: number): void {
    if (this.#socketPath === undefined) return;
    this.#scraper = new SocketScraper(this.#socketPath, new ScrapeLog(this.now(), intervalUs));
  }

  get scrapes(): ScrapeLog | undefined {
    return this.#scraper?.log;
  }

  lateUs(from: Micros, until: Micros): number {
    return this.#lateness?.worstUs(from, until) ?? 0;
  }

  startProbes(): void {
    this.#walks.start();
  }

  async stopProbes(): Promise<ProbeRecord> {
    return this.#walks.finish();
  }

  async stop(): Promise<void> {
    this.#scraper?.close();
    await this.#api?.close();
    this.#lateness?.close();
    await new Promise<void>((resolve) => {
      let waiting = 2;
      const done = () => {
        waiting -= 1;
        if (waiting === 0) resolve();
      };
      this.#edge.stop("lab ends", done);
      this.#cloud.stop("lab ends", done);
      setTimeout(resolve, 3000).unref();
    });
    for (const timer of this.#timers) clearTimeout(timer);
    clearInterval(this.#pump);
    this.#real.close();
  }

  #catchUp(): void {
    this.#ground.world.run({ untilUs: this.now() - this.#startUs });
    this.#walks.sendDue();
  }

  /** Sockets are real, interfaces and routes are the world's. */
  #host(node: string): Host {
    const known = this.#hosts.get(node);
    if (known !== undefined) return known;
    const virtual = this.#ground.world.host(node);
    const { clock, wallClock, log, rng, tcp, udp } = this.#real;
    const host: Host = {
      name: node,
      clock,
      wallClock,
      log,
      rng: rng.fork(),
      tcp: loopbackTcp(tcp, this.#map, this.#wires),
      udp: loopbackUdp(udp, this.#map, this.#wires),
      routes: virtual.routes,
      links: virtual.links,
    };
    this.#hosts.set(node, host);
    return host;
  }

  #loopbackDeeds(): Deeds {
    return {
      ...this.#cloudFaults.deeds,
      cut: ({ circuit, direction, carrier }) => {
        this.#cut(circuit, direction, carrier === "seen" ? "seen" : "unseen");
      },
      restore: ({ circuit }) => this.#restore(circuit),
      "shut-port": ({ circuit }) => {
        this.#cut(circuit, "both", this.#cloudFaults.port(circuit, false) ? "unseen" : "seen");
      },
      "remove-vlan": ({ circuit }) => this.#cut(circuit, "both", "unseen"),
      "restart-vbr": (fault) => {
        this.#cloudFaults.restartVbr(fault, {
          cut: () => this.#cut(fault.circuit, "both", "unseen"),
          restore: () => this.#restore(fault.circuit),
        });
      },
      reload: (fault) => {
        const { config, problem } = fault.edge;
        this.#resetEdgeAtLast();
        const read = { config: config && withoutApi(config), text: problem };
        judgeReload(fault, reloadConfig(this.#edge, read));
      },
      "withdraw-own": ({ prefix }) => {
        this.#resetEdgeAtLast();
        this.#edge.reload(withoutAnnounced(prefix)(this.#edge.view.config));
      },
      "announce-own": ({ prefix }) => {
        this.#edge.reload(withAnnounced(prefix, this.#drill.edge)(this.#edge.view.config));
      },
    };
  }

  #cut(circuit: string, direction: FaultDirection, carrier: "seen" | "unseen"): void {
    const toCloud = direction !== "to-edge";
    const toEdge = direction !== "to-cloud";
    this.#wire(circuit, toCloud, toEdge);
    const link = this.#link(circuit);
    // The cloud's port reports lost light when it sees fit.
    const isSeen = carrier === "seen" && !isShared(link);
    const isLate = isSeen && toCloud && this.#cloudFaults.light(circuit, false);
    const seen = isSeen ? "seen" : "unseen";
    const { node } = this.#end(circuit);
    if (toCloud) link.cut({ from: EDGE, to: node, carrier: isLate ? "unseen" : seen });
    if (toEdge) link.cut({ from: node, to: EDGE, carrier: seen });
  }

  #restore(circuit: string): void {
    const { node } = this.#end(circuit);
    const link = this.#link(circuit);
    link.repair({ from: EDGE, to: node });
    link.repair({ from: node, to: EDGE });
    this.#wire(circuit, false, false);
    this.#cloudFaults.restore(circuit);
  }

  #resetEdgeAtLast(): void {
    this.#pending.mendAtLast(() => this.#edge.reload(withoutApi(this.#drill.edge)));
  }

  #afterUs(delayUs: number, run: () => void): void {
    this.#timers.add(setTimeout(run, delayUs / 1000));
  }

  #wire(circuit: string, isDeadToCloud: boolean, isDeadToEdge: boolean): void {
    for (const { local, peer } of interconnects(this.#end(circuit))) {
      const cloudEnd = addressOf(local);
      this.#wires.set(peer, cloudEnd, isDeadToCloud);
      this.#wires.set(cloudEnd, peer, isDeadToEdge);
    }
  }

  #watchReturn(): void {
    const { cloud: config, traffic } = this.#drill;
    watchReturn({
      ...{ config, traffic, cloud: this.#cloud },
      routesOf: (node) => this.#host(node).routes,
      changed: (router, table) => this.routes.update(router, table, this.now()),
    });
  }

  #end(circuit: string): CustomerEnd {
    const end = this.#ground.network.customers.find((one) => one.circuit === circuit);
    if (end === undefined) throw new RangeError(`no circuit "${circuit}" in this drill`);
    return end;
  }

  #link(circuit: string): VirtualLink {
    const link = this.#ground.circuits.get(circuit);
    if (link === undefined) throw new RangeError(`no circuit "${circuit}" in this drill`);
    return link;
  }
}

/** Probes that are walks: at each one's moment, would the tables and wires carry it? */
class WalkProbes {
  readonly #drill: Drill;
  readonly #world: World;
  readonly #now: () => Micros;
  readonly #flows: ReturnType<typeof walkedFlows>;
  readonly #sentUs: number[] = [];
  readonly #arrivedUs: Record<Direction, number[]> = { "to-cloud": [], "to-edge": [] };
  #startUs: Micros | undefined;

  constructor(drill: Drill, world: World, now: () => Micros) {
    this.#drill = drill;
    this.#world = world;
    this.#now = now;
    this.#flows = walkedFlows(drill);
  }

  start(): void {
    this.#startUs = this.#now();
  }

  sendDue(): void {
    if (this.#startUs === undefined) return;
    const now = this.#now();
    const due = Math.floor((now - this.#startUs) / this.#drill.traffic.intervalUs) + 1;
    while (this.#sentUs.length < due) this.#walkBoth(now);
  }

  finish(): ProbeRecord {
    this.#startUs = undefined;
    const { flows } = this.#drill.traffic;
    const count = this.#sentUs.length;
    const flow = Uint16Array.from({ length: count }, (_, row) => row % flows);
    const columns = (direction: Direction): ProbeColumns => ({
      count,
      flow,
      sentUs: Float64Array.from(this.#sentUs),
      arrivedUs: Float64Array.from(this.#arrivedUs[direction]),
    });
    return {
      flows,
      directions: { "to-cloud": columns("to-cloud"), "to-edge": columns("to-edge") },
    };
  }

  #walkBoth(now: Micros): void {
    const flow = this.#sentUs.length % this.#drill.traffic.flows;
    this.#sentUs.push(now);
    for (const direction of DIRECTIONS) {
      const walked = this.#flows[direction][flow];
      const walk = walked && this.#world.forward(walked);
      this.#arrivedUs[direction].push(walk?.outcome === "delivered" ? now + walk.delayUs : 0);
    }
  }
}
