/**
 * A lab of network namespaces: a host in the data centre, the edge, a VBR for each circuit and the
 * ECR with the VPC's host, joined by veth cables. Routes are the kernel's, probes are packets the
 * kernels forward, a hidden cut is a blackhole queue on the wire that neither end can see.
 *
 *   idc ── edge ══ c1 ══ vbr-1 ──┐
 *             ╚═══ c2 ══ vbr-2 ──┴─ ecr (VPC)
 */
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startInlineBfdEngine } from "../../agent/bfd/inline-engine.ts";
import type { JournalEntry } from "../../agent/journal.ts";
import { PlatformError } from "../../core/app-error.ts";
import type { Micros } from "../../core/time.ts";
import type { Host } from "../../platform/contract.ts";
import { createLinuxHost, type LinuxHost } from "../../platform/linux/host.ts";
import { Cloud, type CloudEntry } from "../cloud/cloud.ts";
import type { VbrConfig } from "../cloud/cloud-config.ts";
import type { Cut, Drill } from "../drill/drill.ts";
import type { EdgeOrder, EdgeReport } from "./edge-process.ts";
import { type CircuitsByPrefix, mirrorReturn } from "./fib-mirror.ts";
import type { Lab, ProbeRecord } from "./lab.ts";
import { Namespaces } from "./namespaces.ts";
import { type ProbeWorker, startProbeWorker } from "./probe-worker.ts";
import {
  customerDevice,
  EDGE,
  edgeDevice,
  IDC,
  IDC_LINK,
  innerLink,
  maskOf,
  withDevices,
} from "./topology.ts";

const ROUTER = {
  "net/ipv4/ip_forward": 1,
  "net/ipv6/conf/all/forwarding": 1,
  "net/ipv4/conf/all/rp_filter": 0,
  "net/ipv4/conf/default/rp_filter": 0,
  "net/ipv4/fib_multipath_hash_policy": 1,
  "net/ipv6/fib_multipath_hash_policy": 1,
  "net/ipv6/conf/all/keep_addr_on_down": 1,
  "net/ipv6/conf/default/keep_addr_on_down": 1,
} as const;

export class NamespaceLab implements Lab {
  readonly mode = "lab";
  readonly substrate = "network namespaces, kernel routes, real packets";
  readonly #drill: Drill;
  readonly #edgeFile: string;
  readonly #socketPath: string | undefined;
  readonly #namespaces = new Namespaces();
  readonly #hosts = new Map<string, LinuxHost>();
  readonly #clock: Host["clock"];
  readonly #cloud: Cloud;
  readonly #edgeEntries: JournalEntry[] = [];
  #routes: CircuitsByPrefix = new Map();
  #returns: CircuitsByPrefix = new Map();
  #edge: ChildProcess | undefined;
  #probes: ProbeWorker | undefined;
  #claim: (() => void) | undefined;

  /**
   * `edgeFile`: the same file the drill's `edge` was read from; the edge's process reads it itself.
   * `socketPath`: where the edge's API is to listen, if it is.
   */
  constructor(drill: Drill, edgeFile: string, socketPath?: string) {
    this.#socketPath = socketPath;
    this.#drill = { ...drill, cloud: withDevices(drill.cloud) };
    this.#edgeFile = edgeFile;
    this.#clock = createLinuxHost({ name: "lab", log: QUIET, seed: drill.seed }).clock;
    this.#cloud = new Cloud(this.#drill.cloud, {
      plan: { fib: "kernel", innerPort: 179, inner: (vbr) => innerLink(this.#drill.cloud, vbr) },
      host: (node) => this.#host(node),
      startBfd: (node) => startInlineBfdEngine(this.#host(node)),
    });
  }

  now(): Micros {
    return this.#clock.now();
  }

  async start(): Promise<void> {
    this.#build();
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
      if (claim()) return true;
      const leftMs = (deadline - this.now()) / 1000;
      if (leftMs <= 0) return false;
      await this.#somethingHappens(Math.min(leftMs, 50));
    }
  }

  cut(circuit: string, cut: Cut): Micros {
    const vbr = this.#cloud.vbrOf(circuit);
    if (cut.carrier === "seen") return this.shutPort(circuit);
    if (cut.direction !== "to-edge") this.#blackhole(EDGE, edgeDevice(this.#drill, circuit));
    if (cut.direction !== "to-cloud") this.#blackhole(vbr.name, customerDevice(vbr));
    return this.now();
  }

  restore(circuit: string): Micros {
    const vbr = this.#cloud.vbrOf(circuit);
    for (const [node, device] of [
      [EDGE, edgeDevice(this.#drill, circuit)],
      [vbr.name, customerDevice(vbr)],
    ] as const) {
      this.#namespaces.ip(node, ["link", "set", device, "up"]);
      this.#namespaces.tc(node, ["qdisc", "replace", "dev", device, "root", "pfifo"]);
    }
    return this.now();
  }

  shutPort(circuit: string): Micros {
    const vbr = this.#cloud.vbrOf(circuit);
    this.#namespaces.ip(vbr.name, ["link", "set", customerDevice(vbr), "down"]);
    return this.now();
  }

  restartVbr(circuit: string, how: "silent" | "graceful", downUs: number): Micros {
    const vbr = this.#cloud.vbrOf(circuit);
    const at =
      how === "silent" ? this.cut(circuit, { direction: "both", carrier: "hidden" }) : this.now();
    this.#cloud.stopNode(vbr.name, "restart", () => undefined);
    setTimeout(() => {
      this.restore(circuit);
      this.#cloud.startVbr(vbr);
    }, downUs / 1000);
    return at;
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
    this.#probes?.start();
  }

  async stopProbes(settleUs: number): Promise<ProbeRecord> {
    if (this.#probes === undefined) throw new RangeError("probes were never started");
    return this.#probes.finish(settleUs);
  }

  async stop(): Promise<void> {
    await this.#probes?.close();
    await this.#stopEdge();
    await new Promise<void>((resolve) => {
      this.#cloud.stop("lab ends", resolve);
      setTimeout(resolve, 1000).unref();
    });
    for (const host of this.#hosts.values()) host.close();
    this.#namespaces.dispose();
  }

  #build(): void {
    const { edge, cloud, traffic } = this.#drill;
    const nodes = [IDC, EDGE, cloud.ecr.name, ...cloud.vbrs.map((vbr) => vbr.name)];
    for (const node of nodes) this.#namespaces.add(node, ROUTER);
    this.#namespaces.veth(
      { node: EDGE, device: "idc", addresses: [`${IDC_LINK.edge}/${IDC_LINK.maskLength}`] },
      { node: IDC, device: "edge", addresses: [`${IDC_LINK.idc}/${IDC_LINK.maskLength}`] },
    );
    this.#namespaces.address(IDC, "lo", `${traffic.idc}/32`);
    this.#namespaces.ip(IDC, ["route", "add", "default", "via", IDC_LINK.edge]);
    for (const own of edge.announce) {
      this.#namespaces.ip(EDGE, ["route", "add", own.prefix, "via", IDC_LINK.idc]);
    }
    this.#namespaces.address(cloud.ecr.name, "lo", `${traffic.vpc}/32`);
    for (const vbr of cloud.vbrs) this.#buildCircuit(vbr);
  }

  #buildCircuit(vbr: VbrConfig): void {
    const inner = innerLink(this.#drill.cloud, vbr);
    this.#namespaces.veth(
      {
        node: EDGE,
        device: edgeDevice(this.#drill, vbr.circuit),
        addresses: [`${vbr.peer}/${maskOf(vbr)}`],
      },
      { node: vbr.name, device: customerDevice(vbr), addresses: [vbr.local] },
    );
    this.#namespaces.veth(
      { node: vbr.name, device: inner.vbrDevice, addresses: [`${inner.vbrAddress}/30`] },
      {
        node: this.#drill.cloud.ecr.name,
        device: inner.ecrDevice,
        addresses: [`${inner.ecrAddress}/30`],
      },
    );
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
    const { ecr } = this.#drill.cloud;
    const agent = this.#cloud.agent(ecr.name);
    if (agent !== undefined) {
      mirrorReturn(this.#drill.cloud, this.#host(ecr.name).routes, agent.journal, (table) => {
        this.#returns = table;
      });
    }
  }

  #blackhole(node: string, device: string): void {
    this.#namespaces.tc(node, ["qdisc", "replace", "dev", device, "root", "blackhole"]);
  }

  async #startEdge(): Promise<void> {
    const entry = fileURLToPath(new URL("./edge-process.js", import.meta.url));
    const child = fork(entry, [], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#edge = child;
    const order: EdgeOrder = {
      configFile: this.#edgeFile,
      netns: this.#namespaces.nameOf(EDGE),
      seed: this.#drill.seed,
      socketPath: this.#socketPath,
    };
    child.send(order);
    await new Promise<void>((resolve, reject) => {
      child.on("message", (message) => {
        const report = message as EdgeReport;
        if (report.kind === "started") resolve();
        else if (report.kind === "failed") reject(new PlatformError("LAB_EDGE", report.text));
        else this.#heard(report);
      });
      child.once("exit", (code) =>
        reject(new PlatformError("LAB_EDGE", `the edge's process ended with code ${code}`)),
      );
    });
    this.#probes = await startProbeWorker({
      traffic: this.#drill.traffic,
      idc: this.#namespaces.nameOf(IDC),
      vpc: this.#namespaces.nameOf(this.#drill.cloud.ecr.name),
    });
  }

  #heard(report: EdgeReport): void {
    if (report.kind === "journal") this.#edgeEntries.push(report.entry);
    else if (report.kind === "routes") this.#routes = new Map(report.table);
    this.#claim?.();
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

  async #stopEdge(): Promise<void> {
    const child = this.#edge;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
    await gone;
    clearTimeout(timer);
  }
}

const QUIET = { write: () => undefined };
