import { ByteWriter } from "./bytes.ts";

/** UTF-8 for the texts protocols carry (RFC 9003 §2); the rings see no TextEncoder. */
export function encodeUtf8(text: string): Uint8Array {
  const writer = new ByteWriter(text.length);
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) writer.u8(code);
    else if (code < 0x800) writer.u8(0xc0 | (code >> 6)).u8(0x80 | (code & 0x3f));
    else if (code < 0x1_0000) {
      const scalar = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
      writer
        .u8(0xe0 | (scalar >> 12))
        .u8(0x80 | ((scalar >> 6) & 0x3f))
        .u8(0x80 | (scalar & 0x3f));
    } else {
      writer.u8(0xf0 | (code >> 18)).u8(0x80 | ((code >> 12) & 0x3f));
      writer.u8(0x80 | ((code >> 6) & 0x3f)).u8(0x80 | (code & 0x3f));
    }
  }
  return writer.finish();
}

/**
 * The text, or undefined where the octets are not UTF-8 (overlong forms and surrogates included).
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length === 0 || first > 0xf4 || at + length > bytes.length) return undefined;
    let code = length === 1 ? first : first & (0xff >> (length + 1));
    for (let next = 1; next < length; next += 1) {
      const octet = bytes[at + next] ?? 0;
      if ((octet & 0xc0) !== 0x80) return undefined;
      code = (code << 6) | (octet & 0x3f);
    }
    const isSurrogate = code >= 0xd800 && code <= 0xdfff;
    const isOverlong = (length === 3 && code < 0x800) || (length === 4 && code < 0x1_0000);
    if (isSurrogate || isOverlong || code > 0x10_ffff) return undefined;
    text += String.fromCodePoint(code);
    at += length;
  }
  return text;
}
