import { type Afi, formatAddress } from "../../core/address.ts";
import type { KernelRoute, RouteFailure, RouteGroup, RouteHop } from "../contract.ts";
import { type Fib, type Hop, wordsOf } from "./fib.ts";
import type { Interface } from "./interface.ts";
import { ip } from "./ip.ts";
import type { IpStack } from "./ip-stack.ts";

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
 * Kernel routes and next-hop groups of a host as rtnetlink offers them, in plain synchronous steps;
 * `process-routes.ts` gives them order and time. Refusals carry the errno and the words of Linux.
 */
export class KernelRoutes {
  readonly stack: IpStack;
  readonly #fib: Fib;
  readonly #interfaces: ReadonlyMap<string, Interface>;
  readonly #proto: number;
  costs: RouteCosts;
  isPrivileged: boolean;
  readonly faults: RouteFaultRule[] = [];

  constructor(options: {
    readonly stack: IpStack;
    readonly interfaces: ReadonlyMap<string, Interface>;
    readonly costs: RouteCosts;
    readonly isPrivileged: boolean;
    readonly proto: number;
  }) {
    this.stack = options.stack;
    this.#fib = options.stack.fib;
    this.#interfaces = options.interfaces;
    this.costs = options.costs;
    this.isPrivileged = options.isPrivileged;
    this.#proto = options.proto;
  }

  get count(): number {
    return this.#fib.routeCount;
  }

  /**
   * Defines or replaces a group with those of its hops that work; a group none works of is not
   * touched.
   */
  define(wanted: RouteGroup): readonly RouteFailure[] {
    const subject = `group ${wanted.id}`;
    const injected = this.#injected("group-set", subject);
    if (injected !== undefined) return [injected];
    const known = this.#fib.groups.get(wanted.id);
    if (known !== undefined && known.afi !== wanted.afi) {
      return [{ op: "group-set", subject, errno: "EINVAL", text: "Nexthop family mismatch" }];
    }
    const failures: RouteFailure[] = [];
    const usable = new Map<string, Hop>();
    for (const hop of wanted.hops) {
      const checked = this.#checkHop(hop, wanted.afi);
      if ("errno" in checked) {
        const text = `${hop.gateway} on ${hop.device}: ${checked.text}`;
        failures.push({ op: "group-set", subject, errno: checked.errno, text });
        continue;
      }
      // The kernel takes no hop twice: equal ones become one, with the sum of their weights.
      const key = `${hop.gateway}%${hop.device}`;
      const weight = Math.min(checked.weight + (usable.get(key)?.weight ?? 0), WEIGHT_MAX);
      usable.set(key, { ...checked, weight });
    }
    if (usable.size > 0) {
      const { id, afi } = wanted;
      const hops = [...usable.values()];
      // Weights of their own leave no room for a spare (`linux/spare-groups.ts`).
      const isEven = hops.every(({ weight }) => weight === hops[0]?.weight);
      const spares = (isEven ? (wanted.spare ?? []) : []).flatMap((hop) => {
        const checked = this.#checkHop(hop, wanted.afi);
        return "errno" in checked ? [] : [checked];
      });
      this.#fib.setGroup(id, { afi, proto: this.#proto, metric: METRIC, hops, spares });
    }
    return failures;
  }

  /** What routes of a group were lost with it and are still to be written again. */
  lostRouteCount(id: number): number {
    const group = this.#fib.groups.get(id);
    return group?.areRoutesLost === true ? group.routeCount : 0;
  }

  /** Writes the lost routes of a group that is back. */
  rewrite(id: number): void {
    const group = this.#fib.groups.get(id);
    if (group !== undefined && group.hops.length > 0) this.#fib.restoreRoutes(group);
  }

  /** A group that is gone already was removed as well as any. */
  removeGroup(id: number): RouteFailure | undefined {
    const injected = this.#injected("group-remove", `group ${id}`);
    const group = this.#fib.groups.get(id);
    if (injected === undefined && group !== undefined) this.#fib.removeGroup(group);
    return injected;
  }

  /** Points a prefix at a group, or removes its route where `id` is 0. */
  setRoute(afi: Afi, address: Uint8Array, length: number, id: number): RouteFailure | undefined {
    const words = wordsOf(address);
    const op = id === 0 ? "route-remove" : "route-add";
    if (this.faults.length > 0 || !this.isPrivileged) {
      const injected = this.#injected(op, textOf(address, length));
      if (injected !== undefined) return injected;
    }
    if (id === 0) {
      // Gone already (a lost device took it along): what was asked for holds.
      this.#fib.removeRoute(afi, words, length);
      return undefined;
    }
    const group = this.#fib.groups.get(id);
    if (group === undefined || group.afi !== afi || group.hops.length === 0) {
      const text = "Nexthop id does not exist";
      return { op, subject: textOf(address, length), errno: "EINVAL", text };
    }
    this.#fib.setRoute(words, length, group);
    return undefined;
  }

  /** Every route there is; those that were lost are forgotten over it. */
  dump(): KernelRoute[] {
    const routes: KernelRoute[] = [];
    this.#fib.forgetLostRoutes();
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

  resolve(text: string): { readonly device: string; readonly gateway?: string } | undefined {
    const address = ip(text);
    if (this.stack.isLocal(address)) return { device: "lo" };
    const hop = this.#fib.lookup(address)?.hops[0];
    if (hop === undefined) return undefined;
    const device = hop.via.device;
    return hop.gateway === undefined ? { device } : { device, gateway: hop.gateway.text };
  }

  /** Removes everything; returns how many routes that were. */
  flush(): number {
    const { routeCount } = this.#fib;
    for (const group of [...this.#fib.groups.values()]) this.#fib.removeGroup(group);
    return routeCount;
  }

  #checkHop(hop: RouteHop, afi: Afi): Hop | { readonly errno: string; readonly text: string } {
    const via = this.#interfaces.get(hop.device);
    const gateway = ip(hop.gateway);
    if (via === undefined) return { errno: "ENODEV", text: "Invalid device index" };
    if (!via.isAdminUp) return { errno: "ENETDOWN", text: "Nexthop device is not up" };
    if (!via.hasCarrier) {
      return { errno: "ENETDOWN", text: "Carrier for nexthop device is down" };
    }
    if (!Number.isInteger(hop.weight) || hop.weight < 1 || hop.weight > WEIGHT_MAX) {
      return { errno: "EINVAL", text: "Invalid value for weight" };
    }
    const onLink = this.#fib.lookup(gateway, via)?.hops.find((way) => way.via === via);
    if (gateway.afi !== afi || onLink === undefined || onLink.gateway !== undefined) {
      return { errno: "EINVAL", text: "Nexthop has invalid gateway" };
    }
    return { gateway, via, weight: hop.weight };
  }

  #injected(op: RouteFailure["op"], subject: string): RouteFailure | undefined {
    if (!this.isPrivileged) return { op, subject, errno: "EPERM", text: "Operation not permitted" };
    for (const rule of this.faults) {
      const fault = rule(op, subject);
      if (fault !== undefined) return { op, subject, ...fault };
    }
    return undefined;
  }
}

const textOf = (octets: Uint8Array, length: number): string => `${formatAddress(octets)}/${length}`;

const METRIC = 20;
const WEIGHT_MAX = 256;
