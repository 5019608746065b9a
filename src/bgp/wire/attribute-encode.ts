import { ByteWriter } from "../../core/bytes.ts";
import { AS_TWO_OCTET_MAX, as4PathOf, encodeAsPath } from "./as-path.ts";
import { encodeWords } from "./communities.ts";
import { AS_TRANS, AttributeFlag, AttributeType } from "./iana.ts";
import type { Aggregator, PathAttributes, UnknownAttribute } from "./message.ts";

export interface AttributeEncoding {
  /**
   * Both sides speak 4-octet AS numbers; else AS_TRANS and the AS4 attributes (RFC 6793 §4.2.2).
   */
  readonly as4: boolean;
  /**
   * An external peer gets no LOCAL_PREF, ORIGINATOR_ID or CLUSTER_LIST (RFC 4271 §5.1.5, 4456 §8).
   */
  readonly session: "ebgp" | "ibgp";
  /** Writes NEXT_HOP; to be left out where MP_REACH_NLRI carries the next hop. */
  readonly includeNextHop: boolean;
}

/**
 * A path attribute list in ascending order of type (RFC 4271 §5), MP_REACH_NLRI and MP_UNREACH_NLRI
 * not among them. Equal attributes make equal octets: with `as4`, `ibgp` and `includeNextHop` they
 * identify an attribute set, next hop of any family included.
 */
export function encodeAttributes(
  attributes: PathAttributes,
  encoding: AttributeEncoding,
): Uint8Array {
  const writer = new ByteWriter(128);
  writeAttributes(attributes, encoding, writer);
  return writer.finish();
}

/** `encodeAttributes` into a writer the caller keeps. */
export function writeAttributes(
  attributes: PathAttributes,
  encoding: AttributeEncoding,
  into: ByteWriter,
): void {
  const unknown = attributes.unknown === undefined ? NONE : inTypeOrder(attributes.unknown);
  let next = 0;
  for (const { type, flags, write } of FIELDS) {
    next = writeUnknown(unknown, next, type, into);
    const start = into.length;
    const isPartial = attributes.partial?.includes(type) === true;
    into
      .u8(isPartial ? flags | AttributeFlag.Partial : flags)
      .u8(type)
      .u8(0);
    if (write(attributes, encoding, into)) closeAttribute(into, start);
    else into.length = start;
  }
  writeUnknown(unknown, next, TYPE_END, into);
}

interface AttributeField {
  readonly type: number;
  readonly flags: number;
  /** Writes the value behind a header with a 1-octet length; false where there is none to write. */
  readonly write: (
    attributes: PathAttributes,
    encoding: AttributeEncoding,
    into: ByteWriter,
  ) => boolean;
}

const WELL_KNOWN = AttributeFlag.Transitive;
const OPTIONAL = AttributeFlag.Optional;
const OPTIONAL_TRANSITIVE = AttributeFlag.Optional | AttributeFlag.Transitive;

/** In ascending order of type. */
const FIELDS: readonly AttributeField[] = [
  {
    type: AttributeType.Origin,
    flags: WELL_KNOWN,
    write: ({ origin }, _encoding, into) => wrote(into.u8(origin)),
  },
  {
    type: AttributeType.AsPath,
    flags: WELL_KNOWN,
    write: ({ asPath }, { as4 }, into) => wrote(encodeAsPath(asPath, as4, into)),
  },
  {
    type: AttributeType.NextHop,
    flags: WELL_KNOWN,
    write: ({ nextHop }, { includeNextHop }, into) => includeNextHop && wrote(into.octets(nextHop)),
  },
  {
    type: AttributeType.MultiExitDisc,
    flags: OPTIONAL,
    write: ({ med }, _encoding, into) => med !== undefined && wrote(into.u32(med)),
  },
  {
    type: AttributeType.LocalPref,
    flags: WELL_KNOWN,
    write: ({ localPref }, { session }, into) =>
      localPref !== undefined && session === "ibgp" && wrote(into.u32(localPref)),
  },
  {
    type: AttributeType.AtomicAggregate,
    flags: WELL_KNOWN,
    write: ({ atomicAggregate }) => atomicAggregate === true,
  },
  {
    type: AttributeType.Aggregator,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ aggregator }, { as4 }, into) =>
      aggregator !== undefined && wrote(writeAggregator(aggregator, as4, into)),
  },
  {
    type: AttributeType.Communities,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ communities }, _encoding, into) => writeWords(communities, into),
  },
  {
    type: AttributeType.OriginatorId,
    flags: OPTIONAL,
    write: ({ originatorId }, { session }, into) =>
      originatorId !== undefined && session === "ibgp" && wrote(into.u32(originatorId)),
  },
  {
    type: AttributeType.ClusterList,
    flags: OPTIONAL,
    write: ({ clusterList }, { session }, into) =>
      session === "ibgp" && writeWords(clusterList, into),
  },
  {
    type: AttributeType.ExtendedCommunities,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ extendedCommunities }, _encoding, into) => writeOctets(extendedCommunities, into),
  },
  {
    type: AttributeType.As4Path,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ asPath }, { as4 }, into) => {
      const wide = as4 ? undefined : as4PathOf(asPath);
      return wide !== undefined && wrote(encodeAsPath(wide, true, into));
    },
  },
  {
    type: AttributeType.As4Aggregator,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ aggregator }, { as4 }, into) =>
      !as4 &&
      aggregator !== undefined &&
      aggregator.as > AS_TWO_OCTET_MAX &&
      wrote(writeAggregator(aggregator, true, into)),
  },
  {
    type: AttributeType.Ipv6ExtendedCommunities,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ ipv6ExtendedCommunities }, _encoding, into) =>
      writeOctets(ipv6ExtendedCommunities, into),
  },
  {
    type: AttributeType.LargeCommunities,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ largeCommunities }, _encoding, into) => writeWords(largeCommunities, into),
  },
  {
    type: AttributeType.OnlyToCustomer,
    flags: OPTIONAL_TRANSITIVE,
    write: ({ otc }, _encoding, into) => otc !== undefined && wrote(into.u32(otc)),
  },
];

/** Lets a write stand as the last word of a condition. */
const wrote = (_result: unknown): true => true;

/** An empty list is no attribute: its length would be malformed (RFC 7606 §7.8). */
function writeWords(words: readonly number[] | undefined, into: ByteWriter): boolean {
  return words !== undefined && words.length > 0 && wrote(encodeWords(words, into));
}

function writeOctets(octets: Uint8Array | undefined, into: ByteWriter): boolean {
  return octets !== undefined && octets.length > 0 && wrote(into.octets(octets));
}

function writeAggregator({ as, address }: Aggregator, as4: boolean, into: ByteWriter): void {
  if (as4) into.u32(as);
  else into.u16(as > AS_TWO_OCTET_MAX ? AS_TRANS : as);
  into.octets(address);
}

/** Those below `type`, from index `next` on; Partial marks that one of us did not know them. */
function writeUnknown(
  unknown: readonly UnknownAttribute[],
  next: number,
  type: number,
  into: ByteWriter,
): number {
  let index = next;
  for (; index < unknown.length; index += 1) {
    const attribute = unknown[index] as UnknownAttribute;
    if (attribute.type >= type) break;
    const start = into.length;
    into
      .u8(OPTIONAL_TRANSITIVE | AttributeFlag.Partial)
      .u8(attribute.type)
      .u8(0);
    into.octets(attribute.value);
    closeAttribute(into, start);
  }
  return index;
}

/** Sets the length of the attribute written since `start`, moved by an octet if it takes two. */
function closeAttribute(into: ByteWriter, start: number): void {
  const valueOctets = into.length - start - HEAD_OCTETS;
  if (valueOctets <= 0xff) {
    into.patchU8(start + 2, valueOctets);
    return;
  }
  const written = into.view().slice(start);
  into.length = start;
  into
    .u8((written[0] ?? 0) | AttributeFlag.ExtendedLength)
    .u8(written[1] ?? 0)
    .u16(valueOctets);
  into.octets(written.subarray(HEAD_OCTETS));
}

const inTypeOrder = (unknown: readonly UnknownAttribute[]): readonly UnknownAttribute[] =>
  unknown.toSorted((a, b) => a.type - b.type);

const NONE: readonly UnknownAttribute[] = [];
const TYPE_END = 256;
const HEAD_OCTETS = 3;
