import { Afi } from "../../core/address.ts";
import type { Rng } from "../../core/rng.ts";
import type { NlriCursor } from "../wire/nlri.ts";
import { widened } from "./columns.ts";

/**
 * Prefixes of one family as rows: (address words, length) → row by linear hashing. The table grows
 * by one bucket an insertion, so no insertion ever waits for a rehash of everything; removal leaves
 * no tombstone. Rows are stable while their prefix lives and are given out again afterwards; row 0
 * is nobody's. The hash is keyed from the host's randomness: peers must not choose collisions.
 *
 * Measured by bench/rib.ts.
 */
export class PrefixTable {
  readonly afi: Afi;
  /** 32-bit words of an address: 1 or 4. */
  readonly stride: number;
  /** Octets of an address: 4 or 16. */
  readonly octets: number;
  readonly lengthMax: number;
  /** The prefix `find` and `insert` speak of, host bits zero. */
  readonly key: Int32Array = new Int32Array(4);
  keyLength = 0;
  /** Prefixes in the table. */
  size = 0;
  /** One past the highest row ever used: the end of a walk in row order. */
  end = 1;

  #words: Int32Array;
  #lengths = new Uint8Array(ROWS_INITIAL).fill(FREE);
  /** Next row of the bucket, or next free row. */
  #next = new Uint32Array(ROWS_INITIAL);
  #free = 0;
  /** Row `find` answered with last. */
  #lastFound = 0;
  #heads = new Uint32Array(ROWS_INITIAL);
  /** Linear hashing: buckets below `#split` are already addressed with one more bit. */
  #mask = 255;
  #split = 0;
  readonly #keys: Uint32Array;
  /** Prefixes by length, so that a longest match probes only lengths that exist. */
  readonly #lengthCounts = new Uint32Array(129);

  constructor(afi: Afi, rng: Rng) {
    this.afi = afi;
    this.stride = afi === Afi.Ipv4 ? 1 : 4;
    this.octets = this.stride * 4;
    this.lengthMax = this.octets * 8;
    this.#words = new Int32Array(ROWS_INITIAL * this.stride);
    this.#keys = Uint32Array.from({ length: 6 }, () => rng.int(0, 0xffff_ffff) | 1);
  }

  /** Takes the prefix a walk over NLRI stands at as the key. */
  setKey(cursor: NlriCursor): void {
    this.keyLength = cursor.length;
    this.key[0] = cursor.w0;
    if (this.stride === 1) return;
    this.key[1] = cursor.w1;
    this.key[2] = cursor.w2;
    this.key[3] = cursor.w3;
  }

  /** Takes the first `length` bits of an address as the key. */
  setKeyOf(address: Uint8Array, length: number): void {
    this.keyLength = length;
    for (let word = 0; word < this.stride; word += 1) {
      const at = word * 4;
      const bits = Math.min(32, Math.max(0, length - word * 32));
      const value =
        ((address[at] ?? 0) << 24) |
        ((address[at + 1] ?? 0) << 16) |
        ((address[at + 2] ?? 0) << 8) |
        (address[at + 3] ?? 0);
      this.key[word] = bits === 0 ? 0 : value & (-1 << (32 - bits));
    }
  }

  /** The row of the key, 0 where it is not in the table. */
  find(): number {
    // Peers tell a table in much the same order again and again: the next row is a good guess, and
    // cheaper to look at than a bucket.
    const guess = this.#lastFound + 1;
    const row = guess < this.end && this.#isKey(guess) ? guess : this.#findInBucket();
    if (row !== 0) this.#lastFound = row;
    return row;
  }

  #findInBucket(): number {
    let row = this.#heads[this.#bucketOf(this.#hash(this.key, 0, this.keyLength))] ?? 0;
    if (this.stride === 1) {
      const word = this.key[0];
      while (row !== 0) {
        if (this.#words[row] === word && this.#lengths[row] === this.keyLength) return row;
        row = this.#next[row] ?? 0;
      }
      return 0;
    }
    while (row !== 0 && !this.#isKey(row)) row = this.#next[row] ?? 0;
    return row;
  }

  /** The row of the key, which is added where it was missing. */
  insert(): number {
    const found = this.find();
    if (found !== 0) return found;
    const row = this.#allocate();
    const base = row * this.stride;
    for (let word = 0; word < this.stride; word += 1) {
      this.#words[base + word] = this.key[word] ?? 0;
    }
    this.#lengths[row] = this.keyLength;
    this.#lengthCounts[this.keyLength] = (this.#lengthCounts[this.keyLength] ?? 0) + 1;
    this.size += 1;
    if (this.size > this.#mask + 1 + this.#split) this.#splitBucket();
    const bucket = this.#bucketOf(this.#hash(this.key, 0, this.keyLength));
    this.#next[row] = this.#heads[bucket] ?? 0;
    this.#heads[bucket] = row;
    this.#lastFound = row;
    return row;
  }

  remove(row: number): void {
    const length = this.#lengths[row] ?? FREE;
    if (length === FREE) return;
    const bucket = this.#bucketOf(this.#hash(this.#words, row * this.stride, length));
    const next = this.#next[row] ?? 0;
    let at = this.#heads[bucket] ?? 0;
    if (at === row) this.#heads[bucket] = next;
    else {
      while (this.#next[at] !== row) at = this.#next[at] ?? 0;
      this.#next[at] = next;
    }
    this.#lengths[row] = FREE;
    this.#lengthCounts[length] = (this.#lengthCounts[length] ?? 0) - 1;
    this.#next[row] = this.#free;
    this.#free = row;
    this.size -= 1;
  }

  has(row: number): boolean {
    return row > 0 && row < this.end && this.#lengths[row] !== FREE;
  }

  lengthOf(row: number): number {
    return this.#lengths[row] ?? FREE;
  }

  /** One 32-bit word of the address, unsigned. */
  word(row: number, index: number): number {
    return (this.#words[row * this.stride + index] ?? 0) >>> 0;
  }

  /** Writes the 4 or 16 octets of the row's address. */
  writeAddress(row: number, into: Uint8Array, offset: number): void {
    for (let index = 0; index < this.stride; index += 1) {
      const word = this.#words[row * this.stride + index] ?? 0;
      const at = offset + index * 4;
      into[at] = word >>> 24;
      into[at + 1] = word >>> 16;
      into[at + 2] = word >>> 8;
      into[at + 3] = word;
    }
  }

  /** Writes the row as NLRI (length, then as many octets as it needs); returns where it ends. */
  writeNlri(row: number, into: Uint8Array, offset: number): number {
    const length = this.#lengths[row] ?? 0;
    into[offset] = length;
    let at = offset + 1;
    const base = row * this.stride;
    for (let bit = 0; bit < length; bit += 8) {
      into[at] = (this.#words[base + (bit >>> 5)] ?? 0) >>> (24 - (bit & 31));
      at += 1;
    }
    return at;
  }

  /** Address order, then shorter prefixes first. */
  compare(a: number, b: number): number {
    for (let word = 0; word < this.stride; word += 1) {
      const difference = this.word(a, word) - this.word(b, word);
      if (difference !== 0) return difference;
    }
    return this.lengthOf(a) - this.lengthOf(b);
  }

  /**
   * The longest prefix that covers `address` and that `accepts`; 0 where there is none. Probes one
   * hash bucket per length in use, so it costs the same for ten prefixes and for a million.
   */
  longestMatch(address: Uint8Array, accepts: (row: number) => boolean): number {
    for (let length = this.lengthMax; length >= 0; length -= 1) {
      if (this.#lengthCounts[length] === 0) continue;
      this.setKeyOf(address, length);
      const row = this.find();
      if (row !== 0 && accepts(row)) return row;
    }
    return 0;
  }

  #isKey(row: number): boolean {
    if (this.stride === 1) {
      return this.#words[row] === this.key[0] && this.#lengths[row] === this.keyLength;
    }
    const base = row * 4;
    return (
      this.#lengths[row] === this.keyLength &&
      this.#words[base + 1] === this.key[1] &&
      this.#words[base] === this.key[0] &&
      this.#words[base + 2] === this.key[2] &&
      this.#words[base + 3] === this.key[3]
    );
  }

  #hash(words: Int32Array, base: number, length: number): number {
    let hash = Math.imul(length + (this.#keys[4] ?? 0), this.#keys[5] ?? 0);
    for (let word = 0; word < this.stride; word += 1) {
      hash = Math.imul((words[base + word] ?? 0) ^ hash, this.#keys[word] ?? 0);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x2c1b_3c6d);
    return hash ^ (hash >>> 13);
  }

  #bucketOf(hash: number): number {
    const bucket = hash & this.#mask;
    return bucket < this.#split ? hash & (this.#mask * 2 + 1) : bucket;
  }

  /** Hands the entries of the bucket at the split point out between it and its new sibling. */
  #splitBucket(): void {
    const old = this.#split;
    const sibling = old + this.#mask + 1;
    if (sibling >= this.#heads.length) this.#heads = widened(this.#heads, this.#heads.length * 2);
    let row = this.#heads[old] ?? 0;
    this.#heads[old] = 0;
    this.#split += 1;
    if (this.#split > this.#mask) {
      this.#mask = this.#mask * 2 + 1;
      this.#split = 0;
    }
    while (row !== 0) {
      const next = this.#next[row] ?? 0;
      const hash = this.#hash(this.#words, row * this.stride, this.#lengths[row] ?? 0);
      const bucket = this.#bucketOf(hash) === sibling ? sibling : old;
      this.#next[row] = this.#heads[bucket] ?? 0;
      this.#heads[bucket] = row;
      row = next;
    }
  }

  #allocate(): number {
    const row = this.#free;
    if (row !== 0) {
      this.#free = this.#next[row] ?? 0;
      return row;
    }
    if (this.end === this.#lengths.length) {
      const capacity = this.end * 2;
      this.#words = widened(this.#words, capacity * this.stride);
      this.#lengths = widened(this.#lengths, capacity).fill(FREE, this.end);
      this.#next = widened(this.#next, capacity);
    }
    this.end += 1;
    return this.end - 1;
  }
}

const ROWS_INITIAL = 256;
const FREE = 0xff;
