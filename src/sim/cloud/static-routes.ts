/**
 * Static routes of transit router tables. They rank behind BGP: one is in force while its table has
 * learnt nothing for the same prefix. In force it forwards, and the table tells it like its other
 * routes; so it is looked after as often as the vendor's own control plane could notice.
 */
import type { Agent } from "../../agent/agent.ts";
import { after, US_PER_SEC } from "../../core/time.ts";
import type { Alarm, Clock } from "../../platform/contract.ts";
import type { CloudConfig } from "./cloud-config.ts";
import type { FieldRoute } from "./deeds.ts";
import { type CloudNetwork, ecrNodeName, tableNodeName } from "./network.ts";
import type { CloudState } from "./state.ts";
import type { StaticTables } from "./static-tables.ts";
import type { TransitRouterConfig, TrStaticRoute } from "./tr-config.ts";

export interface StaticRouteParts {
  readonly config: CloudConfig;
  readonly clock: Clock;
  readonly state: CloudState;
  readonly network: CloudNetwork;
  readonly tables: StaticTables;
  agent(node: string): Agent | undefined;
  reload(node: string): void;
}

const LOOK_US = US_PER_SEC;

interface Placed extends TrStaticRoute {
  readonly node: string;
  readonly way: FieldRoute;
}

export class StaticRoutes {
  readonly #parts: StaticRouteParts;
  readonly #alarm: Alarm;
  readonly #routes: readonly Placed[];

  constructor(parts: StaticRouteParts) {
    this.#parts = parts;
    this.#alarm = parts.clock.createAlarm(() => this.#look());
    this.#routes = parts.config.transitRouters.flatMap((tr) =>
      tr.routes.map((route) => {
        const node = tableNodeName(tr, route.table);
        return { ...route, node, way: wayOf(parts, tr, node, route) };
      }),
    );
  }

  start(): void {
    if (this.#routes.length > 0) this.#look();
  }

  stop(): void {
    this.#alarm.set(undefined);
  }

  #look(): void {
    const { clock, state, tables } = this.#parts;
    const changed = new Set<string>();
    for (const { node, prefix, way } of this.#routes) {
      const inForce = state.staticsOf(node);
      const isWanted = !this.#isLearnt(node, prefix);
      if (isWanted === inForce.has(prefix)) continue;
      if (isWanted) inForce.add(prefix);
      else inForce.delete(prefix);
      tables.set(node, prefix, isWanted ? way : undefined);
      changed.add(node);
    }
    for (const node of changed) this.#parts.reload(node);
    this.#alarm.set(after(clock.now(), LOOK_US));
  }

  #isLearnt(node: string, prefix: string): boolean {
    const speaker = this.#parts.agent(node)?.view.speaker;
    const candidates = speaker?.rib.explain(prefix)?.candidates ?? [];
    return candidates.some(({ slot, rejectedBy, lostAt }) => {
      const isOwn = speaker?.peerName(slot) === "local";
      return !isOwn && rejectedBy === undefined && lostAt !== "next-hop-unreachable";
    });
  }
}

function wayOf(
  { config, network }: StaticRouteParts,
  tr: TransitRouterConfig,
  node: string,
  { to }: TrStaticRoute,
): FieldRoute {
  const attachment = tr.attachments.find(({ name }) => name === to);
  if (attachment === undefined) return "blackhole";
  const other = attachment.kind === "ecr" ? ecrNodeName(config, tr.region) : attachment.to;
  for (const { a, b } of network.wires) {
    if (a.node === node && b.node === other) return { gateway: b.address, device: a.device };
    if (b.node === node && a.node === other) return { gateway: a.address, device: b.device };
  }
  // Neither associated to this table nor propagating into it: there is no way to it from here.
  return "blackhole";
}
