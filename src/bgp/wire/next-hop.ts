/**
 * True for a next hop that can be a host's address (RFC 4271 §6.3), as far as the octets alone
 * tell: not this network, no multicast or class E; of a pair (RFC 2545 §3) the global half. Whether
 * 127/8 makes sense depends on where the session runs: see `isLoopback4`.
 */
export function isHostAddress(nextHop: Uint8Array): boolean {
  const first = nextHop[0] ?? 0;
  if (nextHop.length === 4) return first !== 0 && first < 224;
  if (first === 0xff) return false;
  for (let index = 0; index < 15; index += 1) {
    if (nextHop[index] !== 0) return true;
  }
  return (nextHop[15] ?? 0) > 1;
}

/**
 * 127/8: a next hop between speakers that talk over loopback themselves, and nonsense elsewhere.
 */
export const isLoopback4 = (address: Uint8Array): boolean =>
  address.length === 4 && address[0] === 127;
