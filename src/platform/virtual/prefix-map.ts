import type { Afi } from "../../core/address.ts";
import { bitsOf } from "./ip.ts";

/**
 * Prefixes of one family with longest-prefix match: a hash map for each length in use, asked from
 * the longest down. Tables of the real world use few lengths, so a look-up is a handful of probes
 * whatever the number of routes.
 */
export class PrefixMap<Value> {
  readonly #bits: number;
  readonly #maps = new Map<number, Map<number | string, Value>>();
  /** Lengths in use, longest first: every forwarded packet walks along here. */
  #rungs: readonly Rung<Value>[] = [];
  #size = 0;
  /** The length of what `longest` found last. */
  matchedLength = -1;

  constructor(afi: Afi) {
    this.#bits = bitsOf(afi);
  }

  get size(): number {
    return this.#size;
  }

  get(words: Int32Array, length: number): Value | undefined {
    return this.#maps.get(length)?.get(this.#key(words, length));
  }

  /** Bits of `words` behind `length` do not matter. */
  set(words: Int32Array, length: number, value: Value): void {
    let map = this.#maps.get(length);
    if (map === undefined) {
      map = new Map();
      this.#maps.set(length, map);
      this.#rungs = [...this.#rungs, { length, mask: maskOf(length), map }].sort(
        (a, b) => b.length - a.length,
      );
    }
    const before = map.size;
    map.set(this.#key(words, length), value);
    this.#size += map.size - before;
  }

  delete(words: Int32Array, length: number): boolean {
    const map = this.#maps.get(length);
    if (!map?.delete(this.#key(words, length))) return false;
    this.#size -= 1;
    this.#forgetIfEmpty(length, map);
    return true;
  }

  /** Removes every value `isDoomed` says so of; returns how many. */
  deleteWhere(isDoomed: (value: Value) => boolean): number {
    let count = 0;
    for (const [length, map] of this.#maps) {
      for (const [key, value] of map) {
        if (!isDoomed(value)) continue;
        map.delete(key);
        count += 1;
      }
      this.#forgetIfEmpty(length, map);
    }
    this.#size -= count;
    return count;
  }

  /** The value of the longest prefix around an address that `accepts` takes. */
  longest(words: Int32Array, accepts: (value: Value) => boolean): Value | undefined {
    const isShort = this.#bits === 32;
    const first = words[0] ?? 0;
    for (const { length, mask, map } of this.#rungs) {
      const value = map.get(isShort ? first & mask : this.#key(words, length));
      if (value !== undefined && accepts(value)) {
        this.matchedLength = length;
        return value;
      }
    }
    this.matchedLength = -1;
    return undefined;
  }

  /** Calls with every prefix, its octets and length, shortest lengths first. */
  forEach(visit: (octets: Uint8Array, length: number, value: Value) => void): void {
    for (const { length, map } of [...this.#rungs].reverse()) {
      for (const [key, value] of map) visit(octetsOf(key), length, value);
    }
  }

  #forgetIfEmpty(length: number, map: Map<number | string, Value>): void {
    if (map.size > 0) return;
    this.#maps.delete(length);
    this.#rungs = this.#rungs.filter((rung) => rung.map !== map);
  }

  #key(words: Int32Array, length: number): number | string {
    if (this.#bits === 32) return (words[0] ?? 0) & maskOf(length);
    const a = (words[0] ?? 0) & maskOf(length);
    const b = (words[1] ?? 0) & maskOf(length - 32);
    const c = (words[2] ?? 0) & maskOf(length - 64);
    const d = (words[3] ?? 0) & maskOf(length - 96);
    // `fromCharCode` keeps the low 16 bits of each.
    return String.fromCharCode(a >>> 16, a, b >>> 16, b, c >>> 16, c, d >>> 16, d);
  }
}

interface Rung<Value> {
  readonly length: number;
  /** Of the first word. */
  readonly mask: number;
  readonly map: Map<number | string, Value>;
}

const maskOf = (length: number): number => {
  if (length <= 0) return 0;
  return length >= 32 ? -1 : -1 << (32 - length);
};

function octetsOf(key: number | string): Uint8Array {
  const octets = new Uint8Array(typeof key === "number" ? 4 : 16);
  const view = new DataView(octets.buffer);
  if (typeof key === "number") view.setInt32(0, key);
  else for (let index = 0; index < 8; index += 1) view.setUint16(index * 2, key.charCodeAt(index));
  return octets;
}
