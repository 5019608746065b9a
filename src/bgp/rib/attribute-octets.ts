import { ByteReader, type ByteWriter } from "../../core/bytes.ts";
import { AttributeFlag, AttributeType, type Origin, SegmentType } from "../wire/iana.ts";
import type { AsSegment, PathAttributes, UnknownAttribute } from "../wire/message.ts";

/**
 * The canonical octets of an attribute set: length and octets of the next hop, then the path
 * attributes as an UPDATE with 4-octet ASes carries them (RFC 4271 §4.3), ascending, without
 * NEXT_HOP. Equal sets have equal octets, and an UPDATE is built by copying them.
 */
export function packAttributes(attributes: PathAttributes, writer: ByteWriter): void {
  const { nextHop } = attributes;
  writer.u8(nextHop.length).octets(nextHop);
  writer.u8(AttributeFlag.Transitive).u8(AttributeType.Origin).u8(1).u8(attributes.origin);
  packAsPath(attributes.asPath, writer);
  if (attributes.med !== undefined) {
    header(writer, AttributeFlag.Optional, AttributeType.MultiExitDisc, 4).u32(attributes.med);
  }
  if (attributes.localPref !== undefined) {
    header(writer, AttributeFlag.Transitive, AttributeType.LocalPref, 4).u32(attributes.localPref);
  }
  if (attributes.atomicAggregate === true) {
    header(writer, AttributeFlag.Transitive, AttributeType.AtomicAggregate, 0);
  }
  if (attributes.aggregator !== undefined) {
    header(writer, OPTIONAL_TRANSITIVE, AttributeType.Aggregator, 8)
      .u32(attributes.aggregator.as)
      .octets(attributes.aggregator.address);
  }
  packWords(writer, OPTIONAL_TRANSITIVE, AttributeType.Communities, attributes.communities);
  if (attributes.originatorId !== undefined) {
    header(writer, AttributeFlag.Optional, AttributeType.OriginatorId, 4).u32(
      attributes.originatorId,
    );
  }
  packWords(writer, AttributeFlag.Optional, AttributeType.ClusterList, attributes.clusterList);
  packOctets(writer, AttributeType.ExtendedCommunities, attributes.extendedCommunities);
  packOctets(writer, AttributeType.Ipv6ExtendedCommunities, attributes.ipv6ExtendedCommunities);
  packWords(
    writer,
    OPTIONAL_TRANSITIVE,
    AttributeType.LargeCommunities,
    attributes.largeCommunities,
  );
  if (attributes.otc !== undefined) {
    header(writer, OPTIONAL_TRANSITIVE, AttributeType.OnlyToCustomer, 4).u32(attributes.otc);
  }
  for (const attribute of attributes.unknown ?? []) {
    header(writer, attribute.flags, attribute.type, attribute.value.length).octets(attribute.value);
  }
}

/** The attributes behind canonical octets; octet fields are views on them. */
export function unpackAttributes(octets: Uint8Array): PathAttributes {
  const reader = new ByteReader(octets);
  const nextHop = reader.take(reader.u8());
  const unknown: UnknownAttribute[] = [];
  const attributes: Mutable<PathAttributes> = { origin: 0, asPath: [], nextHop };
  while (reader.remaining > 0) {
    const flags = reader.u8();
    const type = reader.u8();
    const length = (flags & AttributeFlag.ExtendedLength) === 0 ? reader.u8() : reader.u16();
    const value = reader.take(length);
    if (!unpackOne(type, new ByteReader(value), attributes)) {
      unknown.push({ flags: flags & ~AttributeFlag.ExtendedLength, type, value });
    }
  }
  if (unknown.length > 0) attributes.unknown = unknown;
  return attributes;
}

function unpackOne(
  type: number,
  value: ByteReader,
  attributes: Mutable<PathAttributes>,
): boolean {
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

/** Where AS_PATH ends in canonical octets: NEXT_HOP belongs there (RFC 4271 §5, ascending types). */
export function asPathEnd(octets: Uint8Array, start: number): number {
  const at = asPathStart(octets, start);
  const isExtended = ((octets[at] ?? 0) & AttributeFlag.ExtendedLength) !== 0;
  return isExtended
    ? at + 4 + (((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0))
    : at + 3 + (octets[at + 2] ?? 0);
}

/** Where the AS_PATH attribute begins: behind next hop and ORIGIN, which always has four octets. */
export const asPathStart = (octets: Uint8Array, start: number): number =>
  start + 1 + (octets[start] ?? 0) + 4;

function packAsPath(asPath: readonly AsSegment[], writer: ByteWriter): void {
  let length = 0;
  for (const { ases } of asPath) length += ases.length * 4 + Math.ceil(ases.length / 255) * 2;
  header(writer, AttributeFlag.Transitive, AttributeType.AsPath, length);
  for (const { type, ases } of asPath) {
    for (let from = 0; from < ases.length; from += 255) {
      const to = Math.min(ases.length, from + 255);
      writer.u8(type).u8(to - from);
      for (let index = from; index < to; index += 1) writer.u32(ases[index] ?? 0);
    }
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

function packWords(
  writer: ByteWriter,
  flags: number,
  type: number,
  words: readonly number[] | undefined,
): void {
  if (words === undefined || words.length === 0) return;
  header(writer, flags, type, words.length * 4);
  for (const word of words) writer.u32(word);
}

function packOctets(writer: ByteWriter, type: number, octets: Uint8Array | undefined): void {
  if (octets === undefined || octets.length === 0) return;
  header(writer, OPTIONAL_TRANSITIVE, type, octets.length).octets(octets);
}

function header(writer: ByteWriter, flags: number, type: number, length: number): ByteWriter {
  if (length <= 0xff) return writer.u8(flags & ~AttributeFlag.ExtendedLength).u8(type).u8(length);
  return writer.u8(flags | AttributeFlag.ExtendedLength).u8(type).u16(length);
}

/**
 * AS_PATH length as the decision counts it (RFC 4271 §9.1.2.2 a): an AS_SET is one, confederation
 * segments are none (RFC 5065 §5.3).
 */
export function asPathLength(asPath: readonly AsSegment[]): number {
  let length = 0;
  for (const { type, ases } of asPath) {
    if (type === SegmentType.AsSequence) length += ases.length;
    else if (type === SegmentType.AsSet) length += 1;
  }
  return length;
}

/** The AS the route came in by; 0 where the path is empty or begins with a set. */
export function neighborAs(asPath: readonly AsSegment[]): number {
  const first = asPath[0];
  return first?.type === SegmentType.AsSequence ? (first.ases[0] ?? 0) : 0;
}

const OPTIONAL_TRANSITIVE = AttributeFlag.Optional | AttributeFlag.Transitive;

type Mutable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };
