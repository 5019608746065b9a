import { Afi } from "../../core/address.ts";
import { ByteWriter, EMPTY } from "../../core/bytes.ts";
import { lengthMax } from "../../core/prefix.ts";
import type { NlriRun } from "./message.ts";

/*
 * Prefixes as UPDATEs carry them (RFC 4271 §4.3, RFC 7911 §3): a length in bits, then as many
 * octets as it takes. This file is the hot path of a table transfer and gives up clarity for speed:
 * one pass validates, one pass reads, neither allocates per prefix (`bench/wire.ts` pays for it).
 */

/** Prefixes in `octets`, or the negated reason there is no counting them (RFC 7606 §5.3). */
export function scanNlri(octets: Uint8Array, afi: Afi, hasPathIds: boolean): number {
  const bitsMax = lengthMax(afi);
  const end = octets.length;
  const idOctets = hasPathIds ? 4 : 0;
  let count = 0;
  for (let at = 0; at < end; count += 1) {
    at += idOctets;
    if (at >= end) return NLRI_CUT;
    const length = octets[at] as number;
    if (length > bitsMax) return NLRI_TOO_LONG;
    at += 1 + ((length + 7) >> 3);
    if (at > end) return NLRI_CUT;
  }
  return count;
}

/** What `scanNlri` answers where the octets end inside a prefix. */
export const NLRI_CUT = -1;
/** What `scanNlri` answers where a prefix is longer than its family's addresses. */
export const NLRI_TOO_LONG = -2;

/**
 * Walks a validated run: `reset`, then `next` until false, reading the fields in between. One
 * cursor serves any number of runs. Bits behind the length are cleared (RFC 4271 §4.3 calls them
 * irrelevant).
 */
export class NlriCursor {
  /** Unsigned 32 bits; 0 where the run has none. */
  pathId = 0;
  /** Bits of the prefix. */
  length = 0;
  /**
   * The prefix, host bits zero, as signed 32-bit words, the first octets in `w0`; IPv4 leaves
   * `w1`–`w3` at 0. Signed, because the engine keeps those unboxed; `>>> 0` makes them unsigned.
   */
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  #octets: Uint8Array = EMPTY;
  #at = 0;
  #isIpv4 = true;
  #hasPathIds = false;

  reset(run: Pick<NlriRun, "afi" | "octets" | "hasPathIds">): void {
    this.#octets = run.octets;
    this.#at = 0;
    this.#isIpv4 = run.afi === Afi.Ipv4;
    this.#hasPathIds = run.hasPathIds;
    this.pathId = 0;
    this.w1 = 0;
    this.w2 = 0;
    this.w3 = 0;
  }

  next(): boolean {
    const octets = this.#octets;
    let at = this.#at;
    if (at >= octets.length) return false;
    if (this.#hasPathIds) {
      this.pathId = word(octets, at) >>> 0;
      at += 4;
    }
    const length = octets[at] as number;
    this.length = length;
    at += 1;
    const end = at + ((length + 7) >> 3);
    this.#at = end;
    this.w0 = wordWithin(octets, at, end) & mask(length);
    if (!this.#isIpv4) {
      this.w1 = wordWithin(octets, at + 4, end) & mask(length - 32);
      this.w2 = wordWithin(octets, at + 8, end) & mask(length - 64);
      this.w3 = wordWithin(octets, at + 12, end) & mask(length - 96);
    }
    return true;
  }

  /** Writes the prefix as 4 or 16 octets at `at`: for a caller that keeps or prints it. */
  copyAddress(into: Uint8Array, at: number): void {
    writeWord(into, at, this.w0);
    if (this.#isIpv4) return;
    writeWord(into, at + 4, this.w1);
    writeWord(into, at + 8, this.w2);
    writeWord(into, at + 12, this.w3);
  }
}

/** A prefix to be written: `address` holds 4 or 16 octets, host bits zero. */
export interface NlriPrefix {
  readonly address: Uint8Array;
  readonly length: number;
  readonly pathId?: number;
}

export function encodeNlri(prefixes: readonly NlriPrefix[]): Uint8Array {
  const writer = new ByteWriter(prefixes.length * 5);
  for (const prefix of prefixes) {
    if (prefix.pathId !== undefined) writer.u32(prefix.pathId);
    writer.u8(prefix.length).octets(prefix.address.subarray(0, (prefix.length + 7) >> 3));
  }
  return writer.finish();
}

/** Octets behind the end of a prefix count as zero; whole words are read at once. */
function wordWithin(octets: Uint8Array, at: number, end: number): number {
  const octetsLeft = end - at;
  if (octetsLeft >= 4) return word(octets, at);
  if (octetsLeft <= 0) return 0;
  let value = (octets[at] as number) << 24;
  if (octetsLeft > 1) value |= (octets[at + 1] as number) << 16;
  if (octetsLeft > 2) value |= (octets[at + 2] as number) << 8;
  return value;
}

const word = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 24) |
  ((octets[at + 1] as number) << 16) |
  ((octets[at + 2] as number) << 8) |
  (octets[at + 3] as number);

/** The first `bits` of 32; a shift by 32 would be one by 0. */
const mask = (bits: number): number => (bits >= 32 ? -1 : bits <= 0 ? 0 : -1 << (32 - bits));

function writeWord(into: Uint8Array, at: number, value: number): void {
  into[at] = value >> 24;
  into[at + 1] = value >> 16;
  into[at + 2] = value >> 8;
  into[at + 3] = value;
}
