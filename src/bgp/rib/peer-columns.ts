import { formatAddress } from "../../core/address.ts";
import { LIMITS } from "../../core/limits.ts";

/** What the decision asks of peers, by slot. Slot 0 is this router itself. */
export class PeerColumns {
  /** 1 for iBGP peers. */
  readonly isInternal: Uint8Array = new Uint8Array(LIMITS.peers + 1);
  /** BGP Identifier of the last session, unsigned 32 bits. */
  readonly bgpIdentifier: Uint32Array = new Uint32Array(LIMITS.peers + 1);
  readonly remoteAddress: (Uint8Array | undefined)[] = [];

  set(slot: number, isInternal: boolean, remoteAddress: Uint8Array): void {
    this.isInternal[slot] = isInternal ? 1 : 0;
    while (this.remoteAddress.length < slot) this.remoteAddress.push(undefined);
    this.remoteAddress[slot] = remoteAddress;
  }

  /** RFC 4271 §9.1.2.2 g; an IPv4 address is lower than any IPv6 address. */
  compareAddresses(a: number, b: number): number {
    const left = this.remoteAddress[a] ?? NO_ADDRESS;
    const right = this.remoteAddress[b] ?? NO_ADDRESS;
    if (left.length !== right.length) return left.length - right.length;
    for (let index = 0; index < left.length; index += 1) {
      const difference = (left[index] ?? 0) - (right[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return a - b;
  }

  addressTextOf(slot: number): string {
    const address = this.remoteAddress[slot];
    return address === undefined ? "none" : formatAddress(address);
  }
}

const NO_ADDRESS = new Uint8Array(0);
