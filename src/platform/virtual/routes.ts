import { formatAddress } from "../../core/address.ts";
import type {
  KernelRoute,
  RouteBatch,
  RouteFailure,
  RouteGroup,
  RouteHop,
  RouteResult,
  Routes,
} from "../contract.ts";
import { type Fib, type Group, type Hop, wordsOf } from "./fib.ts";
import type { Interface } from "./interface.ts";
import { ip } from "./ip.ts";
import type { IpStack } from "./ip-stack.ts";
import type { Process } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** How long the kernel takes. */
export interface RouteCosts {
  /** Of each call. */
  readonly callUs: number;
  /** Of each route on top of that. */
  readonly routeUs: number;
}

/** An injected error: asked for every route and group, undefined lets it pass. */
export type RouteFaultRule = (
  op: RouteFailure["op"],
  subject: string,
) => { readonly errno: string; readonly text: string } | undefined;

/**
 * Kernel routes as rtnetlink offers them. Requests are worked off one behind the other, each takes
 * its time and takes effect at the end of it; refusals carry the errno and the text of Linux.
 */
export class KernelRoutes {
  readonly #stack: IpStack;
  readonly #fib: Fib;
  readonly #timeline: Timeline;
  readonly #interfaces: ReadonlyMap<string, Interface>;
  readonly #proto: number;
  /** When the last request will be done. */
  #freeAt = 0;
  costs: RouteCosts;
  isPrivileged: boolean;
  readonly faults: RouteFaultRule[] = [];

  constructor(options: {
    readonly stack: IpStack;
    readonly timeline: Timeline;
    readonly interfaces: ReadonlyMap<string, Interface>;
    readonly costs: RouteCosts;
    readonly isPrivileged: boolean;
    readonly proto: number;
  }) {
    this.#stack = options.stack;
    this.#fib = options.stack.fib;
    this.#timeline = options.timeline;
    this.#interfaces = options.interfaces;
    this.costs = options.costs;
    this.isPrivileged = options.isPrivileged;
    this.#proto = options.proto;
  }

  /** Routes as one process has them. */
  facade(process: Process): Routes {
    return {
      kind: "kernel",
      setGroups: (groups, done) =>
        this.#request(process, 0, () => this.#each(groups, (group) => this.#setGroup(group)), done),
      removeGroups: (ids, done) =>
        this.#request(process, 0, () => this.#each(ids, (id) => this.#removeGroup(id)), done),
      apply: (batch, done) => {
        const own = copyOf(batch);
        this.#request(process, own.count, () => this.#apply(own), done);
      },
      dump: (done) => {
        const delayUs = this.#takeTurn(this.#fib.routeCount);
        this.#timeline.call(this.#timeline.now + delayUs, () => {
          const routes = this.#dump();
          process.post(() => done(routes));
        });
      },
      resolve: (address) => this.#resolve(address),
      flush: () => this.flush(),
      close: () => undefined,
    };
  }

  flush(): RouteResult {
    const applied = this.#fib.routeCount;
    for (const group of [...this.#fib.groups.values()]) this.#fib.removeGroup(group);
    this.#note(`flush ${applied}`);
    return { applied, failures: [], tookUs: 0 };
  }

  #request(
    process: Process,
    routeCount: number,
    work: () => Omit<RouteResult, "tookUs">,
    done: (result: RouteResult) => void,
  ): void {
    const tookUs = this.#takeTurn(routeCount);
    this.#timeline.call(this.#timeline.now + tookUs, () => {
      const result = { ...work(), tookUs };
      this.#note(`routes ${result.applied} ${result.failures.length}`);
      process.post(() => done(result));
    });
  }

  /** Queues a request; returns when, from now, it will be done. */
  #takeTurn(routeCount: number): number {
    const { now } = this.#timeline;
    const costUs = this.costs.callUs + routeCount * this.costs.routeUs;
    this.#freeAt = Math.max(this.#freeAt, now) + Math.round(costUs);
    return this.#freeAt - now;
  }

  #each<Item>(
    items: readonly Item[],
    change: (item: Item) => RouteFailure | undefined,
  ): Omit<RouteResult, "tookUs"> {
    const failures: RouteFailure[] = [];
    for (const item of items) {
      const failure = change(item);
      if (failure !== undefined) failures.push(failure);
    }
    return { applied: items.length - failures.length, failures };
  }

  #setGroup(wanted: RouteGroup): RouteFailure | undefined {
    const fails = this.#failer("group-set", `group ${wanted.id}`);
    const injected = fails();
    if (injected !== undefined) return injected;
    if (wanted.hops.length === 0) return fails("EINVAL", "Invalid number of nexthops in group");
    const hops: Hop[] = [];
    for (const hop of wanted.hops) {
      const checked = this.#checkHop(hop, wanted);
      if ("errno" in checked) return fails(checked.errno, checked.text);
      hops.push(checked);
    }
    const known = this.#fib.groups.get(wanted.id);
    if (known !== undefined) {
      if (known.afi !== wanted.afi) return fails("EINVAL", "Nexthop family mismatch");
      known.hops = hops;
      return undefined;
    }
    const group: Group = {
      kind: "unicast",
      proto: this.#proto,
      metric: METRIC,
      hops,
      id: wanted.id,
      afi: wanted.afi,
      routeCount: 0,
    };
    this.#fib.groups.set(group.id, group);
    return undefined;
  }

  #checkHop(
    hop: RouteHop,
    { afi }: RouteGroup,
  ): Hop | { readonly errno: string; readonly text: string } {
    const via = this.#interfaces.get(hop.device);
    const gateway = ip(hop.gateway);
    if (via === undefined) return { errno: "ENODEV", text: "Invalid device index" };
    if (!via.isAdminUp) return { errno: "ENETDOWN", text: "Nexthop device is not up" };
    if (!via.hasCarrier) {
      return { errno: "ENETDOWN", text: "Carrier for nexthop device is down" };
    }
    if (!Number.isInteger(hop.weight) || hop.weight < 1 || hop.weight > 256) {
      return { errno: "EINVAL", text: "Invalid value for weight" };
    }
    const onLink = this.#fib.lookup(gateway, via)?.hops.find((way) => way.via === via);
    if (gateway.afi !== afi || onLink === undefined || onLink.gateway !== undefined) {
      return { errno: "ENETUNREACH", text: "Nexthop has invalid gateway" };
    }
    return { gateway, via, weight: hop.weight };
  }

  #removeGroup(id: number): RouteFailure | undefined {
    const fails = this.#failer("group-remove", `group ${id}`);
    const injected = fails();
    if (injected !== undefined) return injected;
    const group = this.#fib.groups.get(id);
    if (group === undefined) return fails("ENOENT", "Nexthop id does not exist");
    this.#fib.removeGroup(group);
    return undefined;
  }

  #apply(batch: RouteBatch): Omit<RouteResult, "tookUs"> {
    const width = batch.afi === 1 ? 4 : 16;
    const failures: RouteFailure[] = [];
    for (let row = 0; row < batch.count; row += 1) {
      const address = batch.addresses.subarray(row * width, (row + 1) * width);
      const length = batch.lengths[row] ?? 0;
      const failure = this.#setRoute(batch.afi, address, length, batch.groups[row] ?? 0);
      if (failure !== undefined) failures.push(failure);
    }
    return { applied: batch.count - failures.length, failures };
  }

  #setRoute(
    afi: RouteBatch["afi"],
    address: Uint8Array,
    length: number,
    id: number,
  ): RouteFailure | undefined {
    const words = wordsOf(address);
    const op = id === 0 ? "route-remove" : "route-add";
    if (this.faults.length > 0 || !this.isPrivileged) {
      const injected = this.#failer(op, textOf(address, length))();
      if (injected !== undefined) return injected;
    }
    if (id === 0) {
      // Gone already (a lost device took it along): what was asked for holds.
      this.#fib.removeRoute(afi, words, length);
      return undefined;
    }
    const group = this.#fib.groups.get(id);
    if (group === undefined || group.afi !== afi) {
      return this.#failer(op, textOf(address, length))("EINVAL", "Nexthop id does not exist");
    }
    this.#fib.setRoute(words, length, group);
    return undefined;
  }

  /** Makes failures of one subject; without arguments the injected one, where there is any. */
  #failer(
    op: RouteFailure["op"],
    subject: string,
  ): (errno?: string, text?: string) => RouteFailure | undefined {
    return (errno, text) => {
      if (errno !== undefined) return { op, subject, errno, text: text ?? "" };
      if (!this.isPrivileged) {
        return { op, subject, errno: "EPERM", text: "Operation not permitted" };
      }
      for (const rule of this.faults) {
        const fault = rule(op, subject);
        if (fault !== undefined) return { op, subject, ...fault };
      }
      return undefined;
    };
  }

  #dump(): KernelRoute[] {
    const routes: KernelRoute[] = [];
    this.#fib.forEachRoute((octets, length, group) => {
      const hops = group.hops.map((hop) => ({
        gateway: hop.gateway?.text ?? "",
        device: hop.via.device,
        weight: hop.weight,
      }));
      routes.push({ prefix: textOf(octets, length), hops, proto: group.proto });
    });
    return routes;
  }

  #resolve(text: string): { readonly device: string; readonly gateway?: string } | undefined {
    const address = ip(text);
    if (this.#stack.isLocal(address)) return { device: "lo" };
    const hop = this.#fib.lookup(address)?.hops[0];
    if (hop === undefined) return undefined;
    const device = hop.via.device;
    return hop.gateway === undefined ? { device } : { device, gateway: hop.gateway.text };
  }

  #note(text: string): void {
    this.#timeline.trace.note(this.#timeline.now, this.#stack.place, text);
  }
}

const copyOf = (batch: RouteBatch): RouteBatch => ({
  ...batch,
  addresses: batch.addresses.slice(),
  lengths: batch.lengths.slice(),
  groups: batch.groups.slice(),
});

const textOf = (octets: Uint8Array, length: number): string => `${formatAddress(octets)}/${length}`;

const METRIC = 20;
