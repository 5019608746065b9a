import { assert } from "./assert.ts";

/**
 * Prefix → group, for FIBs: what the kernel is to hold and what it holds. An open-addressing hash
 * with linear probing in one typed array, a slot's words side by side: a look-up in a million rows
 * costs one cache line, and the collector has nothing to trace. One table a family; host octets in,
 * host octets out. Slots move when others are removed; whoever walks the table while it changes may
 * miss a row or meet it twice. The seed keeps peers from choosing collisions.
 */
export class PrefixGroups {
  readonly octets: 4 | 16;
  readonly #seed: number;
  /** Words of a slot: the address, then length + 1 (0 is free) and mark, then the group. */
  readonly #stride: number;
  #slots: Int32Array;
  #mask = SLOTS_MIN - 1;
  /** The prefix looked for. */
  readonly #key = new Int32Array(4);
  size = 0;

  constructor(octets: 4 | 16, seed: number) {
    this.octets = octets;
    this.#seed = seed | 0;
    this.#stride = octets / 4 + 2;
    this.#slots = new Int32Array(SLOTS_MIN * this.#stride);
  }

  /** Slots to walk with `lengthAt`. */
  get slots(): number {
    return this.#mask + 1;
  }

  /** The group of the prefix whose address begins at `offset`, 0 where there is none. */
  group(addresses: Uint8Array, offset: number, length: number): number {
    const at = this.#find(addresses, offset, length);
    return this.#isFree(at) ? 0 : this.#groupOf(at);
  }

  set(addresses: Uint8Array, offset: number, length: number, group: number): void {
    assert(group !== 0, "a row points at a group");
    if (this.size * 8 >= this.slots * 5) this.#widen();
    const at = this.#find(addresses, offset, length);
    const slots = this.#slots;
    const meta = at + this.#stride - 2;
    if (slots[meta] === 0) {
      this.size += 1;
      for (let word = at; word < meta; word += 1) slots[word] = this.#key[word - at] as number;
      slots[meta] = length + 1;
    }
    slots[meta + 1] = group;
  }

  /** The group the prefix had, 0 where it had none. */
  remove(addresses: Uint8Array, offset: number, length: number): number {
    const stride = this.#stride;
    let hole = this.#find(addresses, offset, length);
    if (this.#isFree(hole)) return 0;
    const group = this.#groupOf(hole);
    this.size -= 1;
    // Rows whose probing passed over the hole move into it, so that no search ends too early.
    for (let at = this.#after(hole); !this.#isFree(at); at = this.#after(at)) {
      const home = this.#homeOf(this.#slots, at);
      const distance = (at / stride - home) & this.#mask;
      if (distance < (((at - hole) / stride) & this.#mask)) continue;
      this.#slots.copyWithin(hole, at, at + stride);
      hole = at;
    }
    this.#slots[hole + stride - 2] = 0;
    return group;
  }

  /** Marks the row as met by this round (1 to 255); its group, or 0 where it has no row. */
  mark(addresses: Uint8Array, offset: number, length: number, round: number): number {
    const at = this.#find(addresses, offset, length);
    if (this.#isFree(at)) return 0;
    this.#slots[at + this.#stride - 2] = (length + 1) | (round << MARK_SHIFT);
    return this.#groupOf(at);
  }

  clear(): void {
    this.#slots.fill(0);
    this.size = 0;
  }

  /**
   * Length of the row in `slot`, undefined where the slot is free; then the others answer for it.
   */
  lengthAt(slot: number): number | undefined {
    const meta = this.#metaOf(slot);
    return meta === 0 ? undefined : (meta & LENGTH_MASK) - 1;
  }

  groupAt(slot: number): number {
    return this.#groupOf(slot * this.#stride);
  }

  /** Round that marked the row last, 0 for none. */
  markAt(slot: number): number {
    return this.#metaOf(slot) >>> MARK_SHIFT;
  }

  addressAt(slot: number): Uint8Array {
    const address = new Uint8Array(this.octets);
    const base = slot * this.#stride;
    for (let at = 0; at < this.octets; at += 1) {
      address[at] = (this.#slots[base + (at >>> 2)] as number) >>> (24 - (at & 3) * 8);
    }
    return address;
  }

  /** Where the row of the prefix is, or would be. */
  #find(addresses: Uint8Array, offset: number, length: number): number {
    const key = this.#key;
    let hash = this.#seed ^ length;
    for (let word = 0; word * 4 < this.octets; word += 1) {
      const at = offset + word * 4;
      const value =
        ((addresses[at] as number) << 24) |
        ((addresses[at + 1] as number) << 16) |
        ((addresses[at + 2] as number) << 8) |
        (addresses[at + 3] as number);
      key[word] = value;
      hash = mix(hash, value);
    }
    let at = (finish(hash) & this.#mask) * this.#stride;
    while (!this.#isFree(at) && !this.#isKeyAt(at, length)) at = this.#after(at);
    return at;
  }

  #isKeyAt(at: number, length: number): boolean {
    const slots = this.#slots;
    const meta = at + this.#stride - 2;
    for (let word = at; word < meta; word += 1) {
      if (slots[word] !== this.#key[word - at]) return false;
    }
    return ((slots[meta] as number) & LENGTH_MASK) === length + 1;
  }

  /** The slot at which probing for the row at `at` begins. */
  #homeOf(slots: Int32Array, at: number): number {
    const meta = at + this.#stride - 2;
    let hash = this.#seed ^ (((slots[meta] as number) & LENGTH_MASK) - 1);
    for (let word = at; word < meta; word += 1) hash = mix(hash, slots[word] as number);
    return finish(hash) & this.#mask;
  }

  #after(at: number): number {
    const next = at + this.#stride;
    return next === this.#slots.length ? 0 : next;
  }

  #isFree(at: number): boolean {
    return this.#slots[at + this.#stride - 2] === 0;
  }

  #groupOf(at: number): number {
    return (this.#slots[at + this.#stride - 1] as number) >>> 0;
  }

  #metaOf(slot: number): number {
    return (this.#slots[slot * this.#stride + this.#stride - 2] as number) >>> 0;
  }

  #widen(): void {
    const old = this.#slots;
    const stride = this.#stride;
    this.#mask = this.#mask * 2 + 1;
    const slots = new Int32Array(old.length * 2);
    this.#slots = slots;
    for (let from = 0; from < old.length; from += stride) {
      if (old[from + stride - 2] === 0) continue;
      let at = this.#homeOf(old, from) * stride;
      while (!this.#isFree(at)) at = this.#after(at);
      for (let word = 0; word < stride; word += 1) slots[at + word] = old[from + word] as number;
    }
  }
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e37_79b1);
  return mixed ^ (mixed >>> 15);
}

function finish(hash: number): number {
  const mixed = Math.imul(hash, 0x85eb_ca6b);
  return mixed ^ (mixed >>> 13);
}

const SLOTS_MIN = 256;
const LENGTH_MASK = 0xff;
const MARK_SHIFT = 8;
