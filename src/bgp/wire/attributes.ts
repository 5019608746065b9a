import { EMPTY } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { mergeAs4Path } from "./as-path.ts";
import { ATTRIBUTE_ROWS, AttributeDraft, type AttributeRow } from "./attribute-table.ts";
import { type Defect, FaultLog, Severity, type WireFault, wireFault } from "./fault.ts";
import { AS_TRANS, AttributeFlag, AttributeType, ErrorCode, UpdateSubcode } from "./iana.ts";
import type { PathAttributes, WireContext } from "./message.ts";

/** A path attribute list, read and not yet judged as a whole. */
export interface AttributeList {
  readonly draft: AttributeDraft;
  readonly log: FaultLog;
  /** Which types were there, well formed or not. */
  readonly seen: TypeSet;
  /** Attributes in the list. */
  readonly count: number;
}

/**
 * Reads every attribute of the list (RFC 4271 §4.3, §5) by its row in `attribute-table.ts`. Fails
 * only for what RFC 7606 answers with a session reset; the rest is in the log, and the list is read
 * to its end whatever it holds, for a stronger fault may follow a weaker one (§3 h).
 */
export function decodeAttributes(
  octets: Uint8Array,
  context: WireContext,
): Result<AttributeList, WireFault> {
  const draft = new AttributeDraft();
  const log = new FaultLog();
  const seen = new TypeSet();
  const cursor = new AttributeCursor(octets);
  let count = 0;
  while (cursor.next()) {
    count += 1;
    const fault = seen.has(cursor.type)
      ? duplicate(cursor)
      : decodeAttribute(cursor, draft, context);
    seen.add(cursor.type);
    if (fault === undefined) continue;
    if (fault.severity === Severity.SessionReset) return err(fault);
    log.add(fault);
  }
  if (cursor.isCut) {
    const fault = cutShort(cursor);
    if (fault.severity === Severity.SessionReset) return err(fault);
    log.add(fault);
  }
  return ok({ draft, log, seen, count });
}

/** Attribute types by bit: small enough to live on the heap and die young. */
export class TypeSet {
  readonly #words = new Uint32Array(8);

  has(type: number): boolean {
    return (((this.#words[type >>> 5] as number) >>> (type & 31)) & 1) === 1;
  }

  add(type: number): void {
    this.#words[type >>> 5] = (this.#words[type >>> 5] as number) | (1 << (type & 31));
  }
}

/** Steps through a list of path attributes without judging any. */
export class AttributeCursor {
  flags = 0;
  type = 0;
  /** Where the attribute at hand begins, and its value. */
  start = 0;
  valueStart = 0;
  end = 0;
  /**
   * Set where the list ends inside an attribute (RFC 7606 §4); `start` is where that one begins.
   */
  isCut = false;
  readonly octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.octets = octets;
  }

  next(): boolean {
    const octets = this.octets;
    const start = this.end;
    this.start = start;
    if (this.isCut || start >= octets.length) return false;
    const flags = octets[start] as number;
    const headOctets = (flags & AttributeFlag.ExtendedLength) === 0 ? 3 : 4;
    const valueStart = start + headOctets;
    this.flags = flags;
    this.type = octets[start + 1] ?? 0;
    if (valueStart > octets.length) return this.#cut();
    const low = octets[valueStart - 1] as number;
    const length = headOctets === 3 ? low : ((octets[valueStart - 2] as number) << 8) | low;
    this.valueStart = valueStart;
    this.end = valueStart + length;
    return this.end <= octets.length || this.#cut();
  }

  get value(): Uint8Array {
    return this.octets.subarray(this.valueStart, this.end);
  }

  /** Flags, type, length and value: the Data of most NOTIFICATIONs about it (RFC 4271 §6.3). */
  get whole(): Uint8Array {
    return this.octets.subarray(this.start, this.end);
  }

  #cut(): boolean {
    this.isCut = true;
    this.end = this.octets.length;
    return false;
  }
}

/** Applies one attribute to the draft; what is wrong with it, where something is. */
export function decodeAttribute(
  cursor: AttributeCursor,
  draft: AttributeDraft,
  context: WireContext,
): WireFault | undefined {
  const { flags, type } = cursor;
  const row = ATTRIBUTE_ROWS[type];
  if (row === undefined) return keepUnknown(cursor, draft);
  if (row.isInternal === true && context.session === "ebgp") {
    return discard(cursor, row, "external", "from an external peer");
  }
  if (row.isForOldSpeakers === true && context.as4) {
    return discard(cursor, row, "from-as4-speaker", "from a speaker of 4-octet AS numbers");
  }
  if ((flags & FLAGS_CHECKED) !== row.flags) {
    return wireFault({
      severity: row.flagsConflict ?? Severity.TreatAsWithdraw,
      code: ErrorCode.UpdateMessageError,
      subcode: UpdateSubcode.AttributeFlagsError,
      data: cursor.whole,
      reason: `${row.name}-flags`,
      because: `attribute ${type} with flags 0x${flags.toString(16).padStart(2, "0")}`,
    });
  }
  const lengthOctets = cursor.end - cursor.valueStart;
  if (!row.length(lengthOctets, context)) {
    return malformed(cursor, row, UpdateSubcode.AttributeLengthError, {
      reason: "length",
      because: `${lengthOctets} octets`,
    });
  }
  const defect = row.decode(cursor.value, draft, context);
  if (defect !== undefined) return malformed(cursor, row, row.subcode, defect);
  if ((flags & AttributeFlag.Partial) !== 0 && row.flags === OPTIONAL_TRANSITIVE) {
    draft.partial ??= [];
    draft.partial.push(type);
  }
  return undefined;
}

/**
 * The attributes of routes with this next hop; undefined where there is no such route. The two AS4
 * attributes are put back where they belong (RFC 6793 §4.2.3): an AGGREGATOR that is not AS_TRANS
 * was written after both of them.
 */
export function finishAttributes(
  draft: AttributeDraft,
  nextHop: Uint8Array | undefined,
): PathAttributes | undefined {
  const { origin, asPath, as4Aggregator, as4Path } = draft;
  if (nextHop === undefined || origin === undefined || asPath === undefined) return undefined;
  const isAggregatorOld = draft.aggregator?.as === AS_TRANS;
  const isAs4Stale =
    as4Aggregator !== undefined && draft.aggregator !== undefined && !isAggregatorOld;
  const path = as4Path === undefined || isAs4Stale ? asPath : mergeAs4Path(asPath, as4Path);
  const attributes: Mutable<PathAttributes> = { origin, asPath: path, nextHop };
  const aggregator = isAggregatorOld ? (as4Aggregator ?? draft.aggregator) : draft.aggregator;
  if (draft.med !== undefined) attributes.med = draft.med;
  if (draft.localPref !== undefined) attributes.localPref = draft.localPref;
  if (draft.atomicAggregate) attributes.atomicAggregate = true;
  if (aggregator !== undefined) attributes.aggregator = aggregator;
  if (draft.communities !== undefined) attributes.communities = draft.communities;
  if (draft.originatorId !== undefined) attributes.originatorId = draft.originatorId;
  if (draft.clusterList !== undefined) attributes.clusterList = draft.clusterList;
  if (draft.extendedCommunities !== undefined) {
    attributes.extendedCommunities = draft.extendedCommunities;
  }
  if (draft.ipv6ExtendedCommunities !== undefined) {
    attributes.ipv6ExtendedCommunities = draft.ipv6ExtendedCommunities;
  }
  if (draft.largeCommunities !== undefined) attributes.largeCommunities = draft.largeCommunities;
  if (draft.otc !== undefined) attributes.otc = draft.otc;
  if (draft.unknown !== undefined) attributes.unknown = draft.unknown;
  if (draft.partial !== undefined) attributes.partial = draft.partial;
  return attributes;
}

type Mutable<Item> = { -readonly [Key in keyof Item]: Item[Key] };

/** RFC 4271 §6.3: what is not well-known is kept if transitive, else quietly ignored. */
function keepUnknown(cursor: AttributeCursor, draft: AttributeDraft): WireFault | undefined {
  const { flags, type } = cursor;
  if ((flags & AttributeFlag.Optional) === 0) {
    return wireFault({
      code: ErrorCode.UpdateMessageError,
      subcode: UpdateSubcode.UnrecognizedWellKnownAttribute,
      data: cursor.whole,
      reason: "unrecognized-well-known",
      because: `unrecognized well-known attribute ${type}`,
    });
  }
  if ((flags & AttributeFlag.Transitive) !== 0) {
    draft.unknown ??= [];
    draft.unknown.push({ flags, type, value: cursor.value });
  }
  return undefined;
}

function malformed(
  cursor: AttributeCursor,
  row: AttributeRow,
  subcode: number,
  defect: Defect,
): WireFault {
  return wireFault({
    severity: row.malformed,
    code: ErrorCode.UpdateMessageError,
    subcode,
    // RFC 4271 §6.3: a malformed AS_PATH goes without data.
    data: subcode === UpdateSubcode.MalformedAsPath ? EMPTY : cursor.whole,
    reason: `${row.name}-${defect.reason}`,
    because: `attribute ${cursor.type}: ${defect.because}`,
  });
}

function discard(
  cursor: AttributeCursor,
  row: AttributeRow,
  reason: string,
  because: string,
): WireFault {
  return wireFault({
    severity: Severity.AttributeDiscard,
    code: ErrorCode.UpdateMessageError,
    subcode: UpdateSubcode.OptionalAttributeError,
    data: cursor.whole,
    reason: `${row.name}-${reason}`,
    because: `attribute ${cursor.type}: ${because}`,
  });
}

/** RFC 7606 §3 g: the first one counts; MP_REACH_NLRI and MP_UNREACH_NLRI must not come twice. */
function duplicate(cursor: AttributeCursor): WireFault {
  const { type } = cursor;
  return wireFault({
    severity: isMultiprotocol(type) ? Severity.SessionReset : Severity.AttributeDiscard,
    code: ErrorCode.UpdateMessageError,
    subcode: UpdateSubcode.MalformedAttributeList,
    reason: DUPLICATE_REASON,
    because: `attribute ${type} more than once`,
  });
}

/** RFC 7606 §4; but prefixes that are cut off cannot be withdrawn, so §3 j applies to them. */
function cutShort(cursor: AttributeCursor): WireFault {
  const { type } = cursor;
  return wireFault({
    severity: isMultiprotocol(type) ? Severity.SessionReset : Severity.TreatAsWithdraw,
    code: ErrorCode.UpdateMessageError,
    subcode: UpdateSubcode.MalformedAttributeList,
    reason: "attribute-overrun",
    because: `attribute ${type} leaves the path attributes, whose length places the NLRI`,
  });
}

/** Of the fault that says no more than that a repeated attribute was passed over. */
export const DUPLICATE_REASON = "attribute-duplicate";

const isMultiprotocol = (type: number): boolean =>
  type === AttributeType.MpReachNlri || type === AttributeType.MpUnreachNlri;

const OPTIONAL_TRANSITIVE = AttributeFlag.Optional | AttributeFlag.Transitive;
const FLAGS_CHECKED = OPTIONAL_TRANSITIVE;
