import { parseAddress } from "../../core/address.ts";
import { at } from "../../core/assert.ts";
import { ByteWriter, fromHex } from "../../core/bytes.ts";
import { WellKnownCommunity } from "../wire/iana.ts";
import type { PathAttributes } from "../wire/message.ts";

export type CommunityKind = "standard" | "large" | "extended";

/**
 * A community, or all that agree with it under a mask: 4, 12 or 8 octets as they are on the wire.
 * Text forms: `65000:1`, `65000:*`, `no-export` (RFC 1997); `65000:1:2` (RFC 8092); `rt:65000:1`,
 * `soo:10.0.0.1:1` (RFC 4360), `ext:0002fde800000001`, `ext:*`.
 */
export interface CommunityPattern {
  readonly kind: CommunityKind;
  readonly octets: Uint8Array;
  readonly mask: Uint8Array;
  /** No bit is masked out: it can be set, not only looked for. */
  readonly isValue: boolean;
}

export function parseCommunity(text: string): CommunityPattern | undefined {
  const wellKnown = WELL_KNOWN.get(text);
  if (wellKnown !== undefined) return numbers("standard", [[wellKnown, 4]]);
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (first === "ext" && parts.length === 2) return parseRaw(second);
  if ((first === "rt" || first === "soo") && parts.length === 3) {
    return parseExtended(first === "rt" ? 2 : 3, second, third);
  }
  if (parts.length === 2) return parseParts("standard", parts, 2);
  return parts.length === 3 ? parseParts("large", parts, 4) : undefined;
}

/** `no-export` and its like: words a community list may not be named. */
export const isWellKnownName = (text: string): boolean => WELL_KNOWN.has(text);

export function formatCommunity(value: number): string {
  return NAME_OF.get(value) ?? `${value >>> 16}:${value & 0xffff}`;
}

export function formatLargeCommunity(triple: readonly [number, number, number]): string {
  return triple.join(":");
}

/** The communities of one kind as octets, one array each, in the order of the route. */
export function communitiesOf(attributes: PathAttributes, kind: CommunityKind): Uint8Array[] {
  if (kind === "extended") {
    const octets = attributes.extendedCommunities;
    return octets === undefined ? [] : chunks(octets, 8);
  }
  const values = kind === "standard" ? attributes.communities : attributes.largeCommunities;
  if (values === undefined) return [];
  const writer = new ByteWriter(values.length * 4);
  for (const value of values) writer.u32(value);
  return chunks(writer.finish(), kind === "standard" ? 4 : 12);
}

/** The same attributes with the communities of one kind replaced; none leaves the attribute out. */
export function withCommunities(
  attributes: PathAttributes,
  kind: CommunityKind,
  values: readonly Uint8Array[],
): PathAttributes {
  const { communities, largeCommunities, extendedCommunities, ...rest } = attributes;
  const kept = {
    ...rest,
    ...(communities === undefined || kind === "standard" ? {} : { communities }),
    ...(largeCommunities === undefined || kind === "large" ? {} : { largeCommunities }),
    ...(extendedCommunities === undefined || kind === "extended" ? {} : { extendedCommunities }),
  };
  if (values.length === 0) return kept;
  switch (kind) {
    case "standard":
      return { ...kept, communities: values.flatMap(words) };
    case "large":
      return { ...kept, largeCommunities: values.flatMap(words) };
    case "extended":
      return { ...kept, extendedCommunities: Uint8Array.from(values.flatMap((v) => [...v])) };
  }
}

export function matchesCommunity(pattern: CommunityPattern, octets: Uint8Array): boolean {
  for (let index = 0; index < octets.length; index += 1) {
    const mask = at(pattern.mask, index);
    if ((at(octets, index) & mask) !== (at(pattern.octets, index) & mask)) return false;
  }
  return true;
}

function parseParts(
  kind: CommunityKind,
  parts: readonly string[],
  octetsEach: 2 | 4,
): CommunityPattern | undefined {
  const fields: Field[] = [];
  for (const part of parts) {
    const value = parseField(part, octetsEach);
    if (value === undefined) return undefined;
    fields.push([value, octetsEach]);
  }
  return numbers(kind, fields);
}

/** RFC 4360 §3.1, §3.2 and RFC 5668 §2: the width of the administrator decides the type. */
function parseExtended(
  subType: number,
  administrator: string,
  assigned: string,
): CommunityPattern | undefined {
  const address = parseAddress(administrator);
  if (address?.length === 4) {
    const local = parseField(assigned, 2);
    if (local === undefined) return undefined;
    const octets = [...address].map((octet): Field => [octet, 1]);
    return numbers("extended", [[1, 1], [subType, 1], ...octets, [local, 2]]);
  }
  const as = parseField(administrator, 4);
  if (as === undefined || as === "*") return undefined;
  const isWide = as > 0xffff;
  const local = parseField(assigned, isWide ? 2 : 4);
  if (local === undefined) return undefined;
  return numbers("extended", [
    [isWide ? 2 : 0, 1],
    [subType, 1],
    [as, isWide ? 4 : 2],
    [local, isWide ? 2 : 4],
  ]);
}

function parseRaw(hex: string): CommunityPattern | undefined {
  if (hex === "*")
    return numbers("extended", [
      ["*", 4],
      ["*", 4],
    ]);
  const octets = fromHex(hex);
  if (octets?.length !== 8) return undefined;
  return numbers(
    "extended",
    [...octets].map((octet): Field => [octet, 1]),
  );
}

/** A number or `*`, and the octets it fills. */
type Field = readonly [value: number | "*", octets: 1 | 2 | 4];

function numbers(kind: CommunityKind, fields: readonly Field[]): CommunityPattern {
  const octets = new ByteWriter(12);
  const mask = new ByteWriter(12);
  for (const [value, width] of fields) {
    write(octets, value === "*" ? 0 : value, width);
    write(mask, value === "*" ? 0 : 0xffff_ffff, width);
  }
  return {
    kind,
    octets: octets.finish(),
    mask: mask.finish(),
    isValue: fields.every(([value]) => value !== "*"),
  };
}

function write(writer: ByteWriter, value: number, width: 1 | 2 | 4): void {
  if (width === 4) writer.u32(value);
  else if (width === 2) writer.u16(value);
  else writer.u8(value);
}

function parseField(text: string, octets: 2 | 4): number | "*" | undefined {
  if (text === "*") return "*";
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value < 2 ** (octets * 8) ? value : undefined;
}

function chunks(octets: Uint8Array, size: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let from = 0; from + size <= octets.length; from += size) {
    found.push(octets.subarray(from, from + size));
  }
  return found;
}

function words(octets: Uint8Array): number[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const values: number[] = [];
  for (let from = 0; from < octets.length; from += 4) values.push(view.getUint32(from));
  return values;
}

/** The names of the IANA registry, as the CLIs of routers write them. */
const WELL_KNOWN: ReadonlyMap<string, number> = new Map([
  ["graceful-shutdown", WellKnownCommunity.GracefulShutdown],
  ["accept-own", 0xffff_0001],
  ["llgr-stale", 0xffff_0006],
  ["no-llgr", 0xffff_0007],
  ["blackhole", WellKnownCommunity.Blackhole],
  ["no-export", WellKnownCommunity.NoExport],
  ["no-advertise", WellKnownCommunity.NoAdvertise],
  ["no-export-subconfed", WellKnownCommunity.NoExportSubconfed],
  ["no-peer", 0xffff_ff04],
]);

const NAME_OF: ReadonlyMap<number, string> = new Map([...WELL_KNOWN].map(([name, v]) => [v, name]));
