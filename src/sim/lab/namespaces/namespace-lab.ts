/**
 * A lab of network namespaces: a host in the data centre, the edge, a VBR for each circuit and the
 * ECR with the VPC's host, joined by veth cables. Routes are the kernel's, probes are packets the
 * kernels forward, a hidden cut is a blackhole queue on the wire that neither end can see.
 *
 *   idc ── edge ══ c1 ══ vbr-1 ──┐
 *             ╚═══ c2 ══ vbr-2 ──┴─ ecr (VPC)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startInlineBfdEngine } from "../../../agent/bfd/inline-engine.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import { AppError, PlatformError } from "../../../core/app-error.ts";
import type { Micros } from "../../../core/time.ts";
import type { Host } from "../../../platform/contract.ts";
import { createLinuxHost, type LinuxHost } from "../../../platform/linux/host.ts";
import { Netns } from "../../../platform/linux/netns.ts";
import { SocketScraper } from "../../alerts/scrape-edge.ts";
import { ScrapeLog } from "../../alerts/scrape-log.ts";
import { Cloud, type CloudEntry } from "../../cloud/cloud.ts";
import {
  cloudNetwork,
  localAddresses,
  peerAddresses,
  type WireEnd,
  wireAddressesOf,
} from "../../cloud/network.ts";
import { nodeOfAddress } from "../../cloud/tables/return-path.ts";
import type { Drill } from "../../drill/drill.ts";
import type { LabFault } from "../../drill/faults/faults.ts";
import { addressesOf, hostPrefix } from "../../drill/traffic.ts";
import { EvidenceKeeper } from "../../evidence/keeper.ts";
import { MrtWriter } from "../../evidence/mrt.ts";
import { captureDevice, type TapCapture } from "../../evidence/tap-capture.ts";
import { type CircuitPort, circuitPorts } from "../circuit-ports.ts";
import { CloudFaults } from "../cloud-faults.ts";
import type { Direction, FlowCircuits, Lab, ProbeRecord, Watched } from "../lab.ts";
import { LatenessWatch } from "../lateness.ts";
import { Pending } from "../pending.ts";
import {
  EDGE,
  IDC,
  idcAddresses,
  idcLinkFor,
  isDualStack,
  withDevices,
} from "../virtual/topology.ts";
import type { CircuitsByPrefix } from "../watch/fib-mirror.ts";
import { watchReturn } from "../watch/return-watch.ts";
import { EDGE_TABLE, RouteHistory } from "../watch/route-history.ts";
import { updateRules } from "../watch/update-watch.ts";
import { NamespaceEdge } from "./namespace-edge.ts";
import { NamespaceFaults, whyNotInNamespaces } from "./namespace-faults.ts";
import { namespaceField } from "./namespace-field.ts";
import { flowCircuits } from "./namespace-flows.ts";
import { Namespaces, whyNoVlan } from "./namespaces.ts";
import { type ProbeWorker, startProbeWorker } from "./probe-worker.ts";

const ROUTER = {
  "net/ipv4/ip_forward": 1,
  "net/ipv6/conf/all/forwarding": 1,
  "net/ipv4/conf/all/rp_filter": 0,
  "net/ipv4/conf/default/rp_filter": 0,
  "net/ipv4/fib_multipath_hash_policy": 1,
  "net/ipv6/fib_multipath_hash_policy": 1,
  "net/ipv6/conf/all/keep_addr_on_down": 1,
  "net/ipv6/conf/default/keep_addr_on_down": 1,
  // An address that is still looked for twice asks for no neighbours: a second without IPv6.
  "net/ipv6/conf/default/accept_dad": 0,
  "net/ipv6/conf/default/dad_transmits": 0,
} as const;

export class NamespaceLab implements Lab {
  readonly mode = "lab";
  readonly substrate = "network namespaces, kernel routes, real packets";
  readonly routes = new RouteHistory();
  readonly #drill: Drill;
  readonly #namespaces = new Namespaces();
  readonly #hosts = new Map<string, LinuxHost>();
  /** Of processes that have ended. */
  readonly #former = new Set<LinuxHost>();
  readonly #clock: Host["clock"];
  readonly #cloud: Cloud;
  readonly #edge: NamespaceEdge;
  readonly #faults: NamespaceFaults;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** What went wrong behind the drill's back. */
  #failure: unknown;
  #probes: ProbeWorker | undefined;
  #lateness: LatenessWatch | undefined;
  #claim: (() => void) | undefined;
  readonly #socketPath: string | undefined;
  #scraper: SocketScraper | undefined;
  #captures: TapCapture[] | undefined;

  /**
   * `edgeFile`: the same file the drill's `edge` was read from; the edge's process reads it itself.
   * `socketPath`: where the edge's API is to listen, if it is.
   */
  constructor(drill: Drill, edgeFile: string, socketPath?: string) {
    this.#drill = { ...drill, cloud: withDevices(drill.cloud) };
    this.#socketPath = socketPath;
    this.#clock = createLinuxHost({ name: "lab", log: QUIET, seed: drill.seed }).clock;
    const config = this.#drill.cloud;
    const plan = { fib: "kernel", innerPort: 179 } as const;
    const pending = new Pending((delayUs, run) => this.#afterUs(delayUs, run));
    const cloudFaults = new CloudFaults({ config, cloud: () => this.#cloud, pending });
    this.#cloud = new Cloud(config, {
      plan,
      host: (node) => cloudFaults.tapped(node, this.#host(node)),
      startBfd: (node) => startInlineBfdEngine(this.#host(node)),
      reborn: (node) => {
        this.#former.add(this.#host(node));
        this.#hosts.delete(node);
      },
      clock: this.#clock,
      field: namespaceField({
        ...{ network: cloudNetwork(config), namespaces: this.#namespaces },
        host: (node) => this.#host(node),
      }),
    });
    const order = {
      configFile: edgeFile,
      netns: this.#namespaces.nameOf(EDGE),
      seed: drill.seed,
      rules: updateRules(drill),
      socketPath,
    };
    this.#edge = new NamespaceEdge(order, {
      entry: () => this.#claim?.(),
      table: (table) => this.#tableChanges(EDGE_TABLE, table),
      disobeyed: (text) => {
        this.#failure ??= new AppError("DRILL_DEED", text);
      },
    });
    this.#faults = new NamespaceFaults({
      ...{ drill: this.#drill, namespaces: this.#namespaces, cloud: this.#cloud },
      ...{ cloudFaults, edge: this.#edge, pending },
      failed: (error) => {
        this.#failure ??= error;
      },
    });
  }

  now(): Micros {
    return this.#clock.now();
  }

  async start(): Promise<void> {
    const tagged = this.#drill.edge.circuits.find(({ vlan }) => vlan !== undefined);
    const missing = tagged && whyNoVlan();
    if (missing !== undefined) {
      const text = `${tagged?.device} cannot be made: ${missing}`;
      throw new PlatformError("PLATFORM_VLAN_UNSUPPORTED", text);
    }
    this.#build();
    this.#startCaptures();
    this.#lateness = new LatenessWatch();
    this.#cloud.start();
    this.#watchReturn();
    await this.#startEdge();
  }

  async sleepUntil(at: Micros): Promise<void> {
    const waitMs = (at - this.now()) / 1000;
    if (waitMs > 0) await sleep(waitMs);
  }

  /**
   * Looks again at every journal entry and route change, so that a claim is met within its event.
   */
  async waitFor(claim: () => boolean, deadline: Micros): Promise<boolean> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (claim()) return true;
      const leftMs = (deadline - this.now()) / 1000;
      if (leftMs <= 0) return false;
      await this.#somethingHappens(Math.min(leftMs, POLL_MS));
    }
  }

  whyNot(fault: LabFault): string | undefined {
    return this.#whyNotTagged(fault) ?? whyNotInNamespaces(fault);
  }

  perform(fault: LabFault): Micros {
    this.#faults.perform(fault);
    return this.now();
  }

  rollback(): void {
    this.#faults.rollback();
  }

  edgeJournal(): readonly JournalEntry[] {
    return this.#edge.journal;
  }

  cloudJournal(): readonly CloudEntry[] {
    return this.#cloud.journal();
  }

  flowCircuits(): FlowCircuits {
    return flowCircuits(this.#drill, this.#namespaces);
  }

  /** Packets tell it, so a change shows some tens of milliseconds late; none tells its circuit. */
  flowFates(): ReturnType<Lab["flowFates"]> {
    const fates = this.#probes?.fates;
    if (fates === undefined) return { "to-cloud": [], "to-edge": [] };
    const of = (direction: Direction) =>
      Array.from(fates[direction], (fate) => {
        return { outcome: OUTCOMES[fate] ?? "not known yet", circuit: undefined };
      });
    return { "to-cloud": of("to-cloud"), "to-edge": of("to-edge") };
  }

  /** A packet that went round until its TTL ran out was counted by the kernel that dropped it. */
  watched(): Watched {
    const loops = this.#nodes.flatMap((node) => {
      const expired = this.#namespaces.ttlExpired(node);
      return expired === 0 ? [] : [`${expired} packets at ${node} had no TTL left`];
    });
    const drifted = this.#edge.journal.filter(({ event }) => event === "fib.drift.healed");
    const ribFaults = drifted.map(({ fields }) => {
      const { missing, extra, wrong } = fields;
      return `the edge's audit found ${missing} missing, ${extra} extra, ${wrong} wrong`;
    });
    return { flows: undefined, loops, ribFaults, updates: this.#edge.offences };
  }

  keepEvidence(): EvidenceKeeper {
    const captures: TapCapture[] = [];
    this.#captures = captures;
    const messages = new MrtWriter();
    const dumps: MrtWriter[] = [];
    this.#edge.observe({
      message: (record) => messages.append(record),
      rib: (number, records) => {
        for (const record of records) dumps[number]?.append(record);
      },
    });
    // The edge's process answers in its own time, milliseconds later.
    const dump = (file: MrtWriter) => {
      this.#edge.command({ kind: "dump-rib", number: dumps.push(file) - 1 });
      return this.now();
    };
    return new EvidenceKeeper({ captures, messages, dump });
  }

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
    this.#probes?.start();
  }

  async stopProbes(settleUs: number): Promise<ProbeRecord> {
    if (this.#probes === undefined) throw new RangeError("probes were never started");
    return this.#probes.finish(settleUs);
  }

  async stop(): Promise<void> {
    this.#scraper?.close();
    for (const capture of this.#captures ?? []) capture.close();
    await this.#probes?.close();
    this.#lateness?.close();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#edge.stop();
    await new Promise<void>((resolve) => {
      this.#cloud.stop("lab ends", resolve);
      setTimeout(resolve, 1000).unref();
    });
    for (const host of [...this.#hosts.values(), ...this.#former]) host.close();
    this.#namespaces.dispose();
  }

  #build(): void {
    const { edge, cloud, traffic } = this.#drill;
    const network = cloudNetwork(cloud);
    for (const node of this.#nodes) this.#namespaces.add(node, ROUTER);
    this.#namespaces.veth(
      { node: EDGE, device: "idc", addresses: idcAddresses(edge, "edge") },
      { node: IDC, device: "edge", addresses: idcAddresses(edge, "idc") },
    );
    for (const address of addressesOf(traffic, "idc")) {
      this.#namespaces.address(IDC, "lo", hostPrefix(address));
    }
    for (const all of isDualStack(edge) ? ["0.0.0.0/0", "::/0"] : ["0.0.0.0/0"]) {
      this.#namespaces.ip(IDC, ["route", "add", all, "via", idcLinkFor(all).edge]);
    }
    for (const { prefix } of edge.announce) {
      if (prefix.includes(":") && !isDualStack(edge)) continue;
      this.#namespaces.ip(EDGE, ["route", "add", prefix, "via", idcLinkFor(prefix).idc]);
    }
    for (const { name, localPrefixes } of network.nodes) {
      for (const prefix of localPrefixes) {
        this.#namespaces.ip(name, ["route", "add", "local", prefix, "dev", "lo"]);
      }
    }
    for (const address of addressesOf(traffic, "vpc")) {
      this.#namespaces.address(nodeOfAddress(cloud, address), "lo", hostPrefix(address));
    }
    for (const { a, b } of network.wires) this.#buildWire(a, b);
    for (const port of circuitPorts(this.#drill, network.customers)) this.#buildPort(port);
  }

  get #nodes(): readonly string[] {
    return [IDC, EDGE, ...cloudNetwork(this.#drill.cloud).nodes.map(({ name }) => name)];
  }

  /** The ports of tagged circuits carry frames that a kernel has taken the tag off already. */
  #startCaptures(): void {
    if (this.#captures === undefined) return;
    const netns = new Netns(this.#namespaces.nameOf(EDGE));
    for (const { name, device, vlan } of this.#drill.edge.circuits) {
      if (vlan !== undefined || device === undefined) continue;
      this.#captures.push(captureDevice(netns, { circuit: name, device }));
    }
    netns.close();
  }

  #buildWire(a: WireEnd, b: WireEnd): void {
    const end = (one: WireEnd) => {
      return { node: one.node, device: one.device, addresses: wireAddressesOf(one) };
    };
    this.#namespaces.veth(end(a), end(b));
  }

  #buildPort(port: CircuitPort): void {
    if (port.kind === "untagged") {
      const { node, device } = port.end;
      this.#namespaces.veth(
        { node: EDGE, device: port.device, addresses: peerAddresses(port.end) },
        { node, device, addresses: localAddresses(port.end) },
      );
      return;
    }
    // The provider's end of the trunk; from there each VLAN goes to its VBR.
    const trunk = { node: `line.${port.device}`, device: port.device };
    this.#namespaces.add(trunk.node, {});
    this.#namespaces.veth(
      { node: EDGE, device: port.device, addresses: [] },
      { ...trunk, addresses: [] },
    );
    for (const { end, vlanId } of port.circuits) {
      const { node, device } = end;
      this.#namespaces.vlan(trunk, vlanId, { node, device, addresses: localAddresses(end) });
    }
  }

  /** A VLAN's carrier is its trunk's, and trunks are whole here. */
  #whyNotTagged(fault: LabFault): string | undefined {
    if (!("circuit" in fault)) return undefined;
    const circuit = this.#drill.edge.circuits.find(({ name }) => name === fault.circuit);
    if (circuit?.vlan === undefined) return undefined;
    const isCarrier =
      fault.do === "shut-port" ||
      fault.do === "maintain" ||
      (fault.do === "cut" && fault.carrier === "seen");
    if (isCarrier) return `take the carrier of ${circuit.device}, which is a VLAN`;
    const missing = whyNoVlan();
    return missing && `make ${circuit.device}: ${missing}`;
  }

  #host(node: string): LinuxHost {
    const known = this.#hosts.get(node);
    if (known !== undefined) return known;
    const netns = this.#namespaces.nameOf(node);
    const routes = { kind: "kernel", table: 254, proto: 187, metric: 20 } as const;
    const host = createLinuxHost({ name: node, netns, log: QUIET, seed: this.#drill.seed, routes });
    this.#hosts.set(node, host);
    return host;
  }

  #watchReturn(): void {
    const { cloud: config, traffic } = this.#drill;
    watchReturn({
      ...{ config, traffic, cloud: this.#cloud },
      routesOf: (node) => this.#host(node).routes,
      changed: (router, table) => this.#tableChanges(router, table),
    });
  }

  #tableChanges(node: string, table: CircuitsByPrefix): void {
    this.routes.update(node, table, this.now());
    this.#claim?.();
  }

  async #startEdge(): Promise<void> {
    await this.#edge.start();
    const { traffic, cloud } = this.#drill;
    const name = (node: string) => this.#namespaces.nameOf(node);
    this.#probes = await startProbeWorker({
      traffic,
      namespaces: new Map([
        ...addressesOf(traffic, "idc").map((address) => [address, name(IDC)] as const),
        ...addressesOf(traffic, "vpc").map((address) => {
          return [address, name(nodeOfAddress(cloud, address))] as const;
        }),
      ]),
    });
  }

  #afterUs(delayUs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      try {
        run();
      } catch (error) {
        this.#failure ??= error;
        this.#claim?.();
      }
    }, delayUs / 1000);
    this.#timers.add(timer);
  }

  #somethingHappens(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#claim = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** How often a claim is looked at while nothing happens: what flows do is no event. */
const POLL_MS = 10;
/** By `Fate`. */
const OUTCOMES = ["not known yet", "delivered", "lost"] as const;
const QUIET = { write: () => undefined };
