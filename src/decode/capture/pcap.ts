import { err, ok, type Result } from "../../core/result.ts";
import type { Place } from "../record.ts";

/** One captured frame. */
export interface CapturedFrame {
  /** From 1, as every other tool numbers them. */
  readonly number: number;
  readonly timeSec: number;
  /** A LINKTYPE of the tcpdump registry. */
  readonly linkType: number;
  readonly octets: Uint8Array;
  /** More than `octets` where the capture was cut to a snap length. */
  readonly originalOctets: number;
}

export type CaptureItem = CapturedFrame | { readonly error: string; readonly place: Place };

/** True where the file begins like a capture file of either kind. */
export const isCapture = (head: Uint8Array): boolean =>
  isPcapng(head) || magicOf(head) !== undefined;

/**
 * The frames of a pcap file (both byte orders, micro- and nanoseconds) or a pcapng file. A file
 * that breaks off is read as far as it goes, and says so.
 */
export function readCapture(octets: Uint8Array): Generator<CaptureItem> {
  return isPcapng(octets) ? readPcapng(octets) : readPcap(octets);
}

function* readPcap(octets: Uint8Array): Generator<CaptureItem> {
  const magic = magicOf(octets);
  if (magic === undefined || octets.length < PCAP_HEADER_OCTETS) {
    yield { error: "not a capture file", place: { offset: 0 } };
    return;
  }
  const view = viewOf(octets);
  const { isLittle, unitsPerSec } = magic;
  // The upper half may tell the length of a frame check sequence.
  const linkType = view.getUint32(20, isLittle) & 0xffff;
  let at = PCAP_HEADER_OCTETS;
  for (let number = 1; at < octets.length; number += 1) {
    if (octets.length - at < PCAP_RECORD_OCTETS) {
      yield { error: "the file ends inside a record header", place: { offset: at } };
      return;
    }
    const captured = view.getUint32(at + 8, isLittle);
    const start = at + PCAP_RECORD_OCTETS;
    if (captured > octets.length - start) {
      yield { error: `the file ends inside frame ${number}`, place: { offset: at, frame: number } };
      return;
    }
    yield {
      number,
      timeSec: view.getUint32(at, isLittle) + view.getUint32(at + 4, isLittle) / unitsPerSec,
      linkType,
      octets: octets.subarray(start, start + captured),
      originalOctets: view.getUint32(at + 12, isLittle),
    };
    at = start + captured;
  }
}

interface Magic {
  readonly isLittle: boolean;
  readonly unitsPerSec: number;
}

function magicOf(octets: Uint8Array): Magic | undefined {
  if (octets.length < 4) return undefined;
  const view = viewOf(octets);
  for (const isLittle of [true, false]) {
    const magic = view.getUint32(0, isLittle);
    if (magic === 0xa1b2_c3d4) return { isLittle, unitsPerSec: 1e6 };
    if (magic === 0xa1b2_3c4d) return { isLittle, unitsPerSec: 1e9 };
  }
  return undefined;
}

/** The Section Header Block's type reads the same in both byte orders. */
const isPcapng = (octets: Uint8Array): boolean =>
  octets.length >= 12 && viewOf(octets).getUint32(0) === BlockType.SectionHeader;

interface Interface {
  readonly linkType: number;
  readonly snapOctets: number;
  readonly unitsPerSec: number;
}

function* readPcapng(octets: Uint8Array): Generator<CaptureItem> {
  const view = viewOf(octets);
  let isLittle = true;
  let interfaces: Interface[] = [];
  let number = 0;
  for (let at = 0; at < octets.length; ) {
    const block = blockAt(view, at, isLittle);
    if (!block.ok) {
      yield { error: block.fault, place: { offset: at } };
      return;
    }
    const { type, body, end } = block.value;
    if (type === BlockType.SectionHeader) {
      isLittle = block.value.isLittle;
      interfaces = [];
    } else if (type === BlockType.Interface) {
      interfaces.push(interfaceOf(body, isLittle));
    } else if (type in PACKET_LAYOUTS) {
      number += 1;
      yield frameOf(type, body, { isLittle, interfaces, number, offset: at });
    }
    at = end;
  }
}

interface Block {
  readonly type: number;
  readonly body: Uint8Array;
  readonly end: number;
  readonly isLittle: boolean;
}

function blockAt(view: DataView, at: number, sectionIsLittle: boolean): Result<Block, string> {
  const left = view.byteLength - at;
  if (left < 12) return err("the file ends inside a block");
  const type = view.getUint32(at, sectionIsLittle);
  const isSection = view.getUint32(at) === BlockType.SectionHeader;
  const isLittle = isSection ? view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC : sectionIsLittle;
  const length = view.getUint32(at + 4, isLittle);
  if (length < 12 || length % 4 !== 0) return err(`a block of ${length} octets`);
  if (length > left) return err("the file ends inside a block");
  const body = new Uint8Array(view.buffer, view.byteOffset + at + 8, length - 12);
  return ok({ type: isSection ? BlockType.SectionHeader : type, body, end: at + length, isLittle });
}

function interfaceOf(body: Uint8Array, isLittle: boolean): Interface {
  if (body.length < 8) return { linkType: -1, snapOctets: 0, unitsPerSec: 1e6 };
  const view = viewOf(body);
  return {
    linkType: view.getUint16(0, isLittle),
    snapOctets: view.getUint32(4, isLittle),
    unitsPerSec: resolutionOf(body.subarray(8), isLittle),
  };
}

/** Option if_tsresol: a negative power of ten, or of two with the top bit set. */
function resolutionOf(options: Uint8Array, isLittle: boolean): number {
  const view = viewOf(options);
  for (let at = 0; at + 4 <= options.length; ) {
    const code = view.getUint16(at, isLittle);
    const length = view.getUint16(at + 2, isLittle);
    if (code === 0) break;
    if (code === OPTION_IF_TSRESOL && length >= 1 && at + 4 < options.length) {
      const value = view.getUint8(at + 4);
      return (value & 0x80) === 0 ? 10 ** value : 2 ** (value & 0x7f);
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return 1e6;
}

interface Section {
  readonly isLittle: boolean;
  readonly interfaces: readonly Interface[];
  readonly number: number;
  readonly offset: number;
}

/** Where the fields of a packet block are; -1 where it has none. */
interface PacketLayout {
  readonly interfaceAt: number;
  readonly interfaceOctets: number;
  readonly timeAt: number;
  readonly capturedAt: number;
  readonly originalAt: number;
  readonly dataAt: number;
}

function frameOf(type: number, body: Uint8Array, section: Section): CaptureItem {
  const { isLittle, interfaces, number, offset } = section;
  const place = { offset, frame: number };
  const layout = PACKET_LAYOUTS[type] as PacketLayout;
  if (body.length < layout.dataAt) return { error: "a packet block cut short", place };
  const view = viewOf(body);
  const u32 = (at: number): number => (at < 0 ? 0 : view.getUint32(at, isLittle));
  const index =
    layout.interfaceOctets === 2 ? view.getUint16(0, isLittle) : u32(layout.interfaceAt);
  const device = interfaces[index];
  if (device === undefined) return { error: `an undescribed interface ${index}`, place };
  const originalOctets = u32(layout.originalAt);
  const inBlock = body.length - layout.dataAt;
  const snapped = device.snapOctets === 0 ? originalOctets : device.snapOctets;
  const captured =
    layout.capturedAt < 0 ? Math.min(originalOctets, snapped, inBlock) : u32(layout.capturedAt);
  if (captured > inBlock) return { error: "a packet that leaves its block", place };
  const units = layout.timeAt < 0 ? 0 : u32(layout.timeAt) * 2 ** 32 + u32(layout.timeAt + 4);
  return {
    number,
    timeSec: units / device.unitsPerSec,
    linkType: device.linkType,
    octets: body.subarray(layout.dataAt, layout.dataAt + captured),
    originalOctets,
  };
}

const viewOf = (octets: Uint8Array): DataView =>
  new DataView(octets.buffer, octets.byteOffset, octets.byteLength);

const BlockType = {
  Interface: 1,
  Packet: 2,
  SimplePacket: 3,
  EnhancedPacket: 6,
  SectionHeader: 0x0a0d_0d0a,
} as const;

const PACKET_LAYOUTS: Readonly<Record<number, PacketLayout>> = {
  [BlockType.EnhancedPacket]: {
    interfaceAt: 0,
    interfaceOctets: 4,
    timeAt: 4,
    capturedAt: 12,
    originalAt: 16,
    dataAt: 20,
  },
  [BlockType.Packet]: {
    interfaceAt: 0,
    interfaceOctets: 2,
    timeAt: 4,
    capturedAt: 12,
    originalAt: 16,
    dataAt: 20,
  },
  [BlockType.SimplePacket]: {
    interfaceAt: -1,
    interfaceOctets: 4,
    timeAt: -1,
    capturedAt: -1,
    originalAt: 0,
    dataAt: 4,
  },
};

const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
const OPTION_IF_TSRESOL = 9;
const PCAP_HEADER_OCTETS = 24;
const PCAP_RECORD_OCTETS = 16;
