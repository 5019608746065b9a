/**
 * Rows that file and deeds put into the tables of nodes, beside what the nodes' routers learn:
 * custom routes of VPCs, static routes of VBRs and transit routers. The lab's kernels are given the
 * same; what an administrator does not see (the ways of probes) is not in here.
 */
import type { Way } from "../config/next-hops.ts";
import type { CloudField, FieldRoute } from "../deeds/deeds.ts";
import { type CloudNetwork, gatewayFor } from "../network.ts";

export type StaticTable = ReadonlyMap<string, FieldRoute>;

export class StaticTables {
  readonly #field: CloudField;
  readonly #tables = new Map<string, Map<string, FieldRoute>>();
  readonly #watchers = new Set<(node: string) => void>();

  constructor(field: CloudField) {
    this.#field = field;
  }

  of(node: string): StaticTable {
    return this.#tables.get(node) ?? NOTHING;
  }

  /** Undefined: the row is gone. */
  set(node: string, prefix: string, to: FieldRoute | undefined): void {
    const table = this.#tables.get(node) ?? new Map<string, FieldRoute>();
    this.#tables.set(node, table);
    if (to === undefined) table.delete(prefix);
    else table.set(prefix, to);
    this.#field.setRoute?.(node, prefix, to);
    for (const changed of [...this.#watchers]) changed(node);
  }

  watch(changed: (node: string) => void): { close(): void } {
    this.#watchers.add(changed);
    return { close: () => void this.#watchers.delete(changed) };
  }
}

/** A custom route of a VPC as its row; those into peering connections are `Peerings`' to set. */
export function customFieldRoute(
  network: CloudNetwork,
  route: {
    readonly vpc: string;
    readonly prefix: string;
    readonly nextHop: Exclude<Way, "peering">;
  },
): FieldRoute | undefined {
  const { vpc, prefix, nextHop } = route;
  if (nextHop === "instance") return "local";
  if (nextHop === "blackhole") return "blackhole";
  const wire = network.wires.find(({ a }) => a.node === vpc);
  return wire && { gateway: gatewayFor(wire.b, prefix), device: wire.a.device };
}

const NOTHING: StaticTable = new Map();
