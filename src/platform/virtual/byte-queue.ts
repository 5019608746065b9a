import { EMPTY } from "../../core/bytes.ts";

/**
 * Octets waiting to be sent and acknowledged: a queue of chunks, read at any offset from its head
 * without copying where the wanted octets lie in one chunk. A cursor remembers where the last read
 * ended, because the next one mostly goes on there.
 */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  /** Chunks before it are gone; they are cut off in batches. */
  #head = 0;
  /** Octets of the head chunk that are gone. */
  #headOffset = 0;
  #length = 0;
  #cursor = { chunk: 0, start: 0 };

  get length(): number {
    return this.#length;
  }

  push(octets: Uint8Array): void {
    if (octets.length === 0) return;
    this.#chunks.push(octets);
    this.#length += octets.length;
  }

  /** `count` octets from `offset` on; a view where possible, else a copy. Both must be there. */
  peek(offset: number, count: number): Uint8Array {
    if (count === 0) return EMPTY;
    const { chunk: from, start } = this.#seek(offset);
    const first = this.#chunks[from] ?? EMPTY;
    const inFirst = offset - start;
    if (inFirst + count <= first.length) return first.subarray(inFirst, inFirst + count);
    const whole = new Uint8Array(count);
    whole.set(first.subarray(inFirst));
    let filled = first.length - inFirst;
    for (let index = from + 1; filled < count; index += 1) {
      const part = this.#chunks[index] ?? EMPTY;
      whole.set(part.subarray(0, count - filled), filled);
      filled += part.length;
    }
    return whole;
  }

  /** Removes octets from the head. */
  drop(count: number): void {
    this.#length -= count;
    let left = count + this.#headOffset;
    for (;;) {
      const chunk = this.#chunks[this.#head];
      if (chunk === undefined || chunk.length > left) break;
      left -= chunk.length;
      this.#head += 1;
    }
    this.#headOffset = left;
    const { chunk, start } = this.#cursor;
    this.#cursor =
      chunk > this.#head
        ? { chunk, start: start - count }
        : { chunk: this.#head, start: -this.#headOffset };
    if (this.#head > 64 && this.#head * 2 > this.#chunks.length) {
      this.#cursor.chunk -= this.#head;
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Removes octets from the tail: everything behind the first `length`. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    const kept = this.peek(0, length).slice();
    this.#chunks = kept.length > 0 ? [kept] : [];
    this.#head = 0;
    this.#headOffset = 0;
    this.#length = length;
    this.#cursor = { chunk: 0, start: 0 };
  }

  /** The chunk `offset` lies in, and the offset its first octet has. */
  #seek(offset: number): { readonly chunk: number; readonly start: number } {
    let { chunk, start } = this.#cursor;
    if (offset < start) {
      chunk = this.#head;
      start = -this.#headOffset;
    }
    for (;;) {
      const length = this.#chunks[chunk]?.length;
      if (length === undefined || offset < start + length) break;
      start += length;
      chunk += 1;
    }
    this.#cursor = { chunk, start };
    return this.#cursor;
  }
}
