/** Figures of forwarding tables: how often a way changed, when the old state was back. */
import type { RouteChange } from "../../lab/watch/route-history.ts";
import type { Window } from "./flow-figures.ts";

const keyOf = ({ node, prefix }: RouteChange): string => `${node} ${prefix}`;

/** Most changes of the way of any one prefix at the edge. */
export function routeChangesOf(
  changes: readonly RouteChange[],
  { fromUs, untilUs }: Window,
): number {
  const counts = new Map<string, number>();
  let most = 0;
  for (const { at, node, prefix } of changes) {
    if (node !== "edge" || at < fromUs || at >= untilUs) continue;
    const count = (counts.get(prefix) ?? 0) + 1;
    counts.set(prefix, count);
    most = Math.max(most, count);
  }
  return most;
}

/** From when on, in the window, both tables are as they were at `zeroUs`; undefined: never. */
export function restoredAt(
  changes: readonly RouteChange[],
  { zeroUs, fromUs, untilUs }: Window & { readonly zeroUs: number },
): number | undefined {
  const baseline = new Map<string, readonly string[]>();
  const different = new Set<string>();
  let sinceUs: number | undefined = fromUs;
  for (const change of changes) {
    const { at, via } = change;
    if (at >= untilUs) break;
    const key = keyOf(change);
    if (at <= zeroUs) {
      baseline.set(key, via);
      continue;
    }
    if (via.join() === (baseline.get(key) ?? []).join()) different.delete(key);
    else different.add(key);
    if (different.size > 0) sinceUs = undefined;
    else sinceUs ??= Math.max(at, fromUs);
  }
  return sinceUs;
}
