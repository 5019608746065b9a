/**
 * Which of too many routes stay, where not simply the first ones do: the lowest prefixes. Used for
 * what a VBR takes of its customer and for what a VPC's table has active.
 */
import { type Prefix, parsePrefix } from "../../../core/prefix.ts";

/** The prefixes beyond the quota, in order; none while everything fits. */
export function beyondQuota(prefixes: readonly string[], quota: number): readonly string[] {
  if (prefixes.length <= quota) return [];
  return inOrder(prefixes).slice(quota);
}

/** What is there now in order of arrival: what was there before, then the new in order. */
export function arrived(before: readonly string[], now: readonly string[]): readonly string[] {
  const [known, present] = [new Set(before), new Set(now)];
  const fresh = now.filter((prefix) => !known.has(prefix));
  return [...before.filter((prefix) => present.has(prefix)), ...inOrder(fresh)];
}

function inOrder(prefixes: readonly string[]): readonly string[] {
  return prefixes
    .flatMap((text) => {
      const prefix = parsePrefix(text);
      return prefix === undefined ? [] : [{ text, prefix }];
    })
    .sort((a, b) => comparePrefixes(a.prefix, b.prefix))
    .map(({ text }) => text);
}

function comparePrefixes(a: Prefix, b: Prefix): number {
  if (a.afi !== b.afi) return a.afi - b.afi;
  for (let index = 0; index < a.address.length; index += 1) {
    const difference = (a.address[index] ?? 0) - (b.address[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
