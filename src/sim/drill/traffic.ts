/** Who sends to whom in a drill: groups of flows, numbered through: a flow is one number. */
import type { Direction } from "../lab/lab.ts";
import type { Drill, FlowGroup, Traffic } from "./drill.ts";

export function flowGroups(traffic: Traffic): readonly FlowGroup[] {
  if (traffic.groups !== undefined) return traffic.groups;
  const { idc, vpc, flows, rateBps } = traffic;
  return [{ name: "all", idc, vpc, flows, rateBps }];
}

/** The group of every flow. */
export function groupOfFlows(traffic: Traffic): readonly FlowGroup[] {
  return flowGroups(traffic).flatMap((group) => Array<FlowGroup>(group.flows).fill(group));
}

/** Source and destination of a group in one direction. */
export const endsOf = (
  { idc, vpc }: FlowGroup,
  direction: Direction,
): { readonly source: string; readonly destination: string } =>
  direction === "to-cloud" ? { source: idc, destination: vpc } : { source: vpc, destination: idc };

/** Every address of one side, once. */
export const addressesOf = (traffic: Traffic, side: "idc" | "vpc"): readonly string[] => [
  ...new Set(flowGroups(traffic).map((group) => group[side])),
];

/** One address as a prefix. */
export const hostPrefix = (address: string): string =>
  `${address}/${address.includes(":") ? 128 : 32}`;

/** Port of a flow at its source, and that of every destination: ECMP tells flows apart by it. */
export const sourcePortOf = (flow: number): number => 20_000 + flow;
export const SINK_PORT = 7007;

export const DIRECTIONS: readonly Direction[] = ["to-cloud", "to-edge"];

export const hasRates = ({ traffic }: Drill): boolean =>
  flowGroups(traffic).some((group) => group.rateBps !== undefined);
