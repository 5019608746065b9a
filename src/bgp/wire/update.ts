import { Afi } from "../../core/address.ts";
import { ByteWriter, EMPTY } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { hasSet } from "./as-path.ts";
import type { AttributeDraft } from "./attribute-table.ts";
import {
  type AttributeList,
  decodeAttributes,
  finishAttributes,
  type TypeSet,
} from "./attributes.ts";
import { type FaultLog, Severity, type WireFault, wireFault } from "./fault.ts";
import { encodeMessage } from "./header.ts";
import {
  AS_TRANS,
  AttributeType,
  ErrorCode,
  MessageType,
  Safi,
  SegmentType,
  UpdateSubcode,
} from "./iana.ts";
import type { AsSegment, Family, NlriRun, UpdateMessage, WireContext } from "./message.ts";
import { decodeRun, encodeMpUnreach, unicastAfi } from "./mp-nlri.ts";
import { isHostAddress, isLoopback4 } from "./next-hop.ts";

/**
 * RFC 4271 §4.3 as revised by RFC 7606. Fails only where the session has to be reset; whatever the
 * peer did short of that is in `faults`, and `treatAsWithdraw` says whether the routes survived it.
 */
export function decodeUpdate(
  body: Uint8Array,
  context: WireContext,
): Result<UpdateMessage, WireFault> {
  if (isLegacyEndOfRib(body)) return ok(IPV4_END_OF_RIB);
  const fields = splitBody(body);
  if (!fields.ok) return fields;
  const withdrawn = decodeIpv4(fields.value.withdrawn, context);
  if (!withdrawn.ok) return withdrawn;
  const list = decodeAttributes(fields.value.attributes, context);
  if (!list.ok) return list;
  const nlri = decodeIpv4(fields.value.nlri, context);
  if (!nlri.ok) return nlri;
  return judge(list.value, withdrawn.value, nlri.value, context);
}

/** The three variable fields of an UPDATE body (RFC 4271 §4.3, RFC 7606 §3 b). */
export interface UpdateFields {
  readonly withdrawn: Uint8Array;
  readonly attributes: Uint8Array;
  readonly nlri: Uint8Array;
}

export function splitBody(body: Uint8Array): Result<UpdateFields, WireFault> {
  const withdrawnEnd = 2 + u16(body, 0);
  if (withdrawnEnd + 2 > body.length) {
    return err(listFault("withdrawn-overrun", "the withdrawn routes leave the message"));
  }
  const attributesEnd = withdrawnEnd + 2 + u16(body, withdrawnEnd);
  if (attributesEnd > body.length) {
    return err(listFault("attributes-overrun", "the path attributes leave the message"));
  }
  return ok({
    withdrawn: body.subarray(2, withdrawnEnd),
    attributes: body.subarray(withdrawnEnd + 2, attributesEnd),
    nlri: body.subarray(attributesEnd),
  });
}

/** A whole UPDATE of parts that are encoded already. */
export function encodeUpdate(fields: Partial<UpdateFields>): Uint8Array {
  const { withdrawn = EMPTY, attributes = EMPTY, nlri = EMPTY } = fields;
  const body = new ByteWriter(4 + withdrawn.length + attributes.length + nlri.length);
  body.u16(withdrawn.length).octets(withdrawn);
  body.u16(attributes.length).octets(attributes).octets(nlri);
  return encodeMessage(MessageType.Update, body.view());
}

/** RFC 4724 §2: the legacy empty UPDATE for IPv4 unicast, an empty MP_UNREACH_NLRI for the rest. */
export function encodeEndOfRib(family: Family): Uint8Array {
  return family.afi === Afi.Ipv4 && family.safi === Safi.Unicast
    ? encodeUpdate({})
    : encodeUpdate({ attributes: encodeMpUnreach(family, 0) });
}

/** What is known once everything was read: prefixes of both kinds, attributes, and their faults. */
function judge(
  list: AttributeList,
  withdrawn: NlriRun | undefined,
  nlri: NlriRun | undefined,
  context: WireContext,
): Result<UpdateMessage, WireFault> {
  const { draft, log } = list;
  const { mpReach, mpUnreach } = draft;
  const hasMpRoutes = mpReach !== undefined && mpReach.nlri.length > 0;
  const hasRoutes = nlri !== undefined || hasMpRoutes;
  if (hasRoutes) judgeRoutes(list, nlri !== undefined, hasMpRoutes, context);
  // RFC 7606 §5.2: without a route in it, who knows whether it was read rightly.
  if (!hasRoutes && log.withdrawing !== undefined) {
    return err({ ...log.withdrawing, severity: Severity.SessionReset });
  }
  const ignored: Family[] = [];
  const reach: Reach[] = [];
  const unreach: NlriRun[] = [];
  const hasIpv4 = unicastAfi(IPV4_UNICAST, context) !== undefined;
  if (!hasIpv4 && (nlri ?? withdrawn) !== undefined) ignored.push(IPV4_UNICAST);
  if (hasIpv4 && nlri !== undefined) reach.push(reachOf(nlri, draft.nextHop ?? EMPTY));
  if (hasIpv4 && withdrawn !== undefined) unreach.push(withdrawn);
  if (mpReach?.run !== undefined && hasMpRoutes) reach.push(reachOf(mpReach.run, mpReach.nextHop));
  if (mpReach !== undefined && mpReach.run === undefined) ignored.push(mpReach.family);
  if (mpUnreach?.run !== undefined && mpUnreach.run.count > 0) unreach.push(mpUnreach.run);
  if (mpUnreach !== undefined && mpUnreach.run === undefined) ignored.push(mpUnreach.family);
  const treatAsWithdraw = hasRoutes && log.withdrawing !== undefined;
  const isEndOfRib =
    mpUnreach !== undefined &&
    mpUnreach.nlri.length === 0 &&
    list.count === 1 &&
    withdrawn === undefined &&
    !hasRoutes;
  return ok({
    kind: "update",
    reach,
    unreach,
    attributes: treatAsWithdraw ? undefined : finishAttributes(draft, reach[0]?.nextHop),
    treatAsWithdraw,
    ...(isEndOfRib ? { endOfRib: mpUnreach.family } : {}),
    ignored,
    faults: log.faults,
  });
}

type Reach = UpdateMessage["reach"][number];

const reachOf = ({ afi, octets, hasPathIds, count }: NlriRun, nextHop: Uint8Array): Reach => ({
  afi,
  octets,
  hasPathIds,
  count,
  nextHop,
});

/** What only an UPDATE that announces something has to have (RFC 4271 §5, §6.3). */
function judgeRoutes(
  list: AttributeList,
  hasNlri: boolean,
  hasMpRoutes: boolean,
  context: WireContext,
): void {
  const { draft, log, seen } = list;
  requirePresent(AttributeType.Origin, seen, log);
  requirePresent(AttributeType.AsPath, seen, log);
  if (hasNlri) requirePresent(AttributeType.NextHop, seen, log);
  const nextHop = hasNlri ? draft.nextHop : undefined;
  const mpNextHop = hasMpRoutes && draft.mpReach?.run ? draft.mpReach.nextHop : undefined;
  for (const address of [nextHop, mpNextHop]) {
    if (address === undefined) continue;
    const isAstray = isLoopback4(address) && context.isLoopback !== true;
    if (isHostAddress(address) && !isAstray) continue;
    log.add(
      withdrawing(
        UpdateSubcode.InvalidNextHopAttribute,
        "next-hop-not-a-host",
        "a next hop that is no host's address",
        address,
      ),
    );
  }
  if (hasSet(draft.asPath ?? NO_PATH) || hasSet(draft.as4Path ?? NO_PATH)) {
    log.add(
      withdrawing(
        UpdateSubcode.MalformedAsPath,
        "as-path-as-set",
        "an AS_SET or AS_CONFED_SET in the path (RFC 9774 §3)",
        EMPTY,
      ),
    );
  }
  if (draft.asPath !== undefined && !startsWithPeer(draft, context)) {
    log.add(
      withdrawing(
        UpdateSubcode.MalformedAsPath,
        "as-path-first-as",
        `AS_PATH does not begin with the peer's AS ${context.peerAs}`,
        EMPTY,
      ),
    );
  }
}

/** RFC 4271 §6.3; asked of AS_PATH as it came, which an OLD speaker filled with two octets. */
function startsWithPeer(draft: AttributeDraft, context: WireContext): boolean {
  if (context.session === "ibgp" || context.peerAs === undefined) return true;
  const first = draft.asPath?.[0];
  const expected = !context.as4 && context.peerAs > 0xffff ? AS_TRANS : context.peerAs;
  return first?.type === SegmentType.AsSequence && first.ases[0] === expected;
}

function requirePresent(type: number, seen: TypeSet, log: FaultLog): void {
  if (seen.has(type)) return;
  log.add(
    withdrawing(
      UpdateSubcode.MissingWellKnownAttribute,
      "missing-well-known",
      `mandatory attribute ${type} is missing`,
      Uint8Array.of(type),
    ),
  );
}

/** The three variable fields of a body of four zero octets: nothing at all, which ends a feed. */
const isLegacyEndOfRib = (body: Uint8Array): boolean =>
  body.length === 4 && u16(body, 0) === 0 && u16(body, 2) === 0;

/** The withdrawn routes or the NLRI field; undefined where it is empty. */
function decodeIpv4(
  octets: Uint8Array,
  context: WireContext,
): Result<NlriRun | undefined, WireFault> {
  if (octets.length === 0) return NO_ROUTES;
  const run = decodeRun(octets, Afi.Ipv4, context);
  if (run.ok) return run;
  return err(
    wireFault({
      code: ErrorCode.UpdateMessageError,
      subcode: UpdateSubcode.InvalidNetworkField,
      reason: `nlri-${run.fault.reason}`,
      because: run.fault.because,
    }),
  );
}

const listFault = (reason: string, because: string): WireFault =>
  wireFault({
    code: ErrorCode.UpdateMessageError,
    subcode: UpdateSubcode.MalformedAttributeList,
    reason,
    because,
  });

const withdrawing = (
  subcode: number,
  reason: string,
  because: string,
  data: Uint8Array,
): WireFault =>
  wireFault({
    severity: Severity.TreatAsWithdraw,
    code: ErrorCode.UpdateMessageError,
    subcode,
    data,
    reason,
    because,
  });

const u16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

const IPV4_UNICAST: Family = { afi: Afi.Ipv4, safi: Safi.Unicast };
const NO_ROUTES = ok(undefined);
const NO_PATH: readonly AsSegment[] = [];
const IPV4_END_OF_RIB: UpdateMessage = {
  kind: "update",
  reach: [],
  unreach: [],
  attributes: undefined,
  treatAsWithdraw: false,
  endOfRib: IPV4_UNICAST,
  ignored: [],
  faults: [],
};
