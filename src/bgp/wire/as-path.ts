import type { ByteWriter } from "../../core/bytes.ts";
import { LIMITS } from "../../core/limits.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Defect } from "./fault.ts";
import { AS_TRANS, SegmentType } from "./iana.ts";
import type { AsSegment } from "./message.ts";

/** RFC 4271 §4.3 b, RFC 6793 §4.1; malformed as RFC 7606 §7.2 lists it. */
export function decodeAsPath(value: Uint8Array, as4: boolean): Result<AsSegment[], Defect> {
  const asOctets = as4 ? 4 : 2;
  const segments: AsSegment[] = [];
  let asCount = 0;
  let at = 0;
  while (at < value.length) {
    if (value.length - at < 2) return defect("header-cut", "a segment header is cut short");
    const type = value[at] as number;
    const count = value[at + 1] as number;
    at += 2;
    if (!isSegmentType(type)) return defect("segment-type", `segment type ${type}`);
    if (count === 0) return defect("segment-empty", "a segment holds no AS");
    if (count * asOctets > value.length - at) {
      return defect("segment-overrun", `a segment of ${count} ASes leaves the attribute`);
    }
    asCount += count;
    if (asCount > LIMITS.asPathLength) return defect("too-long", `more than ${asCount} ASes`);
    segments.push({ type, ases: readAses(value, at, count, as4) });
    at += count * asOctets;
  }
  return ok(segments);
}

/**
 * What is well formed and still unacceptable: AS 0 (RFC 7607 §2), AS_SET and AS_CONFED_SET
 * (RFC 9774 §3), confederation segments from outside (RFC 5065 §5). Undefined where all is well.
 */
export function judgeAsPath(
  segments: readonly AsSegment[],
  session: "ebgp" | "ibgp",
): Defect | undefined {
  for (const segment of segments) {
    if (isConfederation(segment) && session === "ebgp") {
      return { reason: "confederation", because: "a confederation segment from outside" };
    }
    if (segment.ases.includes(0)) return { reason: "as-0", because: "AS 0 (RFC 7607 §2)" };
  }
  return undefined;
}

/** True for a path no route may have any more (RFC 9774 §3). */
export const hasSet = (segments: readonly AsSegment[]): boolean =>
  segments.some(({ type }) => type === SegmentType.AsSet || type === SegmentType.AsConfedSet);

/**
 * Length for the decision process: a set counts one, confederation segments none (RFC 5065 §5.3).
 */
export function asPathLength(segments: readonly AsSegment[]): number {
  let length = 0;
  for (const segment of segments) length += lengthOf(segment);
  return length;
}

/**
 * RFC 6793 §4.2.3: the path an OLD speaker passed on, with the 4-octet numbers of AS4_PATH put back
 * into its tail. A longer AS4_PATH than AS_PATH is not believed.
 */
export function mergeAs4Path(
  asPath: readonly AsSegment[],
  as4Path: readonly AsSegment[],
): readonly AsSegment[] {
  const tail = as4Path.filter((segment) => !isConfederation(segment));
  let missing = asPathLength(asPath) - asPathLength(tail);
  if (missing < 0) return asPath;
  const merged: AsSegment[] = [];
  for (const segment of asPath) {
    const length = lengthOf(segment);
    if (length > missing) {
      if (missing > 0) merged.push({ ...segment, ases: segment.ases.slice(0, missing) });
      break;
    }
    // Costs nothing or fits whole; a confederation segment goes with what it is adjacent to.
    merged.push(segment);
    missing -= length;
  }
  const [first, ...rest] = tail;
  if (first !== undefined) joinAtSeam(merged, first);
  return merged.concat(rest);
}

/** Segments of more than 255 ASes become several; 4-octet numbers AS_TRANS where only two fit. */
export function encodeAsPath(segments: readonly AsSegment[], as4: boolean, into: ByteWriter): void {
  for (const { type, ases } of segments) {
    for (let from = 0; from < ases.length; from += SEGMENT_AS_COUNT_MAX) {
      const until = Math.min(from + SEGMENT_AS_COUNT_MAX, ases.length);
      into.u8(type).u8(until - from);
      for (let index = from; index < until; index += 1) {
        const as = ases[index] as number;
        if (as4) into.u32(as);
        else into.u16(as > AS_TWO_OCTET_MAX ? AS_TRANS : as);
      }
    }
  }
}

/** RFC 6793 §4.2.2: what AS4_PATH has to carry; undefined where AS_PATH says it all. */
export function as4PathOf(segments: readonly AsSegment[]): readonly AsSegment[] | undefined {
  const isWide = segments.some(({ ases }) => ases.some((as) => as > AS_TWO_OCTET_MAX));
  return isWide ? segments.filter((segment) => !isConfederation(segment)) : undefined;
}

export const AS_TWO_OCTET_MAX = 0xffff;

const defect = (reason: string, because: string): Result<never, Defect> => err({ reason, because });

const isSegmentType = (type: number): type is SegmentType => type >= 1 && type <= 4;

const isConfederation = (segment: AsSegment): boolean =>
  segment.type === SegmentType.AsConfedSequence || segment.type === SegmentType.AsConfedSet;

function lengthOf(segment: AsSegment): number {
  if (isConfederation(segment)) return 0;
  return segment.type === SegmentType.AsSet ? 1 : segment.ases.length;
}

function readAses(value: Uint8Array, from: number, count: number, as4: boolean): number[] {
  const ases: number[] = [];
  for (let index = 0, at = from; index < count; index += 1) {
    const high = ((value[at] as number) << 8) | (value[at + 1] as number);
    if (as4) {
      ases.push(high * 0x1_0000 + (((value[at + 2] as number) << 8) | (value[at + 3] as number)));
      at += 4;
    } else {
      ases.push(high);
      at += 2;
    }
  }
  return ases;
}

/** One sequence again, where the cut between AS_PATH and AS4_PATH made two of it. */
function joinAtSeam(segments: AsSegment[], segment: AsSegment): void {
  const last = segments.at(-1);
  const joins =
    last?.type === SegmentType.AsSequence &&
    segment.type === SegmentType.AsSequence &&
    last.ases.length + segment.ases.length <= SEGMENT_AS_COUNT_MAX;
  if (last !== undefined && joins) {
    segments[segments.length - 1] = { ...last, ases: [...last.ases, ...segment.ases] };
  } else {
    segments.push(segment);
  }
}

const SEGMENT_AS_COUNT_MAX = 255;
