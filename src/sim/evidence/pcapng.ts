/** Writes captures as pcapng (draft-ietf-opsawg-pcapng): one Ethernet interface, nanoseconds. */
import { ByteWriter } from "../../core/bytes.ts";

export interface CapturedPacket {
  /** Since 1970. */
  readonly timeNs: bigint;
  readonly octets: Uint8Array;
  /** As the interface sees it. */
  readonly direction: "in" | "out";
  readonly comment: string | undefined;
}

export class PcapngWriter {
  readonly #out = new ByteWriter(1 << 12);
  #count = 0;

  constructor(device: { readonly name: string; readonly description: string }) {
    // Big-endian, version 1.0, a section of a length that is not told.
    const head = new ByteWriter().u32(BYTE_ORDER_MAGIC).u16(1).u16(0);
    head.u32(0xffff_ffff).u32(0xffff_ffff);
    option(head, Option.UserApplication, text("causeway"));
    this.#block(BlockType.SectionHeader, endOptions(head));
    const device1 = new ByteWriter().u16(LINKTYPE_ETHERNET).u16(0).u32(0);
    option(device1, Option.Name, text(device.name));
    option(device1, Option.Description, text(device.description));
    option(device1, Option.TimeResolution, Uint8Array.of(NANOSECONDS));
    this.#block(BlockType.Interface, endOptions(device1));
  }

  get count(): number {
    return this.#count;
  }

  add({ timeNs, octets, direction, comment }: CapturedPacket): void {
    this.#count += 1;
    const body = new ByteWriter(octets.length + 64).u32(0);
    body.u32(Number(timeNs >> 32n)).u32(Number(timeNs & 0xffff_ffffn));
    body.u32(octets.length).u32(octets.length);
    padded(body, octets);
    if (comment !== undefined) option(body, Option.Comment, text(comment));
    option(body, Option.Flags, Uint8Array.of(0, 0, 0, direction === "in" ? 1 : 2));
    this.#block(BlockType.EnhancedPacket, endOptions(body));
  }

  /** The file so far. */
  octets(): Uint8Array {
    return this.#out.finish();
  }

  #block(type: number, body: Uint8Array): void {
    const length = body.length + 12;
    this.#out.u32(type).u32(length).octets(body).u32(length);
  }
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

function option(into: ByteWriter, code: number, value: Uint8Array): void {
  padded(into.u16(code).u16(value.length), value);
}

const endOptions = (body: ByteWriter): Uint8Array => body.u32(0).view();

function padded(into: ByteWriter, octets: Uint8Array): void {
  into.octets(octets);
  for (let at = octets.length; at % 4 !== 0; at += 1) into.u8(0);
}

const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
const LINKTYPE_ETHERNET = 1;
/** A negative power of ten. */
const NANOSECONDS = 9;

const BlockType = { SectionHeader: 0x0a0d_0d0a, Interface: 1, EnhancedPacket: 6 } as const;
/** Codes mean something else in each kind of block; a comment means the same in all. */
const Option = {
  Comment: 1,
  UserApplication: 4,
  Name: 2,
  Description: 3,
  TimeResolution: 9,
  Flags: 2,
} as const;
