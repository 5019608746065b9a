/**
 * A queue of rows that doubles as needed; whoever fills it keeps rows from standing in it twice.
 */
export class RowQueue {
  #rows = new Uint32Array(256);
  #from = 0;
  length = 0;
  /** Rows ever pushed. */
  pushed = 0;

  push(row: number): void {
    if (this.length === this.#rows.length) this.#grow();
    this.#rows[(this.#from + this.length) & (this.#rows.length - 1)] = row;
    this.length += 1;
    this.pushed += 1;
  }

  /** The row that waited longest, 0 where none does. */
  shift(): number {
    if (this.length === 0) return 0;
    const row = this.#rows[this.#from] ?? 0;
    this.#from = (this.#from + 1) & (this.#rows.length - 1);
    this.length -= 1;
    return row;
  }

  #grow(): void {
    const wider = new Uint32Array(this.#rows.length * 2);
    wider.set(this.#rows.subarray(this.#from));
    wider.set(this.#rows.subarray(0, this.#from), this.#rows.length - this.#from);
    this.#rows = wider;
    this.#from = 0;
  }
}
