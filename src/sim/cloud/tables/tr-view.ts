/**
 * A transit router's tables as `ListTransitRouterRouteEntries` shows them: every route with its
 * state, and for those that are not in force why not.
 */
import type { Agent } from "../../../agent/agent.ts";
import { LOCAL_SLOT, type RouteExplanation } from "../../../bgp/rib/contract.ts";
import { coversPrefix, parsePrefix } from "../../../core/prefix.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { TransitRouterConfig } from "../config/tr-config.ts";
import type { CloudState } from "../deeds/state.ts";
import {
  type CloudNetwork,
  isEcrNode,
  nodeOfSession,
  ownerOf,
  tableNodeName,
  tableOf,
} from "../network.ts";
import { digitsOf } from "../routers/preference.ts";
import { dynamicRoutes } from "./route-view.ts";

export interface TransitRouterView {
  readonly name: string;
  readonly tables: readonly TrTableView[];
  readonly routeMaps: readonly TrRouteMapView[];
}

export interface TrTableView {
  readonly name: string;
  readonly routes: readonly TrRouteView[];
}

/**
 * `Rejected`: in conflict with another; `Prohibited`: a route map says no; `Standby`: a static
 * route or an aggregate that waits; `Candidate`: learnt, and another one was chosen.
 */
export type TrRouteStatus = "Active" | "Rejected" | "Prohibited" | "Standby" | "Candidate";

export interface TrRouteView {
  readonly prefix: string;
  readonly type: "Static" | "Propagated" | "Aggregate";
  /** Attachment it leads to, or was learnt by; the other router where there is none. */
  readonly nextHop: string;
  readonly status: TrRouteStatus;
  /** Why it is not in force; of an Active one what keeps it from being told. */
  readonly reason: string | undefined;
}

export interface TrRouteMapView {
  readonly priority: number;
  readonly direction: "in" | "out";
  readonly status: "Active" | "Creating" | "Deleting" | "Deleted";
}

export interface TrViewParts {
  readonly config: CloudConfig;
  readonly state: CloudState;
  readonly network: CloudNetwork;
  agent(node: string): Agent | undefined;
}

export const viewTransitRouters = (parts: TrViewParts): readonly TransitRouterView[] =>
  parts.config.transitRouters.map((tr) => ({
    name: tr.name,
    tables: tr.tables.map((name) => ({ name, routes: tableRoutes(parts, tr, name) })),
    routeMaps: tr.routeMaps.map(({ priority, direction }) => {
      const key = `${tr.name}/${direction}/${priority}`;
      const isOn = !parts.state.mapsOff.has(key);
      const isChanging = parts.state.changing.has(`route-map ${key}`);
      const status = isChanging ? (isOn ? "Deleting" : "Creating") : isOn ? "Active" : "Deleted";
      return { priority, direction, status };
    }),
  }));

function tableRoutes(
  parts: TrViewParts,
  tr: TransitRouterConfig,
  table: string,
): readonly TrRouteView[] {
  const node = tableNodeName(tr, table);
  const own = ownRoutes(parts, tr, table, node);
  const rib = parts.agent(node)?.view.speaker.rib;
  const prefixes = new Set(dynamicRoutes(parts.agent(node)).map(({ prefix }) => prefix));
  const learnt = [...prefixes].flatMap((prefix) => {
    const candidates = rib?.explain(prefix)?.candidates ?? [];
    return candidates.flatMap((one) => learntRow(parts, tr, node, one, candidates));
  });
  return [...own, ...learnt];
}

function ownRoutes(
  { state }: TrViewParts,
  tr: TransitRouterConfig,
  table: string,
  node: string,
): readonly TrRouteView[] {
  const here = (one: { readonly table: string }): boolean => one.table === table;
  const row = (
    inForce: ReadonlySet<string>,
    route: Pick<TrRouteView, "prefix" | "type" | "nextHop">,
    because: string,
  ): TrRouteView => {
    const isActive = inForce.has(route.prefix);
    const reason = isActive ? undefined : because;
    return { ...route, status: isActive ? "Active" : "Standby", reason };
  };
  return [
    ...tr.routes.filter(here).map(({ prefix, to }) => {
      const route = { prefix, type: "Static", nextHop: to } as const;
      return row(state.staticsOf(node), route, "BGP comes before static");
    }),
    ...tr.aggregates.filter(here).map(({ prefix }) => {
      const route = { prefix, type: "Aggregate", nextHop: tr.name } as const;
      const because = "nothing inside of it, or the same prefix is in the table";
      return row(state.aggregatesOf(node), route, because);
    }),
  ];
}

type Candidate = RouteExplanation["candidates"][number];

function learntRow(
  { config, state, network, agent }: TrViewParts,
  tr: TransitRouterConfig,
  node: string,
  one: Candidate,
  all: readonly Candidate[],
): readonly TrRouteView[] {
  if (one.slot === LOCAL_SLOT) return [];
  const peer = agent(node)?.view.speaker.peerName(one.slot) ?? "";
  const { prefix } = one;
  const row = (status: TrRouteStatus, reason?: string): readonly TrRouteView[] => {
    const nextHop = attachmentOf(config, tr, nodeOfSession(network, peer));
    return [{ prefix, type: "Propagated", nextHop, status, reason }];
  };
  const term = one.rejectedBy?.replace(/^cloud\//, "");
  if (term === "conflict") return row("Rejected", "another VPC has the same prefix");
  const map = /^map-(\d+)-deny$/.exec(term ?? "")?.[1];
  if (map !== undefined) return row("Prohibited", `route map ${map} of direction in`);
  // What does not propagate into this table is not of it.
  if (term !== undefined) return [];
  if (!one.isBest && !one.isMultipath) return row("Candidate", reasonOf(one, all));
  const aggregate = [...state.aggregatesOf(node)].find((outer) => covers(outer, prefix));
  return row("Active", aggregate && `told as ${aggregate}`);
}

function covers(outer: string, inner: string): boolean {
  const [wide, narrow] = [parsePrefix(outer), parsePrefix(inner)];
  return (
    outer !== inner && wide !== undefined && narrow !== undefined && coversPrefix(wide, narrow)
  );
}

/** Routers of other regions are attachments too, where this one has one for them. */
function attachmentOf(config: CloudConfig, tr: TransitRouterConfig, node: string): string {
  const far = tableOf(config, node)?.tr;
  const found = tr.attachments.find(({ kind, to }) => {
    if (kind === "ecr") return isEcrNode(config, node);
    return kind === "tr" ? to === far?.name : to === ownerOf(config, node);
  });
  return found?.name ?? node;
}

/** Selection speaks of MED, which holds region, preference and rank of the region in its digits. */
function reasonOf({ lostAt, because, attributes }: Candidate, all: readonly Candidate[]): string {
  if (lostAt === "local-pref") return "BGP comes before static";
  if (lostAt === "as-path-length") return because?.replace("AS_PATH length", "AS_PATH of") ?? "";
  if (lostAt !== "med") return because ?? "another one was chosen";
  const best = all.find((one) => one.lostAt === undefined)?.attributes.med ?? 0;
  const [own, other] = [digitsOf(attributes.med ?? 0), digitsOf(best)];
  if (own.isFar !== other.isFar) return "the own region comes first";
  if (own.preference === other.preference) return "the region's name comes later";
  return `preference ${own.preference} > ${other.preference}`;
}
