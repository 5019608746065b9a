import { decodeControlPacket } from "../bfd/wire/control-packet.ts";
import { decodeAsPath, judgeAsPath } from "../bgp/wire/as-path.ts";
import { DUPLICATE_REASON, decodeAttributes } from "../bgp/wire/attributes.ts";
import { type Capabilities, decodeCapabilities } from "../bgp/wire/capability.ts";
import { decodeMessage } from "../bgp/wire/decode.ts";
import { type Defect, Severity, type WireFault, wireFault } from "../bgp/wire/fault.ts";
import { decodeHeader, encodeMessage, HEADER_OCTETS } from "../bgp/wire/header.ts";
import { ErrorCode, MessageType, UpdateSubcode } from "../bgp/wire/iana.ts";
import type { IgnoredCapability, Message, WireContext } from "../bgp/wire/message.ts";
import { decodeRun } from "../bgp/wire/mp-nlri.ts";
import { decodeOptionalParameters } from "../bgp/wire/open.ts";
import { Afi } from "../core/address.ts";
import { toHex } from "../core/bytes.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { ContextHints, DecodeRecord, Encoding } from "./record.ts";

/** What a receiver does about the octets, RFC 7606 §2 and RFC 5880 §6.8.6. Mildest first. */
export const ACTIONS = [
  "accept",
  "ignore_capability",
  "attribute_discard",
  "treat_as_withdraw",
  "session_reset",
  "discard",
] as const;
export type Action = (typeof ACTIONS)[number];

export interface Verdict {
  readonly action: Action;
  /** Of the NOTIFICATION that ends the session; null for every other action. */
  readonly code: number | null;
  readonly subcode: number | null;
  readonly dataHex: string | null;
  /** Everything that was wrong, null where nothing was. */
  readonly why: string | null;
  readonly faults: readonly VerdictFault[];
  /** What the octets were decoded with; BFD needs none. */
  readonly context: WireContext | undefined;
}

export interface VerdictFault {
  readonly action: Action;
  readonly code: number;
  readonly subcode: number;
  readonly reason: string;
  readonly because: string;
}

/**
 * Judges a record by the codec the daemon runs on. What nobody told about the session is tried both
 * ways, and the sender gets the benefit of the doubt: the mildest verdict stands. Undefined where
 * the octets are less than a whole message, so that there is nothing to judge yet.
 */
export function judge(record: DecodeRecord): Verdict | undefined {
  if (record.encoding === "bfd") return judgeBfd(record.octets);
  let mildest: Verdict | undefined;
  for (const context of contextsOf(record.hints)) {
    const verdict = judgeBgp(record, context);
    if (verdict === undefined) return undefined;
    if (mildest === undefined || rankOf(verdict) < rankOf(mildest)) mildest = verdict;
  }
  return mildest;
}

/** The octets of a record as a whole message: those given, or a header before a body. */
export function wholeMessage(record: DecodeRecord): Uint8Array {
  return record.encoding === "body"
    ? encodeMessage((record.messageType ?? MessageType.Update) as MessageType, record.octets)
    : record.octets;
}

/** Most likely first; a later one is believed only where it makes more of the octets. */
function contextsOf(hints: ContextHints): readonly WireContext[] {
  const contexts: WireContext[] = [];
  for (const as4 of hints.as4 === undefined ? [true, false] : [hints.as4]) {
    for (const session of hints.session === undefined ? SESSIONS : [hints.session]) {
      contexts.push({
        as4,
        session,
        extendedMessages: hints.extendedMessages ?? false,
        addPath: hints.addPath ?? [],
        families: undefined,
        peerAs: hints.peerAs,
      });
    }
  }
  return contexts;
}

const SESSIONS = ["ebgp", "ibgp"] as const;
const rankOf = (verdict: Verdict): number => ACTIONS.indexOf(verdict.action);

function judgeBgp(record: DecodeRecord, context: WireContext): Verdict | undefined {
  const { encoding, octets, hints } = record;
  if (encoding === "message" || encoding === "body") {
    return judgeMessage(wholeMessage(record), context);
  }
  const faults = judgePart(encoding, octets, context, hints.afi);
  return faults.ok ? verdictOf(faults.value, context) : resetOf(faults.fault, context);
}

function judgeMessage(octets: Uint8Array, context: WireContext): Verdict | undefined {
  const isMarkerRight = octets.subarray(0, 16).every((octet) => octet === 0xff);
  if (octets.length < HEADER_OCTETS && isMarkerRight) return undefined;
  const header = decodeHeader(octets, context.extendedMessages);
  if (!header.ok) return resetOf(header.fault, context);
  const { lengthOctets, type } = header.value;
  if (lengthOctets > octets.length) return undefined;
  const body = octets.subarray(HEADER_OCTETS, lengthOctets);
  const message = decodeMessage({ type, body }, context);
  return message.ok ? verdictOf(faultsOf(message.value), context) : resetOf(message.fault, context);
}

/** A part of a message that stands alone: its own faults, none that only the whole could have. */
function judgePart(
  encoding: Exclude<Encoding, "message" | "body">,
  octets: Uint8Array,
  context: WireContext,
  afi: Afi | undefined,
): Result<readonly VerdictFault[], WireFault> {
  switch (encoding) {
    case "attributes": {
      const list = decodeAttributes(octets, context);
      return list.ok ? ok(list.value.log.faults.map(fromWire)) : list;
    }
    case "as_path": {
      const path = decodeAsPath(octets, context.as4);
      const defect = path.ok ? judgeAsPath(path.value, context.session) : path.fault;
      if (defect === undefined) return ok([]);
      const fault = fromDefect(defect, UpdateSubcode.MalformedAsPath, Severity.TreatAsWithdraw);
      return ok([fromWire(fault)]);
    }
    case "nlri": {
      const run = decodeRun(octets, afi ?? Afi.Ipv4, context);
      if (run.ok) return ok([]);
      const subcode = UpdateSubcode.InvalidNetworkField;
      return err(fromDefect(run.fault, subcode, Severity.SessionReset));
    }
    case "capability": {
      const into: Capabilities = { capabilities: [], ignored: [] };
      const read = decodeCapabilities(octets, into);
      return read.ok ? ok(into.ignored.map(fromCapability)) : read;
    }
    case "optional_parameters": {
      const read = decodeOptionalParameters(Math.min(octets.length, 255), octets);
      return read.ok ? ok(read.value.ignored.map(fromCapability)) : read;
    }
    case "bfd":
      return ok([]);
  }
}

function judgeBfd(octets: Uint8Array): Verdict {
  const packet = decodeControlPacket(octets);
  if (!packet.ok) return bfdVerdict(packet.fault.because);
  const isAuthUnreadable = packet.value.authPresent && packet.value.auth === undefined;
  return bfdVerdict(isAuthUnreadable ? "the authentication section cannot be read" : null);
}

const bfdVerdict = (why: string | null): Verdict => ({
  action: why === null ? "accept" : "discard",
  code: null,
  subcode: null,
  dataHex: null,
  why,
  faults: [],
  context: undefined,
});

function faultsOf(message: Message): readonly VerdictFault[] {
  if (message.kind === "update") return message.faults.map(fromWire);
  if (message.kind === "open") return (message.ignoredCapabilities ?? []).map(fromCapability);
  return [];
}

function verdictOf(faults: readonly VerdictFault[], context: WireContext): Verdict {
  let action: Action = "accept";
  for (const fault of faults) {
    if (ACTIONS.indexOf(fault.action) > ACTIONS.indexOf(action)) action = fault.action;
  }
  const why = faults.length === 0 ? null : faults.map((fault) => fault.because).join("; ");
  return { action, code: null, subcode: null, dataHex: null, why, faults, context };
}

const resetOf = (fault: WireFault, context: WireContext): Verdict => ({
  action: "session_reset",
  code: fault.code,
  subcode: fault.subcode,
  dataHex: toHex(fault.data),
  why: fault.because,
  faults: [fromWire(fault)],
  context,
});

const fromWire = (fault: WireFault): VerdictFault => ({
  // RFC 7606 §3 g does not call it attribute discard, only going on without the repetition.
  action:
    fault.reason === DUPLICATE_REASON && fault.severity < Severity.SessionReset
      ? "accept"
      : ACTION_OF[fault.severity],
  code: fault.code,
  subcode: fault.subcode,
  reason: fault.reason,
  because: fault.because,
});

const fromDefect = (defect: Defect, subcode: number, severity: Severity): WireFault =>
  wireFault({ code: ErrorCode.UpdateMessageError, subcode, severity, ...defect });

const fromCapability = (capability: IgnoredCapability): VerdictFault => ({
  action: "ignore_capability",
  code: ErrorCode.OpenMessageError,
  subcode: 0,
  reason: capability.reason,
  because: `capability ${capability.code} of ${capability.value.length} octets is malformed`,
});

const ACTION_OF = {
  [Severity.AttributeDiscard]: "attribute_discard",
  [Severity.TreatAsWithdraw]: "treat_as_withdraw",
  [Severity.AfiSafiDisable]: "session_reset",
  [Severity.SessionReset]: "session_reset",
} as const satisfies Readonly<Record<Severity, Action>>;
