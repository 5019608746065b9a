import { fromHex } from "../core/bytes.ts";
import { guessEncoding, sessionOf } from "./read-json.ts";
import type { Input, Place, Told } from "./record.ts";

/**
 * Octets as people write them: white space, colons and `0x` between them are skipped, `#` begins a
 * comment. One text is one record, which may hold several messages in a row.
 */
export function readHex(text: string, place: Place, told: Told): Input {
  const octets = fromHex(withoutComments(text).replace(/0x|:/gi, ""));
  if (octets === undefined || octets.length === 0) {
    return { place, error: "not octets in hexadecimal" };
  }
  const encoding = told.encoding ?? guessEncoding(octets);
  const { messageType } = told;
  if (encoding === "body" && messageType === undefined) {
    return { place, error: "a body without a message type" };
  }
  return {
    place,
    octets,
    encoding,
    hints: sessionOf(told),
    ...(messageType === undefined ? {} : { messageType }),
  };
}

/** True for text that is comments and white space alone. */
export const isBlank = (text: string): boolean => withoutComments(text).trim() === "";

const withoutComments = (text: string): string => text.replace(/#.*$/gm, "");
