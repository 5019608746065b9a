import { type AddressOctets, Afi, afiOf, formatAddress, parseAddress } from "./address.ts";

/** A prefix at the edges of the program; inside a RIB it is a row (`bgp/rib/prefix-table.ts`). */
export interface Prefix {
  readonly afi: Afi;
  /** 4 or 16 octets, host bits zero. */
  readonly address: AddressOctets;
  readonly length: number;
}

export const lengthMax = (afi: Afi): number => (afi === Afi.Ipv4 ? 32 : 128);

/** `10.0.0.0/8` or `2001:db8::/32`. Undefined where the text is no prefix or has host bits set. */
export function parsePrefix(text: string): Prefix | undefined {
  const [addressText, lengthText, ...more] = text.split("/");
  if (addressText === undefined || lengthText === undefined || more.length > 0) return undefined;
  const address = parseAddress(addressText);
  if (address === undefined || !/^\d{1,3}$/.test(lengthText)) return undefined;
  const afi = afiOf(address);
  const length = Number(lengthText);
  if (length > lengthMax(afi)) return undefined;
  const masked = maskAddress(address, length);
  for (let index = 0; index < address.length; index += 1) {
    if (masked[index] !== address[index]) return undefined;
  }
  return { afi, address, length };
}

export const formatPrefix = (prefix: Prefix): string =>
  `${formatAddress(prefix.address)}/${prefix.length}`;

/** A copy with every bit behind `length` cleared. */
export function maskAddress(address: AddressOctets, length: number): AddressOctets {
  const masked = new Uint8Array(address.length);
  const whole = length >> 3;
  masked.set(address.subarray(0, whole));
  if (whole < address.length) masked[whole] = (address[whole] ?? 0) & (0xff00 >> (length & 7));
  return masked;
}

export function containsAddress(prefix: Prefix, address: AddressOctets): boolean {
  if (prefix.address.length !== address.length) return false;
  const whole = prefix.length >> 3;
  for (let index = 0; index < whole; index += 1) {
    if (prefix.address[index] !== address[index]) return false;
  }
  const bits = prefix.length & 7;
  if (bits === 0) return true;
  const mask = (0xff00 >> bits) & 0xff;
  return ((prefix.address[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

/** True where `inner` is `outer` or more specific than it. */
export const coversPrefix = (outer: Prefix, inner: Prefix): boolean =>
  outer.length <= inner.length && containsAddress(outer, inner.address);

/** True where the two share any address. */
export const overlaps = (a: Prefix, b: Prefix): boolean => coversPrefix(a, b) || coversPrefix(b, a);
