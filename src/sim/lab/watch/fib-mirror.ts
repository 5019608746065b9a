import type { EdgeConfig } from "../../../agent/config/edge-config.ts";
import type { JournalView } from "../../../agent/journal.ts";
import type { KernelRoute, Routes } from "../../../platform/contract.ts";

/** Which circuits each prefix of the edge, or on the way back of a cloud's router, leaves by. */
export type CircuitsByPrefix = ReadonlyMap<string, readonly string[]>;

/** A drill looks at few prefixes; a table above this is not mirrored whole. */
const PREFIXES_MAX = 10_000;

/**
 * Keeps the edge's forwarding table in view: dumps what the host really holds (not what the RIB
 * wishes) after every FIB event of the journal, and tells it in circuits.
 */
export function mirrorFib(
  config: EdgeConfig,
  routes: Routes,
  journal: JournalView,
  changed: (table: CircuitsByPrefix) => void,
): { close(): void } {
  const circuitOf = new Map<string, string>();
  for (const circuit of config.circuits) {
    circuitOf.set(circuit.device, circuit.name);
    for (const session of circuit.sessions) circuitOf.set(session.remoteAddress, circuit.name);
  }
  return mirror(circuitOf, routes, journal, changed);
}

/** Dumps a table whenever its journal says that it changed; `circuitOf` a gateway or a device. */
export function mirror(
  circuitOf: ReadonlyMap<string, string>,
  routes: Routes,
  journal: JournalView,
  changed: (table: CircuitsByPrefix) => void,
): { close(): void } {
  let isDumping = false;
  let isStale = false;
  let isClosed = false;
  const dump = () => {
    if (isDumping) {
      isStale = true;
      return;
    }
    isDumping = true;
    routes.dump((rows) => {
      isDumping = false;
      if (isClosed) return;
      changed(tableOf(rows, circuitOf));
      if (isStale) {
        isStale = false;
        dump();
      }
    });
  };
  const subscription = journal.subscribe((entry) => {
    if (entry.event.startsWith("fib.")) dump();
  });
  return {
    close() {
      isClosed = true;
      subscription.close();
    },
  };
}

function tableOf(
  rows: readonly KernelRoute[],
  circuitOf: ReadonlyMap<string, string>,
): CircuitsByPrefix {
  const table = new Map<string, readonly string[]>();
  for (const row of rows.slice(0, PREFIXES_MAX)) {
    const names = row.hops.map(
      (hop) => circuitOf.get(hop.gateway) ?? circuitOf.get(hop.device) ?? hop.device,
    );
    table.set(row.prefix, [...new Set(names)]);
  }
  return table;
}
