import { decodeAsPath } from "../bgp/wire/as-path.ts";
import { ATTRIBUTE_ROWS, AttributeDraft } from "../bgp/wire/attribute-table.ts";
import { AttributeCursor } from "../bgp/wire/attributes.ts";
import { AttributeFlag, AttributeType, Safi } from "../bgp/wire/iana.ts";
import type { Aggregator, AsSegment, Family, WireContext } from "../bgp/wire/message.ts";
import { includesFamily } from "../bgp/wire/mp-nlri.ts";
import { ATTRIBUTE_NAMES, ORIGIN_NAMES, SEGMENT_NAMES } from "../bgp/wire/names.ts";
import { NlriCursor, scanNlri } from "../bgp/wire/nlri.ts";
import { Afi, formatAddress } from "../core/address.ts";
import { toHex } from "../core/bytes.ts";
import { formatPrefix } from "../core/prefix.ts";
import type { Facts } from "./record.ts";

/** Every attribute of the list in its order, repeated and malformed ones too. */
export function dissectAttributes(octets: Uint8Array, context: WireContext): readonly Facts[] {
  const cursor = new AttributeCursor(octets);
  const facts: Facts[] = [];
  while (cursor.next()) {
    facts.push({
      type: cursor.type,
      name: ATTRIBUTE_NAMES[cursor.type] ?? null,
      flags: cursor.flags,
      flagsText: formatFlags(cursor.flags),
      lengthOctets: cursor.end - cursor.valueStart,
      ...valueFacts(cursor.type, cursor.value, context),
    });
  }
  if (cursor.isCut) facts.push({ type: cursor.type, malformed: "cut", hex: toHex(cursor.whole) });
  return facts;
}

/** `value` where it can be read, else `hex` and what is in the way. */
function valueFacts(type: number, value: Uint8Array, context: WireContext): Facts {
  switch (type) {
    case AttributeType.AsPath:
    case AttributeType.As4Path: {
      const path = decodeAsPath(value, type === AttributeType.As4Path || context.as4);
      if (path.ok) return { value: path.value.map(segmentFacts) };
      return { malformed: path.fault.reason, hex: toHex(value) };
    }
    case AttributeType.MpReachNlri:
      return value.length < 5 || 4 + (value[3] ?? 0) >= value.length
        ? { malformed: "next-hop-overrun", hex: toHex(value) }
        : { value: reachFacts(value, context) };
    case AttributeType.MpUnreachNlri: {
      if (value.length < 3) return { malformed: "length", hex: toHex(value) };
      const family = familyAt(value);
      return { value: { ...family, ...runFacts("withdrawn", value.subarray(3), family, context) } };
    }
    default:
      return tableFacts(type, value, context);
  }
}

/** What the receiver's own table makes of the value, with no session to discard it for. */
function tableFacts(type: number, value: Uint8Array, context: WireContext): Facts {
  const row = ATTRIBUTE_ROWS[type];
  if (row === undefined) return { hex: toHex(value) };
  const lenient = { ...context, as4: isWide(type, value, context) };
  if (!row.length(value.length, lenient)) return { malformed: "length", hex: toHex(value) };
  const draft = new AttributeDraft();
  const defect = row.decode(value, draft, lenient);
  return defect === undefined
    ? { value: draftFacts(type, draft) }
    : { malformed: defect.reason, hex: toHex(value) };
}

const isWide = (type: number, value: Uint8Array, context: WireContext): boolean =>
  type === AttributeType.Aggregator ? value.length === 8 : context.as4;

function draftFacts(type: number, draft: AttributeDraft): unknown {
  switch (type) {
    case AttributeType.Origin:
      return ORIGIN_NAMES[draft.origin ?? -1];
    case AttributeType.NextHop:
      return formatAddress(draft.nextHop ?? NO_ADDRESS);
    case AttributeType.MultiExitDisc:
      return draft.med;
    case AttributeType.LocalPref:
      return draft.localPref;
    case AttributeType.AtomicAggregate:
      return true;
    case AttributeType.Aggregator:
      return aggregatorFacts(draft.aggregator);
    case AttributeType.As4Aggregator:
      return aggregatorFacts(draft.as4Aggregator);
    case AttributeType.Communities:
      return draft.communities?.map((word) => `${word >>> 16}:${word & 0xffff}`);
    case AttributeType.OriginatorId:
      return formatWord(draft.originatorId ?? 0);
    case AttributeType.ClusterList:
      return draft.clusterList?.map(formatWord);
    case AttributeType.ExtendedCommunities:
      return chunks(draft.extendedCommunities, 8);
    case AttributeType.Ipv6ExtendedCommunities:
      return chunks(draft.ipv6ExtendedCommunities, 20);
    case AttributeType.LargeCommunities:
      return triples(draft.largeCommunities ?? []);
    case AttributeType.OnlyToCustomer:
      return draft.otc;
    default:
      return null;
  }
}

export function dissectAsPath(octets: Uint8Array, as4: boolean): readonly Facts[] | string {
  const path = decodeAsPath(octets, as4);
  return path.ok ? path.value.map(segmentFacts) : toHex(octets);
}

/** Prefixes of a unicast or multicast family, with their path identifiers; else hex. */
export function dissectNlri(
  octets: Uint8Array,
  family: Family,
  context: WireContext,
): readonly unknown[] | string {
  const { afi } = family;
  const isPlain = family.safi === Safi.Unicast || family.safi === Safi.Multicast;
  if (!isPlain || (afi !== Afi.Ipv4 && afi !== Afi.Ipv6)) return toHex(octets);
  const hasPathIds = includesFamily(context.addPath, family);
  if (scanNlri(octets, afi, hasPathIds) < 0) return toHex(octets);
  const cursor = new NlriCursor();
  const prefixes: unknown[] = [];
  cursor.reset({ afi, octets, hasPathIds });
  while (cursor.next()) {
    const address = new Uint8Array(afi === Afi.Ipv4 ? 4 : 16);
    cursor.copyAddress(address, 0);
    const prefix = formatPrefix({ afi, address, length: cursor.length });
    prefixes.push(hasPathIds ? { pathId: cursor.pathId, prefix } : prefix);
  }
  return prefixes;
}

function reachFacts(value: Uint8Array, context: WireContext): Facts {
  const family = familyAt(value);
  const nextHopEnd = 4 + (value[3] ?? 0);
  const nextHop = value.subarray(4, nextHopEnd);
  return {
    ...family,
    ...nextHopFacts(nextHop),
    ...runFacts("nlri", value.subarray(nextHopEnd + 1), family, context),
  };
}

/** One address, or a global and a link-local one; others (behind a route distinguisher) as hex. */
function nextHopFacts(nextHop: Uint8Array): Facts {
  if (nextHop.length === 4 || nextHop.length === 16) return { nextHop: [formatAddress(nextHop)] };
  if (nextHop.length !== 32) return { nextHopHex: toHex(nextHop) };
  const halves = [nextHop.subarray(0, 16), nextHop.subarray(16)];
  return { nextHop: halves.map(formatAddress) };
}

function runFacts(
  name: "nlri" | "withdrawn",
  octets: Uint8Array,
  family: Family,
  context: WireContext,
): Facts {
  const run = dissectNlri(octets, family, context);
  return typeof run === "string" ? { [`${name}Hex`]: run } : { [name]: run };
}

const familyAt = (value: Uint8Array): Family => ({
  afi: ((value[0] ?? 0) << 8) | (value[1] ?? 0),
  safi: value[2] ?? 0,
});

const segmentFacts = ({ type, ases }: AsSegment): Facts => ({ type: SEGMENT_NAMES[type], ases });

const aggregatorFacts = (aggregator: Aggregator | undefined): Facts | undefined =>
  aggregator && { as: aggregator.as, address: formatAddress(aggregator.address) };

const formatWord = (word: number): string =>
  formatAddress(Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word));

function triples(words: readonly number[]): readonly string[] {
  const texts: string[] = [];
  for (let at = 0; at < words.length; at += 3) {
    texts.push(`${words[at]}:${words[at + 1]}:${words[at + 2]}`);
  }
  return texts;
}

function chunks(octets: Uint8Array | undefined, size: number): readonly string[] {
  const texts: string[] = [];
  for (let at = 0; octets !== undefined && at < octets.length; at += size) {
    texts.push(toHex(octets.subarray(at, at + size)));
  }
  return texts;
}

/** `optional transitive partial`. */
function formatFlags(flags: number): string {
  const words = [
    (flags & AttributeFlag.Optional) === 0 ? "well-known" : "optional",
    (flags & AttributeFlag.Transitive) === 0 ? "non-transitive" : "transitive",
  ];
  if ((flags & AttributeFlag.Partial) !== 0) words.push("partial");
  return words.join(" ");
}

const NO_ADDRESS = new Uint8Array(4);
