/**
 * Route tables of VPCs, VBRs and the ECR as a console shows them: every route with what it leads
 * to, and why where it does not. Those of transit routers are in `tr-view.ts`.
 */
import type { Agent } from "../../../agent/agent.ts";
import { LOCAL_SLOT, type PeerSlot } from "../../../bgp/rib/contract.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { VpcConfig } from "../config/vpc-config.ts";
import type { FieldRoute } from "../deeds/deeds.ts";
import type { CloudState } from "../deeds/state.ts";
import { type CloudNetwork, nodeOfSession } from "../network.ts";
import type { StaticTables } from "./static-tables.ts";

export interface RouterTableView {
  readonly name: string;
  readonly kind: "vbr" | "ecr";
  readonly routes: readonly RouteView[];
}

export interface RouteView {
  readonly prefix: string;
  /** `System`, `Custom`, `Dynamic` of a VPC; `Static` and `BGP` of a router. */
  readonly type: "System" | "Custom" | "Dynamic" | "Static" | "BGP";
  /** Peering connections in force, neighbours or circuits; empty: it drops what it is given. */
  readonly nextHops: readonly string[];
  readonly isActive: boolean;
  readonly reason: string | undefined;
}

export interface RouteViewParts {
  readonly config: CloudConfig;
  readonly state: CloudState;
  readonly tables: StaticTables;
  readonly network: CloudNetwork;
  agent(node: string): Agent | undefined;
}

/** A table above this is not shown whole; no quota comes near it. */
const ROWS_MAX = 100_000;

export function viewRouterTables(parts: RouteViewParts): readonly RouterTableView[] {
  return parts.network.nodes.flatMap(({ name, kind }): RouterTableView[] => {
    if (kind !== "vbr" && kind !== "ecr") return [];
    return [{ name, kind, routes: routerTable(parts, name) }];
  });
}

export function vpcTable(parts: RouteViewParts, vpc: VpcConfig): readonly RouteView[] {
  const statics = parts.tables.of(vpc.name);
  const system = (prefix: string) => active(prefix, "System", ["local"]);
  const failed = parts.state.vpc(vpc.name).failedRoutes;
  return [
    ...[...vpc.vswitches, ...vpc.siblings].map(({ cidr }) => system(cidr)),
    system("100.64.0.0/10"),
    ...parts.state.vpc(vpc.name).routes.map(({ prefix }): RouteView => {
      const to = statics.get(prefix);
      const isOut = failed.includes(prefix);
      const nextHops = to === undefined ? [] : hopsOf(parts, vpc.name, to);
      const row = active(prefix, "Custom", nextHops);
      return isOut ? { ...row, isActive: false, reason: "its peering connections failed" } : row;
    }),
    ...dynamicRoutes(parts.agent(vpc.name)).map(({ prefix, rejectedBy, slot }): RouteView => {
      const reason = rejectedBy?.replace(/^cloud\//, "");
      const hub = parts.agent(vpc.name)?.view.speaker.peerName(slot) ?? "";
      const nextHops = [nodeOfSession(parts.network, hub)];
      return { prefix, type: "Dynamic", nextHops, isActive: reason === undefined, reason };
    }),
  ];
}

/** Everything a VPC learnt, active or not. */
export function dynamicRoutes(agent: Agent | undefined) {
  const rows = agent?.view.speaker.rib.routes({ rib: "adj-rib-in", offset: 0, limit: ROWS_MAX });
  return rows?.filter(({ slot }) => slot !== LOCAL_SLOT) ?? [];
}

function routerTable(parts: RouteViewParts, name: string): readonly RouteView[] {
  const { tables, network, agent } = parts;
  const statics = [...tables.of(name)].map(([prefix, to]) =>
    active(prefix, "Static", hopsOf(parts, name, to)),
  );
  const speaker = agent(name)?.view.speaker;
  const learnt = [...new Set(dynamicRoutes(agent(name)).map(({ prefix }) => prefix))];
  const rows = learnt.flatMap((prefix): RouteView[] => {
    const candidates = speaker?.rib.explain(prefix)?.candidates ?? [];
    const foreign = candidates.filter(({ slot }) => slot !== LOCAL_SLOT);
    const used = foreign.filter(({ isBest, isMultipath }) => isBest || isMultipath);
    const nameOf = ({ slot }: { readonly slot: PeerSlot }) =>
      nodeOfSession(network, speaker?.peerName(slot) ?? "");
    const row = { prefix, type: "BGP" as const };
    return [
      ...(used.length > 0 ? [active(prefix, "BGP", used.map(nameOf))] : []),
      ...foreign
        .filter((one) => !used.includes(one))
        .map((one) => {
          const reason = one.rejectedBy?.replace(/^cloud\//, "") ?? one.because ?? one.lostAt;
          return { ...row, nextHops: [nameOf(one)], isActive: false, reason };
        }),
    ];
  });
  return [...statics, ...rows];
}

const active = (
  prefix: string,
  type: RouteView["type"],
  nextHops: readonly string[],
): RouteView => ({ prefix, type, nextHops, isActive: true, reason: undefined });

/** A peering connection by its name, any other neighbour by that of its node. */
function hopsOf(
  { config: { peerings }, network: { wires } }: RouteViewParts,
  node: string,
  to: FieldRoute,
): readonly string[] {
  if (to === "local") return ["local"];
  if (to === "blackhole") return [];
  const hops = "gateway" in to ? [to] : to;
  return hops.map(({ gateway, device }) => {
    const wire = wires.find(({ a, b }) => {
      return [a, b].some((end) => end.address === gateway) && [a.node, b.node].includes(node);
    });
    if (wire === undefined) return device;
    const ends = [wire.a.node, wire.b.node];
    const peering = peerings.find(({ vbr, vpc }) => ends.includes(vbr) && ends.includes(vpc));
    return peering?.name ?? ends.find((end) => end !== node) ?? device;
  });
}
