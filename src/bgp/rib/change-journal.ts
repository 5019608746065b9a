import { widened } from "./columns.ts";

/**
 * Rows of the Loc-RIB in the order they changed, read by any number of readers at their own pace: a
 * change costs the same for one peer and for a thousand. A row that changes again moves to the end,
 * so the journal holds each row once and a reader that lags sees the last state only.
 */
export class ChangeJournal {
  #rows = new Uint32Array(1024);
  #length = 0;
  /** Number of the entry at `#rows[0]`; positions only ever grow. */
  #start = 0;
  /** By row: low 32 bits of the position of its valid entry. */
  #positions = new Uint32Array(1024);
  readonly #readers = new Set<JournalReader>();

  /** A reader that begins behind everything noted so far. */
  open(): JournalReader {
    const reader: JournalReader = { at: this.#end };
    this.#readers.add(reader);
    return reader;
  }

  close(reader: JournalReader): void {
    this.#readers.delete(reader);
  }

  note(row: number): void {
    if (this.#readers.size === 0) return;
    if (row >= this.#positions.length) {
      let capacity = this.#positions.length;
      while (capacity <= row) capacity *= 2;
      this.#positions = widened(this.#positions, capacity);
    }
    if (this.#length === this.#rows.length) this.#makeRoom();
    this.#positions[row] = this.#end;
    this.#rows[this.#length] = row;
    this.#length += 1;
  }

  /** The next changed row for the reader, 0 at the end. */
  take(reader: JournalReader): number {
    while (reader.at < this.#end) {
      const row = this.#rows[reader.at - this.#start] ?? 0;
      const isValid = this.#positions[row] === reader.at >>> 0;
      reader.at += 1;
      if (isValid) return row;
    }
    if (this.#length > 0) this.#forget();
    return 0;
  }

  hasMore(reader: JournalReader): boolean {
    return reader.at < this.#end;
  }

  get #end(): number {
    return this.#start + this.#length;
  }

  /** Once every reader is through, the journal is empty. */
  #forget(): void {
    for (const reader of this.#readers) if (reader.at < this.#end) return;
    this.#start = this.#end;
    this.#length = 0;
  }

  /**
   * Drops what all readers have seen and what was overtaken, and doubles where that frees less than
   * half. What stays is renumbered behind everything before, so no old position means anything now.
   */
  #makeRoom(): void {
    const start = this.#end;
    const readers = [...this.#readers].sort((a, b) => a.at - b.at);
    const rows = this.#rows;
    let index = Math.max(0, (readers[0]?.at ?? start) - this.#start);
    let kept = 0;
    for (const reader of readers) {
      const until = reader.at - this.#start;
      for (; index < until; index += 1) kept = this.#keep(rows, index, kept, start);
      reader.at = start + kept;
    }
    for (; index < this.#length; index += 1) kept = this.#keep(rows, index, kept, start);
    this.#start = start;
    this.#length = kept;
    if (kept > rows.length / 2) this.#rows = widened(rows, rows.length * 2);
  }

  /** Moves the entry at `index` to place `kept` unless it was overtaken; returns the next place. */
  #keep(rows: Uint32Array, index: number, kept: number, start: number): number {
    const row = rows[index] ?? 0;
    if (this.#positions[row] !== (this.#start + index) >>> 0) return kept;
    rows[kept] = row;
    this.#positions[row] = start + kept;
    return kept + 1;
  }
}

/** Where a reader stands; only the journal moves it. */
export interface JournalReader {
  at: number;
}
