/**
 * Routes that a transit router's table has of itself. Static ones rank behind BGP: one is in force
 * while its table has learnt nothing for the same prefix; then it forwards, and the table tells it
 * like its other routes. Aggregates forward nothing: they are told in place of what they cover.
 * Both follow every input of the table's speaker.
 */
import type { Agent } from "../../../agent/agent.ts";
import { LOCAL_SLOT } from "../../../bgp/rib/contract.ts";
import { after } from "../../../core/time.ts";
import type { Alarm, Clock } from "../../../platform/contract.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { AttachmentConfig, TransitRouterConfig, TrStaticRoute } from "../config/tr-config.ts";
import { tunnelsOf } from "../config/vpn-config.ts";
import type { FieldRoute } from "../deeds/deeds.ts";
import { type CloudState, turn } from "../deeds/state.ts";
import {
  type CloudNetwork,
  ecrNodeName,
  gatewayFor,
  type TransitRouterTable,
  tableNodeName,
  type WireEnd,
} from "../network.ts";
import type { StaticTables } from "./static-tables.ts";

export interface TableRouteParts {
  readonly config: CloudConfig;
  readonly clock: Clock;
  readonly state: CloudState;
  readonly network: CloudNetwork;
  readonly tables: StaticTables;
  agent(node: string): Agent | undefined;
  reload(node: string): void;
}

export class TableRoutes {
  readonly #parts: TableRouteParts;
  readonly #alarm: Alarm;
  /** By their nodes; those that have routes of their own. */
  readonly #tables: ReadonlyMap<string, TransitRouterTable>;
  readonly #changed = new Set<string>();

  constructor(parts: TableRouteParts) {
    this.#parts = parts;
    this.#alarm = parts.clock.createAlarm(() => this.#look());
    const tables = parts.config.transitRouters.flatMap((tr) =>
      tr.tables.map((table) => [tableNodeName(tr, table), { tr, table }] as const),
    );
    this.#tables = new Map(tables.filter(([, table]) => hasOwnRoutes(table)));
  }

  start(): void {
    for (const node of this.#tables.keys()) this.changed(node);
  }

  stop(): void {
    this.#alarm.set(undefined);
  }

  /** What the speaker of a table hears, where it has routes that may have to follow. */
  observerOf(node: string): { observe(): void } | undefined {
    return this.#tables.has(node) ? { observe: () => this.changed(node) } : undefined;
  }

  /** Looks later: the speaker that speaks here is in the middle of something. */
  changed(node: string): void {
    if (!this.#tables.has(node)) return;
    const { clock, config } = this.#parts;
    if (this.#changed.size === 0) {
      this.#alarm.set(after(clock.now(), config.knobs.ownRouteDelayUs));
    }
    this.#changed.add(node);
  }

  #look(): void {
    const nodes = [...this.#changed];
    this.#changed.clear();
    for (const node of nodes) {
      const found = this.#tables.get(node);
      const agent = this.#parts.agent(node);
      if (found === undefined || agent === undefined) continue;
      const isStaticNews = this.#lookAtStatics(node, found, agent);
      const isAggregateNews = this.#lookAtAggregates(node, found, agent);
      if (isStaticNews || isAggregateNews) this.#parts.reload(node);
    }
  }

  #lookAtStatics(node: string, { tr, table }: TransitRouterTable, agent: Agent): boolean {
    const inForce = this.#parts.state.staticsOf(node);
    let isNews = false;
    for (const route of tr.routes) {
      const { prefix } = route;
      if (route.table !== table) continue;
      const isWanted = !isLearnt(agent, prefix);
      if (isWanted === inForce.has(prefix)) continue;
      isNews = true;
      turn(inForce, prefix, isWanted);
      const way = isWanted ? wayOf(this.#parts, tr, node, route) : undefined;
      this.#parts.tables.set(node, prefix, way);
    }
    return isNews;
  }

  #lookAtAggregates(node: string, { tr, table }: TransitRouterTable, agent: Agent): boolean {
    const { config, state } = this.#parts;
    const inForce = state.aggregatesOf(node);
    let isNews = false;
    for (const { prefix, table: at } of tr.aggregates) {
      if (at !== table) continue;
      const isCovering = config.knobs.aggregateNeeds === "nothing" || coversAny(agent, prefix);
      const isWanted = isCovering && !isLearnt(agent, prefix);
      if (isWanted === inForce.has(prefix)) continue;
      isNews = true;
      turn(inForce, prefix, isWanted);
    }
    return isNews;
  }
}

function hasOwnRoutes({ tr, table }: TransitRouterTable): boolean {
  const isHere = (one: { readonly table: string }): boolean => one.table === table;
  return tr.aggregates.some(isHere) || tr.routes.some(isHere);
}

function isLearnt(agent: Agent, prefix: string): boolean {
  const candidates = agent.view.speaker.rib.explain(prefix)?.candidates ?? [];
  return candidates.some(
    ({ slot, rejectedBy, lostAt }) =>
      slot !== LOCAL_SLOT && rejectedBy === undefined && lostAt !== "next-hop-unreachable",
  );
}

/** Has the table a route that an aggregate stands for? */
function coversAny(agent: Agent, prefix: string): boolean {
  const { rib } = agent.view.speaker;
  // The aggregate itself may be the first row inside of it.
  const rows = rib.routes({ rib: "loc-rib", within: prefix, offset: 0, limit: 2 });
  return rows.some((row) => row.prefix !== prefix);
}

function wayOf(
  { config, network }: TableRouteParts,
  tr: TransitRouterConfig,
  node: string,
  { prefix, to }: TrStaticRoute,
): FieldRoute {
  const attachment = tr.attachments.find(({ name }) => name === to);
  if (attachment === undefined) return "blackhole";
  const others = nodesBehind(config, tr, attachment);
  const wayTo = (end: WireEnd, device: string) => ({ gateway: gatewayFor(end, prefix), device });
  for (const { a, b } of network.wires) {
    if (a.node === node && others.includes(b.node)) return wayTo(b, a.device);
    if (b.node === node && others.includes(a.node)) return wayTo(a, b.device);
  }
  // Neither associated to this table nor propagating into it: there is no way to it from here.
  return "blackhole";
}

function nodesBehind(
  config: CloudConfig,
  tr: TransitRouterConfig,
  { kind, to }: AttachmentConfig,
): readonly string[] {
  if (kind === "ecr") return [ecrNodeName(config, tr.region)];
  if (kind === "vpn") return tunnelsOf(config, to).map(({ name }) => name);
  const peer = config.transitRouters.find(({ name }) => kind === "tr" && name === to);
  return peer === undefined ? [to] : peer.tables.map((table) => tableNodeName(peer, table));
}
