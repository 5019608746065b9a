import { err, ok, type Result } from "../../core/result.ts";
import { type WireFault, wireFault } from "./fault.ts";
import { encodeMessage } from "./header.ts";
import { ErrorCode, MessageType, RouteRefreshSubcode } from "./iana.ts";
import type { RouteRefreshMessage } from "./message.ts";

/** RFC 7313 §3.2: Message Subtype. */
export const RefreshSubtype = { Request: 0, BeginOfRefresh: 1, EndOfRefresh: 2 } as const;

/**
 * RFC 2918 §3, RFC 7313 §3. What follows the four octets of a request (an ORF list, RFC 5291) is
 * left unread; a subtype nobody defined comes out as it is and is to be ignored (RFC 7313 §5).
 */
export function decodeRouteRefresh(body: Uint8Array): Result<RouteRefreshMessage, WireFault> {
  const subtype = body[2] ?? 0;
  const isMarker =
    subtype === RefreshSubtype.BeginOfRefresh || subtype === RefreshSubtype.EndOfRefresh;
  if (body.length < BODY_OCTETS || (isMarker && body.length !== BODY_OCTETS)) {
    return err(
      wireFault({
        code: ErrorCode.RouteRefreshMessageError,
        subcode: RouteRefreshSubcode.InvalidMessageLength,
        data: encodeMessage(MessageType.RouteRefresh, body),
        reason: "route-refresh-length",
        because: `ROUTE-REFRESH body of ${body.length} octets, subtype ${subtype}`,
      }),
    );
  }
  const afi = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
  return ok({ kind: "route-refresh", family: { afi, safi: body[3] ?? 0 }, subtype });
}

export function encodeRouteRefresh(message: Omit<RouteRefreshMessage, "kind">): Uint8Array {
  const { afi, safi } = message.family;
  return encodeMessage(
    MessageType.RouteRefresh,
    Uint8Array.of(afi >> 8, afi, message.subtype, safi),
  );
}

const BODY_OCTETS = 4;
