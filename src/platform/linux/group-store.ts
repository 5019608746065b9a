import type { RouteFailure, RouteGroup, RouteHop } from "../contract.ts";
import type { MessageWriter } from "./netlink-codec.ts";

/** How groups stand in the kernel: as next-hop objects, or spelled out in every route. */
export interface GroupStore {
  /** Defines or replaces. `rewrite` names groups whose routes have to be written again. */
  define(groups: readonly RouteGroup[]): {
    readonly failures: readonly RouteFailure[];
    readonly rewrite: readonly number[];
  };
  remove(ids: readonly number[]): readonly RouteFailure[];
  /** Groups wanted with a hop on the device. */
  over(device: string): readonly RouteGroup[];
  /** False where the group has no hop that works: no route can point at it. */
  isUsable(id: number): boolean;
  /** We placed it, and the kernel has taken it out with the last link it had. */
  isLost(id: number): boolean;
  /** Writes what a route to a usable group carries. */
  writeTarget(writer: MessageWriter, id: number): void;
  /** A rewritten route must not meet another of ours (objects), or takes its place (plain). */
  readonly rewriteReplaces: boolean;
  /** The group a dumped route points at, undefined where its target does not tell. */
  groupOf(kernelId: number): number | undefined;
  /** Removes groups earlier runs left, but for those that routes still point at. */
  sweep(pointedAt: ReadonlySet<number>): void;
  /** Removes everything of ours, leftovers of earlier runs included. */
  removeAll(): readonly RouteFailure[];
}

/** A hop with its interface found. */
export interface ResolvedHop extends RouteHop {
  readonly interfaceIndex: number;
}

export const groupFailure = (
  op: "group-set" | "group-remove",
  id: number,
  errno: string,
  text: string,
): RouteFailure => ({ op, subject: `group ${id}`, errno, text });

/** Equal hops become one, with the sum of their weights: the kernel takes none twice. */
export function mergeHops(hops: readonly ResolvedHop[]): ResolvedHop[] {
  const merged = new Map<string, ResolvedHop>();
  for (const hop of hops) {
    const key = hopKey(hop);
    const weight = Math.min((merged.get(key)?.weight ?? 0) + hop.weight, WEIGHT_MAX);
    merged.set(key, { ...hop, weight });
  }
  return [...merged.values()];
}

export const hopKey = ({ gateway, interfaceIndex }: ResolvedHop): string =>
  `${gateway}%${interfaceIndex}`;

export const WEIGHT_MAX = 256;
