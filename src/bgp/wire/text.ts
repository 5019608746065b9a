import type { ByteWriter } from "../../core/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../core/utf8.ts";

/** A length octet and whole characters, as many as fit. */
export function encodeText(text: string, octetsMax: number, into: ByteWriter): void {
  const octets = encodeUtf8(text);
  let length = Math.min(octets.length, octetsMax);
  while (length > 0 && length < octets.length && ((octets[length] ?? 0) & 0xc0) === 0x80) {
    length -= 1;
  }
  into.u8(length).octets(octets.subarray(0, length));
}

/** The text, or undefined where it is no UTF-8 or would not print as it is. */
export function plainText(octets: Uint8Array): string | undefined {
  const text = decodeUtf8(octets);
  return text === undefined || text.search(UNPRINTABLE) >= 0 ? undefined : text;
}

/**
 * Text a peer sent, fit for a log and a terminal: control characters and those that reorder a line
 * come as `\u{…}`; octets that are no UTF-8 come as `\x..` (RFC 9003 §3 and §6).
 */
export function safeText(octets: Uint8Array): string {
  const text = decodeUtf8(octets);
  if (text !== undefined) return text.replace(UNSAFE, escapeCharacter);
  let escaped = "";
  for (const octet of octets) {
    const isPrintable = octet >= 0x20 && octet < 0x7f && octet !== 0x5c;
    escaped += isPrintable
      ? String.fromCharCode(octet)
      : `\\x${octet.toString(16).padStart(2, "0")}`;
  }
  return escaped;
}

const escapeCharacter = (character: string): string =>
  character === "\\" ? "\\\\" : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** Controls, format characters (bidirectional ones too), line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** The same, and what escapes them. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu;
