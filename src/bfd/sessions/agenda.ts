import type { Micros } from "../../core/time.ts";

/**
 * Which slot is due next: a binary heap that finds each slot in place, so that a deadline moves in
 * O(log n) on every packet. Equal deadlines come out in slot order, so that runs repeat.
 */
export class Agenda {
  readonly #heap: number[] = [];
  /** Slot → index in the heap, −1 while not in it. */
  readonly #place: number[] = [];
  /** Slot → deadline. */
  #at = new Float64Array(8);

  /** Arms a slot; Infinity disarms it. */
  set(slot: number, at: number): void {
    const place = this.#place[slot] ?? -1;
    if (at === Number.POSITIVE_INFINITY) {
      if (place >= 0) this.#remove(place);
      return;
    }
    if (slot >= this.#at.length) {
      const narrow = this.#at;
      this.#at = new Float64Array(2 * slot);
      this.#at.set(narrow);
    }
    this.#at[slot] = at;
    if (place >= 0) {
      this.#sink(this.#rise(place, slot), slot);
    } else {
      this.#heap.push(slot);
      this.#rise(this.#heap.length - 1, slot);
    }
  }

  /** When a slot is due; Infinity where it is not armed. */
  at(slot: number): number {
    const isArmed = (this.#place[slot] ?? -1) >= 0;
    return isArmed ? (this.#at[slot] ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  }

  next(): Micros | undefined {
    const slot = this.#heap[0];
    return slot === undefined ? undefined : (this.#at[slot] as Micros);
  }

  /** The first slot due at `now`; it stays armed until it is set anew. */
  due(now: Micros): number | undefined {
    const slot = this.#heap[0];
    return slot !== undefined && (this.#at[slot] ?? 0) <= now ? slot : undefined;
  }

  #remove(place: number): void {
    const slot = this.#heap[place];
    const last = this.#heap.pop();
    if (slot !== undefined) this.#place[slot] = -1;
    if (last === undefined || last === slot) return;
    this.#sink(this.#rise(place, last), last);
  }

  /** Moves `slot` from `place` towards the root; returns where it came to rest. */
  #rise(place: number, slot: number): number {
    let at = place;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#heap[parentAt] ?? slot;
      if (!this.#isBefore(slot, parent)) break;
      this.#put(at, parent);
      at = parentAt;
    }
    this.#put(at, slot);
    return at;
  }

  #sink(place: number, slot: number): void {
    let at = place;
    for (;;) {
      let childAt = 2 * at + 1;
      const right = this.#heap[childAt + 1];
      let child = this.#heap[childAt];
      if (child === undefined) break;
      if (right !== undefined && this.#isBefore(right, child)) {
        child = right;
        childAt += 1;
      }
      if (!this.#isBefore(child, slot)) break;
      this.#put(at, child);
      at = childAt;
    }
    this.#put(at, slot);
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot;
    this.#place[slot] = place;
  }

  #isBefore(a: number, b: number): boolean {
    const aAt = this.#at[a] ?? 0;
    const bAt = this.#at[b] ?? 0;
    return aAt < bAt || (aAt === bAt && a < b);
  }
}
