import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import type { JournalView } from "../../agent/journal.ts";
import type { KernelRoute, Routes } from "../../platform/contract.ts";
import type { CloudConfig } from "../cloud/cloud-config.ts";
import { cloudNetwork, hubOfAddress } from "../cloud/network.ts";

/** Which circuits each prefix of the edge, or on the way back of the ECR, leaves by. */
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

/** A hub of the cloud as a lab has it: its forwarding table, and who says that it changed. */
export interface HubTable {
  readonly routes: Routes;
  readonly journal: JournalView;
}

/**
 * The same of the cloud, from the hub that the VPC of `vpcAddress` sends to: by which circuits it
 * sends back to the edge. A transit router sends to the ECR or a VPN, so the ECR's table is looked
 * at behind its own.
 */
export function mirrorReturn(
  cloud: CloudConfig,
  vpcAddress: string,
  hubOf: (node: string) => HubTable | undefined,
  changed: (table: CircuitsByPrefix) => void,
): { close(): void } {
  const { nodes, wires, customers } = cloudNetwork(cloud);
  const hubs = nodes.filter(({ kind }) => kind === "ecr" || kind === "tr").map(({ name }) => name);
  const tables = new Map<string, CircuitsByPrefix>();
  const start = hubOfAddress(cloud, vpcAddress);
  const mirrors = hubs.flatMap((name) => {
    const hub = hubOf(name);
    if (hub === undefined) return [];
    const wayOf = new Map<string, string>();
    for (const { own, other } of wires.flatMap(({ a, b }) => [
      { own: a, other: b },
      { own: b, other: a },
    ])) {
      if (own.node !== name) continue;
      const circuit = customers.find(({ node }) => node === other.node)?.circuit;
      wayOf.set(other.address, circuit ?? other.node).set(own.device, circuit ?? other.node);
    }
    return mirror(wayOf, hub.routes, hub.journal, (table) => {
      tables.set(name, table);
      changed(throughHubs(start, tables));
    });
  });
  return {
    close() {
      for (const one of mirrors) one.close();
    },
  };
}

/** Each way of the first hub's table, with hubs replaced by their own ways for the prefix. */
function throughHubs(
  start: string,
  tables: ReadonlyMap<string, CircuitsByPrefix>,
): CircuitsByPrefix {
  const waysOf = (hub: string, prefix: string, seen: readonly string[]): readonly string[] =>
    (tables.get(hub)?.get(prefix) ?? []).flatMap((way) => {
      if (!tables.has(way)) return [way];
      return seen.includes(way) ? [] : waysOf(way, prefix, [...seen, way]);
    });
  const found = new Map<string, readonly string[]>();
  for (const prefix of tables.get(start)?.keys() ?? []) {
    found.set(prefix, [...new Set(waysOf(start, prefix, [start]))]);
  }
  return found;
}

function mirror(
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
