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

  /**
   * Row by row: address words, length (FREE while nobody has the row), and the next row of the
   * bucket or of the free ones. Beside each other, because looking one up touches all of them.
   */
  #rows: Int32Array;
  readonly #rowWords: number;
  #capacity = ROWS_INITIAL;
  #free = 0;
  /**
   * The row found last. Whoever sends a table again sends it in the order in which it made the
   * rows, so the next row is worth a look before the hash.
   */
  #last = 0;
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
    this.#rowWords = this.stride + 2;
    this.#rows = new Int32Array(ROWS_INITIAL * this.#rowWords);
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
    if (this.#isKey(this.#last + 1)) {
      this.#last += 1;
      return this.#last;
    }
    return this.#find(this.#hash(this.key, 0, this.keyLength));
  }

  /** The row of the key, which is added where it was missing. */
  insert(): number {
    if (this.#isKey(this.#last + 1)) {
      this.#last += 1;
      return this.#last;
    }
    const hash = this.#hash(this.key, 0, this.keyLength);
    const found = this.#find(hash);
    if (found !== 0) return found;
    const row = this.#allocate();
    const base = row * this.#rowWords;
    for (let word = 0; word < this.stride; word += 1) this.#rows[base + word] = this.key[word] ?? 0;
    this.#rows[base + this.stride] = this.keyLength;
    this.#lengthCounts[this.keyLength] = (this.#lengthCounts[this.keyLength] ?? 0) + 1;
    this.size += 1;
    // Half a row a bucket: looking up touches one row, seldom two.
    while (this.size * 2 > this.#mask + 1 + this.#split) this.#splitBucket();
    const bucket = this.#bucketOf(hash);
    this.#setNext(row, this.#heads[bucket] ?? 0);
    this.#heads[bucket] = row;
    return row;
  }

  remove(row: number): void {
    const length = this.lengthOf(row);
    if (length === FREE) return;
    const base = row * this.#rowWords;
    const bucket = this.#bucketOf(this.#hash(this.#rows, base, length));
    const next = this.#next(row);
    let at = this.#heads[bucket] ?? 0;
    if (at === row) this.#heads[bucket] = next;
    else {
      while (this.#next(at) !== row) at = this.#next(at);
      this.#setNext(at, next);
    }
    this.#rows[base + this.stride] = FREE;
    this.#lengthCounts[length] = (this.#lengthCounts[length] ?? 0) - 1;
    this.#setNext(row, this.#free);
    this.#free = row;
    this.size -= 1;
  }

  has(row: number): boolean {
    return row > 0 && row < this.end && this.lengthOf(row) !== FREE;
  }

  lengthOf(row: number): number {
    return this.#rows[row * this.#rowWords + this.stride] ?? FREE;
  }

  /** One 32-bit word of the address, unsigned. */
  word(row: number, index: number): number {
    return (this.#rows[row * this.#rowWords + index] ?? 0) >>> 0;
  }

  /** Writes the 4 or 16 octets of the row's address. */
  writeAddress(row: number, into: Uint8Array, offset: number): void {
    for (let index = 0; index < this.stride; index += 1) {
      const word = this.#rows[row * this.#rowWords + index] ?? 0;
      const at = offset + index * 4;
      into[at] = word >>> 24;
      into[at + 1] = word >>> 16;
      into[at + 2] = word >>> 8;
      into[at + 3] = word;
    }
  }

  /** Writes the row as NLRI (length, then as many octets as it needs); returns where it ends. */
  writeNlri(row: number, into: Uint8Array, offset: number): number {
    const base = row * this.#rowWords;
    const length = this.#rows[base + this.stride] ?? 0;
    into[offset] = length;
    let at = offset + 1;
    for (let bit = 0; bit < length; bit += 8) {
      into[at] = (this.#rows[base + (bit >>> 5)] ?? 0) >>> (24 - (bit & 31));
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
    if (row >= this.end) return false;
    const base = row * this.#rowWords;
    for (let word = 0; word < this.stride; word += 1) {
      if (this.#rows[base + word] !== this.key[word]) return false;
    }
    return this.#rows[base + this.stride] === this.keyLength;
  }

  #find(hash: number): number {
    const row = this.#search(hash);
    if (row !== 0) this.#last = row;
    return row;
  }

  #search(hash: number): number {
    const rows = this.#rows;
    const { key, keyLength } = this;
    let row = this.#heads[this.#bucketOf(hash)] ?? 0;
    if (this.stride === 1) {
      while (row !== 0) {
        const base = row * 3;
        if (rows[base] === key[0] && rows[base + 1] === keyLength) return row;
        row = rows[base + 2] ?? 0;
      }
      return 0;
    }
    while (row !== 0) {
      const base = row * 6;
      if (
        rows[base + 1] === key[1] &&
        rows[base] === key[0] &&
        rows[base + 2] === key[2] &&
        rows[base + 3] === key[3] &&
        rows[base + 4] === keyLength
      ) {
        return row;
      }
      row = rows[base + 5] ?? 0;
    }
    return 0;
  }

  #next(row: number): number {
    return this.#rows[row * this.#rowWords + this.stride + 1] ?? 0;
  }

  #setNext(row: number, next: number): void {
    this.#rows[row * this.#rowWords + this.stride + 1] = next;
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
      const next = this.#next(row);
      const hash = this.#hash(this.#rows, row * this.#rowWords, this.lengthOf(row));
      const bucket = this.#bucketOf(hash) === sibling ? sibling : old;
      this.#setNext(row, this.#heads[bucket] ?? 0);
      this.#heads[bucket] = row;
      row = next;
    }
  }

  #allocate(): number {
    const row = this.#free;
    if (row !== 0) {
      this.#free = this.#next(row);
      return row;
    }
    if (this.end === this.#capacity) {
      this.#capacity *= 2;
      this.#rows = widened(this.#rows, this.#capacity * this.#rowWords);
    }
    this.end += 1;
    return this.end - 1;
  }
}

const ROWS_INITIAL = 256;
const FREE = 0xff;
