import { ByteReader, type ByteWriter } from "../../core/bytes.ts";
import { type AttributeEncoding, writeAttributes } from "../wire/attribute-encode.ts";
import { AttributeFlag, AttributeType, type Origin, type SegmentType } from "../wire/iana.ts";
import type { AsSegment, PathAttributes, UnknownAttribute } from "../wire/message.ts";

/**
 * The canonical octets of an attribute set: length and octets of the next hop, then the path
 * attributes as an UPDATE between 4-octet AS speakers carries them, without NEXT_HOP. Equal sets
 * have equal octets, and an UPDATE is built by copying them.
 */
export function packAttributes(attributes: PathAttributes, into: ByteWriter): void {
  into.u8(attributes.nextHop.length).octets(attributes.nextHop);
  writeAttributes(attributes, CANONICAL, into);
}

/**
 * The attributes behind canonical octets from `start` to `end`; what they hold is theirs, no view.
 * Not the decoder of the wire: that one judges what peers send, this one gives back whatever was
 * packed.
 */
export function unpackAttributes(
  octets: Uint8Array,
  start = 0,
  end: number = octets.length,
): PathAttributes {
  const reader = new ByteReader(octets);
  reader.offset = start;
  const nextHopOctets = reader.u8();
  const nextHop = octets.slice(reader.offset, reader.offset + nextHopOctets);
  reader.offset += nextHopOctets;
  const attributes: Mutable<PathAttributes> = { origin: 0, asPath: [], nextHop };
  const unknown: UnknownAttribute[] = [];
  const partial: number[] = [];
  while (reader.offset < end) {
    const flags = reader.u8();
    const type = reader.u8();
    const isLong = (flags & AttributeFlag.ExtendedLength) !== 0;
    const valueOctets = isLong ? reader.u16() : reader.u8();
    const valueEnd = reader.offset + valueOctets;
    if (!unpackOne(type, reader, valueEnd, attributes)) {
      const value = octets.slice(reader.offset, valueEnd);
      unknown.push({ flags: flags & ~AttributeFlag.ExtendedLength, type, value });
    } else if ((flags & AttributeFlag.Partial) !== 0) partial.push(type);
    reader.offset = valueEnd;
  }
  if (unknown.length > 0) attributes.unknown = unknown;
  if (partial.length > 0) attributes.partial = partial;
  return attributes;
}

/** False where the type is none of those with a field of their own. */
function unpackOne(
  type: number,
  reader: ByteReader,
  end: number,
  attributes: Mutable<PathAttributes>,
): boolean {
  switch (type) {
    case AttributeType.Origin:
      attributes.origin = reader.u8() as Origin;
      return true;
    case AttributeType.AsPath:
      attributes.asPath = unpackAsPath(reader, end);
      return true;
    case AttributeType.MultiExitDisc:
      attributes.med = reader.u32();
      return true;
    case AttributeType.LocalPref:
      attributes.localPref = reader.u32();
      return true;
    case AttributeType.AtomicAggregate:
      attributes.atomicAggregate = true;
      return true;
    case AttributeType.Aggregator:
      attributes.aggregator = { as: reader.u32(), address: unpackOctets(reader, end) };
      return true;
    case AttributeType.Communities:
      attributes.communities = unpackWords(reader, end);
      return true;
    case AttributeType.OriginatorId:
      attributes.originatorId = reader.u32();
      return true;
    case AttributeType.ClusterList:
      attributes.clusterList = unpackWords(reader, end);
      return true;
    case AttributeType.ExtendedCommunities:
      attributes.extendedCommunities = unpackOctets(reader, end);
      return true;
    case AttributeType.Ipv6ExtendedCommunities:
      attributes.ipv6ExtendedCommunities = unpackOctets(reader, end);
      return true;
    case AttributeType.LargeCommunities:
      attributes.largeCommunities = unpackWords(reader, end);
      return true;
    case AttributeType.OnlyToCustomer:
      attributes.otc = reader.u32();
      return true;
    default:
      return false;
  }
}

function unpackAsPath(reader: ByteReader, end: number): AsSegment[] {
  const segments: AsSegment[] = [];
  while (reader.offset < end) {
    const type = reader.u8() as SegmentType;
    const ases: number[] = [];
    for (let count = reader.u8(); count > 0; count -= 1) ases.push(reader.u32());
    segments.push({ type, ases });
  }
  return segments;
}

const unpackOctets = (reader: ByteReader, end: number): Uint8Array =>
  reader.bytes.slice(reader.offset, end);

function unpackWords(reader: ByteReader, end: number): number[] {
  const words: number[] = [];
  while (reader.offset < end) words.push(reader.u32());
  return words;
}

/** Where the path attributes begin in canonical octets that begin at `start`. */
export const attributesStart = (octets: Uint8Array, start: number): number =>
  start + 1 + (octets[start] ?? 0);

/**
 * Where, from `at` on, the first attribute of at least this type begins; `end` if there is none.
 */
export function skipToType(octets: Uint8Array, at: number, end: number, type: number): number {
  let offset = at;
  while (offset < end && (octets[offset + 1] ?? 0) < type) offset = attributeEnd(octets, offset);
  return offset;
}

/** Where the attribute that begins at `at` ends. */
export function attributeEnd(octets: Uint8Array, at: number): number {
  const length = octets[at + 2] ?? 0;
  return ((octets[at] ?? 0) & AttributeFlag.ExtendedLength) === 0
    ? at + 3 + length
    : at + 4 + ((length << 8) | (octets[at + 3] ?? 0));
}

const CANONICAL: AttributeEncoding = { as4: true, session: "ibgp", includeNextHop: false };

type Mutable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };
