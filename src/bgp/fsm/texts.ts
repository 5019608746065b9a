import { CeaseSubcode, ErrorCode, FsmSubcode, HeaderSubcode, OpenSubcode } from "../wire/iana.ts";
import type { NotificationMessage } from "../wire/message.ts";

/** `Cease/Administrative Shutdown`, with numbers where the registry has no name. */
export function notificationName(code: number, subcode: number): string {
  const name = CODE_NAMES[code] ?? `error ${code}`;
  if (subcode === 0) return name;
  return `${name}/${SUBCODE_NAMES[code]?.[subcode] ?? `subcode ${subcode}`}`;
}

/** `peer sent Cease/Administrative Shutdown: "maintenance"`. */
export function notificationText(message: NotificationMessage): string {
  const name = notificationName(message.code, message.subcode);
  const words = message.shutdownCommunication;
  return words === undefined ? `peer sent ${name}` : `peer sent ${name}: "${words}"`;
}

const CODE_NAMES: Readonly<Record<number, string>> = {
  [ErrorCode.MessageHeaderError]: "Message Header Error",
  [ErrorCode.OpenMessageError]: "OPEN Message Error",
  [ErrorCode.UpdateMessageError]: "UPDATE Message Error",
  [ErrorCode.HoldTimerExpired]: "Hold Timer Expired",
  [ErrorCode.FiniteStateMachineError]: "Finite State Machine Error",
  [ErrorCode.Cease]: "Cease",
  [ErrorCode.RouteRefreshMessageError]: "ROUTE-REFRESH Message Error",
  [ErrorCode.SendHoldTimerExpired]: "Send Hold Timer Expired",
};

const SUBCODE_NAMES: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  [ErrorCode.MessageHeaderError]: {
    [HeaderSubcode.ConnectionNotSynchronized]: "Connection Not Synchronized",
    [HeaderSubcode.BadMessageLength]: "Bad Message Length",
    [HeaderSubcode.BadMessageType]: "Bad Message Type",
  },
  [ErrorCode.OpenMessageError]: {
    [OpenSubcode.UnsupportedVersionNumber]: "Unsupported Version Number",
    [OpenSubcode.BadPeerAs]: "Bad Peer AS",
    [OpenSubcode.BadBgpIdentifier]: "Bad BGP Identifier",
    [OpenSubcode.UnsupportedOptionalParameter]: "Unsupported Optional Parameter",
    [OpenSubcode.UnacceptableHoldTime]: "Unacceptable Hold Time",
    [OpenSubcode.UnsupportedCapability]: "Unsupported Capability",
    [OpenSubcode.RoleMismatch]: "Role Mismatch",
  },
  [ErrorCode.UpdateMessageError]: {
    1: "Malformed Attribute List",
    2: "Unrecognized Well-known Attribute",
    3: "Missing Well-known Attribute",
    4: "Attribute Flags Error",
    5: "Attribute Length Error",
    6: "Invalid ORIGIN Attribute",
    8: "Invalid NEXT_HOP Attribute",
    9: "Optional Attribute Error",
    10: "Invalid Network Field",
    11: "Malformed AS_PATH",
  },
  [ErrorCode.FiniteStateMachineError]: {
    [FsmSubcode.UnexpectedMessageInOpenSent]: "Unexpected Message in OpenSent",
    [FsmSubcode.UnexpectedMessageInOpenConfirm]: "Unexpected Message in OpenConfirm",
    [FsmSubcode.UnexpectedMessageInEstablished]: "Unexpected Message in Established",
  },
  [ErrorCode.Cease]: {
    [CeaseSubcode.MaximumNumberOfPrefixesReached]: "Maximum Number of Prefixes Reached",
    [CeaseSubcode.AdministrativeShutdown]: "Administrative Shutdown",
    [CeaseSubcode.PeerDeconfigured]: "Peer De-configured",
    [CeaseSubcode.AdministrativeReset]: "Administrative Reset",
    [CeaseSubcode.ConnectionRejected]: "Connection Rejected",
    [CeaseSubcode.OtherConfigurationChange]: "Other Configuration Change",
    [CeaseSubcode.ConnectionCollisionResolution]: "Connection Collision Resolution",
    [CeaseSubcode.OutOfResources]: "Out of Resources",
    [CeaseSubcode.HardReset]: "Hard Reset",
    [CeaseSubcode.BfdDown]: "BFD Down",
  },
  [ErrorCode.RouteRefreshMessageError]: { 1: "Invalid Message Length" },
};
