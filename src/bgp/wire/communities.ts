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

/**
 * By sorting: a peer may choose what collides in a hash of ours, and the engine's own wants text,
 * which costs more than all else about the attribute. What is sorted already needs no more.
 */
function distinctMany(words: number[]): number[] {
  if (isAscending(words)) return words;
  const order = new Uint32Array(words.length / 3);
  for (let index = 0; index < order.length; index += 1) order[index] = index * 3;
  order.sort((a, b) => compareTriples(words, a, b) || a - b);
  const isRepeated = new Uint8Array(order.length);
  for (let index = 1; index < order.length; index += 1) {
    const [before, at] = [order[index - 1] as number, order[index] as number];
    if (isSameTriple(words, before, at)) isRepeated[at / 3] = 1;
  }
  let kept = 0;
  for (let at = 0; at < words.length; at += 3) {
    if (isRepeated[at / 3] === 1) continue;
    if (kept < at) words.copyWithin(kept, at, at + 3);
    kept += 3;
  }
  words.length = kept;
  return words;
}

/** Each less than the next, so that none can be there twice. */
function isAscending(words: readonly number[]): boolean {
  for (let at = 3; at < words.length; at += 3) {
    if (compareTriples(words, at - 3, at) >= 0) return false;
  }
  return true;
}

const compareTriples = (words: readonly number[], a: number, b: number): number =>
  (words[a] as number) - (words[b] as number) ||
  (words[a + 1] as number) - (words[b + 1] as number) ||
  (words[a + 2] as number) - (words[b + 2] as number);

const word = (octets: Uint8Array, at: number): number =>
  (((octets[at] as number) << 24) |
    ((octets[at + 1] as number) << 16) |
    ((octets[at + 2] as number) << 8) |
    (octets[at + 3] as number)) >>>
  0;

const PAIRWISE_MAX = 16;
