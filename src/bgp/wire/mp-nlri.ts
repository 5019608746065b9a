import { Afi } from "../../core/address.ts";
import { ByteWriter } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Defect } from "./fault.ts";
import { AttributeFlag, AttributeType, Safi } from "./iana.ts";
import type { Family, NlriRun, WireContext } from "./message.ts";
import { NLRI_TOO_LONG, scanNlri } from "./nlri.ts";

/** MP_REACH_NLRI (RFC 4760 §3). */
export interface MpReach {
  readonly family: Family;
  readonly nextHop: Uint8Array;
  readonly nlri: Uint8Array;
  /** Undefined for a family nobody negotiated or we do not know: its octets stay unread. */
  readonly run: NlriRun | undefined;
}

/** MP_UNREACH_NLRI (RFC 4760 §4). */
export type MpUnreach = Omit<MpReach, "nextHop">;

export function decodeMpReach(value: Uint8Array, context: WireContext): Result<MpReach, Defect> {
  if (value.length < REACH_OCTETS_MIN) return defect("length", `${value.length} octets`);
  const family = familyAt(value);
  const nextHopOctets = value[3] as number;
  const nextHopEnd = 4 + nextHopOctets;
  // One reserved octet stands between the next hop and the prefixes.
  if (nextHopEnd >= value.length) {
    return defect("next-hop-overrun", `a next hop of ${nextHopOctets} octets leaves the attribute`);
  }
  const nextHop = value.subarray(4, nextHopEnd);
  const nlri = value.subarray(nextHopEnd + 1);
  const afi = unicastAfi(family, context);
  if (afi === undefined) return ok({ family, nextHop, nlri, run: undefined });
  if (!isNextHopLength(afi, nextHopOctets)) {
    return defect("next-hop-length", `a next hop of ${nextHopOctets} octets for AFI ${afi}`);
  }
  const run = decodeRun(nlri, afi, context);
  return run.ok ? ok({ family, nextHop, nlri, run: run.value }) : run;
}

export function decodeMpUnreach(
  value: Uint8Array,
  context: WireContext,
): Result<MpUnreach, Defect> {
  if (value.length < UNREACH_OCTETS_MIN) return defect("length", `${value.length} octets`);
  const family = familyAt(value);
  const nlri = value.subarray(3);
  const afi = unicastAfi(family, context);
  if (afi === undefined) return ok({ family, nlri, run: undefined });
  const run = decodeRun(nlri, afi, context);
  return run.ok ? ok({ family, nlri, run: run.value }) : run;
}

/** A validated run of prefixes, or why it is none. */
export function decodeRun(
  octets: Uint8Array,
  afi: Afi,
  context: WireContext,
): Result<NlriRun, Defect> {
  const hasPathIds = includesFamily(context.addPath, { afi, safi: Safi.Unicast });
  const count = scanNlri(octets, afi, hasPathIds);
  if (count >= 0) return ok({ afi, octets, hasPathIds, count });
  return count === NLRI_TOO_LONG
    ? defect("prefix-length", "a prefix is longer than its addresses")
    : defect("prefix-cut", "the last prefix is cut short");
}

/** The AFI of a unicast family of this session; undefined for one to be ignored. */
export function unicastAfi(family: Family, context: WireContext): Afi | undefined {
  const isKnown =
    family.safi === Safi.Unicast && (family.afi === Afi.Ipv4 || family.afi === Afi.Ipv6);
  if (!isKnown) return undefined;
  if (context.families !== undefined && !includesFamily(context.families, family)) return undefined;
  return family.afi as Afi;
}

export function includesFamily(families: readonly Family[], family: Family): boolean {
  for (const { afi, safi } of families) {
    if (afi === family.afi && safi === family.safi) return true;
  }
  return false;
}

/**
 * The attribute up to its prefixes, `nlriOctets` of which the caller writes behind it. Always with
 * the 2-octet length, so that its size does not depend on what follows.
 */
export function encodeMpReach(family: Family, nextHop: Uint8Array, nlriOctets: number): Uint8Array {
  const writer = new ByteWriter(MP_REACH_HEAD_OCTETS + nextHop.length);
  writer.u8(AttributeFlag.Optional | AttributeFlag.ExtendedLength).u8(AttributeType.MpReachNlri);
  writer.u16(REACH_OCTETS_MIN + nextHop.length + nlriOctets);
  writer.u16(family.afi).u8(family.safi).u8(nextHop.length).octets(nextHop).u8(0);
  return writer.finish();
}

/** As `encodeMpReach`; without prefixes it is the End-of-RIB marker of its family (RFC 4724 §2). */
export function encodeMpUnreach(family: Family, nlriOctets: number): Uint8Array {
  const writer = new ByteWriter(MP_UNREACH_HEAD_OCTETS);
  writer.u8(AttributeFlag.Optional | AttributeFlag.ExtendedLength).u8(AttributeType.MpUnreachNlri);
  writer.u16(UNREACH_OCTETS_MIN + nlriOctets);
  return writer.u16(family.afi).u8(family.safi).finish();
}

/** What `encodeMpReach` writes besides the next hop, and `encodeMpUnreach` at all. */
export const MP_REACH_HEAD_OCTETS = 9;
export const MP_UNREACH_HEAD_OCTETS = 7;

const defect = (reason: string, because: string): Result<never, Defect> => err({ reason, because });

const familyAt = (value: Uint8Array): Family => ({
  afi: ((value[0] as number) << 8) | (value[1] as number),
  safi: value[2] as number,
});

/**
 * 32 octets are a global and a link-local address (RFC 2545 §3); IPv4 may use both (RFC 8950 §3).
 */
const isNextHopLength = (afi: Afi, octets: number): boolean =>
  octets === 16 || octets === 32 || (octets === 4 && afi === Afi.Ipv4);

const REACH_OCTETS_MIN = 5;
const UNREACH_OCTETS_MIN = 3;
