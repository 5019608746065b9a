/**
 * True for a next hop that can be a host's address (RFC 4271 §6.3), as far as the octets alone
 * tell: not this network, not loopback, no multicast or class E; of a pair (RFC 2545 §3) the global
 * half.
 */
export function isHostAddress(nextHop: Uint8Array): boolean {
  const first = nextHop[0] ?? 0;
  if (nextHop.length === 4) return first !== 0 && first !== 127 && first < 224;
  if (first === 0xff) return false;
  for (let index = 0; index < 15; index += 1) {
    if (nextHop[index] !== 0) return true;
  }
  return (nextHop[15] ?? 0) > 1;
}
