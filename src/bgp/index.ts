/**
 * Ring 1, the public entry `causeway/bgp`: the BGP-4 codec. Decoding is total: a message is a value,
 * a fault is a value, and nothing a peer sends throws. Lengths are in octets, times in seconds,
 * addresses 4 or 16 octets.
 */
export { asPathLength } from "./wire/as-path.ts";
export { type AttributeEncoding, encodeAttributes } from "./wire/attribute-encode.ts";
export { decodeMessage } from "./wire/decode.ts";
export { Severity, type WireFault } from "./wire/fault.ts";
export { type Frame, Framer } from "./wire/framer.ts";
export { encodeKeepalive } from "./wire/header.ts";
export * as iana from "./wire/iana.ts";
export type {
  Aggregator,
  AsSegment,
  Capability,
  Family,
  KeepaliveMessage,
  Message,
  NlriRun,
  NotificationMessage,
  OpenMessage,
  PathAttributes,
  RouteRefreshMessage,
  UnknownAttribute,
  UpdateMessage,
  WireContext,
} from "./wire/message.ts";
export { encodeMpReach, encodeMpUnreach } from "./wire/mp-nlri.ts";
export { encodeNlri, NlriCursor, type NlriPrefix } from "./wire/nlri.ts";
export { decodeNotification, encodeNotification, shutdownData } from "./wire/notification.ts";
export { decodeOpen, encodeOpen } from "./wire/open.ts";
export { decodeRouteRefresh, encodeRouteRefresh } from "./wire/route-refresh.ts";
export { decodeUpdate, encodeEndOfRib, encodeUpdate } from "./wire/update.ts";
