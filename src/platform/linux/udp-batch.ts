import { formatAddress } from "../../core/address.ts";
import { EMPTY } from "../../core/bytes.ts";
import { MessageSlots } from "./message-slots.ts";
import { C, Errno, lastErrno } from "./sys.ts";

/**
 * Up to 32 datagrams of one `recvmmsg`, with their ancillary data. Shared by all sockets of a
 * thread; what `read` answers is valid until the next `receive`. Written for speed: two thousand
 * BFD packets a second pass through it.
 */
export class UdpBatch {
  readonly capacity = COUNT;
  readonly #slots = new MessageSlots(SIZES);
  readonly #names = new Map<string, string>();

  /** How many datagrams were waiting, at most `capacity`; -1 where an error was pending instead. */
  receive(fd: number): number {
    const count = this.#slots.receive(fd);
    if (count >= 0) return count;
    return lastErrno() === Errno.EAGAIN || lastErrno() === Errno.EINTR ? 0 : -1;
  }

  read(index: number): ReceivedDatagram {
    const slots = this.#slots;
    const { view, octets } = slots.block;
    const payload = slots.payloadAt(index);
    const name = slots.nameAt(index);
    const isV4 = view.getUint16(name, true) === C.AF_INET;
    const found: ReceivedDatagram = {
      octets: octets.subarray(payload, payload + slots.payloadOctets(index)),
      remoteAddress: this.#text(octets.subarray(name + (isV4 ? 4 : 8), name + (isV4 ? 8 : 24))),
      remotePort: view.getUint16(name + 2),
      localOctets: EMPTY,
      interfaceIndex: 0,
      ttl: 0,
      isTruncated: (slots.flags(index) & C.MSG_TRUNC) !== 0,
    };
    const control = slots.controlAt(index);
    this.#readControl(control, control + slots.controlOctets(index), found);
    return found;
  }

  /** `struct cmsghdr`: length 8, level 4, type 4, data; the next one begins 8-byte aligned. */
  #readControl(from: number, to: number, found: ReceivedDatagram): void {
    const { view, octets } = this.#slots.block;
    for (let at = from; at + 16 <= to; ) {
      const length = view.getUint32(at, true);
      if (length < 16 || at + length > to) return;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      const data = at + 16;
      if (level === C.SOL_IP && type === C.IP_TTL) found.ttl = view.getInt32(data, true);
      else if (level === C.SOL_IPV6 && type === C.IPV6_HOPLIMIT) {
        found.ttl = view.getInt32(data, true);
      } else if (level === C.SOL_IP && type === C.IP_PKTINFO) {
        found.interfaceIndex = view.getInt32(data, true);
        found.localOctets = octets.subarray(data + 8, data + 12);
      } else if (level === C.SOL_IPV6 && type === C.IPV6_PKTINFO) {
        found.localOctets = octets.subarray(data, data + 16);
        found.interfaceIndex = view.getInt32(data + 16, true);
      }
      at += (length + 7) & ~7;
    }
  }

  /** The same peers write again and again; their addresses are formatted once. */
  #text(octets: Uint8Array): string {
    const key = String.fromCharCode(...octets);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    const text = formatAddress(octets);
    this.#names.set(key, text);
    return text;
  }
}

export interface ReceivedDatagram {
  readonly octets: Uint8Array;
  readonly remoteAddress: string;
  readonly remotePort: number;
  localOctets: Uint8Array;
  interfaceIndex: number;
  ttl: number;
  readonly isTruncated: boolean;
}

const NAMES_MAX = 4096;
const COUNT = 32;
const SIZES = { count: COUNT, nameOctets: 32, controlOctets: 128, payloadOctets: 9216 } as const;
