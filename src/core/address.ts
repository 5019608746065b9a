import ipaddr from "ipaddr.js";

/**
 * An IPv4 or IPv6 address as its 4 or 16 octets. Text exists at the edges only (configuration, API,
 * log) and is canonical there: dotted decimal, RFC 5952 for IPv6.
 */
export type AddressOctets = Uint8Array;

/** Address family numbers of the IANA registry, as MP-BGP carries them (RFC 4760 §3). */
export const Afi = { Ipv4: 1, Ipv6: 2 } as const;
export type Afi = (typeof Afi)[keyof typeof Afi];

/**
 * The address, or undefined where the text is none (no zone, no prefix length, no IPv4 shorthand).
 */
export function parseAddress(text: string): AddressOctets | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return Uint8Array.from(ipaddr.IPv4.parse(text).toByteArray());
  }
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text)) {
    return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray());
  }
  return undefined;
}

export function formatAddress(octets: AddressOctets): string {
  if (octets.length === 4) return `${octets[0]}.${octets[1]}.${octets[2]}.${octets[3]}`;
  return new ipaddr.IPv6(Array.from(octets)).toRFC5952String();
}

export const afiOf = (octets: AddressOctets): Afi => (octets.length === 4 ? Afi.Ipv4 : Afi.Ipv6);

/** Sends `fe80::1` one way and `10.0.0.1` the other: link-local next hops need an interface. */
export const isLinkLocal6 = (octets: AddressOctets): boolean =>
  octets.length === 16 && octets[0] === 0xfe && ((octets[1] ?? 0) & 0xc0) === 0x80;
