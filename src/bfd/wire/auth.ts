import { md5, sha1 } from "@noble/hashes/legacy.js";
import { ByteReader, type ByteWriter } from "../../core/bytes.ts";
import type { BfdAuthConfig } from "../sessions/contract.ts";

/**
 * The authentication section of a BFD Control packet (RFC 5880 §4.2–§4.4): its layout, and the
 * digest over the whole packet with the secret standing where the digest goes (§6.7.3, §6.7.4).
 * Which sequence numbers are fresh is the session's question (`session/authentication.ts`).
 */
export interface AuthSection {
  /** RFC 5880 §4.1: 1 to 5 in `AuthType`. */
  readonly type: number;
  readonly keyId: number;
  /** Undefined for Simple Password, which has none. */
  readonly sequence: number | undefined;
  /** The password, or the digest. */
  readonly data: Uint8Array;
}

/** RFC 5880 §4.1. */
export const AuthType = {
  "simple-password": 1,
  "keyed-md5": 2,
  "meticulous-keyed-md5": 3,
  "keyed-sha1": 4,
  "meticulous-keyed-sha1": 5,
} as const satisfies Readonly<Record<BfdAuthConfig["type"], number>>;

/** Octets of secret a type takes: exactly those of its password or digest field. */
export const secretOctetsMax = (type: BfdAuthConfig["type"]): number => dataOctets(AuthType[type]);

/** True where each packet must carry a sequence number of its own (RFC 5880 §6.7.1). */
export const isMeticulous = (type: BfdAuthConfig["type"]): boolean =>
  type === "meticulous-keyed-md5" || type === "meticulous-keyed-sha1";

/** The section, undefined where its length does not fit its type or its type is none of ours. */
export function decodeAuthSection(section: Uint8Array): AuthSection | undefined {
  const input = new ByteReader(section);
  const type = input.u8();
  const length = input.u8();
  const keyId = input.u8();
  if (input.overrun || length > section.length) return undefined;
  if (type === AuthType["simple-password"]) {
    if (length < HEADER_OCTETS + 1 || length > HEADER_OCTETS + dataOctets(type)) return undefined;
    return { type, keyId, sequence: undefined, data: input.take(length - HEADER_OCTETS) };
  }
  const digestOctets = dataOctets(type);
  if (digestOctets === 0 || length !== DIGEST_AT + digestOctets) return undefined;
  input.u8(); // Reserved: ignored on receipt
  return { type, keyId, sequence: input.u32(), data: input.take(digestOctets) };
}

export function encodeAuthSection(section: AuthSection, out: ByteWriter): void {
  if (section.sequence === undefined) {
    out.u8(section.type).u8(HEADER_OCTETS + section.data.length);
    out.u8(section.keyId).octets(section.data);
    return;
  }
  out.u8(section.type).u8(DIGEST_AT + section.data.length);
  out.u8(section.keyId).u8(0).u32(section.sequence).octets(section.data);
}

/** The section to encode before `sign`: complete for a password, else with the secret as digest. */
export function unsignedSection(
  type: BfdAuthConfig["type"],
  key: { readonly id: number; readonly secret: Uint8Array },
  sequence: number,
): AuthSection {
  const code = AuthType[type];
  return code === AuthType["simple-password"]
    ? { type: code, keyId: key.id, sequence: undefined, data: key.secret }
    : { type: code, keyId: key.id, sequence, data: padded(key.secret, dataOctets(code)) };
}

/** Replaces, in an encoded packet, the secret of `unsignedSection` by the digest over all of it. */
export function sign(packet: Uint8Array, section: AuthSection): void {
  if (section.sequence === undefined) return;
  packet.set(digestOf(section.type, packet), MANDATORY_OCTETS + DIGEST_AT);
}

/**
 * RFC 5880 §6.7.2–§6.7.4: the password, or the digest, is that of `secret`. `packet` is exactly the
 * Length octets of the packet that `section` was decoded from.
 */
export function isAuthentic(packet: Uint8Array, section: AuthSection, secret: Uint8Array): boolean {
  if (section.sequence === undefined) return equalSecrets(section.data, secret);
  const copy = packet.slice();
  copy.set(padded(secret, section.data.length), MANDATORY_OCTETS + DIGEST_AT);
  return equalSecrets(section.data, digestOf(section.type, copy));
}

function digestOf(type: number, packet: Uint8Array): Uint8Array {
  const isMd5 = type === AuthType["keyed-md5"] || type === AuthType["meticulous-keyed-md5"];
  return isMd5 ? md5(packet) : sha1(packet);
}

/** RFC 5880 §6.7.3, §6.7.4: a secret shorter than its field is followed by zeros. */
function padded(secret: Uint8Array, octets: number): Uint8Array {
  const field = new Uint8Array(octets);
  field.set(secret.subarray(0, octets));
  return field;
}

/** Takes as long for a near miss as for a far one. */
function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index += 1) {
    difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  }
  return difference === 0;
}

function dataOctets(type: number): number {
  switch (type) {
    case AuthType["simple-password"]:
      return PASSWORD_OCTETS_MAX;
    case AuthType["keyed-md5"]:
    case AuthType["meticulous-keyed-md5"]:
      return MD5_OCTETS;
    case AuthType["keyed-sha1"]:
    case AuthType["meticulous-keyed-sha1"]:
      return SHA1_OCTETS;
    default:
      return 0;
  }
}

const MANDATORY_OCTETS = 24;
/** Type, length, key id. */
const HEADER_OCTETS = 3;
/** Digests follow type, length, key id, reserved and the sequence number. */
const DIGEST_AT = 8;
const PASSWORD_OCTETS_MAX = 16;
const MD5_OCTETS = 16;
const SHA1_OCTETS = 20;
