/** The typed arrays a column may be. */
export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array;

/** A copy of `column` with room for `capacity` entries; what is new reads 0. */
export function widened<Kind extends Column>(column: Kind, capacity: number): Kind {
  const wider = new (column.constructor as new (length: number) => Kind)(capacity);
  wider.set(column);
  return wider;
}

/**
 * A column most rows of which stay 0: pages come into being where something is written, so that a
 * peer who is told a hundred of a million prefixes pays for a hundred.
 */
export class SparseColumn {
  readonly #pages: (Uint32Array | undefined)[] = [];

  at(row: number): number {
    const page = this.#pages[row >>> PAGE_BITS];
    return page === undefined ? 0 : (page[row & PAGE_MASK] ?? 0);
  }

  set(row: number, value: number): void {
    const index = row >>> PAGE_BITS;
    let page = this.#pages[index];
    if (page === undefined) {
      if (value === 0) return;
      page = new Uint32Array(PAGE_MASK + 1);
      while (this.#pages.length < index) this.#pages.push(undefined);
      this.#pages[index] = page;
    }
    page[row & PAGE_MASK] = value;
  }

  /** First row past every page in use. */
  get end(): number {
    return this.#pages.length << PAGE_BITS;
  }

  /** False where the page of `row` was never written: the walker may go on at the next page. */
  hasPage(row: number): boolean {
    return this.#pages[row >>> PAGE_BITS] !== undefined;
  }

  clear(): void {
    this.#pages.length = 0;
  }
}

const PAGE_BITS = 12;
const PAGE_MASK = (1 << PAGE_BITS) - 1;
/** Rows of a page of a SparseColumn; walks skip by this much. */
export const PAGE_ROWS: number = PAGE_MASK + 1;
