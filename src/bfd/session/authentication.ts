import { equalBytes } from "../../core/bytes.ts";
import type { Rng } from "../../core/rng.ts";
import { type Micros, micros } from "../../core/time.ts";
import type { BfdAuthConfig } from "../sessions/contract.ts";
import { AuthType, isAuthentic, isMeticulous, sign, unsignedSection } from "../wire/auth.ts";
import {
  type ControlPacket,
  type ControlPacketToSend,
  encodeControlPacket,
} from "../wire/control-packet.ts";

/** Stable names: they are metric labels. */
export type AuthDiscardReason =
  | "auth-unexpected"
  | "auth-missing"
  | "auth-section"
  | "auth-type"
  | "auth-key"
  | "auth-sequence"
  | "auth-digest";

export interface AuthenticationMemory {
  readonly xmitSeq: number;
  readonly lastBody: Uint8Array | undefined;
  readonly rcvSeq: number;
  readonly isSeqKnown: boolean;
  readonly acceptedAt: Micros;
}

/**
 * The authentication state of one session: bfd.XmitAuthSeq, bfd.RcvAuthSeq, bfd.AuthSeqKnown (RFC
 * 5880 §6.8.1) and the rules of §6.7.2–§6.7.4. A configuration may change under way; the sequence
 * numbers go on, so that a new key does not look like a replay.
 */
export class Authentication {
  #config: BfdAuthConfig | undefined;
  #xmitSeq: number;
  #lastBody: Uint8Array | undefined;
  #rcvSeq = 0;
  #isSeqKnown = false;
  #acceptedAt: Micros = micros(0);

  constructor(config: BfdAuthConfig | undefined, rng: Rng) {
    this.#config = config;
    this.#xmitSeq = rng.int(0, 0xffff_ffff);
  }

  save(): AuthenticationMemory {
    return {
      xmitSeq: this.#xmitSeq,
      lastBody: this.#lastBody,
      rcvSeq: this.#rcvSeq,
      isSeqKnown: this.#isSeqKnown,
      acceptedAt: this.#acceptedAt,
    };
  }

  load(memory: AuthenticationMemory): void {
    this.#xmitSeq = memory.xmitSeq;
    this.#lastBody = memory.lastBody;
    this.#rcvSeq = memory.rcvSeq;
    this.#isSeqKnown = memory.isSeqKnown;
    this.#acceptedAt = memory.acceptedAt;
  }

  configure(config: BfdAuthConfig | undefined): void {
    if (this.#config?.type !== config?.type) this.#isSeqKnown = false;
    this.#config = config;
  }

  /** Encodes a packet (without `auth`), signed where the session is configured so. */
  encode(packet: ControlPacketToSend): Uint8Array {
    const config = this.#config;
    const body = encodeControlPacket(packet);
    const key = config?.keys.find(({ id }) => id === config.sendKeyId);
    if (config === undefined || key === undefined) return body;
    // Keyed types need a new number only for new contents (RFC 5880 §6.7.3, §6.7.4).
    const isRepeated = this.#lastBody !== undefined && equalBytes(this.#lastBody, body);
    if (isMeticulous(config.type) || !isRepeated) this.#xmitSeq = (this.#xmitSeq + 1) >>> 0;
    this.#lastBody = body;
    const auth = unsignedSection(config.type, key, this.#xmitSeq);
    const octets = encodeControlPacket({ ...packet, auth });
    sign(octets, auth);
    return octets;
  }

  /** Why `packet` (decoded from `octets`) is not authentic; undefined where it is. */
  check(
    packet: ControlPacket,
    octets: Uint8Array,
    detectionTimeUs: number,
    now: Micros,
  ): AuthDiscardReason | undefined {
    const config = this.#config;
    if (config === undefined) return packet.authPresent ? "auth-unexpected" : undefined;
    if (!packet.authPresent) return "auth-missing";
    const section = packet.auth;
    if (section === undefined) return "auth-section";
    if (section.type !== AuthType[config.type]) return "auth-type";
    const key = config.keys.find(({ id }) => id === section.keyId);
    if (key === undefined) return "auth-key";
    if (section.sequence !== undefined) {
      // RFC 5880 §6.8.1: bfd.AuthSeqKnown is void after twice the Detection Time.
      if (now - this.#acceptedAt >= 2 * detectionTimeUs) this.#isSeqKnown = false;
      if (this.#isSeqKnown && !this.#isFresh(config, section.sequence, packet.detectMult)) {
        return "auth-sequence";
      }
    }
    if (!isAuthentic(octets.subarray(0, packet.length), section, key.secret)) return "auth-digest";
    // Deviation: RFC 5880 §6.7.3 takes the first number before it looks at the digest. Then one
    // forged packet would shut the true peer out, so the number counts only where the digest does.
    this.#isSeqKnown = section.sequence !== undefined;
    this.#rcvSeq = section.sequence ?? 0;
    this.#acceptedAt = now;
    return undefined;
  }

  /** RFC 5880 §6.7.3: within 3 × Detect Mult after the last, in 32-bit circular arithmetic. */
  #isFresh(config: BfdAuthConfig, sequence: number, detectMult: number): boolean {
    const ahead = (sequence - this.#rcvSeq) >>> 0;
    return ahead <= 3 * detectMult && (ahead > 0 || !isMeticulous(config.type));
  }
}
