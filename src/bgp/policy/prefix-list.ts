import { at } from "../../core/assert.ts";
import { lengthMax, type Prefix } from "../../core/prefix.ts";

export interface PrefixListEntry {
  readonly prefix: Prefix;
  readonly lengthMin: number;
  readonly lengthMax: number;
  readonly isPermit: boolean;
}

/**
 * An ordered prefix list as two binary tries, one a family. A look-up walks the bits of the route
 * and keeps the earliest entry that covers it, so its cost depends on the prefix length and never
 * on the length of the list.
 */
export class PrefixList {
  readonly #ipv4 = new Trie();
  readonly #ipv6 = new Trie();
  readonly #isPermit: readonly boolean[];

  constructor(entries: readonly PrefixListEntry[]) {
    entries.forEach((entry, sequence) => {
      this.#trie(entry.prefix.address).insert(entry, sequence);
    });
    this.#isPermit = entries.map((entry) => entry.isPermit);
  }

  /** The verdict of the first entry that covers the prefix; false where none does. */
  permits(address: Uint8Array, length: number): boolean {
    const sequence = this.#trie(address).first(address, length);
    return sequence !== NONE && at(this.#isPermit, sequence);
  }

  /** Same for a host address. */
  permitsAddress(address: Uint8Array): boolean {
    return this.permits(address, address.length * 8);
  }

  #trie(address: Uint8Array): Trie {
    return address.length === 4 ? this.#ipv4 : this.#ipv6;
  }
}

/** An entry for a prefix and, unless told otherwise, nothing more specific than it. */
export function prefixListEntry(
  prefix: Prefix,
  bounds: { readonly ge?: number | undefined; readonly le?: number | undefined } = {},
  isPermit = true,
): PrefixListEntry {
  const { ge, le } = bounds;
  const least = ge ?? prefix.length;
  const most = le ?? (ge === undefined ? prefix.length : lengthMax(prefix.afi));
  return { prefix, lengthMin: least, lengthMax: most, isPermit };
}

const NONE = -1;

/** Nodes are rows: `children` two a node, `heads` into the chained entries that end there. */
class Trie {
  readonly #children: number[] = [NONE, NONE];
  readonly #heads: number[] = [NONE];
  /** Four numbers an entry: sequence, least and greatest length, next entry of the node. */
  readonly #entries: number[] = [];

  insert(entry: PrefixListEntry, sequence: number): void {
    const { address, length } = entry.prefix;
    let node = 0;
    for (let bit = 0; bit < length; bit += 1) {
      const slot = node * 2 + bitAt(address, bit);
      let child = at(this.#children, slot);
      if (child === NONE) {
        child = this.#heads.length;
        this.#heads.push(NONE);
        this.#children.push(NONE, NONE);
        this.#children[slot] = child;
      }
      node = child;
    }
    const row = this.#entries.length;
    this.#entries.push(sequence, entry.lengthMin, entry.lengthMax, at(this.#heads, node));
    this.#heads[node] = row;
  }

  /** The lowest sequence among the entries that cover the prefix, or NONE. */
  first(address: Uint8Array, length: number): number {
    let found = NONE;
    let node = 0;
    for (let bit = 0; ; bit += 1) {
      for (let row = at(this.#heads, node); row !== NONE; row = at(this.#entries, row + 3)) {
        const sequence = at(this.#entries, row);
        const isCovered =
          length >= at(this.#entries, row + 1) && length <= at(this.#entries, row + 2);
        if (isCovered && (found === NONE || sequence < found)) found = sequence;
      }
      if (bit >= length) return found;
      node = at(this.#children, node * 2 + bitAt(address, bit));
      if (node === NONE) return found;
    }
  }
}

const bitAt = (address: Uint8Array, bit: number): number =>
  (at(address, bit >> 3) >> (7 - (bit & 7))) & 1;
