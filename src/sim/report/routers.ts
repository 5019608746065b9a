/** The cloud's routers of a report; older reports know one, and that it has every circuit. */
import type { RouteReport, TopologyReport } from "./report.ts";

export type RouterReport = NonNullable<TopologyReport["routers"]>[number];

export const routersOf = ({ routers, ecr, circuits }: TopologyReport): readonly RouterReport[] =>
  routers ?? [{ name: ecr, kind: "ecr", circuits: circuits.map(({ name }) => name) }];

/** Whose table a row is of, by name. */
export const tableOf = (row: RouteReport, { edge, ecr }: TopologyReport): string =>
  row.node === "edge" ? edge : (row.router ?? ecr);
