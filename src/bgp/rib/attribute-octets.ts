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
 * The attributes behind canonical octets; octet fields are views on them. Not the decoder of the
 * wire: that one judges what peers send, this one gives back whatever was packed.
 */
export function unpackAttributes(octets: Uint8Array): PathAttributes {
  const reader = new ByteReader(octets);
  const nextHop = reader.take(reader.u8());
  const attributes: Mutable<PathAttributes> = { origin: 0, asPath: [], nextHop };
  const unknown: UnknownAttribute[] = [];
  const partial: number[] = [];
  while (reader.remaining > 0) {
    const flags = reader.u8();
    const type = reader.u8();
    const isLong = (flags & AttributeFlag.ExtendedLength) !== 0;
    const value = reader.take(isLong ? reader.u16() : reader.u8());
    if (!unpackOne(type, new ByteReader(value), attributes)) {
      unknown.push({ flags: flags & ~AttributeFlag.ExtendedLength, type, value });
    } else if ((flags & AttributeFlag.Partial) !== 0) partial.push(type);
  }
  if (unknown.length > 0) attributes.unknown = unknown;
  if (partial.length > 0) attributes.partial = partial;
  return attributes;
}

/** False where the type is none of those with a field of their own. */
function unpackOne(type: number, value: ByteReader, attributes: Mutable<PathAttributes>): boolean {
  switch (type) {
    case AttributeType.Origin:
      attributes.origin = value.u8() as Origin;
      return true;
    case AttributeType.AsPath:
      attributes.asPath = unpackAsPath(value);
      return true;
    case AttributeType.MultiExitDisc:
      attributes.med = value.u32();
      return true;
    case AttributeType.LocalPref:
      attributes.localPref = value.u32();
      return true;
    case AttributeType.AtomicAggregate:
      attributes.atomicAggregate = true;
      return true;
    case AttributeType.Aggregator:
      attributes.aggregator = { as: value.u32(), address: value.rest() };
      return true;
    case AttributeType.Communities:
      attributes.communities = unpackWords(value);
      return true;
    case AttributeType.OriginatorId:
      attributes.originatorId = value.u32();
      return true;
    case AttributeType.ClusterList:
      attributes.clusterList = unpackWords(value);
      return true;
    case AttributeType.ExtendedCommunities:
      attributes.extendedCommunities = value.rest();
      return true;
    case AttributeType.Ipv6ExtendedCommunities:
      attributes.ipv6ExtendedCommunities = value.rest();
      return true;
    case AttributeType.LargeCommunities:
      attributes.largeCommunities = unpackWords(value);
      return true;
    case AttributeType.OnlyToCustomer:
      attributes.otc = value.u32();
      return true;
    default:
      return false;
  }
}

function unpackAsPath(value: ByteReader): AsSegment[] {
  const segments: AsSegment[] = [];
  while (value.remaining > 0) {
    const type = value.u8() as SegmentType;
    const ases: number[] = [];
    for (let count = value.u8(); count > 0; count -= 1) ases.push(value.u32());
    segments.push({ type, ases });
  }
  return segments;
}

function unpackWords(value: ByteReader): number[] {
  const words: number[] = [];
  while (value.remaining > 0) words.push(value.u32());
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
