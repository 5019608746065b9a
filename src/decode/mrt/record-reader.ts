import { isExtendedTime } from "../../bgp/wire/mrt-codes.ts";
import { concatBytes, EMPTY } from "../../core/bytes.ts";
import { isMrtType } from "./types.ts";

/** One record as it stood in the file, header read (RFC 6396 §2, §3). */
export interface MrtRecord {
  /** Octets of the file before it, unpacked. */
  readonly offset: number;
  readonly timeSec: number;
  /** Only of the types with extended time. */
  readonly timeUs: number | undefined;
  readonly type: number;
  readonly subtype: number;
  /** What follows the header, a view. */
  readonly body: Uint8Array;
}

/** A part of the file in which no record can be made out. */
export interface Damage {
  readonly offset: number;
  readonly error: string;
}

/**
 * The records of a stream, one at a time. Where no header stands behind a record, or the stream
 * ends inside one, the next header is looked for: octets that make one and whose record is followed
 * by another one or by the end.
 */
export async function* readRecords(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<MrtRecord | Damage> {
  const window = new Window(chunks[Symbol.asyncIterator]());
  while ((await window.fill(1)) > 0) {
    const offset = window.offset;
    const error = await headerError(window);
    if (error === undefined) {
      const header = headerAt(window.octets, 0);
      yield recordOf(window.take(HEADER_OCTETS + header.lengthOctets), offset);
      continue;
    }
    await skipToRecord(window);
    yield { offset, error: `${error}, ${window.offset - offset} octets left out` };
  }
}

/** Why no whole record begins here. */
async function headerError(window: Window): Promise<string | undefined> {
  if ((await window.fill(HEADER_OCTETS)) < HEADER_OCTETS) return "the file ends inside a header";
  const { type, subtype, lengthOctets } = headerAt(window.octets, 0);
  if (!isSound(window.octets, 0)) {
    return `no record header (type ${type}, subtype ${subtype}, length ${lengthOctets})`;
  }
  const there = (await window.fill(HEADER_OCTETS + lengthOctets)) - HEADER_OCTETS;
  if (there >= lengthOctets) return undefined;
  return `the file ends inside a record, ${there} of ${lengthOctets} octets are there`;
}

/** Takes what stands before the next record that another one or the end of the file follows. */
async function skipToRecord(window: Window): Promise<void> {
  window.take(1);
  for (;;) {
    const there = await window.fill(HEADER_OCTETS);
    let at = 0;
    while (there - at >= HEADER_OCTETS && !isSound(window.octets, at)) at += 1;
    const isHeader = there - at >= HEADER_OCTETS;
    // Fewer octets than a header are none; at the end of the stream they go too.
    if (!isHeader && (await window.fill(there + 1)) === there) at = there;
    window.take(at);
    if (at === there || (isHeader && (await isFollowed(window)))) return;
    if (isHeader) window.take(1);
  }
}

async function isFollowed(window: Window): Promise<boolean> {
  const end = HEADER_OCTETS + headerAt(window.octets, 0).lengthOctets;
  const beyond = (await window.fill(end + HEADER_OCTETS)) - end;
  return beyond === 0 || (beyond >= HEADER_OCTETS && isSound(window.octets, end));
}

interface Header {
  readonly timeSec: number;
  readonly type: number;
  readonly subtype: number;
  readonly lengthOctets: number;
}

function headerAt(octets: Uint8Array, at: number): Header {
  const view = new DataView(octets.buffer, octets.byteOffset + at);
  return {
    timeSec: view.getUint32(0),
    type: view.getUint16(4),
    subtype: view.getUint16(6),
    lengthOctets: view.getUint32(8),
  };
}

/** A type that is one, and no more octets than a record of it could sensibly have. */
function isSound(octets: Uint8Array, at: number): boolean {
  // Asked of every octet while a record is looked for.
  if (octets[at + 4] !== 0) return false;
  const { type, lengthOctets } = headerAt(octets, at);
  const lengthMin = isExtendedTime(type) ? TIME_US_OCTETS : 0;
  return isMrtType(type) && lengthOctets >= lengthMin && lengthOctets <= RECORD_OCTETS_MAX;
}

function recordOf(octets: Uint8Array, offset: number): MrtRecord {
  const { timeSec, type, subtype } = headerAt(octets, 0);
  if (!isExtendedTime(type)) {
    const body = octets.subarray(HEADER_OCTETS);
    return { offset, timeSec, timeUs: undefined, type, subtype, body };
  }
  const timeUs = new DataView(octets.buffer, octets.byteOffset).getUint32(HEADER_OCTETS);
  const body = octets.subarray(HEADER_OCTETS + TIME_US_OCTETS);
  return { offset, timeSec, timeUs, type, subtype, body };
}

/** The part of the stream at hand: as much as was asked for, and what came with it. */
class Window {
  /** What has not been taken yet. */
  octets: Uint8Array = EMPTY;
  /** Of the first of them in the stream. */
  offset = 0;
  #isDone = false;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks;
  }

  /** How many octets there are: at least so many, fewer only where the stream ends. */
  async fill(octetCount: number): Promise<number> {
    if (this.octets.length >= octetCount) return this.octets.length;
    const parts = [this.octets];
    let length = this.octets.length;
    while (length < octetCount && !this.#isDone) {
      const next = await this.#chunks.next();
      this.#isDone = next.done === true;
      if (next.done === true) break;
      parts.push(next.value);
      length += next.value.length;
    }
    if (parts.length > 1) this.octets = concatBytes(parts);
    return length;
  }

  take(octetCount: number): Uint8Array {
    const taken = this.octets.subarray(0, octetCount);
    this.octets = this.octets.subarray(octetCount);
    this.offset += taken.length;
    return taken;
  }
}

const HEADER_OCTETS = 12;
const TIME_US_OCTETS = 4;
/** Seven times what a prefix of a thousand paths takes with its attributes. */
const RECORD_OCTETS_MAX = 1 << 24;
