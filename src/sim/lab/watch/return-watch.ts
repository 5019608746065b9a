/**
 * Keeps in view by which circuits the cloud sends back to the edge, table by table of those that
 * decide it (`return-path.ts`): what the lab's kernels hold for the routers of hubs, and the rows
 * an administrator put into a node's table. A hub that sends to another hub sends as that one does.
 */
import { parsePrefix } from "../../../core/prefix.ts";
import type { Routes } from "../../../platform/contract.ts";
import type { Cloud } from "../../cloud/cloud.ts";
import type { CloudConfig } from "../../cloud/config/cloud-config.ts";
import type { FieldRoute } from "../../cloud/deeds/deeds.ts";
import { cloudNetwork, isHub } from "../../cloud/network.ts";
import { returnRoutersOf } from "../../cloud/tables/return-path.ts";
import type { Traffic } from "../../drill/drill.ts";
import { addressesOf } from "../../drill/traffic.ts";
import { type CircuitsByPrefix, mirror } from "./fib-mirror.ts";
import { longestMatch } from "./longest-match.ts";

export interface ReturnGround {
  readonly config: CloudConfig;
  readonly traffic: Traffic;
  /** In operation: a mirror listens to its routers. */
  readonly cloud: Cloud;
  routesOf(node: string): Routes;
  /** A table that decides is this from now on. */
  changed(router: string, table: CircuitsByPrefix): void;
}

export function watchReturn(ground: ReturnGround): void {
  const { config, traffic, cloud } = ground;
  const routers = returnRoutersOf(config, addressesOf(traffic, "vpc"));
  const { nodes, customers } = cloudNetwork(config);
  const circuits = new Set(customers.map(({ circuit }) => circuit));
  const hubs = nodes.filter(({ kind }) => isHub(kind)).map(({ name }) => name);
  const learnt = new Map<string, CircuitsByPrefix>();
  const neighbours = new Map([...hubs, ...routers].map((name) => [name, waysOf(config, name)]));
  const look = () => {
    const tables = new Map<string, CircuitsByPrefix>();
    for (const [name, ways] of neighbours) {
      const statics = [...cloud.staticTables.of(name)].flatMap(([prefix, to]) => {
        return to === "local" ? [] : [[prefix, waysTo(to, ways)] as const];
      });
      tables.set(name, new Map([...(learnt.get(name) ?? []), ...statics]));
    }
    for (const router of routers) ground.changed(router, waysBack(router, tables, circuits));
  };
  for (const name of hubs) {
    const journal = cloud.agent(name)?.journal;
    if (journal === undefined) continue;
    mirror(neighbours.get(name) ?? new Map(), ground.routesOf(name), journal, (table) => {
      learnt.set(name, table);
      look();
    });
  }
  cloud.staticTables.watch((node) => {
    if (neighbours.has(node)) look();
  });
  look();
}

/** Circuit or neighbour that a node sends to by a gateway or a device. */
function waysOf(config: CloudConfig, name: string): ReadonlyMap<string, string> {
  const { wires, customers } = cloudNetwork(config);
  const ways = new Map<string, string>();
  for (const { a, b } of wires) {
    const own = a.node === name ? a : b;
    const other = own === a ? b : a;
    if (own.node !== name) continue;
    const circuit = customers.find(({ node }) => node === other.node)?.circuit;
    for (const key of [other.address, other.address6, own.device]) {
      if (key !== undefined) ways.set(key, circuit ?? other.node);
    }
  }
  return ways;
}

function waysTo(to: Exclude<FieldRoute, "local">, ways: ReadonlyMap<string, string>): string[] {
  if (to === "blackhole") return [];
  const hops = "gateway" in to ? [to] : to;
  return [...new Set(hops.map((hop) => ways.get(hop.gateway) ?? hop.device))];
}

/**
 * Each way of a router's table, with hubs replaced by their own ways for the prefix. Rows that lead
 * to a VPC and nowhere else are no way back.
 */
function waysBack(
  start: string,
  tables: ReadonlyMap<string, CircuitsByPrefix>,
  circuits: ReadonlySet<string>,
): CircuitsByPrefix {
  const circuitsOf = (
    router: string,
    prefix: string,
    seen: readonly string[],
  ): readonly string[] => {
    const ways = rowOf(tables.get(router) ?? NOTHING, prefix);
    return ways.flatMap((way) => {
      if (!tables.has(way)) return [way];
      return seen.includes(way) ? [] : circuitsOf(way, prefix, [...seen, way]);
    });
  };
  const found = new Map<string, readonly string[]>();
  for (const text of tables.get(start)?.keys() ?? []) {
    const ways = new Set(circuitsOf(start, text, [start]));
    const back = [...ways].filter((way) => circuits.has(way));
    if (back.length > 0 || ways.size === 0) found.set(text, back);
  }
  return found;
}

/** Most often the row of the prefix itself: a flood has very many. */
function rowOf(table: CircuitsByPrefix, text: string): readonly string[] {
  const same = table.get(text);
  if (same !== undefined) return same;
  const prefix = parsePrefix(text);
  return (prefix && longestMatch([table], prefix)) ?? [];
}

const NOTHING: CircuitsByPrefix = new Map();
