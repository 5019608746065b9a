/** Tables of the cloud that a drill's traffic comes back by, each way a list asked in turn. */
import { nodeOfAddress, returnRouters } from "../cloud/tables/return-path.ts";
import type { Drill } from "./drill.ts";
import { addressesOf } from "./traffic.ts";

export type WayBack = readonly string[];

/**
 * Each different way once; with `node` those of a VPC by this name, or the one table by this name.
 * None: no traffic comes back by it.
 */
export function waysBack(
  { cloud, traffic }: Pick<Drill, "cloud" | "traffic">,
  node?: string,
): readonly WayBack[] {
  const all = addressesOf(traffic, "vpc").map((address) => {
    return { vpc: nodeOfAddress(cloud, address), routers: returnRouters(cloud, address) };
  });
  const isOf = ({ vpc }: { readonly vpc: string }) => node === undefined || vpc === node;
  const own = all.filter(isOf).map(({ routers }) => routers);
  const isTable = all.some(({ routers }) => routers.includes(node ?? ""));
  const ways = own.length === 0 && node !== undefined && isTable ? [[node]] : own;
  return [...new Map(ways.map((way) => [way.join(), way])).values()];
}

/** Names that a claim may give for `node`. */
export function nodesBack({ cloud, traffic }: Pick<Drill, "cloud" | "traffic">): readonly string[] {
  const addresses = addressesOf(traffic, "vpc");
  const names = addresses.flatMap((address) => [
    nodeOfAddress(cloud, address),
    ...returnRouters(cloud, address),
  ]);
  return [...new Set(names)];
}
