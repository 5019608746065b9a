import { formatAddress } from "../../core/address.ts";
import { micros } from "../../core/time.ts";
import type { Udp, UdpDatagram, UdpOptions, UdpSocket } from "../contract.ts";
import type { LinuxClock } from "./clock.ts";
import { platformError } from "./errors.ts";
import { FdPoll } from "./fd-poll.ts";
import type { Netns } from "./netns.ts";
import { deviceName } from "./resolve.ts";
import { encodeSockaddr, isIpv6 } from "./sockaddr.ts";
import { C, check, int32, libc, setIntOption, takeSocketError } from "./sys.ts";
import { bindToDevice, localAddressOf, scopeOf, setControlPriority } from "./tcp-socket.ts";
import { UdpBatch } from "./udp-batch.ts";

/**
 * UDP for BFD: every datagram with the TTL it arrived with, the address it was sent to and the
 * interface it came in by (RFC 5881 §5, §3), which Node's `dgram` does not tell. A readiness event
 * or an alarm about to ring reads all that waits, in batches of one system call.
 */
export class LinuxUdp implements Udp {
  readonly #netns: Netns;
  readonly #clock: LinuxClock;
  readonly #devices: DeviceNames;
  readonly #open = new Set<LinuxUdpSocket>();

  constructor(netns: Netns, clock: LinuxClock) {
    this.#netns = netns;
    this.#clock = clock;
    this.#devices = new DeviceNames(netns, clock);
  }

  open(options: UdpOptions, receive: (datagram: UdpDatagram) => void): UdpSocket {
    try {
      const fd = this.#netns.run(() => udpSocket(options));
      threadBatch ??= new UdpBatch();
      const context: Context = {
        clock: this.#clock,
        netns: this.#netns,
        devices: this.#devices,
        batch: threadBatch,
        registry: this.#open,
      };
      return new LinuxUdpSocket(fd, options, context, receive);
    } catch (error) {
      throw platformError(`opening UDP ${options.localAddress} port ${options.port}`, error);
    }
  }

  close(): void {
    for (const socket of this.#open) socket.close();
  }
}

interface Context {
  readonly clock: LinuxClock;
  readonly netns: Netns;
  readonly devices: DeviceNames;
  readonly batch: UdpBatch;
  readonly registry: Set<LinuxUdpSocket>;
}

/** Used up before anybody else reads, and never given back: one for all sockets of the thread. */
let threadBatch: UdpBatch | undefined;

/** Batches read in one go; a flood beyond them must not keep the loop from everything else. */
const BATCHES_PER_TURN = 64;
/** Destinations remembered in the kernel's form. */
const DESTINATIONS_MAX = 4096;
/** Half a second of a hundred fast BFD sessions. */
const RECEIVE_BUFFER_OCTETS = 2 ** 20;

class LinuxUdpSocket implements UdpSocket {
  readonly port: number;
  readonly #options: UdpOptions;
  readonly #context: Context;
  readonly #receive: (datagram: UdpDatagram) => void;
  readonly #destinations = new Map<string, Uint8Array>();
  readonly #fd: number;
  #drain: { close(): void } | undefined;
  #poll: FdPoll | undefined;
  #isClosed = false;
  sendErrors = 0;
  /** Datagrams longer than any protocol of ours sends; not delivered. */
  oversized = 0;

  constructor(
    fd: number,
    options: UdpOptions,
    context: Context,
    receive: (datagram: UdpDatagram) => void,
  ) {
    this.#fd = fd;
    this.#options = options;
    this.#context = context;
    this.#receive = receive;
    this.port = localAddressOf(fd).port;
    context.registry.add(this);
    if (options.isSendOnly === true) return;
    this.#poll = new FdPoll(fd, "readable", this.#readAll);
    this.#drain = context.clock.addDrain(this.#readAll);
  }

  send(octets: Uint8Array, remoteAddress: string, remotePort: number): void {
    if (this.#isClosed) return;
    const to = this.#destination(remoteAddress, remotePort);
    const flags = C.MSG_DONTWAIT | C.MSG_NOSIGNAL;
    if (libc.sendto(this.#fd, octets, octets.length, flags, to, to.length) < 0) {
      this.sendErrors += 1;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#context.registry.delete(this);
    this.#drain?.close();
    this.#poll?.close();
    libc.close(this.#fd);
  }

  readonly #readAll = (): void => {
    const { batch } = this.#context;
    for (let turn = 0; turn < BATCHES_PER_TURN && !this.#isClosed; turn += 1) {
      const count = batch.receive(this.#fd);
      if (count < 0) {
        takeSocketError(this.#fd); // an ICMP error, say; the next datagram is none the worse
        return;
      }
      for (let index = 0; index < count && !this.#isClosed; index += 1) this.#deliver(index);
      if (count < batch.capacity) return;
    }
  };

  #deliver(index: number): void {
    const { batch, devices } = this.#context;
    const found = batch.read(index);
    if (found.isTruncated) {
      this.oversized += 1;
      return;
    }
    const device = this.#options.device ?? devices.nameOf(found.interfaceIndex);
    this.#receive({
      octets: found.octets,
      remoteAddress: found.remoteAddress,
      remotePort: found.remotePort,
      localAddress: formatAddress(found.localOctets),
      ttl: found.ttl,
      ...(device === undefined ? {} : { device }),
    });
  }

  #destination(address: string, port: number): Uint8Array {
    const key = `${address} ${port}`;
    const known = this.#destinations.get(key);
    if (known !== undefined) return known;
    const { device } = this.#options;
    const scope =
      device === undefined ? 0 : this.#context.netns.run(() => scopeOf(address, device));
    const encoded = encodeSockaddr(address, port, scope);
    if (this.#destinations.size >= DESTINATIONS_MAX) this.#destinations.clear();
    this.#destinations.set(key, encoded);
    return encoded;
  }
}

function udpSocket(options: UdpOptions): number {
  const { localAddress, port, device, ttl, tos } = options;
  const isV6 = isIpv6(localAddress);
  const kind = C.SOCK_DGRAM | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
  const fd = check("socket", libc.socket(isV6 ? C.AF_INET6 : C.AF_INET, kind, 0));
  try {
    if (device !== undefined) bindToDevice(fd, device); // before bind: a port a device
    const level = isV6 ? C.SOL_IPV6 : C.SOL_IP;
    if (isV6) setIntOption(fd, level, C.IPV6_V6ONLY, 1);
    setIntOption(fd, level, isV6 ? C.IPV6_RECVHOPLIMIT : C.IP_RECVTTL, 1);
    setIntOption(fd, level, isV6 ? C.IPV6_RECVPKTINFO : C.IP_PKTINFO, 1);
    setIntOption(fd, level, isV6 ? C.IPV6_UNICAST_HOPS : C.IP_TTL, ttl);
    if (tos !== undefined) setIntOption(fd, level, isV6 ? C.IPV6_TCLASS : C.IP_TOS, tos);
    setControlPriority(fd);
    const size = int32(options.isSendOnly === true ? 0 : RECEIVE_BUFFER_OCTETS);
    if (libc.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUFFORCE, size, 4) < 0) {
      libc.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUF, size, 4); // as far as rmem_max allows
    }
    const local = encodeSockaddr(localAddress, port, scopeOf(localAddress, device));
    check("bind", libc.bind(fd, local, local.length));
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Interface names by index; asked of the kernel again every few seconds, as they may change. */
class DeviceNames {
  readonly #netns: Netns;
  readonly #clock: LinuxClock;
  readonly #names = new Map<number, string | undefined>();
  #freshUntil = micros(0);

  constructor(netns: Netns, clock: LinuxClock) {
    this.#netns = netns;
    this.#clock = clock;
  }

  nameOf(index: number): string | undefined {
    const now = this.#clock.now();
    if (now >= this.#freshUntil) {
      this.#names.clear();
      this.#freshUntil = micros(now + 5_000_000);
    }
    if (!this.#names.has(index)) this.#names.set(index, deviceName(this.#netns, index));
    return this.#names.get(index);
  }
}
