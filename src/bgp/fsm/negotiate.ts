import { ByteWriter } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { encodeCapability } from "../wire/capability.ts";
import { type WireFault, wireFault } from "../wire/fault.ts";
import { EXTENDED_MESSAGE_OCTETS_MAX, MESSAGE_OCTETS_MAX } from "../wire/header.ts";
import { Afi, AS_TRANS, ErrorCode, OpenSubcode, Safi } from "../wire/iana.ts";
import type { Capability, Family, OpenMessage, WireContext } from "../wire/message.ts";

/** What we bring to the table: the OPEN we send, and what we ask of the peer's. */
export interface LocalOpen {
  /** Our AS towards this peer. */
  readonly localAs: number;
  readonly bgpIdentifier: number;
  readonly remoteAs: number;
  /** Proposed; 0 disables. */
  readonly holdTimeSec: number;
  /** The smallest negotiated hold time we live with; 0 takes any legal one, 0 included. */
  readonly holdTimeSecMin: number;
  readonly keepaliveTimeSec: number;
  readonly families: readonly Family[];
  /** As sent; whatever is not in here is not negotiated, even where the peer offers it. */
  readonly capabilities: readonly Capability[];
  /** RFC 9234 §4.2: a peer that names no role at all is refused. */
  readonly isRoleStrict: boolean;
  /** The session itself runs over loopback addresses. */
  readonly isLoopback?: boolean;
}

/** What both OPENs agreed on. */
export interface Negotiated {
  /** The smaller of both (RFC 4271 §4.2); 0: neither KEEPALIVE nor HoldTimer. */
  readonly holdTimeSec: number;
  readonly keepaliveTimeSec: number;
  readonly remoteBgpIdentifier: number;
  readonly families: readonly Family[];
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** Both announced graceful restart: a new connection of the peer's ends the old one. */
  readonly gracefulRestart: boolean;
  readonly messageOctetsMax: number;
  readonly localCapabilities: readonly Capability[];
  readonly remoteCapabilities: readonly Capability[];
  /** For decoding what the peer sends. */
  readonly wire: WireContext;
}

/** The OPEN of RFC 4271 §4.2 for this peer. */
export const openMessage = (local: LocalOpen): OpenMessage => ({
  kind: "open",
  version: 4,
  myAs: local.localAs > 0xffff ? AS_TRANS : local.localAs,
  holdTimeSec: local.holdTimeSec,
  bgpIdentifier: local.bgpIdentifier,
  capabilities: local.capabilities,
});

/**
 * RFC 4271 §6.2 as far as it needs to know who we are (the wire has checked the message itself),
 * then what both sides can do (RFC 5492 §3). The first fault wins, in the order of the fields.
 */
export function negotiate(local: LocalOpen, open: OpenMessage): Result<Negotiated, WireFault> {
  const as4 = has(local, "four-octet-as") && has(open, "four-octet-as");
  const families = commonFamilies(local, open);
  const holdTimeSec = Math.min(local.holdTimeSec, open.holdTimeSec);
  const fault =
    asFault(local, open, as4) ??
    holdTimeFault(local, holdTimeSec) ??
    identifierFault(local, open) ??
    familyFault(local, open, families) ??
    roleFault(local, open);
  if (fault !== undefined) return err(fault);
  const both = (kind: Capability["kind"]) => has(local, kind) && has(open, kind);
  const extendedMessages = both("extended-message");
  const routeRefresh = both("route-refresh");
  return ok({
    holdTimeSec,
    keepaliveTimeSec: Math.min(local.keepaliveTimeSec, holdTimeSec / 3),
    remoteBgpIdentifier: open.bgpIdentifier,
    families,
    routeRefresh,
    // RFC 7313 §3.1 builds on RFC 2918: without the plain message there is nothing to enhance.
    enhancedRouteRefresh: routeRefresh && both("enhanced-route-refresh"),
    gracefulRestart: both("graceful-restart"),
    messageOctetsMax: extendedMessages ? EXTENDED_MESSAGE_OCTETS_MAX : MESSAGE_OCTETS_MAX,
    localCapabilities: local.capabilities,
    remoteCapabilities: open.capabilities.map(copyCapability),
    wire: {
      as4,
      extendedMessages,
      addPath: [],
      families,
      session: local.localAs === local.remoteAs ? "ibgp" : "ebgp",
      peerAs: local.remoteAs,
      ...(local.isLoopback === true && { isLoopback: true }),
    },
  });
}

/**
 * The AS is the capability's where both sides speak four octets (RFC 6793 §4.1). A capability that
 * contradicts the two-octet field is no better than a wrong AS.
 */
function asFault(local: LocalOpen, open: OpenMessage, as4: boolean): WireFault | undefined {
  const announced = as4 ? remoteAs4(open) : open.myAs;
  if (announced !== local.remoteAs) {
    return openFault(
      OpenSubcode.BadPeerAs,
      "open-peer-as",
      `peer's AS is ${announced}, configured ${local.remoteAs}`,
    );
  }
  if (as4 && open.myAs !== announced && open.myAs !== AS_TRANS) {
    return openFault(
      OpenSubcode.BadPeerAs,
      "open-peer-as",
      `peer's AS is ${open.myAs} in the OPEN and ${announced} in its 4-octet AS capability`,
    );
  }
  return undefined;
}

function holdTimeFault(local: LocalOpen, holdTimeSec: number): WireFault | undefined {
  if (local.holdTimeSecMin === 0 || holdTimeSec >= local.holdTimeSecMin) return undefined;
  return openFault(
    OpenSubcode.UnacceptableHoldTime,
    "open-hold-time",
    `hold time would be ${holdTimeSec} s, the least accepted is ${local.holdTimeSecMin} s`,
  );
}

/** RFC 6286 §2.2: unique inside an AS only. */
function identifierFault(local: LocalOpen, open: OpenMessage): WireFault | undefined {
  if (local.localAs !== local.remoteAs) return undefined;
  if (open.bgpIdentifier !== local.bgpIdentifier) return undefined;
  return openFault(
    OpenSubcode.BadBgpIdentifier,
    "open-bgp-identifier",
    "peer in our own AS has our own BGP Identifier",
  );
}

/** RFC 5492 §5: the data lists the capabilities whose absence makes a session pointless. */
function familyFault(
  local: LocalOpen,
  open: OpenMessage,
  common: readonly Family[],
): WireFault | undefined {
  if (common.length > 0 || local.families.length === 0) return undefined;
  const data = new ByteWriter();
  for (const family of local.families) encodeCapability({ kind: "multiprotocol", family }, data);
  const wanted = local.families.map(formatFamily).join(", ");
  const offered = familiesOf(open).map(formatFamily).join(", ");
  return wireFault({
    code: ErrorCode.OpenMessageError,
    subcode: OpenSubcode.UnsupportedCapability,
    data: data.finish(),
    reason: "open-no-common-family",
    because: `no common address family: peer offers ${offered}, configured ${wanted}`,
  });
}

/**
 * RFC 9234 §4.2: roles must mirror each other; several that differ are a mismatch in themselves.
 */
function roleFault(local: LocalOpen, open: OpenMessage): WireFault | undefined {
  const ours = rolesOf(local)[0];
  if (ours === undefined) return undefined;
  const theirs = rolesOf(open);
  if (theirs.length === 0 && !local.isRoleStrict) return undefined;
  if (theirs.length > 0 && theirs.every((role) => role === MIRROR_ROLE[ours])) return undefined;
  const named = theirs.length === 0 ? "none" : theirs.join(", ");
  return openFault(
    OpenSubcode.RoleMismatch,
    "open-role-mismatch",
    `peer's role is ${named}, ours is ${ours}`,
  );
}

/** RFC 4760 §8: a speaker without the capability speaks IPv4 unicast. */
function familiesOf(open: OpenMessage): readonly Family[] {
  const families = open.capabilities.flatMap((capability) =>
    capability.kind === "multiprotocol" ? [capability.family] : [],
  );
  return families.length > 0 ? families : [{ afi: Afi.Ipv4, safi: Safi.Unicast }];
}

function commonFamilies(local: LocalOpen, open: OpenMessage): readonly Family[] {
  const offered = familiesOf(open);
  return local.families.filter((ours) => offered.some((theirs) => sameFamily(ours, theirs)));
}

export const sameFamily = (a: Family, b: Family): boolean => a.afi === b.afi && a.safi === b.safi;

/** `ipv4-unicast`, or `25/70` where there is no short name. */
export function formatFamily(family: Family): string {
  if (family.safi !== Safi.Unicast) return `${family.afi}/${family.safi}`;
  if (family.afi === Afi.Ipv4) return "ipv4-unicast";
  return family.afi === Afi.Ipv6 ? "ipv6-unicast" : `${family.afi}/${family.safi}`;
}

type Capable = { readonly capabilities: readonly Capability[] };

const has = (side: Capable, kind: Capability["kind"]): boolean =>
  side.capabilities.some((capability) => capability.kind === kind);

const rolesOf = (side: Capable): readonly number[] =>
  side.capabilities.flatMap((capability) => (capability.kind === "role" ? [capability.role] : []));

/** The last one counts where a peer sends several (RFC 5492 §4). */
const remoteAs4 = (open: OpenMessage): number =>
  open.capabilities.reduce(
    (as, capability) => (capability.kind === "four-octet-as" ? capability.as : as),
    open.myAs,
  );

/** Unknown capabilities are views on the input; what outlives the message owns its octets. */
const copyCapability = (capability: Capability): Capability =>
  capability.kind === "unknown" ? { ...capability, value: capability.value.slice() } : capability;

const openFault = (subcode: number, reason: string, because: string): WireFault =>
  wireFault({ code: ErrorCode.OpenMessageError, subcode, reason, because });

/** RFC 9234 §4.1: Provider 0, RS 1, RS-Client 2, Customer 3, Peer 4. */
const MIRROR_ROLE: Readonly<Record<number, number>> = { 0: 3, 1: 2, 2: 1, 3: 0, 4: 4 };
