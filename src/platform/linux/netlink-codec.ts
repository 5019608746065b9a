import { ErrorAttr, NlAttr, Nlm } from "./rtnetlink.ts";

/**
 * Netlink messages as octets: 16 octets of header, a fixed structure of the family, then attributes
 * (length, type, value, padded to four octets). Host byte order, which is little-endian here.
 */

const HEADER_OCTETS = 16;

/** Builds requests one behind another in one buffer, which a single send then carries. */
export class MessageWriter {
  #octets: Uint8Array;
  #view: DataView;
  #start = 0;
  length = 0;
  /** Messages since the last `reset`. */
  count = 0;

  constructor(capacityOctets = 512) {
    this.#octets = new Uint8Array(capacityOctets);
    this.#view = new DataView(this.#octets.buffer);
  }

  begin(type: number, flags: number, seq: number): this {
    const at = this.#grow(HEADER_OCTETS);
    this.#start = at;
    this.#view.setUint32(at, 0, true);
    this.#view.setUint16(at + 4, type, true);
    this.#view.setUint16(at + 6, flags | Nlm.REQUEST, true);
    this.#view.setUint32(at + 8, seq, true);
    this.#view.setUint32(at + 12, 0, true);
    return this;
  }

  end(): this {
    this.#view.setUint32(this.#start, this.length - this.#start, true);
    this.count += 1;
    return this;
  }

  /** Adds flags to the message begun last. */
  addFlags(flags: number): this {
    const at = this.#start + 6;
    this.#view.setUint16(at, this.#view.getUint16(at, true) | flags, true);
    return this;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  octets(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#octets.set(value, at);
    return this;
  }

  attrU32(type: number, value: number): this {
    return this.u16(8).u16(type).u32(value);
  }

  /** The value is `length` octets of `source` from `offset` on; no copy in between. */
  attrOctets(type: number, source: Uint8Array, offset = 0, length = source.length): this {
    this.u16(4 + length).u16(type);
    const at = this.#grow((length + 3) & ~3);
    for (let index = 0; index < length; index += 1) {
      this.#octets[at + index] = source[offset + index] ?? 0;
    }
    this.#octets.fill(0, at + length, this.length);
    return this;
  }

  attrText(type: number, text: string): this {
    return this.attrOctets(type, new TextEncoder().encode(`${text}\0`));
  }

  /** Begins an attribute made of attributes; `endNest` takes what it answers. */
  beginNest(type: number): number {
    const at = this.length;
    this.u16(0).u16(type);
    return at;
  }

  endNest(at: number): this {
    this.#view.setUint16(at, this.length - at, true);
    return this;
  }

  view(): Uint8Array {
    return this.#octets.subarray(0, this.length);
  }

  reset(): this {
    this.length = 0;
    this.count = 0;
    return this;
  }

  #grow(octets: number): number {
    const at = this.length;
    this.length += octets;
    if (this.length > this.#octets.length) {
      const wider = new Uint8Array(Math.max(this.length, this.#octets.length * 2));
      wider.set(this.#octets.subarray(0, at));
      this.#octets = wider;
      this.#view = new DataView(wider.buffer);
    }
    return at;
  }
}

/** One message of what was received; `from` and `to` bound what follows its header. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly view: DataView;
  readonly octets: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** Calls for each whole message in the octets; what is cut short at the end is left out. */
export function forEachMessage(octets: Uint8Array, visit: (message: Message) => void): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  for (let at = 0; at + HEADER_OCTETS <= octets.length; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER_OCTETS || at + length > octets.length) return;
    visit({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      view,
      octets,
      from: at + HEADER_OCTETS,
      to: at + length,
    });
    at += (length + 3) & ~3;
  }
}

/** Calls for each attribute between two offsets: its type and where its value lies. */
export function forEachAttribute(
  view: DataView,
  from: number,
  to: number,
  visit: (type: number, at: number, end: number) => void,
): void {
  for (let at = from; at + 4 <= to; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > to) return;
    visit(view.getUint16(at + 2, true) & NlAttr.TYPE_MASK, at + 4, at + length);
    at += (length + 3) & ~3;
  }
}

export function textAt(octets: Uint8Array, at: number, end: number): string {
  const nul = octets.indexOf(0, at);
  return new TextDecoder().decode(octets.subarray(at, nul >= at && nul < end ? nul : end));
}

/** The errno of an answer of type ERROR (0 is a plain yes) and the kernel's own words for it. */
export function readAnswer(message: Message): { readonly errno: number; readonly words: string } {
  const { view, octets, flags, from, to } = message;
  const errno = -view.getInt32(from, true);
  let words = "";
  if ((flags & Nlm.ACK_TLVS) !== 0) {
    const echoed = (flags & Nlm.CAPPED) !== 0 ? HEADER_OCTETS : view.getUint32(from + 4, true);
    forEachAttribute(view, from + 4 + ((echoed + 3) & ~3), to, (type, at, end) => {
      if (type === ErrorAttr.MSG) words = textAt(octets, at, end);
    });
  }
  return { errno, words };
}
