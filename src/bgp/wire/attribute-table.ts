import { ByteReader } from "../../core/bytes.ts";
import { decodeAsPath, judgeAsPath } from "./as-path.ts";
import { decodeLargeCommunities, decodeWords } from "./communities.ts";
import { type Defect, Severity } from "./fault.ts";
import { AttributeFlag, AttributeType, Origin, UpdateSubcode } from "./iana.ts";
import type { Aggregator, AsSegment, UnknownAttribute, WireContext } from "./message.ts";
import { decodeMpReach, decodeMpUnreach, type MpReach, type MpUnreach } from "./mp-nlri.ts";

/** What one attribute list said, before the list as a whole is judged. */
export class AttributeDraft {
  origin: Origin | undefined = undefined;
  asPath: readonly AsSegment[] | undefined = undefined;
  nextHop: Uint8Array | undefined = undefined;
  med: number | undefined = undefined;
  localPref: number | undefined = undefined;
  atomicAggregate = false;
  aggregator: Aggregator | undefined = undefined;
  communities: readonly number[] | undefined = undefined;
  originatorId: number | undefined = undefined;
  clusterList: readonly number[] | undefined = undefined;
  mpReach: MpReach | undefined = undefined;
  mpUnreach: MpUnreach | undefined = undefined;
  extendedCommunities: Uint8Array | undefined = undefined;
  as4Path: readonly AsSegment[] | undefined = undefined;
  as4Aggregator: Aggregator | undefined = undefined;
  ipv6ExtendedCommunities: Uint8Array | undefined = undefined;
  largeCommunities: readonly number[] | undefined = undefined;
  otc: number | undefined = undefined;
  unknown: UnknownAttribute[] | undefined = undefined;
  partial: number[] | undefined = undefined;
}

/**
 * All there is to know about receiving one path attribute. To add an attribute, add its row, its
 * field in `PathAttributes` and its lines in `attribute-encode.ts`.
 */
export interface AttributeRow {
  /** Begins the reason of every fault: `origin-length`. */
  readonly name: string;
  /** Optional and Transitive as they have to be (RFC 7606 §3 c). */
  readonly flags: number;
  readonly length: (octets: number, context: WireContext) => boolean;
  /** What is done about a wrong length or value, RFC 7606 §7. */
  readonly malformed: Severity;
  /** What is done about wrong flags, where that is not treat-as-withdraw. */
  readonly flagsConflict?: Severity;
  /** For the NOTIFICATION, should a malformed value end in one. */
  readonly subcode: number;
  /** Discarded unread from an external peer (RFC 7606 §7.5, §7.9, §7.10). */
  readonly isInternal?: boolean;
  /** Discarded unread from a peer that speaks 4-octet AS numbers (RFC 6793 §4.1). */
  readonly isForOldSpeakers?: boolean;
  /** Sets the draft's field, or says why not. The length has been checked. */
  readonly decode: (
    value: Uint8Array,
    draft: AttributeDraft,
    context: WireContext,
  ) => Defect | undefined;
}

const WELL_KNOWN = AttributeFlag.Transitive;
const OPTIONAL = AttributeFlag.Optional;
const OPTIONAL_TRANSITIVE = AttributeFlag.Optional | AttributeFlag.Transitive;

const exactly =
  (octets: number) =>
  (length: number): boolean =>
    length === octets;

/** A list of at least one item. */
const listOf =
  (itemOctets: number) =>
  (length: number): boolean =>
    length > 0 && length % itemOctets === 0;

/** The decoder itself says what fits. */
const anyLength = (): boolean => true;

const u32 = (value: Uint8Array): number => new ByteReader(value).u32();

const ORIGIN: AttributeRow = {
  name: "origin",
  flags: WELL_KNOWN,
  length: exactly(1),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.InvalidOriginAttribute,
  decode: (value, draft) => {
    const origin = value[0] as number;
    if (origin > Origin.Incomplete) return { reason: "value", because: `ORIGIN ${origin}` };
    draft.origin = origin as Origin;
    return undefined;
  },
};

const AS_PATH: AttributeRow = {
  name: "as-path",
  flags: WELL_KNOWN,
  length: anyLength,
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.MalformedAsPath,
  decode: (value, draft, context) => {
    const segments = decodeAsPath(value, context.as4);
    if (!segments.ok) return segments.fault;
    const defect = judgeAsPath(segments.value, context.session);
    if (defect === undefined) draft.asPath = segments.value;
    return defect;
  },
};

/** Whether the address can be a host's matters only to routes it is the next hop of. */
const NEXT_HOP: AttributeRow = {
  name: "next-hop",
  flags: WELL_KNOWN,
  length: exactly(4),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.InvalidNextHopAttribute,
  decode: (value, draft) => {
    draft.nextHop = value;
    return undefined;
  },
};

const MULTI_EXIT_DISC: AttributeRow = {
  name: "med",
  flags: OPTIONAL,
  length: exactly(4),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft) => {
    draft.med = u32(value);
    return undefined;
  },
};

const LOCAL_PREF: AttributeRow = {
  name: "local-pref",
  flags: WELL_KNOWN,
  length: exactly(4),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  isInternal: true,
  decode: (value, draft) => {
    draft.localPref = u32(value);
    return undefined;
  },
};

const ATOMIC_AGGREGATE: AttributeRow = {
  name: "atomic-aggregate",
  flags: WELL_KNOWN,
  length: exactly(0),
  malformed: Severity.AttributeDiscard,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (_value, draft) => {
    draft.atomicAggregate = true;
    return undefined;
  },
};

const AGGREGATOR: AttributeRow = {
  name: "aggregator",
  flags: OPTIONAL_TRANSITIVE,
  length: (octets, context) => octets === (context.as4 ? 8 : 6),
  malformed: Severity.AttributeDiscard,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft, context) => {
    const aggregator = decodeAggregator(value, context.as4);
    if (aggregator === undefined) return AGGREGATOR_AS_0;
    draft.aggregator = aggregator;
    return undefined;
  },
};

const COMMUNITIES: AttributeRow = {
  name: "communities",
  flags: OPTIONAL_TRANSITIVE,
  length: listOf(4),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft) => {
    draft.communities = decodeWords(value);
    return undefined;
  },
};

const ORIGINATOR_ID: AttributeRow = {
  name: "originator-id",
  flags: OPTIONAL,
  length: exactly(4),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  isInternal: true,
  decode: (value, draft) => {
    draft.originatorId = u32(value);
    return undefined;
  },
};

const CLUSTER_LIST: AttributeRow = {
  name: "cluster-list",
  flags: OPTIONAL,
  length: listOf(4),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  isInternal: true,
  decode: (value, draft) => {
    draft.clusterList = decodeWords(value);
    return undefined;
  },
};

/** RFC 4760 §7, RFC 7606 §7.11: prefixes that may have been misread cannot be withdrawn. */
const MP_REACH_NLRI: AttributeRow = {
  name: "mp-reach",
  flags: OPTIONAL,
  length: anyLength,
  malformed: Severity.SessionReset,
  flagsConflict: Severity.SessionReset,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft, context) => {
    const reach = decodeMpReach(value, context);
    if (!reach.ok) return reach.fault;
    draft.mpReach = reach.value;
    return undefined;
  },
};

const MP_UNREACH_NLRI: AttributeRow = {
  name: "mp-unreach",
  flags: OPTIONAL,
  length: anyLength,
  malformed: Severity.SessionReset,
  flagsConflict: Severity.SessionReset,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft, context) => {
    const unreach = decodeMpUnreach(value, context);
    if (!unreach.ok) return unreach.fault;
    draft.mpUnreach = unreach.value;
    return undefined;
  },
};

const EXTENDED_COMMUNITIES: AttributeRow = {
  name: "extended-communities",
  flags: OPTIONAL_TRANSITIVE,
  length: listOf(8),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft) => {
    draft.extendedCommunities = value;
    return undefined;
  },
};

/** RFC 6793 §6: what is wrong with it costs the attribute, not the route. */
const AS4_PATH: AttributeRow = {
  name: "as4-path",
  flags: OPTIONAL_TRANSITIVE,
  length: anyLength,
  malformed: Severity.AttributeDiscard,
  subcode: UpdateSubcode.OptionalAttributeError,
  isForOldSpeakers: true,
  decode: (value, draft) => {
    const segments = decodeAsPath(value, true);
    if (!segments.ok) return segments.fault;
    const defect = judgeAsPath(segments.value, "ibgp");
    if (defect === undefined) draft.as4Path = segments.value;
    return defect;
  },
};

const AS4_AGGREGATOR: AttributeRow = {
  name: "as4-aggregator",
  flags: OPTIONAL_TRANSITIVE,
  length: exactly(8),
  malformed: Severity.AttributeDiscard,
  subcode: UpdateSubcode.OptionalAttributeError,
  isForOldSpeakers: true,
  decode: (value, draft) => {
    const aggregator = decodeAggregator(value, true);
    if (aggregator === undefined) return AGGREGATOR_AS_0;
    draft.as4Aggregator = aggregator;
    return undefined;
  },
};

const IPV6_EXTENDED_COMMUNITIES: AttributeRow = {
  name: "ipv6-extended-communities",
  flags: OPTIONAL_TRANSITIVE,
  length: listOf(20),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft) => {
    draft.ipv6ExtendedCommunities = value;
    return undefined;
  },
};

const LARGE_COMMUNITIES: AttributeRow = {
  name: "large-communities",
  flags: OPTIONAL_TRANSITIVE,
  length: listOf(12),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft) => {
    draft.largeCommunities = decodeLargeCommunities(value);
    return undefined;
  },
};

const ONLY_TO_CUSTOMER: AttributeRow = {
  name: "otc",
  flags: OPTIONAL_TRANSITIVE,
  length: exactly(4),
  malformed: Severity.TreatAsWithdraw,
  subcode: UpdateSubcode.OptionalAttributeError,
  decode: (value, draft) => {
    draft.otc = u32(value);
    return undefined;
  },
};

/** Undefined for AS 0 (RFC 7607 §2). */
function decodeAggregator(value: Uint8Array, as4: boolean): Aggregator | undefined {
  const reader = new ByteReader(value);
  const as = as4 ? reader.u32() : reader.u16();
  return as === 0 ? undefined : { as, address: reader.take(4) };
}

const AGGREGATOR_AS_0: Defect = { reason: "as-0", because: "AS 0 (RFC 7607 §2)" };

const BY_TYPE: Readonly<Record<number, AttributeRow>> = {
  [AttributeType.Origin]: ORIGIN,
  [AttributeType.AsPath]: AS_PATH,
  [AttributeType.NextHop]: NEXT_HOP,
  [AttributeType.MultiExitDisc]: MULTI_EXIT_DISC,
  [AttributeType.LocalPref]: LOCAL_PREF,
  [AttributeType.AtomicAggregate]: ATOMIC_AGGREGATE,
  [AttributeType.Aggregator]: AGGREGATOR,
  [AttributeType.Communities]: COMMUNITIES,
  [AttributeType.OriginatorId]: ORIGINATOR_ID,
  [AttributeType.ClusterList]: CLUSTER_LIST,
  [AttributeType.MpReachNlri]: MP_REACH_NLRI,
  [AttributeType.MpUnreachNlri]: MP_UNREACH_NLRI,
  [AttributeType.ExtendedCommunities]: EXTENDED_COMMUNITIES,
  [AttributeType.As4Path]: AS4_PATH,
  [AttributeType.As4Aggregator]: AS4_AGGREGATOR,
  [AttributeType.Ipv6ExtendedCommunities]: IPV6_EXTENDED_COMMUNITIES,
  [AttributeType.LargeCommunities]: LARGE_COMMUNITIES,
  [AttributeType.OnlyToCustomer]: ONLY_TO_CUSTOMER,
};

/** Indexed by attribute type; dense, because every attribute of every UPDATE looks here. */
export const ATTRIBUTE_ROWS: readonly (AttributeRow | undefined)[] = Array.from(
  { length: 256 },
  (_, type) => BY_TYPE[type],
);
