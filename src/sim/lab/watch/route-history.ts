/**
 * The forwarding tables of a lab as they are and as they were: every change of the edge's and of
 * those of the cloud that decide the way back, with its moment, so that a report can compare the
 * baseline with what a fault made of it.
 */
import type { Micros } from "../../../core/time.ts";
import type { CircuitsByPrefix } from "./fib-mirror.ts";

/** Towards the cloud; every other table is a router's of the cloud, on the way back. */
export const EDGE_TABLE = "edge";

export interface RouteChange {
  readonly at: Micros;
  /** `edge`, or a router of the cloud by its name. */
  readonly node: string;
  readonly prefix: string;
  /** Circuits from now on, in order of their names; none: the prefix is gone, or is dropped. */
  readonly via: readonly string[];
  /** The row is there and drops what it is given: no other row is asked. */
  readonly drops?: true;
}

/** A table that changes more often than this in one drill is told only up to here. */
const CHANGES_MAX = 100_000;

export type TablesByNode = ReadonlyMap<string, CircuitsByPrefix>;

const NOTHING: CircuitsByPrefix = new Map();

export class RouteHistory {
  readonly #tables = new Map<string, Map<string, readonly string[]>>();
  readonly #changes: RouteChange[] = [];
  #changeCount = 0;

  /** How often a row changed: also those beyond what is kept. */
  get changeCount(): number {
    return this.#changeCount;
  }

  get changes(): readonly RouteChange[] {
    return this.#changes;
  }

  /** Every table as it is now, to be kept. */
  snapshot(): TablesByNode {
    return new Map([...this.#tables].map(([node, table]) => [node, new Map(table)]));
  }

  /** The table as it is now; a row without circuits drops what it is given. */
  table(node: string): CircuitsByPrefix {
    return this.#tables.get(node) ?? NOTHING;
  }

  via(node: string, prefix: string): readonly string[] {
    return this.table(node).get(prefix) ?? [];
  }

  /** By the first of these tables that has the prefix. */
  viaFirst(nodes: readonly string[], prefix: string): readonly string[] {
    const node = nodes.find((one) => this.table(one).has(prefix));
    return node === undefined ? [] : this.via(node, prefix);
  }

  /** The whole table as the host holds it now. */
  update(node: string, table: CircuitsByPrefix, at: Micros): void {
    const known = this.#tables.get(node) ?? new Map<string, readonly string[]>();
    this.#tables.set(node, known);
    for (const prefix of [...known.keys()]) {
      if (table.has(prefix)) continue;
      known.delete(prefix);
      this.#tell({ at, node, prefix, via: [] });
    }
    for (const [prefix, circuits] of table) {
      const via = [...circuits].sort();
      if (known.get(prefix)?.join() === via.join()) continue;
      known.set(prefix, via);
      const drops = via.length === 0 ? ({ drops: true } as const) : {};
      this.#tell({ at, node, prefix, via, ...drops });
    }
  }

  #tell(change: RouteChange): void {
    this.#changeCount += 1;
    if (this.#changes.length < CHANGES_MAX) this.#changes.push(change);
  }
}
