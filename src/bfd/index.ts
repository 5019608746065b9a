/**
 * The public entry `causeway/bfd`: Bidirectional Forwarding Detection (RFC 5880, RFC 5881, RFC
 * 5883) as a machine without sockets, clock or randomness of its own.
 *
 * Feed `BfdSessions.handle` with `BfdInput` (configuration, received UDP payloads, administrative
 * orders) and perform the `BfdEffect`s it appends: `send` is one UDP payload for port 3784 or 4784,
 * TTL 255, from a source port of 49152–65535 that stays the session's own (RFC 5881 §4). Call
 * `expire` at `nextDeadline`, after every waiting packet was handed in. Times are microseconds
 * (`Micros`), intervals too; addresses are canonical text. Peer input never throws; a configuration
 * that `checkSessions` faults does (`InvariantError`).
 */
export { checkSessions } from "./sessions/check-config.ts";
export {
  BFD_STATES,
  type BfdAuthConfig,
  type BfdEffect,
  type BfdInput,
  type BfdSessionConfig,
  type BfdSessionView,
  type BfdState,
  type BfdStateChange,
} from "./sessions/contract.ts";
export { BFD_PORT, type BfdMemory, BfdSessions } from "./sessions/sessions.ts";
export type { AuthSection } from "./wire/auth.ts";
export {
  type BfdDiscard,
  type ControlPacket,
  type ControlPacketToSend,
  DIAG_TEXT,
  decodeControlPacket,
  encodeControlPacket,
  type WireDiscardReason,
} from "./wire/control-packet.ts";
