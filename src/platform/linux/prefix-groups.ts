import { type Afi, Afi as Families } from "../../core/address.ts";

/**
 * Prefix → group as columns: what a million routes point at, in some tens of megabytes and nothing
 * for the collector to trace. Open addressing with linear probing; rows of one family in one table.
 */
export class PrefixGroups {
  readonly octets: 4 | 16;
  #addresses: Uint8Array;
  /** Prefix length + 1; 0 marks a free slot. */
  #lengths: Uint8Array;
  #groups: Uint32Array;
  #mask = SLOTS_MIN - 1;
  size = 0;

  constructor(afi: Afi) {
    this.octets = afi === Families.Ipv4 ? 4 : 16;
    this.#addresses = new Uint8Array(SLOTS_MIN * this.octets);
    this.#lengths = new Uint8Array(SLOTS_MIN);
    this.#groups = new Uint32Array(SLOTS_MIN);
  }

  /** The group of the prefix whose address begins at `offset`; undefined where it has no row. */
  find(addresses: Uint8Array, offset: number, length: number): number | undefined {
    const slot = this.#slotOf(addresses, offset, length);
    return this.#lengths[slot] === 0 ? undefined : this.#groups[slot];
  }

  set(addresses: Uint8Array, offset: number, length: number, group: number): void {
    if (this.size * 2 > this.#mask) this.#widen();
    const slot = this.#slotOf(addresses, offset, length);
    if (this.#lengths[slot] === 0) {
      const start = slot * this.octets;
      // Octet by octet: a view and a `set` for each row would cost several times this.
      for (let index = 0; index < this.octets; index += 1) {
        this.#addresses[start + index] = addresses[offset + index] ?? 0;
      }
      this.#lengths[slot] = length + 1;
      this.size += 1;
    }
    this.#groups[slot] = group;
  }

  delete(addresses: Uint8Array, offset: number, length: number): void {
    let hole = this.#slotOf(addresses, offset, length);
    if (this.#lengths[hole] === 0) return;
    this.size -= 1;
    // Rows whose probing passed over the hole move into it, so that no search ends too early.
    for (let slot = (hole + 1) & this.#mask; this.#lengths[slot] !== 0; ) {
      const length = (this.#lengths[slot] ?? 1) - 1;
      const wanted = this.#hash(this.#addresses, slot * this.octets, length);
      if (((slot - wanted) & this.#mask) >= ((slot - hole) & this.#mask)) {
        this.#move(slot, hole);
        hole = slot;
      }
      slot = (slot + 1) & this.#mask;
    }
    this.#lengths[hole] = 0;
  }

  clear(): void {
    this.#lengths.fill(0);
    this.size = 0;
  }

  /** Slots to walk with `lengthAt`; rows move when others are deleted on the way. */
  get slots(): number {
    return this.#mask + 1;
  }

  /** The prefix length in a slot, undefined where it is free. */
  lengthAt(slot: number): number | undefined {
    const stored = this.#lengths[slot] ?? 0;
    return stored === 0 ? undefined : stored - 1;
  }

  groupAt(slot: number): number {
    return this.#groups[slot] ?? 0;
  }

  addressAt(slot: number): Uint8Array {
    return this.#addresses.subarray(slot * this.octets, (slot + 1) * this.octets);
  }

  #slotOf(addresses: Uint8Array, offset: number, length: number): number {
    let slot = this.#hash(addresses, offset, length);
    while (this.#lengths[slot] !== 0 && !this.#holds(slot, addresses, offset, length)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #holds(slot: number, addresses: Uint8Array, offset: number, length: number): boolean {
    if (this.#lengths[slot] !== length + 1) return false;
    const start = slot * this.octets;
    for (let index = 0; index < this.octets; index += 1) {
      if (this.#addresses[start + index] !== addresses[offset + index]) return false;
    }
    return true;
  }

  #hash(addresses: Uint8Array, offset: number, length: number): number {
    let hash = Math.imul(length + 1, 0x9e37_79b1);
    for (let at = offset; at < offset + this.octets; at += 1) {
      hash = Math.imul(hash ^ (addresses[at] ?? 0), 0x0100_0193);
      hash ^= hash >>> 15;
    }
    return (Math.imul(hash, 0x85eb_ca6b) >>> 8) & this.#mask;
  }

  #move(from: number, to: number): void {
    const start = from * this.octets;
    this.#addresses.copyWithin(to * this.octets, start, start + this.octets);
    this.#lengths[to] = this.#lengths[from] ?? 0;
    this.#groups[to] = this.#groups[from] ?? 0;
  }

  #widen(): void {
    const [addresses, lengths, groups] = [this.#addresses, this.#lengths, this.#groups];
    const slots = lengths.length * 2;
    this.#mask = slots - 1;
    this.#addresses = new Uint8Array(slots * this.octets);
    this.#lengths = new Uint8Array(slots);
    this.#groups = new Uint32Array(slots);
    this.size = 0;
    for (let slot = 0; slot < lengths.length; slot += 1) {
      const stored = lengths[slot] ?? 0;
      if (stored !== 0) this.set(addresses, slot * this.octets, stored - 1, groups[slot] ?? 0);
    }
  }
}

/** A row may wait for its group under this number: no group has it. */
export const NO_GROUP = 0xffff_ffff;

const SLOTS_MIN = 1024;
