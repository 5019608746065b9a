/**
 * Ring 1, the public entry `causeway/bgp`: a BGP-4 speaker and its codec, without sockets, clock or
 * randomness of their own.
 *
 * `Speaker` is a machine: feed it `SpeakerInput`s with the time in microseconds, perform the
 * `SpeakerEffect`s it appends, call `expire` when `nextDeadline` has come, read `view`. It never
 * throws because of what a peer sends.
 *
 * The codec is total: a message is a value, a fault is a value. Lengths are in octets, times in
 * seconds, addresses 4 or 16 octets.
 */

export { BGP_STATES, type BgpState, type ResetReason } from "./fsm/state.ts";
export { notificationName, notificationText } from "./fsm/texts.ts";
export { ACCEPT_ALL, REJECT_ALL } from "./policy/chain.ts";
export type { Policy, PolicyDecision, PolicyRoute } from "./policy/policy.ts";
export { LOCAL_SLOT, type PeerSlot, type RibEngine, type RibView } from "./rib/contract.ts";
export { Rib } from "./rib/rib.ts";
export type { PeerConfig, SpeakerConfig } from "./speaker/config.ts";
export { classifyPeerChange, type PeerChange } from "./speaker/config-diff.ts";
export type { SpeakerEffect } from "./speaker/effects.ts";
export type { ConnectionId, SpeakerInput } from "./speaker/inputs.ts";
export { Speaker, type SpeakerOptions } from "./speaker/speaker.ts";
export type { PeerView, SpeakerView } from "./speaker/view.ts";
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
