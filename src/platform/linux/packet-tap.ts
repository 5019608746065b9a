/**
 * Sees the frames of a device as tcpdump does, those that leave included, with the kernel's own
 * stamps (packet(7)); needs CAP_NET_RAW. The kernel passes on what a classic BPF program accepts:
 * IP without UDP, and UDP to some ports, so that a line full of traffic costs nothing.
 */
import { FdPoll } from "./fd-poll.ts";
import { MessageSlots } from "./message-slots.ts";
import type { Netns } from "./netns.ts";
import { allocateBlock, C, check, Errno, int32, libc, SysError, setIntOption } from "./sys.ts";

export interface TappedFrame {
  /** A view, valid during the call. Checksums of what leaves may be left to the hardware. */
  readonly octets: Uint8Array;
  readonly direction: "in" | "out";
  /** Since 1970. */
  readonly timeNs: bigint;
}

export class PacketTap {
  readonly #fd: number;
  readonly #poll: FdPoll;
  readonly #slots = new MessageSlots(SIZES);
  readonly #heard: (frame: TappedFrame) => void;

  /** Throws SysError where the device is not there or the process may not look. */
  constructor(
    netns: Netns,
    options: { readonly device: string; readonly udpPorts: readonly number[] },
    heard: (frame: TappedFrame) => void,
  ) {
    this.#heard = heard;
    const type = C.SOCK_RAW | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
    // Protocol 0: nothing is delivered before the filter stands and the socket is bound.
    const { fd, index } = netns.run(() => ({
      fd: check("socket AF_PACKET", libc.socket(AF_PACKET, type, 0)),
      index: libc.ifNameToIndex(options.device),
    }));
    if (index === 0) {
      libc.close(fd);
      throw new SysError(`capture on ${options.device}`, Errno.ENODEV);
    }
    this.#fd = fd;
    try {
      attachFilter(fd, options.udpPorts);
      setIntOption(fd, C.SOL_SOCKET, SO_TIMESTAMPNS, 1);
      libc.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUFFORCE, int32(RECEIVE_BUFFER_OCTETS), 4);
      const address = linkAddress(index);
      check(`bind to ${options.device}`, libc.bind(fd, address, address.length));
    } catch (error) {
      libc.close(fd);
      throw error;
    }
    this.#poll = new FdPoll(fd, "readable", () => this.#read());
    this.#poll.unref();
  }

  close(): void {
    this.#read();
    this.#poll.close();
    libc.close(this.#fd);
  }

  #read(): void {
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const count = this.#slots.receive(this.#fd);
      for (let index = 0; index < count; index += 1) this.#tell(index);
      if (count < COUNT) return;
    }
  }

  #tell(index: number): void {
    const slots = this.#slots;
    const { view, octets } = slots.block;
    const payload = slots.payloadAt(index);
    const length = Math.min(slots.payloadOctets(index), PAYLOAD_OCTETS);
    const packetType = view.getUint8(slots.nameAt(index) + 10);
    this.#heard({
      octets: octets.subarray(payload, payload + length),
      direction: packetType === PACKET_OUTGOING ? "out" : "in",
      timeNs: this.#stampOf(slots.controlAt(index)),
    });
  }

  /** The only control message asked for: `struct timespec` behind a header of 16 octets. */
  #stampOf(at: number): bigint {
    const { view } = this.#slots.block;
    if (view.getInt32(at + 12, true) !== SO_TIMESTAMPNS) return BigInt(Date.now()) * 1_000_000n;
    return view.getBigInt64(at + 16, true) * 1_000_000_000n + view.getBigInt64(at + 24, true);
  }
}

/** `struct sockaddr_ll`: family, protocol in network order, index; the rest is for senders. */
function linkAddress(index: number): Uint8Array {
  const octets = new Uint8Array(20);
  const view = new DataView(octets.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ETH_P_ALL, false);
  view.setInt32(4, index, true);
  return octets;
}

/** `struct sock_filter` is code, jump if true, jump if false, k. */
function attachFilter(fd: number, udpPorts: readonly number[]): void {
  const ports = udpPorts.length;
  const port = 11;
  const accept = port + ports + 1;
  const drop = accept - 1;
  /** Jumps are relative to the next instruction. */
  const when = (at: number, k: number, to: { readonly yes: number; readonly no: number }) =>
    [0x15, to.yes - at - 1, to.no - at - 1, k] as const;
  const program = [
    [0x28, 0, 0, 12], // EtherType
    when(1, 0x0800, { yes: 2, no: 7 }),
    [0x30, 0, 0, 23], // protocol of IPv4
    when(3, 17, { yes: 4, no: accept }),
    [0xb1, 0, 0, 14], // length of its header
    [0x48, 0, 0, 16], // destination port behind it
    [0x05, 0, 0, port - 7],
    when(7, 0x86dd, { yes: 8, no: drop }),
    [0x30, 0, 0, 20], // next header of IPv6
    when(9, 17, { yes: 10, no: accept }),
    [0x28, 0, 0, 56], // destination port
    ...udpPorts.map((one, index) => when(port + index, one, { yes: accept, no: port + index + 1 })),
    [0x06, 0, 0, 0],
    [0x06, 0, 0, 0x4_0000],
  ] as const;
  const block = allocateBlock(16 + program.length * 8);
  const { view } = block;
  view.setUint16(0, program.length, true);
  view.setBigUint64(8, block.address + 16n, true);
  for (const [index, [code, yes, no, k]] of program.entries()) {
    const at = 16 + index * 8;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, yes);
    view.setUint8(at + 3, no);
    view.setUint32(at + 4, k, true);
  }
  const option = block.octets.subarray(0, 16);
  check(
    "setsockopt SO_ATTACH_FILTER",
    libc.setsockopt(fd, C.SOL_SOCKET, SO_ATTACH_FILTER, option, 16),
  );
}

const AF_PACKET = 17;
const ETH_P_ALL = 3;
const PACKET_OUTGOING = 4;
const SO_ATTACH_FILTER = 26;
const SO_TIMESTAMPNS = 35;
const RECEIVE_BUFFER_OCTETS = 2 ** 22;
const TURNS_MAX = 16;

const COUNT = 8;
/** Segmentation offload makes frames of up to 64 KiB. */
const PAYLOAD_OCTETS = 1 << 16;
const SIZES = {
  ...{ count: COUNT, nameOctets: 32, controlOctets: 64 },
  payloadOctets: PAYLOAD_OCTETS,
} as const;
