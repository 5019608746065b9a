import { Agent } from "../../agent/agent.ts";
import type { StartBfdEngine } from "../../agent/bfd/engine.ts";
import type { NeighborConfig } from "../../agent/config/edge-config.ts";
import type { JournalEntry } from "../../agent/journal.ts";
import type { RestartNote } from "../../agent/restart.ts";
import { PlatformError } from "../../core/app-error.ts";
import type { Clock, Host } from "../../platform/contract.ts";
import { vbrOfCustomer } from "./config/bgp-config.ts";
import type { CloudConfig, VbrConfig } from "./config/cloud-config.ts";
import type { CloudDeed, CloudEvent, CloudField, DeedFault } from "./deeds/deeds.ts";
import { performDeed } from "./deeds/perform.ts";
import { CloudState } from "./deeds/state.ts";
import { Changes } from "./machines/changes.ts";
import { CloudMachines } from "./machines/machines.ts";
import { Monitor } from "./machines/monitor.ts";
import { closedBy } from "./machines/port.ts";
import { TaskGate } from "./machines/task-gate.ts";
import { VpnTunnels } from "./machines/vpn-tunnels.ts";
import { cloudNetwork, gatewayFor, isHub } from "./network.ts";
import type { NodePlan } from "./routers/node-parts.ts";
import { type NodeContext, nodeConfig } from "./routers/nodes.ts";
import { PolicyBook } from "./routers/policies.ts";
import { DelayedRoutes } from "./tables/delayed-routes.ts";
import { applyEndpoint } from "./tables/endpoints.ts";
import { Peerings } from "./tables/peerings.ts";
import { QuotaKeeper } from "./tables/quota-keeper.ts";
import { customFieldRoute, StaticTables } from "./tables/static-tables.ts";
import { TableRoutes } from "./tables/table-routes.ts";
import { announcePrefix, tellersOf, withdrawPrefix } from "./tables/told.ts";
import { type CloudView, viewCloud } from "./view.ts";

/** What a cloud runs on: a host and a BFD engine for each of its nodes, by name. */
export interface CloudGround {
  readonly plan: NodePlan;
  host(node: string): Host;
  startBfd(node: string): StartBfdEngine;
  /** The node's process has ended and left its routes behind; what is started next is another. */
  reborn?(node: string): void;
  /** Of ports, health checks and jobs; that of the ECR's host where none is given. */
  readonly clock?: Clock;
  readonly field?: CloudField;
}

export type CloudEntry = JournalEntry & { readonly node: string };

/**
 * The emulated cloud in operation: one agent a node, on whatever hosts it was given, and beside
 * them the machines for what no router has. It does deeds; wires are the lab's to break.
 */
export class Cloud {
  readonly #config: CloudConfig;
  readonly #ground: CloudGround;
  readonly #context: NodeContext;
  readonly #agents = new Map<string, Agent>();
  readonly #entries: CloudEntry[] = [];
  readonly #monitor: Monitor;
  readonly #tables: StaticTables;
  readonly #machines: CloudMachines;
  readonly #tasks: TaskGate;
  readonly #clock: Clock;
  readonly #quotas: QuotaKeeper;
  readonly #ownRoutes: TableRoutes;
  readonly #changes: Changes;
  readonly #tunnels: VpnTunnels;
  readonly #peerings: Peerings;
  /** Of the hubs, whose forwarding lags where no failover group helps. */
  readonly #lagging = new Map<string, DelayedRoutes>();

  constructor(config: CloudConfig, ground: CloudGround) {
    this.#config = config;
    this.#ground = ground;
    const state = new CloudState(config);
    const network = cloudNetwork(config);
    const policies = new PolicyBook();
    this.#context = { cloud: config, network, plan: ground.plan, state, policies };
    this.#monitor = new Monitor(config);
    const field = ground.field ?? {};
    this.#tables = new StaticTables(field);
    const clock = ground.clock ?? ground.host(network.nodes[0]?.name ?? "").clock;
    this.#machines = new CloudMachines({
      config,
      clock,
      field,
      owner: {
        portChanged: (circuit, isUp) => field.setPort?.(circuit, isUp),
        sessionsTested: (peers, isTested) => {
          for (const { vbr, peer } of peers) state.peer(vbr, peer).isTested = isTested;
          for (const vbr of new Set(peers.map((one) => one.vbr))) this.reload(vbr);
        },
        vbrChanged: (vbr, isActive) => {
          if (isActive) this.startNode(vbr);
          else this.stopNode(vbr, "the VBR is terminated", () => undefined);
        },
        healthChanged: ({ kind, name }, isFailed) => {
          state[kind](name).isHealthFailed = isFailed;
          if (kind === "peering") this.#peerings.changed(name);
          else this.reload(name);
          if (kind === "vpn") this.#tunnels.changed();
        },
        tell: (event) => this.#monitor.tell(event),
      },
    });
    const parts = {
      ...{ config, clock, state, network, field, tables: this.#tables },
      agent: (name: string) => this.#agents.get(name),
      reload: (name: string) => this.reload(name),
      tell: (event: CloudEvent) => this.#monitor.tell(event),
    };
    this.#tunnels = new VpnTunnels(parts);
    this.#tasks = new TaskGate(config.knobs.taskTimeUs);
    this.#clock = clock;
    this.#quotas = new QuotaKeeper(parts);
    this.#ownRoutes = new TableRoutes(parts);
    this.#changes = new Changes(clock, state, config.knobs.changeDelayUs);
    this.#peerings = new Peerings(parts);
  }

  /** Throws PlatformError where a node cannot start; nodes started before stay up for `stop`. */
  start(): void {
    this.#refuseWhatIsMissing();
    for (const { name } of this.#context.network.nodes) {
      const status = this.#machines.vbrStatus(name);
      if (status === undefined || status === "active") this.startNode(name);
    }
    this.#setRoutes();
    this.#machines.start();
    this.#ownRoutes.start();
    this.#tunnels.start();
  }

  /** `restarted`: what `leaveNode` left, where it goes on from there. */
  startVbr(vbr: VbrConfig, restarted?: RestartNote): void {
    this.startNode(vbr.name, restarted);
  }

  startNode(name: string, restarted?: RestartNote): void {
    const host = this.#hostOf(name);
    const config = nodeConfig(this.#context, name);
    const observer = this.#ownRoutes.observerOf(name);
    const startBfd = this.#ground.startBfd(name);
    const deps = { host, config, startBfd, restarted };
    const agent = new Agent({ ...deps, ...(observer && { observer }) });
    agent.journal.subscribe((entry) => this.#heard(name, entry));
    this.#agents.set(name, agent);
    agent.start();
  }

  /** Ends one node; `text` goes to its peers where it still reaches them. */
  stopNode(name: string, text: string, done: () => void): void {
    const agent = this.#agents.get(name);
    this.#agents.delete(name);
    if (agent === undefined) done();
    else agent.stop(text, done);
  }

  /** Ends one node to be started again soon (RFC 4724): what it forwards goes on meanwhile. */
  leaveNode(name: string, text: string, done: (note: RestartNote | undefined) => void): void {
    const agent = this.#agents.get(name);
    this.#agents.delete(name);
    if (agent === undefined) {
      done(undefined);
      return;
    }
    agent.restart(text, (note) => {
      this.#ground.reborn?.(name);
      done(note);
    });
  }

  stop(text: string, done: () => void): void {
    this.#machines.stop();
    this.#quotas.stop();
    this.#peerings.stop();
    this.#ownRoutes.stop();
    this.#tunnels.stop();
    this.#changes.stop();
    const names = [...this.#agents.keys()];
    let waiting = names.length;
    if (waiting === 0) done();
    for (const name of names) {
      this.stopNode(name, text, () => {
        waiting -= 1;
        if (waiting === 0) done();
      });
    }
  }

  withdraw(...prefixes: readonly string[]): void {
    for (const prefix of prefixes) withdrawPrefix(this.#context.state, prefix);
    this.#reloadTellers(prefixes);
  }

  announce(...prefixes: readonly string[]): void {
    for (const prefix of prefixes) announcePrefix(this.#config, this.#context.state, prefix);
    this.#reloadTellers(prefixes);
  }

  #reloadTellers(prefixes: readonly string[]): void {
    const tellers = new Set(prefixes.flatMap((prefix) => tellersOf(this.#config, prefix)));
    for (const name of tellers) this.reload(name);
  }

  /** Does a deed at once; a fault says why not, and then nothing has changed. */
  do(deed: CloudDeed): DeedFault | undefined {
    return this.#tasks.pass(deed, this.#clock.now(), () => this.#perform(deed));
  }

  #perform(deed: CloudDeed): DeedFault | undefined {
    return performDeed(deed, {
      config: this.#config,
      state: this.#context.state,
      network: this.#context.network,
      tables: this.#tables,
      machines: this.#machines,
      changes: this.#changes,
      reload: (name) => this.reload(name),
      agent: (name) => this.#agents.get(name),
      peeringChanged: (name) => this.#peerings.changed(name),
      startNode: (name) => this.startNode(name),
      stopNode: (name, text) => this.stopNode(name, text, () => undefined),
    });
  }

  /**
   * Changes a VBR's sessions with its customers (that of one `peer`, else all) on top of file and
   * deeds, or (undefined) no longer: for labs that want what no vendor offers.
   */
  alter(
    vbr: string,
    change: ((session: NeighborConfig) => NeighborConfig) | undefined,
    peer?: string,
  ): void {
    for (const [name, state] of this.#context.state.vbr(vbr).peers) {
      if (peer === undefined || name === peer) state.change = change;
    }
    this.reload(vbr);
  }

  /** Gives a running node its configuration as it follows from file and state now. */
  reload(name: string): void {
    this.#agents.get(name)?.reload(nodeConfig(this.#context, name));
  }

  vbrOf(circuit: string): VbrConfig {
    const vbr = this.#config.vbrs.find((one) => one.circuit === circuit);
    if (vbr === undefined) throw new RangeError(`no VBR terminates circuit "${circuit}"`);
    return vbr;
  }

  agent(name: string): Agent | undefined {
    return this.#agents.get(name);
  }

  /** Rows of the nodes' tables that no router of theirs has learnt. */
  get staticTables(): StaticTables {
    return this.#tables;
  }

  /** Everything the nodes' journals said, in the order it happened. */
  journal(): readonly CloudEntry[] {
    return this.#entries;
  }

  /** What CloudMonitor would have told so far. */
  events(): readonly CloudEvent[] {
    return this.#monitor.events();
  }

  watchEvents(changed: (event: CloudEvent) => void): { close(): void } {
    return this.#monitor.watch(changed);
  }

  view(): CloudView {
    return viewCloud({
      config: this.#config,
      state: this.#context.state,
      machines: this.#machines,
      tables: this.#tables,
      network: this.#context.network,
      agent: (name) => this.#agents.get(name),
    });
  }

  #heard(node: string, entry: JournalEntry): void {
    this.#entries.push({ ...entry, node });
    this.#monitor.heard(node, entry);
    this.#quotas.heard(node, entry);
    this.#peerings.heard(node, entry);
    this.#tunnels.heard(node, entry);
    if (entry.event === "bgp.peer.down") this.#lag(node, entry);
  }

  /** Without a failover group the cloud takes its time to leave a VBR whose session is gone. */
  #lag(node: string, entry: JournalEntry): void {
    const { peer } = entry.fields;
    const vbr = vbrOfCustomer(this.#config, node, peer);
    if (vbr === undefined) return;
    if (this.#config.failoverGroups.some(({ vbrs }) => vbrs.includes(vbr.name))) return;
    for (const routes of this.#lagging.values()) routes.hold(this.#config.knobs.routeDelayUs);
  }

  #hostOf(name: string): Host {
    const host = this.#ground.host(name);
    const kind = this.#context.network.nodes.find((node) => node.name === name)?.kind;
    if (!isHub(kind)) return host;
    const known = this.#lagging.get(name);
    const routes = known ?? new DelayedRoutes(host.routes, host.clock);
    this.#lagging.set(name, routes);
    return {
      ...{ name: host.name, clock: host.clock, wallClock: host.wallClock, rng: host.rng },
      ...{ log: host.log, tcp: host.tcp, udp: host.udp, routes, links: host.links },
    };
  }

  /** Between the vSwitches of a VPC packets go straight, whichever table they are associated to. */
  #joinTables(): void {
    const { network } = this.#context;
    for (const { name, vpc, siblings } of this.#config.vpcs) {
      for (const { cidr, node } of siblings) {
        // All tables are joined to the system table's node.
        const table = name === vpc ? node : name;
        const wire = network.wires.find(({ a, b }) => a.node === vpc && b.node === table);
        if (wire === undefined) continue;
        const [own, other] = name === vpc ? [wire.a, wire.b] : [wire.b, wire.a];
        const way = { gateway: gatewayFor(other, cidr), device: own.device };
        this.#ground.field?.setRoute?.(name, cidr, way);
      }
    }
  }

  /** Routes that the tables of VPCs and probes' sources need beside what the agents learn. */
  #setRoutes(): void {
    const { field } = this.#ground;
    for (const { name, healthCheck } of this.#config.vbrs) {
      if (healthCheck !== undefined) field?.setRoute?.(name, `${healthCheck.source}/32`, "local");
    }
    this.#joinTables();
    for (const vpc of this.#config.vpcs) {
      for (const { prefix, nextHop } of vpc.routes) {
        if (nextHop === "peering") continue;
        const to = customFieldRoute(this.#context.network, { vpc: vpc.name, prefix, nextHop });
        this.#tables.set(vpc.name, prefix, to);
      }
    }
    for (const endpoint of this.#config.endpoints) {
      if (endpoint.connection === "Connected") continue;
      applyEndpoint(this.#config, this.#context.state, this.#tables, endpoint);
    }
    this.#peerings.start();
  }

  #refuseWhatIsMissing(): void {
    const { field } = this.#ground;
    const { transitRouters, vpcs, vbrs, vpns, peerings } = this.#config;
    const probing = [...vbrs, ...vpns, ...peerings].find(
      ({ healthCheck }) => healthCheck !== undefined,
    );
    if (probing !== undefined && field?.ping === undefined) {
      const message = `${probing.name} has a health check, and this lab has no ICMP to do it with`;
      throw new PlatformError("PLATFORM_ICMP_UNSUPPORTED", message);
    }
    const routed = [...transitRouters, ...vpcs, ...vbrs].find(({ routes }) => routes.length > 0);
    const isForwarding = this.#ground.plan.fib === "kernel";
    if (routed !== undefined && isForwarding && field?.setRoute === undefined) {
      const message = `${routed.name} has routes of its own, and this lab has no way to set them`;
      throw new PlatformError("PLATFORM_ROUTE_UNSUPPORTED", message);
    }
    const closed = this.#config.connections.find(
      (one) => closedBy(one, this.#config.knobs) !== undefined || one.downDelayUs > 0,
    );
    if (closed !== undefined && field?.setPort === undefined) {
      const what = closed.downDelayUs > 0 ? "has a downDelay" : "is not in operation";
      const message = `${closed.name} ${what}, and this lab cannot take a port of the cloud down`;
      throw new PlatformError("PLATFORM_LINK_UNSUPPORTED", message);
    }
  }
}
