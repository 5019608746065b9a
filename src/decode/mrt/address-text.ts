import { formatAddress } from "../../core/address.ts";

/**
 * Addresses as `bgpdump` writes them: for IPv6 the way of the first `inet_ntop`, which shortens a
 * single zero group too (RFC 5952 §4.2.2 does not) and keeps an embedded IPv4 address dotted.
 */
export function addressText(octets: Uint8Array): string {
  if (octets.length !== 16) return formatAddress(octets);
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0));
  const { start, length } = longestZeros(groups);
  const isEmbedded = start === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff));
  if (isEmbedded) {
    return `::${length === 5 ? "ffff:" : ""}${formatAddress(octets.subarray(12))}`;
  }
  if (length === 0) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The first of the longest runs. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  const longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) {
      longest.start = start;
      longest.length = index + 1 - start;
    }
  }
  return longest;
}

const hex = (groups: readonly number[]): string =>
  groups.map((group) => group.toString(16)).join(":");
