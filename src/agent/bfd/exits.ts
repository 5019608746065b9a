import type { BfdStateChange } from "../../bfd/sessions/contract.ts";
import type { GroupsSite, RouteGroup, RouteHop } from "../../platform/contract.ts";
import { leavesPath } from "../coupling.ts";

/** A hop and the BFD session that watches it; a hop nobody watches has a name no session has. */
export interface ExitHop extends RouteHop {
  readonly session: string;
}

/** A group with what may stand in it: its own hops, then those of its backup, the living ones. */
export interface ExitGroup {
  readonly id: number;
  readonly afi: RouteGroup["afi"];
  readonly ways: readonly (readonly ExitHop[])[];
  /** It is of the kind that can have a spare hop (`RouteGroup.spare`). */
  readonly hasSpare?: boolean;
}

/** Plain data: it crosses to the BFD thread whenever groups or paths change. */
export interface ExitTable {
  readonly site: GroupsSite;
  readonly groups: readonly ExitGroup[];
}

/** What became of the groups when a session failed. */
export interface PathExit {
  readonly groups: number;
  readonly failures: number;
  /** When the kernel had answered. */
  readonly at: number;
}

/**
 * Which groups change when a BFD session fails, decided where it is seen to fail, so that traffic
 * moves whatever the main thread is doing (design §3). The agent's FIB owns the groups and says
 * the last word: it does the same again when it hears of the failure, and only a new table brings
 * a hop back. A session that failed stays out here until it is Up again, for a table may have been
 * on its way when it went.
 */
export class Exits {
  #groups: readonly ExitGroup[] = [];
  readonly #failed = new Set<string>();

  use(groups: readonly ExitGroup[]): void {
    this.#groups = groups;
  }

  /** The groups to be replaced now; one with no living hop is left as it is (see `fib.ts`). */
  changed(change: BfdStateChange): readonly RouteGroup[] {
    const { session, to } = change;
    if (to === "Up") this.#failed.delete(session);
    if (!leavesPath(change)) return [];
    this.#failed.add(session);
    return this.#groups.flatMap((group) => {
      const uses = group.ways.some((way) => way.some((hop) => hop.session === session));
      const hops = uses ? this.#alive(group) : [];
      const { id, afi, hasSpare = false } = group;
      return hops.length === 0 ? [] : [{ id, afi, hops, ...(hasSpare && { spare: [] }) }];
    });
  }

  #alive({ ways }: ExitGroup): readonly RouteHop[] {
    for (const way of ways) {
      const hops = way.filter((hop) => !this.#failed.has(hop.session));
      if (hops.length > 0) return distinct(hops);
    }
    return [];
  }
}

function distinct(hops: readonly ExitHop[]): RouteHop[] {
  const found: RouteHop[] = [];
  for (const { gateway, device, weight } of hops) {
    const isKnown = found.some((hop) => hop.gateway === gateway && hop.device === device);
    if (!isKnown) found.push({ gateway, device, weight });
  }
  return found;
}
