/**
 * Which way out a BGP next hop means (RFC 4271 §5.1.3, §9.1.2.1). A next hop on the subnet of a
 * circuit, or the peer's own address, is out of that circuit's interface while the link is up; any
 * other is asked of the host's routing table. Answers go to the speaker when they change: on link
 * events at once, for the rest at every tick.
 *
 * Every one asked for costs the host an answer at every tick, and peers choose how many there are:
 * beyond `LIMITS.nextHops` they count as unreachable until others go.
 *
 * Limit: the host's table holds our own routes, too, so a next hop that is on no link may resolve
 * through a BGP route. Give such next hops a route of their own, or let the peer set itself.
 */
import type { NextHopState } from "../bgp/rib/contract.ts";
import { type AddressOctets, isLinkLocal6, parseAddress } from "../core/address.ts";
import { LIMITS } from "../core/limits.ts";
import type { Routes } from "../platform/contract.ts";
import type { LinkBook } from "./link-book.ts";
import type { SessionPlan } from "./speaker-config.ts";

/** A gateway on an interface, before the circuit's weight. */
export interface ResolvedHop {
  readonly gateway: string;
  readonly device: string;
}

export class NextHops {
  readonly #routes: Pick<Routes, "resolve">;
  readonly #links: LinkBook;
  readonly #answer: (nextHop: string, state: NextHopState) => void;
  readonly #interest = new Map<string, boolean>();
  readonly #beyond = new Set<string>();
  /** Those of `#interest`, read once. */
  readonly #octets = new Map<string, AddressOctets | undefined>();
  #plans: readonly SessionPlan[] = [];

  constructor(
    routes: Pick<Routes, "resolve">,
    links: LinkBook,
    answer: (nextHop: string, state: NextHopState) => void,
  ) {
    this.#routes = routes;
    this.#links = links;
    this.#answer = answer;
  }

  configure(plans: readonly SessionPlan[]): void {
    this.#plans = plans;
    this.refresh();
  }

  interest(added: readonly string[], removed: readonly string[]): void {
    for (const nextHop of removed) {
      this.#interest.delete(nextHop);
      this.#octets.delete(nextHop);
      this.#beyond.delete(nextHop);
    }
    for (const nextHop of added) {
      if (this.#interest.size < LIMITS.nextHops) this.#admit(nextHop);
      else {
        this.#beyond.add(nextHop);
        this.#answer(nextHop, { isReachable: false, igpMetric: 0 });
      }
    }
  }

  /** Next hops that are not asked for: there are more than anybody needs. */
  get beyondCount(): number {
    return this.#beyond.size;
  }

  /** Asks again for every next hop; true where an answer changed. */
  refresh(): boolean {
    let hasChanged = this.#admitWaiting();
    for (const [nextHop, wasReachable] of [...this.#interest]) {
      const isReachable = this.#isReachable(nextHop);
      if (isReachable === wasReachable) continue;
      hasChanged = true;
      this.#tell(nextHop, isReachable);
    }
    return hasChanged;
  }

  /** The way out for a path of this session; undefined where there is none now. */
  resolve(nextHop: string, plan: SessionPlan | undefined): ResolvedHop | undefined {
    const address = this.#octets.get(nextHop) ?? parseAddress(nextHop);
    return address && this.#wayOut(nextHop, address, plan);
  }

  get watched(): ReadonlyMap<string, boolean> {
    return this.#interest;
  }

  #wayOut(
    nextHop: string,
    address: AddressOctets,
    plan: SessionPlan | undefined,
  ): ResolvedHop | undefined {
    const own = plan?.device;
    if (isLinkLocal6(address)) {
      const isUsable = own !== undefined && this.#links.isUp(own);
      return isUsable ? { gateway: nextHop, device: own } : undefined;
    }
    if (plan !== undefined && this.#isOnLinkOf(plan, nextHop, address)) {
      return plan.device === undefined ? undefined : { gateway: nextHop, device: plan.device };
    }
    for (const other of this.#plans) {
      if (other.device !== undefined && this.#isOnLinkOf(other, nextHop, address)) {
        return { gateway: nextHop, device: other.device };
      }
    }
    const found = this.#routes.resolve(nextHop);
    // The host still names a circuit's own subnet when its carrier is gone, and then refuses it.
    if (found === undefined || this.#links.isDown(found.device)) return undefined;
    return { gateway: found.gateway ?? nextHop, device: found.device };
  }

  /** Others went: those that were beyond the bound take their place. */
  #admitWaiting(): boolean {
    let isAny = false;
    for (const nextHop of this.#beyond) {
      if (this.#interest.size >= LIMITS.nextHops) break;
      this.#beyond.delete(nextHop);
      this.#admit(nextHop);
      isAny = true;
    }
    return isAny;
  }

  #admit(nextHop: string): void {
    this.#octets.set(nextHop, parseAddress(nextHop));
    this.#tell(nextHop, this.#isReachable(nextHop));
  }

  #isReachable(nextHop: string): boolean {
    const address = this.#octets.get(nextHop);
    if (address === undefined) return false;
    // A link-local next hop belongs to its own session's link, and that link's death ends the
    // session.
    return isLinkLocal6(address) || this.#wayOut(nextHop, address, undefined) !== undefined;
  }

  #isOnLinkOf(plan: SessionPlan, nextHop: string, address: AddressOctets): boolean {
    if (plan.device === undefined || !this.#links.isUp(plan.device)) return false;
    return nextHop === plan.neighbor.remoteAddress || this.#links.isConnected(plan.device, address);
  }

  #tell(nextHop: string, isReachable: boolean): void {
    this.#interest.set(nextHop, isReachable);
    this.#answer(nextHop, { isReachable, igpMetric: 0 });
  }
}
