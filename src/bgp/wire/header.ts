import { EMPTY, equalBytes } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type WireFault, wireFault } from "./fault.ts";
import { ErrorCode, HeaderSubcode, MessageType } from "./iana.ts";

/**
 * `bgp/wire` turns octets into values and values into octets, and nothing else: no state but the
 * bytes a stream is short of, no clock, no configuration beyond what both OPENs agreed on
 * (`WireContext`). Who decodes gets a value or a `WireFault`; no input throws, reads past its end
 * or costs more than a small factor above an honest message of its size.
 *
 *   framer.ts     stream → whole messages       header.ts       the 19 octets before each
 *   decode.ts     message → value, by type      open.ts         OPEN; capability.ts its rows
 *   update.ts     UPDATE and its RFC 7606       attribute-*.ts  path attributes, one row each
 *                 verdict                       as-path.ts      segments, AS4 merge
 *   nlri.ts       prefixes, the hot path        mp-nlri.ts      MP_REACH_NLRI, MP_UNREACH_NLRI
 *   notification.ts, route-refresh.ts           iana.ts         registries
 *
 * What is checked here needs nothing but the message and `WireContext`. What needs configuration or
 * state (the peer's AS, collisions, own AS in the path, next hops of our own) is the FSM's and the
 * RIB's. RFC 4271 §4 and §6, 4760, 5492, 6793, 7606, 7607, 8654, 9072, 9234, 9774.
 */
export interface Header {
  /** Header included. */
  readonly lengthOctets: number;
  readonly type: MessageType;
}

export const HEADER_OCTETS = 19;
export const MESSAGE_OCTETS_MAX = 4096;
/** RFC 8654 §2. */
export const EXTENDED_MESSAGE_OCTETS_MAX = 65_535;

/**
 * RFC 4271 §4.1 layout, §6.1 checks in the order the RFC lists them. `octets` holds at least 19.
 * OPEN and KEEPALIVE never exceed 4096 octets, whatever was negotiated (RFC 8654 §4).
 */
export function decodeHeader(
  octets: Uint8Array,
  extendedMessages: boolean,
): Result<Header, WireFault> {
  if (!equalBytes(octets.subarray(0, MARKER_OCTETS), MARKER)) return err(NOT_SYNCHRONIZED);
  return checkHeader(octets, 0, extendedMessages);
}

/** The checks behind the marker, for a header that starts at `at`. */
export function checkHeader(
  octets: Uint8Array,
  at: number,
  extendedMessages: boolean,
): Result<Header, WireFault> {
  const lengthOctets = ((octets[at + 16] ?? 0) << 8) | (octets[at + 17] ?? 0);
  const type = octets[at + 18] ?? 0;
  const isExtendable = extendedMessages && type !== MessageType.Open;
  const lengthMax = isExtendable ? EXTENDED_MESSAGE_OCTETS_MAX : MESSAGE_OCTETS_MAX;
  const isExact = type === MessageType.Keepalive;
  const lengthMin = LENGTH_MIN[type] ?? HEADER_OCTETS;
  if (
    lengthOctets < lengthMin ||
    lengthOctets > lengthMax ||
    (isExact && lengthOctets > lengthMin)
  ) {
    return err(
      wireFault({
        code: ErrorCode.MessageHeaderError,
        subcode: HeaderSubcode.BadMessageLength,
        data: octets.slice(at + 16, at + 18),
        reason: "header-length",
        because: `length ${lengthOctets} of message type ${type}`,
      }),
    );
  }
  if (!isMessageType(type)) {
    return err(
      wireFault({
        code: ErrorCode.MessageHeaderError,
        subcode: HeaderSubcode.BadMessageType,
        data: octets.slice(at + 18, at + 19),
        reason: "header-type",
        because: `message type ${type}`,
      }),
    );
  }
  return ok({ lengthOctets, type });
}

/** A whole message: header and body. */
export function encodeMessage(type: MessageType, body: Uint8Array): Uint8Array {
  const octets = new Uint8Array(HEADER_OCTETS + body.length);
  octets.fill(0xff, 0, MARKER_OCTETS);
  octets[16] = octets.length >> 8;
  octets[17] = octets.length;
  octets[18] = type;
  octets.set(body, HEADER_OCTETS);
  return octets;
}

/** RFC 4271 §4.4: a header alone. */
export const encodeKeepalive = (): Uint8Array => encodeMessage(MessageType.Keepalive, EMPTY);

const isMessageType = (type: number): type is MessageType => type in LENGTH_MIN;

/** ROUTE-REFRESH judges its own length: RFC 7313 §5 has a NOTIFICATION of its own for it. */
const LENGTH_MIN: Readonly<Record<number, number>> = {
  [MessageType.Open]: 29,
  [MessageType.Update]: 23,
  [MessageType.Notification]: 21,
  [MessageType.Keepalive]: HEADER_OCTETS,
  [MessageType.RouteRefresh]: HEADER_OCTETS,
};

const MARKER_OCTETS = 16;
const MARKER = new Uint8Array(MARKER_OCTETS).fill(0xff);

export const NOT_SYNCHRONIZED: WireFault = wireFault({
  code: ErrorCode.MessageHeaderError,
  subcode: HeaderSubcode.ConnectionNotSynchronized,
  reason: "header-marker",
  because: "the marker is not all ones",
});
