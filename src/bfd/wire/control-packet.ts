import { ByteWriter } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { BFD_STATES, type BfdState } from "../sessions/contract.ts";
import { type AuthSection, decodeAuthSection, encodeAuthSection } from "./auth.ts";

/**
 * The BFD Control packet, octets ↔ values (RFC 5880 §4.1). It owns the checks of §6.8.6 that need
 * no session, in the order the RFC lists them; those that do (discriminators, authentication, TTL)
 * belong to `sessions`. It holds no state and never throws on input. A packet that is refused still
 * shows its fields where 24 octets were there, because whoever looks at a discard wants to see what
 * it was.
 */
export interface ControlPacket {
  readonly version: number;
  /** Why the sender last changed state; names in `DIAG_TEXT`. */
  readonly diag: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  readonly controlPlaneIndependent: boolean;
  readonly authPresent: boolean;
  readonly demand: boolean;
  readonly multipoint: boolean;
  readonly detectMult: number;
  /** The Length field: mandatory section and authentication section, in octets. */
  readonly length: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  readonly desiredMinTxIntervalUs: number;
  readonly requiredMinRxIntervalUs: number;
  readonly requiredMinEchoRxIntervalUs: number;
  /** Undefined where the A bit is clear, or set over a section that cannot be read. */
  readonly auth: AuthSection | undefined;
}

/** What we choose when sending; the rest of the header follows from it. */
export type ControlPacketToSend = Omit<
  ControlPacket,
  "version" | "length" | "authPresent" | "controlPlaneIndependent" | "demand" | "multipoint"
> &
  Partial<Pick<ControlPacket, "controlPlaneIndependent" | "demand">>;

/** Stable names: they are metric labels. */
export type WireDiscardReason =
  | "truncated"
  | "version"
  | "length"
  | "detect-mult"
  | "multipoint"
  | "my-discriminator"
  | "your-discriminator-zero";

export interface BfdDiscard {
  readonly reason: WireDiscardReason;
  /** For the log and the tests; never parsed. */
  readonly because: string;
  /** Its fields as read, undefined where there were fewer than 24 octets. */
  readonly packet: ControlPacket | undefined;
}

/** RFC 5880 §6.8.6, as far as it needs no session. `octets` is the whole UDP payload. */
export function decodeControlPacket(octets: Uint8Array): Result<ControlPacket, BfdDiscard> {
  if (octets.length < MANDATORY_OCTETS) {
    const because = `${octets.length} octets, ${MANDATORY_OCTETS} are the least`;
    return err({ reason: "truncated", because, packet: undefined });
  }
  const packet = readFields(octets);
  const refuse = (reason: WireDiscardReason, because: string) => err({ reason, because, packet });
  if (packet.version !== VERSION) return refuse("version", `version ${packet.version}`);
  const lengthMin = packet.authPresent ? MANDATORY_OCTETS + 2 : MANDATORY_OCTETS;
  if (packet.length < lengthMin) {
    return refuse("length", `Length ${packet.length}, ${lengthMin} is the least`);
  }
  if (packet.length > octets.length) {
    return refuse("length", `Length ${packet.length} of ${octets.length} octets`);
  }
  if (packet.detectMult === 0) return refuse("detect-mult", "Detect Mult 0");
  if (packet.multipoint) return refuse("multipoint", "Multipoint bit set");
  if (packet.myDiscriminator === 0) return refuse("my-discriminator", "My Discriminator 0");
  const canBeFirst = packet.state === "Down" || packet.state === "AdminDown";
  if (packet.yourDiscriminator === 0 && !canBeFirst) {
    return refuse("your-discriminator-zero", `Your Discriminator 0 in state ${packet.state}`);
  }
  return ok(packet);
}

/** RFC 5880 §4.1; intervals above 32 bits are written as the greatest that fits. */
export function encodeControlPacket(packet: ControlPacketToSend): Uint8Array {
  out.reset();
  out.u8((VERSION << 5) | (packet.diag & 0x1f));
  let flags = BFD_STATES.indexOf(packet.state) << 6;
  if (packet.poll) flags |= Flag.Poll;
  if (packet.final) flags |= Flag.Final;
  if (packet.controlPlaneIndependent === true) flags |= Flag.ControlPlaneIndependent;
  if (packet.auth !== undefined) flags |= Flag.Authentication;
  if (packet.demand === true) flags |= Flag.Demand;
  out.u8(flags).u8(packet.detectMult).u8(0);
  out.u32(packet.myDiscriminator).u32(packet.yourDiscriminator);
  out.u32(clampU32(packet.desiredMinTxIntervalUs));
  out.u32(clampU32(packet.requiredMinRxIntervalUs));
  out.u32(clampU32(packet.requiredMinEchoRxIntervalUs));
  if (packet.auth !== undefined) encodeAuthSection(packet.auth, out);
  out.patchU8(LENGTH_OFFSET, out.length);
  return out.finish();
}

function readFields(octets: Uint8Array): ControlPacket {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const first = view.getUint8(0);
  const flags = view.getUint8(1);
  const length = view.getUint8(LENGTH_OFFSET);
  const authPresent = (flags & Flag.Authentication) !== 0;
  return {
    version: first >> 5,
    diag: first & 0x1f,
    state: BFD_STATES[flags >> 6] ?? "Down",
    poll: (flags & Flag.Poll) !== 0,
    final: (flags & Flag.Final) !== 0,
    controlPlaneIndependent: (flags & Flag.ControlPlaneIndependent) !== 0,
    authPresent,
    demand: (flags & Flag.Demand) !== 0,
    multipoint: (flags & Flag.Multipoint) !== 0,
    detectMult: view.getUint8(2),
    length,
    myDiscriminator: view.getUint32(4),
    yourDiscriminator: view.getUint32(8),
    desiredMinTxIntervalUs: view.getUint32(12),
    requiredMinRxIntervalUs: view.getUint32(16),
    requiredMinEchoRxIntervalUs: view.getUint32(20),
    auth: authPresent ? decodeAuthSection(octets.subarray(MANDATORY_OCTETS, length)) : undefined,
  };
}

const clampU32 = (value: number): number => Math.min(Math.max(0, Math.trunc(value)), U32_MAX);

/** Diag codes of RFC 5880 §4.1, for the log and the screen. */
export const DIAG_TEXT: readonly string[] = [
  "No Diagnostic",
  "Control Detection Time Expired",
  "Echo Function Failed",
  "Neighbor Signaled Session Down",
  "Forwarding Plane Reset",
  "Path Down",
  "Concatenated Path Down",
  "Administratively Down",
  "Reverse Concatenated Path Down",
];

/** The diag codes that we send. */
export const Diag = {
  None: 0,
  ControlDetectionTimeExpired: 1,
  NeighborSignaledSessionDown: 3,
  AdministrativelyDown: 7,
} as const;

const VERSION = 1;

const Flag = {
  Poll: 0x20,
  Final: 0x10,
  ControlPlaneIndependent: 0x08,
  Authentication: 0x04,
  Demand: 0x02,
  Multipoint: 0x01,
} as const;

const MANDATORY_OCTETS = 24;
const LENGTH_OFFSET = 3;
const U32_MAX = 0xffff_ffff;

/** Packets are written one at a time. */
const out = new ByteWriter(MANDATORY_OCTETS + 28);
