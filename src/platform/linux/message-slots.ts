import { allocateBlock, C, libc, type NativeBlock } from "./sys.ts";

export interface SlotSizes {
  readonly count: number;
  readonly nameOctets: number;
  readonly controlOctets: number;
  readonly payloadOctets: number;
}

/**
 * What one `recvmmsg` fills: so many messages with their names and ancillary data, in one block of
 * memory that does not move, for its parts hold each other's addresses: headers, then vectors,
 * names, control buffers and payloads. What a slot holds is valid until the next `receive`.
 */
export class MessageSlots {
  readonly block: NativeBlock;
  readonly #sizes: SlotSizes;
  readonly #namesAt: number;
  readonly #controlsAt: number;
  readonly #payloadsAt: number;

  constructor(sizes: SlotSizes) {
    const { count, nameOctets, controlOctets, payloadOctets } = sizes;
    this.#sizes = sizes;
    const vectorsAt = count * HEADER_OCTETS;
    this.#namesAt = vectorsAt + count * VECTOR_OCTETS;
    this.#controlsAt = this.#namesAt + count * nameOctets;
    this.#payloadsAt = this.#controlsAt + count * controlOctets;
    this.block = allocateBlock(this.#payloadsAt + count * payloadOctets);
    const { view, address } = this.block;
    for (let index = 0; index < count; index += 1) {
      const header = index * HEADER_OCTETS;
      const vector = vectorsAt + index * VECTOR_OCTETS;
      view.setBigUint64(header, address + BigInt(this.nameAt(index)), true);
      view.setBigUint64(header + 16, address + BigInt(vector), true);
      view.setBigUint64(header + 24, 1n, true);
      view.setBigUint64(header + 32, address + BigInt(this.controlAt(index)), true);
      view.setBigUint64(vector, address + BigInt(this.payloadAt(index)), true);
      view.setBigUint64(vector + 8, BigInt(payloadOctets), true);
    }
  }

  /** How many messages were waiting, at most `count`; -1 with an errno. */
  receive(fd: number): number {
    const { count, nameOctets, controlOctets } = this.#sizes;
    const { view, pointer } = this.block;
    for (let index = 0; index < count; index += 1) {
      const header = index * HEADER_OCTETS;
      view.setUint32(header + 8, nameOctets, true);
      view.setUint32(header + 40, controlOctets, true);
      view.setUint32(header + 44, 0, true);
    }
    return libc.recvmmsg(fd, pointer, count, C.MSG_DONTWAIT, null);
  }

  /** Where in the block the slot's `sockaddr`, ancillary data and payload begin. */
  nameAt(index: number): number {
    return this.#namesAt + index * this.#sizes.nameOctets;
  }

  controlAt(index: number): number {
    return this.#controlsAt + index * this.#sizes.controlOctets;
  }

  payloadAt(index: number): number {
    return this.#payloadsAt + index * this.#sizes.payloadOctets;
  }

  controlOctets(index: number): number {
    return this.block.view.getUint32(index * HEADER_OCTETS + 40, true);
  }

  flags(index: number): number {
    return this.block.view.getUint32(index * HEADER_OCTETS + 48, true);
  }

  /** Of the message as it came: more than the slot holds where it was cut. */
  payloadOctets(index: number): number {
    return this.block.view.getUint32(index * HEADER_OCTETS + 56, true);
  }
}

/** `struct mmsghdr`: a `msghdr` of 56 octets, then the length. */
const HEADER_OCTETS = 64;
/** `struct iovec`. */
const VECTOR_OCTETS = 16;
