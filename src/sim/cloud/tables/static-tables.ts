/**
 * Rows that file and deeds put into the tables of nodes, beside what the nodes' routers learn:
 * custom routes of VPCs, static routes of VBRs and transit routers. The lab's kernels are given the
 * same; what an administrator does not see (the ways of probes) is not in here.
 */
import type { CloudField, FieldRoute } from "../deeds/deeds.ts";

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

const NOTHING: StaticTable = new Map();
