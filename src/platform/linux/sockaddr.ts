import { formatAddress, parseAddress } from "../../core/address.ts";
import { PlatformError } from "../../core/app-error.ts";
import { C } from "./sys.ts";

/** Addresses as the kernel has them: `struct sockaddr_in` and `sockaddr_in6`. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export const isIpv6 = (address: string): boolean => address.includes(":");

/** The address family of canonical address text. */
export const familyOf = (address: string): number => (isIpv6(address) ? C.AF_INET6 : C.AF_INET);

/** `scope` is the interface index a link-local IPv6 address is valid on, 0 elsewhere. */
export function encodeSockaddr(address: string, port: number, scope = 0): Uint8Array {
  const octets = parseAddress(address);
  if (octets === undefined) {
    throw new PlatformError("PLATFORM_OPTION", `"${address}" is not an IP address`);
  }
  const isV4 = octets.length === 4;
  const encoded = new Uint8Array(isV4 ? 16 : 28);
  const view = new DataView(encoded.buffer);
  view.setUint16(0, isV4 ? C.AF_INET : C.AF_INET6, true);
  view.setUint16(2, port);
  encoded.set(octets, isV4 ? 4 : 8);
  if (!isV4) view.setUint32(24, scope, true);
  return encoded;
}

export function decodeSockaddr(encoded: Uint8Array): SocketAddress {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const isV4 = view.getUint16(0, true) === C.AF_INET;
  const octets = isV4 ? encoded.subarray(4, 8) : encoded.subarray(8, 24);
  return { address: formatAddress(octets), port: view.getUint16(2) };
}
