import { coversPrefix, formatPrefix, type Prefix, parsePrefix } from "../../../core/prefix.ts";
import type { CircuitsByPrefix } from "./fib-mirror.ts";

/**
 * The circuits of the longest row that covers `wanted`, in tables that are asked in turn: of rows
 * as long that of the first table. Undefined: none has a row; `[]`: it drops what it is given.
 */
export function longestMatch(
  tables: readonly CircuitsByPrefix[],
  wanted: Prefix,
): readonly string[] | undefined {
  const exact = formatPrefix(wanted);
  let best: readonly string[] | undefined;
  let bestLength = -1;
  for (const table of tables) {
    const same = table.get(exact);
    if (same !== undefined && bestLength < wanted.length) {
      [best, bestLength] = [same, wanted.length];
    }
    if (bestLength === wanted.length) break;
    for (const [text, via] of table) {
      const prefix = parsePrefix(text);
      if (prefix === undefined || prefix.length <= bestLength) continue;
      if (!coversPrefix(prefix, wanted)) continue;
      [best, bestLength] = [via, prefix.length];
    }
  }
  return best;
}
