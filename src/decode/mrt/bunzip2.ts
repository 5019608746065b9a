import { concatBytes, EMPTY } from "../../core/bytes.ts";

/**
 * The octets of a bzip2 stream, or of several one behind the other, block by block: what is held is
 * one block, whatever the size of the file. Throws `Bzip2Error` where the stream is damaged; what
 * stood before the damage has been handed out. Blocks of the randomized kind, which no program has
 * written since 1998, are refused.
 */
export async function* bunzip2(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = new BitReader(chunks[Symbol.asyncIterator]());
  while (await reader.hasMore()) {
    const level = reader.bits(24) === STREAM_MAGIC ? reader.bits(8) - 0x30 : 0;
    if (level < 1 || level > 9) throw new Bzip2Error("no bzip2 stream begins here");
    const block = new Block(level * 100_000);
    let combined = 0;
    for (;;) {
      await reader.fill();
      const magic = reader.bits(24) * 0x100_0000 + reader.bits(24);
      const checksum = ((reader.bits(16) << 16) | reader.bits(16)) >>> 0;
      if (magic === END_MAGIC) {
        if (checksum !== combined) throw new Bzip2Error("the checksum of the stream is wrong");
        break;
      }
      if (magic !== BLOCK_MAGIC) throw new Bzip2Error("no block begins where one has to");
      block.read(reader);
      yield* block.octets();
      if (block.checksum !== checksum) throw new Bzip2Error("the checksum of a block is wrong");
      combined = (((combined << 1) | (combined >>> 31)) ^ checksum) >>> 0;
    }
    reader.align();
  }
}

/** The stream is not what it says it is; `code` as Node's own zlib errors have one. */
export class Bzip2Error extends Error {
  override readonly name = "Bzip2Error";
  readonly code = "BZIP2_DATA_ERROR";
}

class BitReader {
  #chunks: AsyncIterator<Uint8Array>;
  #octets: Uint8Array = EMPTY;
  #at = 0;
  #word = 0;
  #have = 0;

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks;
  }

  /** Up to 24 bits, the first ones highest. */
  bits(count: number): number {
    while (this.#have < count) {
      const octet = this.#octets[this.#at];
      if (octet === undefined) throw new Bzip2Error("the stream ends too early");
      this.#at += 1;
      this.#word = (this.#word << 8) | octet;
      this.#have += 8;
    }
    this.#have -= count;
    return (this.#word >>> this.#have) & ((1 << count) - 1);
  }

  /** Holds as much as the largest block takes, less only where there is no more. */
  async fill(): Promise<void> {
    const parts = [this.#octets.subarray(this.#at)];
    let length = this.#octets.length - this.#at;
    while (length < PACKED_OCTETS_MAX) {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      parts.push(next.value);
      length += next.value.length;
    }
    if (parts.length === 1) return;
    this.#octets = concatBytes(parts);
    this.#at = 0;
  }

  async hasMore(): Promise<boolean> {
    if (this.#octets.length - this.#at < 4) await this.fill();
    return this.#at < this.#octets.length;
  }

  /** The next stream begins with a whole octet. */
  align(): void {
    this.#at -= this.#have >> 3;
    this.#have = 0;
  }
}

/** One Huffman table: how many codes of each length, and their symbols in order. */
class Codes {
  readonly #counts = new Uint16Array(CODE_BITS_MAX + 1);
  readonly #symbols: Uint16Array;

  constructor(lengths: Uint8Array) {
    for (const length of lengths) this.#counts[length] = (this.#counts[length] ?? 0) + 1;
    const bySymbol = Array.from(lengths.keys());
    bySymbol.sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
    this.#symbols = Uint16Array.from(bySymbol);
  }

  /** Canonical: the codes of one length are consecutive numbers. */
  symbol(reader: BitReader): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= CODE_BITS_MAX; length += 1) {
      code |= reader.bits(1);
      const count = this.#counts[length] as number;
      if (code - first < count) return this.#symbols[index + code - first] as number;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Bzip2Error("a code no table has");
  }
}

class Block {
  checksum = 0;
  readonly #links: Uint32Array;
  #length = 0;
  #origin = 0;

  constructor(octetsMax: number) {
    this.#links = new Uint32Array(octetsMax);
  }

  /** Everything up to the transposed octets and the chain through them. */
  read(reader: BitReader): void {
    if (reader.bits(1) === 1) throw new Bzip2Error("a randomized block, unpack it with bunzip2");
    this.#origin = reader.bits(24);
    const alphabet = readAlphabet(reader);
    const tableCount = reader.bits(3);
    const selectorCount = reader.bits(15);
    if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw new Bzip2Error(BAD_HEAD);
    const selectors = readSelectors(reader, tableCount, selectorCount);
    const tables = Array.from({ length: tableCount }, () => readCodes(reader, alphabet.length + 2));
    this.#readSymbols(reader, alphabet, (group) => tables[selectors[group] ?? tableCount]);
    if (this.#origin >= this.#length) throw new Bzip2Error(BAD_HEAD);
    this.#link();
  }

  /** Undoes the Burrows-Wheeler transform and, behind it, the runs of equal octets. */
  *octets(): Generator<Uint8Array> {
    let out = new Uint8Array(OUT_OCTETS);
    let at = 0;
    let checksum = 0xffff_ffff;
    let link = (this.#links[this.#origin] as number) >>> 8;
    let last = -1;
    let run = 0;
    for (let index = 0; index < this.#length; index += 1) {
      const entry = this.#links[link] as number;
      const octet = entry & 0xff;
      link = entry >>> 8;
      // Four equal octets are followed by how many more of them there are.
      const count = run === 4 ? octet : 1;
      const value = run === 4 ? last : octet;
      run = run === 4 ? 0 : octet === last ? run + 1 : 1;
      last = run === 0 ? -1 : octet;
      for (let copy = 0; copy < count; copy += 1) {
        checksum = (checksum << 8) ^ (CRC_TABLE[(checksum >>> 24) ^ value] as number);
        out[at] = value;
        at += 1;
        if (at < OUT_OCTETS) continue;
        yield out;
        out = new Uint8Array(OUT_OCTETS);
        at = 0;
      }
    }
    this.checksum = ~checksum >>> 0;
    if (at > 0) yield out.subarray(0, at);
  }

  /** Symbols 0 and 1 write how often the front octet comes; others move one to the front. */
  #readSymbols(
    reader: BitReader,
    alphabet: Uint8Array,
    tableOf: (group: number) => Codes | undefined,
  ): void {
    const front = Uint8Array.from(alphabet);
    const end = alphabet.length + 1;
    let length = 0;
    let run = 0;
    let weight = 1;
    for (let count = 0; ; count += 1) {
      const table = tableOf(Math.floor(count / GROUP_SYMBOLS));
      if (table === undefined) throw new Bzip2Error("more symbols than tables chosen for them");
      const symbol = table.symbol(reader);
      if (symbol <= 1) {
        run += weight << symbol;
        weight <<= 1;
        if (run > this.#links.length) throw new Bzip2Error(TOO_LONG);
        continue;
      }
      if (length + run > this.#links.length) throw new Bzip2Error(TOO_LONG);
      this.#links.fill(front[0] as number, length, length + run);
      length += run;
      run = 0;
      weight = 1;
      if (symbol === end) break;
      if (length === this.#links.length) throw new Bzip2Error(TOO_LONG);
      const octet = front[symbol - 1] as number;
      front.copyWithin(1, 0, symbol - 1);
      front[0] = octet;
      this.#links[length] = octet;
      length += 1;
    }
    this.#length = length;
  }

  /** Above the octet of each place: the place whose octet follows. */
  #link(): void {
    const links = this.#links;
    const places = new Uint32Array(256);
    for (let index = 0; index < this.#length; index += 1) {
      const octet = links[index] as number;
      places[octet] = (places[octet] as number) + 1;
    }
    let sum = 0;
    for (const [octet, count] of places.entries()) {
      places[octet] = sum;
      sum += count;
    }
    for (let index = 0; index < this.#length; index += 1) {
      const octet = (links[index] as number) & 0xff;
      const place = places[octet] as number;
      places[octet] = place + 1;
      links[place] = (links[place] as number) | (index << 8);
    }
  }
}

/** The octets that occur, as a map of sixteen maps of sixteen. */
function readAlphabet(reader: BitReader): Uint8Array {
  const octets: number[] = [];
  const ranges = reader.bits(16);
  for (let range = 0; range < 16; range += 1) {
    if ((ranges & (0x8000 >> range)) === 0) continue;
    const used = reader.bits(16);
    for (let low = 0; low < 16; low += 1) {
      if ((used & (0x8000 >> low)) !== 0) octets.push(range * 16 + low);
    }
  }
  if (octets.length === 0) throw new Bzip2Error(BAD_HEAD);
  return Uint8Array.from(octets);
}

/** Which table each fifty symbols are written with, moved to the front when chosen. */
function readSelectors(reader: BitReader, tableCount: number, count: number): Uint8Array {
  const front = [0, 1, 2, 3, 4, 5].slice(0, tableCount);
  const selectors = new Uint8Array(count);
  for (let index = 0; index < count; index += 1) {
    let place = 0;
    while (reader.bits(1) === 1) place += 1;
    const [table] = front.splice(place, 1);
    if (table === undefined) throw new Bzip2Error(BAD_HEAD);
    front.unshift(table);
    selectors[index] = table;
  }
  return selectors;
}

/** Lengths of codes, each told by its difference from the one before. */
function readCodes(reader: BitReader, symbolCount: number): Codes {
  const lengths = new Uint8Array(symbolCount);
  let length = reader.bits(5);
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    while (reader.bits(1) === 1) length += reader.bits(1) === 1 ? -1 : 1;
    if (length < 1 || length > CODE_BITS_MAX) throw new Bzip2Error(BAD_HEAD);
    lengths[symbol] = length;
  }
  return new Codes(lengths);
}

const BAD_HEAD = "the head of a block makes no sense";
const TOO_LONG = "a block is longer than the stream said";
const STREAM_MAGIC = 0x425a68;
const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
const GROUP_SYMBOLS = 50;
const CODE_BITS_MAX = 20;
const OUT_OCTETS = 1 << 16;
/** 900 000 symbols of 20 bits, and the tables before them. */
const PACKED_OCTETS_MAX = 2_400_000;

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, octet) => {
  let checksum = octet << 24;
  for (let bit = 0; bit < 8; bit += 1) {
    checksum = checksum < 0 ? (checksum << 1) ^ 0x04c11db7 : checksum << 1;
  }
  return checksum;
});
