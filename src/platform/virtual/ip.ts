import { Afi, afiOf, formatAddress, parseAddress } from "../../core/address.ts";
import { PlatformError } from "../../core/app-error.ts";

/** An address as the virtual kernel works with it: octets as words, and its canonical text. */
export interface Ip {
  readonly text: string;
  readonly octets: Uint8Array;
  readonly afi: Afi;
  /** Signed 32-bit words, most significant first: one of IPv4, four of IPv6. */
  readonly words: Int32Array;
  readonly isLoopback: boolean;
  /** `0.0.0.0` or `::`. */
  readonly isAny: boolean;
}

/** Throws PlatformError where the text is no address. */
export function ip(text: string): Ip {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const octets = parseAddress(text);
  if (octets === undefined) {
    throw new PlatformError("PLATFORM_ADDRESS_UNKNOWN", `${text} is not an address`);
  }
  const made = ipOf(octets);
  // Only speed hangs on the cache, so forgetting all of it at once is good enough.
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(text, made);
  return made;
}

/** The address of 4 or 16 octets, which are kept. */
export function ipOf(octets: Uint8Array): Ip {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const words = new Int32Array(octets.length >> 2);
  for (let index = 0; index < words.length; index += 1) words[index] = view.getInt32(index * 4);
  const text = formatAddress(octets);
  return {
    text,
    octets,
    afi: afiOf(octets),
    words,
    isLoopback: octets.length === 4 ? octets[0] === 127 : text === "::1",
    isAny: words.every((word) => word === 0),
  };
}

export const bitsOf = (afi: Afi): number => (afi === Afi.Ipv4 ? 32 : 128);

const cache = new Map<string, Ip>();
const CACHE_MAX = 1 << 16;
