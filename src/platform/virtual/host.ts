import { PlatformError } from "../../core/app-error.ts";
import type { Log } from "../../core/log.ts";
import { parsePrefix } from "../../core/prefix.ts";
import type { Rng } from "../../core/rng.ts";
import type { Clock, Host, Links, Routes, Tcp, Udp, WallClock } from "../contract.ts";
import { Fib, type HashPolicy, type Hop, PROTO_STATIC } from "./fib.ts";
import { IcmpStack, type PingOptions, type PingResult } from "./icmp.ts";
import { Interface, parseInterfaceAddress } from "./interface.ts";
import { type Ip, ip, ipOf } from "./ip.ts";
import { type Forwarding, IpStack } from "./ip-stack.ts";
import type { LinkPort } from "./link.ts";
import { LinkTable } from "./links.ts";
import type { DropReason, Packet } from "./packet.ts";
import { Process } from "./process.ts";
import { ProcessRoutes } from "./process-routes.ts";
import { KernelRoutes, type RouteCosts, type RouteFaultRule } from "./routes.ts";
import { EPHEMERAL_COUNT, EPHEMERAL_START, type SocketContext } from "./sockets.ts";
import { type TcpBuffers, TcpStack } from "./tcp.ts";
import type { Timeline } from "./timeline.ts";
import type { Place } from "./trace.ts";
import { UdpStack } from "./udp.ts";

export interface HostOptions {
  /** Interfaces for own networks; those of links are added by the links. */
  readonly interfaces?: readonly {
    readonly device: string;
    readonly addresses?: readonly string[];
    readonly mtu?: number;
  }[];
  /** `on` by default: most virtual hosts are routers. */
  readonly forwarding?: Forwarding;
  readonly hashPolicy?: HashPolicy;
  /** False: no port below 1024, no routes, no interfaces; as a process without capabilities. */
  readonly isPrivileged?: boolean;
  readonly hasVlanSupport?: boolean;
  /** An interface taken down keeps its IPv6 addresses; Linux forgets them by default. */
  readonly keepsIpv6OnDown?: boolean;
  readonly routeCosts?: RouteCosts;
  /** How long news of a link takes to reach a process. */
  readonly linkNewsDelayUs?: number;
  readonly tcpBuffers?: TcpBuffers;
}

export interface StaticRoute {
  /** `10.0.0.0/8` */
  readonly prefix: string;
  /** None for `blackhole` (silent) and `prohibit` (answered by ICMP). */
  readonly hops: readonly { readonly gateway: string; readonly device: string }[];
  readonly kind?: "unicast" | "blackhole" | "prohibit";
  readonly metric?: number;
}

/** What a world gives to each of its hosts. */
export interface HostSetting {
  readonly place: Place;
  readonly timeline: Timeline;
  readonly rng: Rng;
  readonly log: Log;
  readonly wallClock: WallClock;
  readonly nextPacketId: () => number;
}

/**
 * One machine of a world: a kernel (interfaces, forwarding table, TCP, UDP, ICMP) and the processes
 * on it. It is itself a `Host`, that of its first process; `spawn` starts another one, as after a
 * restart. The methods beyond `Host` are what an administrator, a technician or fate can do to it.
 */
export class VirtualHost implements Host {
  readonly place: Place;
  readonly process: Process;
  readonly wallClock: WallClock;
  readonly rng: Rng;
  readonly log: Log;
  readonly #setting: HostSetting;
  readonly #stack: IpStack;
  readonly #links: LinkTable;
  readonly #routes: KernelRoutes;
  readonly #udp: UdpStack;
  readonly #tcp: TcpStack;
  readonly #icmp: IcmpStack;
  readonly #processes: Process[] = [];
  /** Processes that have had routes. */
  #epochs = 0;
  readonly #facade: Host;
  #wallStepMs = 0;

  constructor(setting: HostSetting, options: HostOptions) {
    const { place, timeline, rng, nextPacketId } = setting;
    const isPrivileged = options.isPrivileged ?? true;
    this.place = place;
    this.#setting = setting;
    this.rng = rng;
    this.log = setting.log;
    this.wallClock = { nowMs: () => setting.wallClock.nowMs() + this.#wallStepMs };
    const loopback = new Interface({ device: "lo", index: 1, kind: "loopback", mtu: 65_536 });
    for (const own of ["127.0.0.1/8", "::1"]) loopback.addAddress(parseInterfaceAddress(own));
    const fib = new Fib(rng.int(-0x8000_0000, 0x7fff_ffff));
    fib.hashPolicy = options.hashPolicy ?? "l3";
    this.#stack = new IpStack({ place, timeline, fib, loopback, nextPacketId });
    this.#stack.forwarding = options.forwarding ?? "on";
    this.#links = new LinkTable({
      stack: this.#stack,
      timeline,
      loopback,
      newsDelayUs: options.linkNewsDelayUs ?? 0,
      isPrivileged,
      hasVlanSupport: options.hasVlanSupport ?? true,
      keepsIpv6OnDown: options.keepsIpv6OnDown ?? false,
    });
    const { interfaces } = this.#links;
    this.#routes = new KernelRoutes({
      stack: this.#stack,
      interfaces,
      costs: options.routeCosts ?? ROUTE_COSTS,
      isPrivileged,
      proto: PROTO_OURS,
    });
    const context: SocketContext = {
      stack: this.#stack,
      interfaces,
      isPrivileged,
      firstEphemeralPort: EPHEMERAL_START + rng.int(0, EPHEMERAL_COUNT - 1),
    };
    this.#udp = new UdpStack(context);
    this.#tcp = new TcpStack(context, timeline, rng.fork(), options.tcpBuffers ?? TCP_BUFFERS);
    this.#icmp = new IcmpStack(this.#stack, timeline, (packet) => this.#tcp.icmp(packet));
    this.process = this.#newProcess("main");
    this.#facade = this.#hostOf(this.process, rng);
    for (const { device, addresses, mtu } of options.interfaces ?? []) {
      this.addInterface(device, {
        addresses: addresses ?? [],
        ...(mtu === undefined ? {} : { mtu }),
      });
    }
  }

  // Host: the machine as its first process sees it ----------------------------------------------

  get name(): string {
    return this.place.name;
  }

  get clock(): Clock {
    return this.#facade.clock;
  }

  get tcp(): Tcp {
    return this.#facade.tcp;
  }

  get udp(): Udp {
    return this.#facade.udp;
  }

  get routes(): Routes {
    return this.#facade.routes;
  }

  get links(): Links {
    return this.#facade.links;
  }

  // Processes -----------------------------------------------------------------------------------

  /** Starts another process; it shares the kernel with those before it. */
  spawn(name: string): { readonly process: Process; readonly host: Host } {
    const process = this.#newProcess(name);
    return { process, host: this.#hostOf(process, this.rng.fork()) };
  }

  /**
   * Power off: nothing more is said, neighbours lose their carrier where they can see it. VLANs,
   * sockets and every route but connected ones are gone when it comes back, as are its processes.
   */
  powerOff(): void {
    this.#stack.isUp = false;
    this.#tcp.vanish();
    for (const process of this.#processes.splice(0)) process.kill();
    this.#routes.flush();
    const { keepsIpv6OnDown } = this.#links;
    this.#links.keepsIpv6OnDown = true; // they are configured again when it boots
    for (const via of [...this.#links.interfaces.values()]) {
      if (via.kind === "vlan") this.#links.remove(via.device);
      else if (via.kind === "ethernet") this.#links.setAdmin(via.device, false);
    }
    this.#links.keepsIpv6OnDown = keepsIpv6OnDown;
  }

  /** Power on: interfaces come up; `spawn` what is to run. */
  powerOn(): void {
    this.#stack.isUp = true;
    for (const via of [...this.#links.interfaces.values()]) {
      if (via.kind === "ethernet") this.#links.setAdmin(via.device, true);
    }
  }

  // Interfaces ----------------------------------------------------------------------------------

  /** An interface for an own network, with carrier though no link is on it. */
  addInterface(
    device: string,
    options: { readonly addresses?: readonly string[]; readonly mtu?: number } = {},
  ): void {
    this.#links.add(device, { ...options, hasCarrier: true });
    for (const address of options.addresses ?? []) this.#links.addAddress(device, address);
  }

  removeInterface(device: string): void {
    this.#links.remove(device);
  }

  /** `ip link set … up` or `down`. */
  setAdmin(device: string, isUp: boolean): void {
    this.#links.setAdmin(device, isUp);
  }

  setMtu(device: string, mtu: number): void {
    this.#links.setMtu(device, mtu);
  }

  addAddress(device: string, address: string): void {
    this.#links.addAddress(device, address);
  }

  removeAddress(device: string, address: string): void {
    this.#links.removeAddress(device, address);
  }

  /** Every address of the prefix is one of this host: a whole network behind one virtual host. */
  addLocalPrefix(prefix: string): void {
    const { address, length } = prefixOf(prefix);
    this.#stack.addLocalPrefix(address, length);
  }

  removeLocalPrefix(prefix: string): void {
    const { address, length } = prefixOf(prefix);
    this.#stack.removeLocalPrefix(address, length);
  }

  /** No address of it is one of this host, whatever wider prefix is. */
  excludeLocalPrefix(prefix: string): void {
    const { address, length } = prefixOf(prefix);
    this.#stack.excludeLocalPrefix(address, length);
  }

  // Forwarding ----------------------------------------------------------------------------------

  get forwarding(): Forwarding {
    return this.#stack.forwarding;
  }

  set forwarding(forwarding: Forwarding) {
    this.#stack.forwarding = forwarding;
  }

  set hashPolicy(policy: HashPolicy) {
    this.#stack.fib.hashPolicy = policy;
  }

  /** Adds a route of the administrator's. */
  addRoute(route: StaticRoute): void {
    const { address, length } = prefixOf(route.prefix);
    const hops: Hop[] = route.hops.map(({ gateway, device }) => ({
      gateway: ip(gateway),
      via: this.#links.named(device),
      weight: 1,
    }));
    this.#stack.fib.addStatic(address, length, {
      kind: route.kind ?? "unicast",
      proto: PROTO_STATIC,
      metric: route.metric ?? 0,
      hops,
    });
  }

  removeRoute(prefix: string): boolean {
    const { address, length } = prefixOf(prefix);
    return this.#stack.fib.removeStatic(address, length);
  }

  /** Refuses route changes: see `RouteFaultRule`. */
  addRouteFault(rule: RouteFaultRule): { remove(): void } {
    const { faults } = this.#routes;
    faults.push(rule);
    return {
      remove: () => {
        const index = faults.indexOf(rule);
        if (index >= 0) faults.splice(index, 1);
      },
    };
  }

  set routeCosts(costs: RouteCosts) {
    this.#routes.costs = costs;
  }

  // Odds and ends -------------------------------------------------------------------------------

  ping(options: PingOptions, done: (result: PingResult) => void): void {
    this.#icmp.ping(options, done);
  }

  /** Which echo requests are answered; all by default. */
  set answersEcho(judge: (packet: Packet) => boolean) {
    this.#icmp.answersEcho = judge;
  }

  /** Somebody sets the wall clock; monotonic time goes on undisturbed. */
  stepWallClock(stepMs: number): void {
    this.#wallStepMs += stepMs;
  }

  /** Packets lost in this host, by reason. */
  get drops(): ReadonlyMap<DropReason, number> {
    return this.#stack.counters;
  }

  /** For links and walks: the layers behind the contract. */
  get kernel(): { readonly stack: IpStack; readonly links: LinkTable } {
    return { stack: this.#stack, links: this.#links };
  }

  /** The port a link is plugged into, made where it does not exist. */
  port(device: string, options: { readonly mtu?: number; readonly addresses: readonly string[] }) {
    const known = this.#links.interfaces.get(device);
    const port = known ?? this.#links.add(device, options);
    if (port.kind !== "ethernet" || port.wire !== undefined) {
      throw new PlatformError("PLATFORM_LINK_CONFLICT", `${device} takes no link (any more)`);
    }
    for (const address of options.addresses) this.#links.addAddress(device, address);
    const made: LinkPort = {
      host: this.name,
      port,
      setCarrier: (hasCarrier) => this.#links.setCarrier(port, hasCarrier),
      receive: (packet, via) => this.#stack.input(packet, via),
    };
    return made;
  }

  #newProcess(name: string): Process {
    const process = new Process(name, this.place, this.#setting.timeline);
    this.#processes.push(process);
    return process;
  }

  #hostOf(process: Process, rng: Rng): Host {
    const links = this.#links.facade(process);
    const kernel = this.#routes;
    const { timeline } = this.#setting;
    return {
      name: this.name,
      clock: process.clock,
      wallClock: this.wallClock,
      rng,
      log: this.log,
      tcp: this.#tcp.facade(process),
      udp: this.#udp.facade(process),
      routes: new ProcessRoutes({ kernel, process, timeline, links, epoch: this.#epochs++ }),
      links,
    };
  }
}

function prefixOf(text: string): { readonly address: Ip; readonly length: number } {
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    throw new PlatformError("PLATFORM_ADDRESS_UNKNOWN", `${text} is not a prefix`);
  }
  return { address: ipOf(prefix.address), length: prefix.length };
}

/** The `proto` number of the routes of ours, as Linux shows it (`proto bgp`). */
const PROTO_OURS = 186;
const ROUTE_COSTS: RouteCosts = { callUs: 100, routeUs: 2 };
const TCP_BUFFERS: TcpBuffers = { sendBufferOctets: 262_144, receiveBufferOctets: 131_072 };
