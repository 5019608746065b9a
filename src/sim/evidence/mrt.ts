/** Records of the MRT format (RFC 6396), as route collectors write them and bgpdump reads them. */
import { isExtendedTime } from "../../bgp/wire/mrt-codes.ts";
import { Afi, parseAddress } from "../../core/address.ts";
import { ByteWriter } from "../../core/bytes.ts";

/** Where records go: a file, or a process that keeps one. */
export interface MrtSink {
  append(record: Uint8Array): void;
}

/** `epochUs`: since 1970. Types with extended time keep the microseconds (RFC 6396 §3). */
export function mrtRecord(
  epochUs: number,
  { type, subtype }: { readonly type: number; readonly subtype: number },
  body: Uint8Array,
): Uint8Array {
  const isExtended = isExtendedTime(type);
  const record = new ByteWriter(16 + body.length);
  record
    .u32(Math.floor(epochUs / 1e6))
    .u16(type)
    .u16(subtype);
  record.u32(body.length + (isExtended ? 4 : 0));
  if (isExtended) record.u32(Math.floor(epochUs % 1e6));
  return record.octets(body).finish();
}

export class MrtWriter implements MrtSink {
  readonly #out = new ByteWriter(1 << 12);
  #count = 0;

  /** Records so far. */
  get count(): number {
    return this.#count;
  }

  append(record: Uint8Array): void {
    this.#count += 1;
    this.#out.octets(record);
  }

  /** The file so far. */
  octets(): Uint8Array {
    return this.#out.finish();
  }
}

/** Address of a peer; all zeros of its family where ours is not known yet. */
export function addressOctets(text: string | undefined, like: string): Uint8Array {
  const octets = text === undefined ? undefined : parseAddress(text);
  return octets ?? new Uint8Array(like.includes(":") ? 16 : 4);
}

export const afiOfOctets = (octets: Uint8Array): Afi => (octets.length === 4 ? Afi.Ipv4 : Afi.Ipv6);
