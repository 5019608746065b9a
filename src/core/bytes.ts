/**
 * Bounds-checked octet reading and growable writing, big-endian as the wire is. A read past the
 * end never throws: it answers 0 or an empty array and sets `overrun`, so that a decoder tests once
 * per structure. Octets come out as views (`subarray`) on the input, never as copies.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  offset = 0;
  overrun = false;

  /**
   * Cheap enough for every attribute of every UPDATE: no DataView, which costs more than it reads.
   */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.bytes[at] as number);
  }

  u16(): number {
    const at = this.#take(2);
    if (at < 0) return 0;
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(): number {
    const at = this.#take(4);
    if (at < 0) return 0;
    const { bytes } = this;
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    return ((high << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
  }

  take(lengthOctets: number): Uint8Array {
    const at = this.#take(lengthOctets);
    return at < 0 ? EMPTY : this.bytes.subarray(at, at + lengthOctets);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  #take(lengthOctets: number): number {
    const at = this.offset;
    if (lengthOctets > this.bytes.length - at) {
      this.overrun = true;
      this.offset = this.bytes.length;
      return -1;
    }
    this.offset = at + lengthOctets;
    return at;
  }
}

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(capacityOctets = 64) {
    this.#bytes = new Uint8Array(capacityOctets);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
    return this;
  }

  octets(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Overwrites two octets written before: a length that is known only at the end. */
  patchU16(at: number, value: number): void {
    this.#view.setUint16(at, value);
  }

  patchU8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }

  /** A copy of what was written; the writer may be reset and used again. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** A view of what was written, valid until the next write or `reset`. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
  }

  #grow(octets: number): number {
    const at = this.length;
    this.length = at + octets;
    if (this.length > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      wider.set(this.#bytes);
      this.#bytes = wider;
      this.#view = new DataView(wider.buffer);
    }
    return at;
  }
}

export const EMPTY: Uint8Array = new Uint8Array(0);

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const octet of bytes) text += octet.toString(16).padStart(2, "0");
  return text;
}

/** Octets of hex text; white space is skipped, anything else is undefined. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}
