/**
 * The forwarding tables of a lab as they are and as they were: every change of the edge's and of
 * the cloud router's, with its moment, so that a report can compare the baseline with what a fault
 * made of it.
 */
import type { Micros } from "../../core/time.ts";
import type { CircuitsByPrefix } from "./fib-mirror.ts";

/** `edge`: towards the cloud; `ecr`: the cloud's router, on the way back. */
export type RouteNode = "edge" | "ecr";

export interface RouteChange {
  readonly at: Micros;
  readonly node: RouteNode;
  readonly prefix: string;
  /** Circuits from now on, in order of their names; none: the prefix is gone. */
  readonly via: readonly string[];
}

/** A table that changes more often than this in one drill is told only up to here. */
const CHANGES_MAX = 100_000;

export class RouteHistory {
  readonly #tables = {
    edge: new Map<string, readonly string[]>(),
    ecr: new Map<string, readonly string[]>(),
  };
  readonly #changes: RouteChange[] = [];

  get changes(): readonly RouteChange[] {
    return this.#changes;
  }

  /** The table as it is now. */
  table(node: RouteNode): CircuitsByPrefix {
    return this.#tables[node];
  }

  via(node: RouteNode, prefix: string): readonly string[] {
    return this.#tables[node].get(prefix) ?? [];
  }

  /** The whole table as the host holds it now. */
  update(node: RouteNode, table: CircuitsByPrefix, at: Micros): void {
    const known = this.#tables[node];
    for (const prefix of [...known.keys()]) {
      if (!table.has(prefix)) this.#change({ at, node, prefix, via: [] });
    }
    for (const [prefix, circuits] of table) {
      const via = [...circuits].sort();
      if (known.get(prefix)?.join() !== via.join()) this.#change({ at, node, prefix, via });
    }
  }

  #change(change: RouteChange): void {
    const { node, prefix, via } = change;
    if (via.length === 0) this.#tables[node].delete(prefix);
    else this.#tables[node].set(prefix, via);
    if (this.#changes.length < CHANGES_MAX) this.#changes.push(change);
  }
}
