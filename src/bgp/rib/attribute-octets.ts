import { AttributeFlag, AttributeType, type Origin, SegmentType } from "../wire/iana.ts";
import type { AsSegment, PathAttributes, UnknownAttribute } from "../wire/message.ts";

/*
 * The canonical octets of an attribute set: length and octets of the next hop, then the path
 * attributes as an UPDATE between 4-octet AS speakers carries them, in ascending order, without
 * NEXT_HOP. Equal sets have equal octets, and an UPDATE is built by copying them.
 *
 * Every attribute set goes through here, most of them twice. The file gives up clarity for speed:
 * plain loops over one growing buffer, no closures, no readers (bench/rib.ts). What peers send was
 * judged before, by `wire/`; this gives back whatever was packed.
 */

/** Packs attributes, or one set made from another, into a buffer that is used again and again. */
export class AttributePacker {
  /** What was packed last is `octets[0..end)`. */
  octets: Uint8Array = new Uint8Array(1024);
  end = 0;

  pack(attributes: PathAttributes): void {
    this.#reserve(octetsAtMost(attributes));
    const { nextHop, partial, med, localPref, aggregator, originatorId, otc } = attributes;
    this.#u8(nextHop.length);
    this.#copy(nextHop, 0, nextHop.length);
    this.#head(WELL_KNOWN, AttributeType.Origin, 1);
    this.#u8(attributes.origin);
    this.#asPath(attributes.asPath);
    if (med !== undefined) this.#word(OPTIONAL, AttributeType.MultiExitDisc, med);
    if (localPref !== undefined) this.#word(WELL_KNOWN, AttributeType.LocalPref, localPref);
    if (attributes.atomicAggregate === true) {
      this.#head(WELL_KNOWN, AttributeType.AtomicAggregate, 0);
    }
    if (aggregator !== undefined) {
      this.#head(flagsOf(AttributeType.Aggregator, partial), AttributeType.Aggregator, 8);
      this.#u32(aggregator.as);
      this.#copy(aggregator.address, 0, 4);
    }
    this.#words(AttributeType.Communities, attributes.communities, partial);
    if (originatorId !== undefined) {
      this.#word(OPTIONAL, AttributeType.OriginatorId, originatorId);
    }
    this.#words(AttributeType.ClusterList, attributes.clusterList, undefined);
    this.#list(AttributeType.ExtendedCommunities, attributes.extendedCommunities, partial);
    this.#list(AttributeType.Ipv6ExtendedCommunities, attributes.ipv6ExtendedCommunities, partial);
    this.#words(AttributeType.LargeCommunities, attributes.largeCommunities, partial);
    if (otc !== undefined) {
      const flags = flagsOf(AttributeType.OnlyToCustomer, partial);
      this.#word(flags, AttributeType.OnlyToCustomer, otc);
    }
    if (attributes.unknown !== undefined) this.#unknown(attributes.unknown);
  }

  /**
   * From the set at `start` what leaves the AS (RFC 4271 §5.1, RFC 4456 §8): our AS in front, next
   * hop left empty, LOCAL_PREF and the marks of reflection gone, MED only where `keepsMed`.
   */
  packExternal(
    source: Uint8Array,
    { start, end, as, keepsMed }: { start: number; end: number; as: number; keepsMed: boolean },
  ): void {
    this.#reserve(end - start + 16);
    this.#u8(0);
    let at = attributesStart(source, start);
    while (at < end) {
      const next = attributeEnd(source, at);
      switch (source[at + 1]) {
        case AttributeType.AsPath:
          this.#prepended(source, at, next, as);
          break;
        case AttributeType.MultiExitDisc:
          if (keepsMed) this.#copy(source, at, next);
          break;
        case AttributeType.LocalPref:
        case AttributeType.OriginatorId:
        case AttributeType.ClusterList:
          break;
        default:
          this.#copy(source, at, next);
      }
      at = next;
    }
  }

  /** RFC 4271 §5.1.2 b: into the first sequence, or as one of its own where that is full. */
  #prepended(source: Uint8Array, at: number, next: number, as: number): void {
    const from = valueStart(source, at);
    const isRoomy = source[from] === SegmentType.AsSequence && (source[from + 1] ?? 0) < 255;
    const count = isRoomy && from < next ? (source[from + 1] ?? 0) : 0;
    const rest = count === 0 ? from : from + 2;
    this.#head(WELL_KNOWN, AttributeType.AsPath, next - rest + 6);
    this.#u8(SegmentType.AsSequence);
    this.#u8(count + 1);
    this.#u32(as);
    this.#copy(source, rest, next);
  }

  #asPath(asPath: readonly AsSegment[]): void {
    let length = 0;
    for (const { ases } of asPath) length += ases.length * 4 + Math.ceil(ases.length / 255) * 2;
    this.#head(WELL_KNOWN, AttributeType.AsPath, length);
    for (const { type, ases } of asPath) {
      for (let from = 0; from < ases.length; from += 255) {
        const to = Math.min(ases.length, from + 255);
        this.#u8(type);
        this.#u8(to - from);
        for (let index = from; index < to; index += 1) this.#u32(ases[index] ?? 0);
      }
    }
  }

  #words(
    type: number,
    words: readonly number[] | undefined,
    partial: readonly number[] | undefined,
  ): void {
    if (words === undefined || words.length === 0) return;
    const flags = type === AttributeType.ClusterList ? OPTIONAL : flagsOf(type, partial);
    this.#head(flags, type, words.length * 4);
    for (let index = 0; index < words.length; index += 1) this.#u32(words[index] ?? 0);
  }

  #list(
    type: number,
    octets: Uint8Array | undefined,
    partial: readonly number[] | undefined,
  ): void {
    if (octets === undefined || octets.length === 0) return;
    this.#head(flagsOf(type, partial), type, octets.length);
    this.#copy(octets, 0, octets.length);
  }

  /** RFC 4271 §5: passed on, and marked as not understood by one on the way. */
  #unknown(unknown: readonly UnknownAttribute[]): void {
    for (const { type, value } of unknown.toSorted((a, b) => a.type - b.type)) {
      this.#head(OPTIONAL_TRANSITIVE | AttributeFlag.Partial, type, value.length);
      this.#copy(value, 0, value.length);
    }
  }

  #word(flags: number, type: number, value: number): void {
    this.#head(flags, type, 4);
    this.#u32(value);
  }

  #head(flags: number, type: number, length: number): void {
    const { octets } = this;
    const at = this.end;
    octets[at + 1] = type;
    if (length <= 0xff) {
      octets[at] = flags;
      octets[at + 2] = length;
      this.end = at + 3;
      return;
    }
    octets[at] = flags | AttributeFlag.ExtendedLength;
    octets[at + 2] = length >>> 8;
    octets[at + 3] = length;
    this.end = at + 4;
  }

  #u8(value: number): void {
    this.octets[this.end] = value;
    this.end += 1;
  }

  #u32(value: number): void {
    const { octets } = this;
    const at = this.end;
    octets[at] = value >>> 24;
    octets[at + 1] = value >>> 16;
    octets[at + 2] = value >>> 8;
    octets[at + 3] = value;
    this.end = at + 4;
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    const { octets } = this;
    let at = this.end;
    for (let index = from; index < to; index += 1) {
      octets[at] = source[index] ?? 0;
      at += 1;
    }
    this.end = at;
  }

  #reserve(octets: number): void {
    this.end = 0;
    if (octets > this.octets.length) this.octets = new Uint8Array(octets * 2);
  }
}

/** The attributes in canonical octets that begin at `start`, sharing nothing with them. */
export function unpackAttributes(
  octets: Uint8Array,
  start: number,
  end: number,
  nextHop: Uint8Array,
): PathAttributes {
  const attributes: Mutable<PathAttributes> = { origin: 0, asPath: NO_PATH, nextHop };
  let at = attributesStart(octets, start);
  while (at < end) {
    const next = attributeEnd(octets, at);
    unpackOne(octets, at, next, attributes);
    at = next;
  }
  return attributes;
}

function unpackOne(
  octets: Uint8Array,
  at: number,
  end: number,
  attributes: Mutable<PathAttributes>,
): void {
  const from = valueStart(octets, at);
  const type = octets[at + 1] ?? 0;
  const flags = octets[at] ?? 0;
  switch (type) {
    case AttributeType.Origin:
      attributes.origin = octets[from] as Origin;
      return;
    case AttributeType.AsPath:
      attributes.asPath = unpackAsPath(octets, from, end);
      return;
    case AttributeType.MultiExitDisc:
      attributes.med = wordAt(octets, from);
      return;
    case AttributeType.LocalPref:
      attributes.localPref = wordAt(octets, from);
      return;
    case AttributeType.AtomicAggregate:
      attributes.atomicAggregate = true;
      return;
    case AttributeType.Aggregator:
      attributes.aggregator = {
        as: wordAt(octets, from),
        address: octets.slice(from + 4, end),
      };
      break;
    case AttributeType.Communities:
      attributes.communities = unpackWords(octets, from, end);
      break;
    case AttributeType.OriginatorId:
      attributes.originatorId = wordAt(octets, from);
      return;
    case AttributeType.ClusterList:
      attributes.clusterList = unpackWords(octets, from, end);
      return;
    case AttributeType.ExtendedCommunities:
      attributes.extendedCommunities = octets.slice(from, end);
      break;
    case AttributeType.Ipv6ExtendedCommunities:
      attributes.ipv6ExtendedCommunities = octets.slice(from, end);
      break;
    case AttributeType.LargeCommunities:
      attributes.largeCommunities = unpackWords(octets, from, end);
      break;
    case AttributeType.OnlyToCustomer:
      attributes.otc = wordAt(octets, from);
      break;
    default: {
      const value = octets.slice(from, end);
      const unknown = { flags: flags & ~AttributeFlag.ExtendedLength, type, value };
      attributes.unknown = [...(attributes.unknown ?? []), unknown];
      return;
    }
  }
  if ((flags & AttributeFlag.Partial) !== 0) {
    attributes.partial = [...(attributes.partial ?? []), type];
  }
}

function unpackAsPath(octets: Uint8Array, from: number, end: number): AsSegment[] {
  const segments: AsSegment[] = [];
  let at = from;
  while (at < end) {
    const to = at + 2 + (octets[at + 1] ?? 0) * 4;
    segments.push({ type: octets[at] as SegmentType, ases: unpackWords(octets, at + 2, to) });
    at = to;
  }
  return segments;
}

function unpackWords(octets: Uint8Array, from: number, end: number): number[] {
  const words = new Array<number>((end - from) >>> 2);
  for (let index = 0; index < words.length; index += 1)
    words[index] = wordAt(octets, from + index * 4);
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

/** Where the value of the attribute that begins at `at` begins. */
export const valueStart = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) & AttributeFlag.ExtendedLength) === 0 ? at + 3 : at + 4;

/** Four octets, unsigned. */
export const wordAt = (octets: Uint8Array, at: number): number =>
  (((octets[at] ?? 0) << 24) |
    ((octets[at + 1] ?? 0) << 16) |
    ((octets[at + 2] ?? 0) << 8) |
    (octets[at + 3] ?? 0)) >>>
  0;

/** A bound for the packed octets, so that packing itself checks nothing. */
function octetsAtMost(attributes: PathAttributes): number {
  let octets = FIXED_OCTETS + attributes.nextHop.length;
  for (const { ases } of attributes.asPath) octets += ases.length * 5 + 2;
  octets += ((attributes.communities?.length ?? 0) + (attributes.clusterList?.length ?? 0)) * 4;
  octets += (attributes.largeCommunities?.length ?? 0) * 4;
  octets += attributes.extendedCommunities?.length ?? 0;
  octets += attributes.ipv6ExtendedCommunities?.length ?? 0;
  for (const { value } of attributes.unknown ?? []) octets += value.length + 4;
  return octets;
}

const flagsOf = (type: number, partial: readonly number[] | undefined): number =>
  partial?.includes(type) === true
    ? OPTIONAL_TRANSITIVE | AttributeFlag.Partial
    : OPTIONAL_TRANSITIVE;

const WELL_KNOWN = AttributeFlag.Transitive;
const OPTIONAL = AttributeFlag.Optional;
const OPTIONAL_TRANSITIVE = AttributeFlag.Optional | AttributeFlag.Transitive;
/** All heads, and the values of fixed length. */
const FIXED_OCTETS = 128;
const NO_PATH: readonly AsSegment[] = [];

type Mutable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };
