import { SparseColumn } from "./columns.ts";

/**
 * A heap of codes that can also give up one from the middle; `precedes` says who comes out first.
 */
export class IndexedHeap {
  readonly #precedes: (a: number, b: number) => boolean;
  readonly #codes: number[] = [];
  /** By code: its place plus one. */
  readonly #places = new SparseColumn();

  constructor(precedes: (a: number, b: number) => boolean) {
    this.#precedes = precedes;
  }

  get size(): number {
    return this.#codes.length;
  }

  get first(): number | undefined {
    return this.#codes[0];
  }

  has(code: number): boolean {
    return this.#places.at(code) !== 0;
  }

  push(code: number): void {
    this.#codes.push(code);
    this.#rise(code, this.#codes.length - 1);
  }

  remove(code: number): void {
    const place = this.#places.at(code) - 1;
    this.#places.set(code, 0);
    const last = this.#codes.pop();
    if (last === undefined || last === code) return;
    if (place > 0 && this.#precedes(last, this.#codes[(place - 1) >> 1] ?? 0)) {
      this.#rise(last, place);
    } else this.#sink(last, place);
  }

  [Symbol.iterator](): IterableIterator<number> {
    return this.#codes[Symbol.iterator]();
  }

  #rise(code: number, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = this.#codes[above] ?? 0;
      if (!this.#precedes(code, other)) break;
      this.#put(other, place);
      place = above;
    }
    this.#put(code, place);
  }

  #sink(code: number, from: number): void {
    let place = from;
    for (;;) {
      let below = place * 2 + 1;
      if (below >= this.#codes.length) break;
      const right = below + 1;
      if (
        right < this.#codes.length &&
        this.#precedes(this.#codes[right] ?? 0, this.#codes[below] ?? 0)
      ) {
        below = right;
      }
      const other = this.#codes[below] ?? 0;
      if (!this.#precedes(other, code)) break;
      this.#put(other, place);
      place = below;
    }
    this.#put(code, place);
  }

  #put(code: number, place: number): void {
    this.#codes[place] = code;
    this.#places.set(code, place + 1);
  }
}
