import type { ByteWriter } from "../../core/bytes.ts";

/** RFC 1997: 32-bit values, unsigned, in the order received. The length is a multiple of four. */
export function decodeWords(value: Uint8Array): number[] {
  const words: number[] = [];
  for (let at = 0; at < value.length; at += 4) words.push(word(value, at));
  return words;
}

export function encodeWords(words: readonly number[], into: ByteWriter): void {
  for (const value of words) into.u32(value);
}

/**
 * RFC 8092 §3: triples of 32-bit values, flat; repeated ones are dropped in silence. The length
 * is a multiple of twelve.
 */
export function decodeLargeCommunities(value: Uint8Array): number[] {
  const words = decodeWords(value);
  return words.length <= 3 * PAIRWISE_MAX ? distinctFew(words) : distinctMany(words);
}

/** Each against all before it: the quickest for as many as a route usually has. */
function distinctFew(words: number[]): number[] {
  let kept = 0;
  for (let at = 0; at < words.length; at += 3) {
    let other = 0;
    while (other < kept && !isSameTriple(words, at, other)) other += 3;
    if (other < kept) continue;
    if (kept < at) words.copyWithin(kept, at, at + 3);
    kept += 3;
  }
  words.length = kept;
  return words;
}

const isSameTriple = (words: readonly number[], a: number, b: number): boolean =>
  words[a] === words[b] && words[a + 1] === words[b + 1] && words[a + 2] === words[b + 2];

/** By text, whose hash the engine seeds: a peer cannot choose values that collide. */
function distinctMany(words: readonly number[]): number[] {
  const seen = new Set<string>();
  const kept: number[] = [];
  for (let at = 0; at < words.length; at += 3) {
    const key = `${words[at]}:${words[at + 1]}:${words[at + 2]}`;
    if (seen.has(key)) continue;
    seen.add(key);
    kept.push(words[at] as number, words[at + 1] as number, words[at + 2] as number);
  }
  return kept;
}

const word = (octets: Uint8Array, at: number): number =>
  (((octets[at] as number) << 24) |
    ((octets[at + 1] as number) << 16) |
    ((octets[at + 2] as number) << 8) |
    (octets[at + 3] as number)) >>>
  0;

const PAIRWISE_MAX = 16;
