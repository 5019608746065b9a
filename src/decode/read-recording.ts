import { concatBytes, EMPTY, fromHex } from "../core/bytes.ts";
import { sessionOf } from "./read-json.ts";
import type { Input, Place, Told } from "./record.ts";

/**
 * BGP messages and BFD packets of a recording that an agent wrote (`platform/recorder.ts`): what
 * peers sent, in the order it was handled, each with its connection or its sender. A recording that
 * has lost its beginning starts in the middle of a stream, which is read from the first marker that
 * is a header's.
 */
export class RecordingReader {
  readonly #told: Told;
  readonly #streams = new Map<number, Stream>();

  constructor(told: Told) {
    this.#told = told;
  }

  /** True for the first line of a recording. */
  static isHead(line: string): boolean {
    return /^\s*\{"recording":"/.test(line);
  }

  *line(text: string, place: Place): Generator<Input> {
    const entry = parse(text);
    if (entry === undefined) {
      yield { place, error: "no line of a recording" };
      return;
    }
    const { at, input } = entry;
    const { kind, connection } = input;
    if (kind === "packet") {
      const where = { ...place, from: String(input.remoteAddress), timeSec: at / 1e6 };
      yield { place: where, octets: octetsOf(input), encoding: "bfd", hints: {} };
    }
    if (typeof connection !== "number") return;
    if (kind === "tcp-accepted" || kind === "tcp-connected") {
      this.#streams.set(connection, { octets: EMPTY, isFramed: true, isOver: false });
    } else if (kind === "tcp-closed") this.#streams.delete(connection);
    else if (kind === "tcp-data") {
      const stream = this.#streams.get(connection) ?? newcomer();
      this.#streams.set(connection, stream);
      stream.octets = concatBytes([stream.octets, octetsOf(input)]);
      const where = { ...place, stream: `connection ${connection}`, timeSec: at / 1e6 };
      yield* this.#messages(stream, where);
    }
  }

  *#messages(stream: Stream, place: Place): Generator<Input> {
    if (stream.isOver) return;
    if (!stream.isFramed) {
      const start = headerIn(stream.octets);
      if (start < 0) return;
      stream.octets = stream.octets.subarray(start);
      stream.isFramed = true;
    }
    while (stream.octets.length >= HEADER_OCTETS) {
      const { octets } = stream;
      const length = ((octets[16] ?? 0) << 8) | (octets[17] ?? 0);
      stream.isOver = length < HEADER_OCTETS || !isMarkerAt(octets, 0);
      if (octets.length < length && !stream.isOver) return;
      yield this.#record(stream.isOver ? octets : octets.subarray(0, length), place);
      if (stream.isOver) return;
      stream.octets = octets.subarray(length);
    }
  }

  #record(octets: Uint8Array, place: Place): Input {
    return { place, octets, encoding: "message", hints: sessionOf(this.#told) };
  }
}

interface Stream {
  octets: Uint8Array;
  /** `octets` begins with a header. */
  isFramed: boolean;
  /** Its framing was lost: what follows is not read. */
  isOver: boolean;
}

const newcomer = (): Stream => ({ octets: EMPTY, isFramed: false, isOver: false });

interface Entry {
  readonly at: number;
  readonly input: Readonly<Record<string, unknown>>;
}

function parse(text: string): Entry | undefined {
  try {
    const { at, input, checkpoint } = JSON.parse(text);
    if (typeof at !== "number") return undefined;
    if (input === "alarm" || checkpoint !== undefined) return { at, input: {} };
    return typeof input === "object" && input !== null ? { at, input } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** As `platform/tagged-json.ts` writes octets. */
function octetsOf(input: Entry["input"]): Uint8Array {
  const { octets } = input;
  const hex = typeof octets === "object" && octets !== null ? Object.values(octets)[0] : undefined;
  return (typeof hex === "string" ? fromHex(hex) : undefined) ?? EMPTY;
}

/** Where a header of RFC 4271 §4.1 begins, -1 where none is whole. */
function headerIn(octets: Uint8Array): number {
  for (let at = 0; at + HEADER_OCTETS <= octets.length; at += 1) {
    if (!isMarkerAt(octets, at)) continue;
    const length = ((octets[at + 16] ?? 0) << 8) | (octets[at + 17] ?? 0);
    const type = octets[at + 18] ?? 0;
    if (length >= HEADER_OCTETS && type >= 1 && type <= 5) return at;
  }
  return -1;
}

function isMarkerAt(octets: Uint8Array, at: number): boolean {
  for (let index = at; index < at + 16; index += 1) if (octets[index] !== 0xff) return false;
  return true;
}

const HEADER_OCTETS = 19;
