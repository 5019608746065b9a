import { assert } from "../core/assert.ts";

/**
 * What the kernel is to hold, prefix by prefix, as columns: an open-addressing hash from prefix to
 * group, nine octets a slot for IPv4, so that a million routes cost tens of megabytes and not a
 * heap of objects. One table a family; host octets in, host octets out. Slots move when others
 * are removed; whoever walks the table while it changes may miss a row or meet it twice.
 */
export class FibTable {
  readonly #octets: 4 | 16;
  readonly #seed: number;
  #addresses: Uint8Array;
  /** Length + 1; 0 marks a free slot. */
  #lengths: Uint8Array;
  #groups: Uint32Array;
  /** Round of the audit that met the row last. */
  #marks: Uint8Array;
  #mask: number;
  size = 0;

  constructor(octets: 4 | 16, seed: number) {
    this.#octets = octets;
    this.#seed = seed | 0;
    this.#mask = INITIAL_SLOTS - 1;
    this.#addresses = new Uint8Array(INITIAL_SLOTS * octets);
    this.#lengths = new Uint8Array(INITIAL_SLOTS);
    this.#groups = new Uint32Array(INITIAL_SLOTS);
    this.#marks = new Uint8Array(INITIAL_SLOTS);
  }

  get slots(): number {
    return this.#mask + 1;
  }

  /** The group of the prefix whose address begins at `offset`, 0 where there is none. */
  group(addresses: Uint8Array, offset: number, length: number): number {
    const slot = this.#find(addresses, offset, length);
    return this.#lengths[slot] === 0 ? 0 : (this.#groups[slot] ?? 0);
  }

  set(addresses: Uint8Array, offset: number, length: number, group: number): void {
    assert(group !== 0, "a row points at a group");
    if (this.size * 2 >= this.slots) this.#widen();
    const slot = this.#find(addresses, offset, length);
    if (this.#lengths[slot] === 0) {
      this.size += 1;
      this.#writeAddress(slot, addresses, offset);
      this.#lengths[slot] = length + 1;
      this.#marks[slot] = 0;
    }
    this.#groups[slot] = group;
  }

  /** The group the prefix had, 0 where it had none. */
  remove(addresses: Uint8Array, offset: number, length: number): number {
    let free = this.#find(addresses, offset, length);
    if (this.#lengths[free] === 0) return 0;
    const group = this.#groups[free] ?? 0;
    this.size -= 1;
    // Rows behind the hole move up, so that no probe ends too early.
    for (let slot = (free + 1) & this.#mask; this.#lengths[slot] !== 0; ) {
      const home = this.#home(this.#addresses, slot * this.#octets, (this.#lengths[slot] ?? 1) - 1);
      if (((slot - home) & this.#mask) >= ((slot - free) & this.#mask)) {
        this.#copy(slot, free);
        free = slot;
      }
      slot = (slot + 1) & this.#mask;
    }
    this.#lengths[free] = 0;
    return group;
  }

  /** Marks the row as met by this round; its group, or 0 where it is not in the table. */
  mark(addresses: Uint8Array, offset: number, length: number, round: number): number {
    const slot = this.#find(addresses, offset, length);
    if (this.#lengths[slot] === 0) return 0;
    this.#marks[slot] = round;
    return this.#groups[slot] ?? 0;
  }

  /**
   * Length of the row in `slot`, undefined where the slot is free; then the others answer for it.
   */
  lengthAt(slot: number): number | undefined {
    const stored = this.#lengths[slot] ?? 0;
    return stored === 0 ? undefined : stored - 1;
  }

  groupAt(slot: number): number {
    return this.#groups[slot] ?? 0;
  }

  markAt(slot: number): number {
    return this.#marks[slot] ?? 0;
  }

  addressAt(slot: number): Uint8Array {
    return this.#addresses.subarray(slot * this.#octets, (slot + 1) * this.#octets);
  }

  #find(addresses: Uint8Array, offset: number, length: number): number {
    let slot = this.#home(addresses, offset, length);
    while (this.#lengths[slot] !== 0 && !this.#isAt(slot, addresses, offset, length)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #isAt(slot: number, addresses: Uint8Array, offset: number, length: number): boolean {
    if (this.#lengths[slot] !== length + 1) return false;
    const start = slot * this.#octets;
    for (let index = 0; index < this.#octets; index += 1) {
      if (this.#addresses[start + index] !== addresses[offset + index]) return false;
    }
    return true;
  }

  #home(addresses: Uint8Array, offset: number, length: number): number {
    let hash = Math.imul(this.#seed ^ length, 0x9e37_79b1);
    for (let index = offset; index < offset + this.#octets; index += 1) {
      hash = Math.imul(hash ^ (addresses[index] ?? 0), 0x0100_0193);
    }
    hash ^= hash >>> 15;
    return (Math.imul(hash, 0x85eb_ca6b) >>> 7) & this.#mask;
  }

  /** Octet by octet: a view and a `set` for each row of a table would cost several times this. */
  #writeAddress(slot: number, addresses: Uint8Array, offset: number): void {
    const start = slot * this.#octets;
    for (let index = 0; index < this.#octets; index += 1) {
      this.#addresses[start + index] = addresses[offset + index] ?? 0;
    }
  }

  #copy(from: number, to: number): void {
    const start = from * this.#octets;
    this.#addresses.copyWithin(to * this.#octets, start, start + this.#octets);
    this.#lengths[to] = this.#lengths[from] ?? 0;
    this.#groups[to] = this.#groups[from] ?? 0;
    this.#marks[to] = this.#marks[from] ?? 0;
  }

  #widen(): void {
    const old = {
      addresses: this.#addresses,
      lengths: this.#lengths,
      groups: this.#groups,
      marks: this.#marks,
    };
    const slots = old.lengths.length * 2;
    this.#mask = slots - 1;
    this.#addresses = new Uint8Array(slots * this.#octets);
    this.#lengths = new Uint8Array(slots);
    this.#groups = new Uint32Array(slots);
    this.#marks = new Uint8Array(slots);
    for (let from = 0; from < old.lengths.length; from += 1) {
      const stored = old.lengths[from] ?? 0;
      if (stored === 0) continue;
      const offset = from * this.#octets;
      const slot = this.#find(old.addresses, offset, stored - 1);
      this.#writeAddress(slot, old.addresses, offset);
      this.#lengths[slot] = stored;
      this.#groups[slot] = old.groups[from] ?? 0;
      this.#marks[slot] = old.marks[from] ?? 0;
    }
  }
}

const INITIAL_SLOTS = 256;
