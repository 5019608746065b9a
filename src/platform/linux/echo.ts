import { randomInt } from "node:crypto";
import { after } from "../../core/time.ts";
import type { Alarm } from "../contract.ts";
import type { LinuxClock } from "./clock.ts";
import { platformError } from "./errors.ts";
import { FdPoll } from "./fd-poll.ts";
import type { Netns } from "./netns.ts";
import { encodeSockaddr } from "./sockaddr.ts";
import { C, check, libc } from "./sys.ts";

/**
 * ICMP echo over IPv4 (RFC 792), for health checks of a lab's cloud. A raw socket for each source,
 * which wants CAP_NET_RAW; an answer counts that has our identifier, a number still waited for, and
 * comes in time. ICMP errors are no answer: the probe then waits for its timeout.
 */
export interface EchoProbe {
  readonly source: string;
  readonly destination: string;
  readonly timeoutUs: number;
}

interface Waiting {
  readonly alarm: Alarm;
  readonly done: (isAnswered: boolean) => void;
}

const ICMP_HEADER_OCTETS = 8;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const IPPROTO_ICMP = 1;
/** An echo of ours with its IPv4 header is far shorter. */
const RECEIVE_OCTETS = 576;
const SEQUENCES = 0x1_0000;

export class LinuxEcho {
  readonly #netns: Netns;
  readonly #clock: LinuxClock;
  readonly #identifier = randomInt(0x1_0000);
  readonly #sockets = new Map<string, { readonly fd: number; readonly poll: FdPoll }>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #buffer = new Uint8Array(RECEIVE_OCTETS);
  #sequence = 0;

  constructor(netns: Netns, clock: LinuxClock) {
    this.#netns = netns;
    this.#clock = clock;
  }

  /** `done` is called once, later; never where the host is closed first. */
  ping({ source, destination, timeoutUs }: EchoProbe, done: (isAnswered: boolean) => void): void {
    const fd = this.#socketOf(source);
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    const sequence = this.#sequence;
    this.#finish(sequence, false); // one that has waited for 65,536 others
    const alarm = this.#clock.createAlarm(() => this.#finish(sequence, false));
    alarm.set(after(this.#clock.now(), timeoutUs));
    this.#waiting.set(sequence, { alarm, done });
    const request = echoRequest(this.#identifier, sequence);
    const to = encodeSockaddr(destination, 0);
    // What the kernel has no route for is lost like what nobody answers.
    libc.sendto(fd, request, request.length, C.MSG_DONTWAIT | C.MSG_NOSIGNAL, to, to.length);
  }

  close(): void {
    for (const { alarm } of this.#waiting.values()) alarm.set(undefined);
    this.#waiting.clear();
    for (const { fd, poll } of this.#sockets.values()) {
      poll.close();
      libc.close(fd);
    }
    this.#sockets.clear();
  }

  #socketOf(source: string): number {
    const known = this.#sockets.get(source);
    if (known !== undefined) return known.fd;
    try {
      const fd = this.#netns.run(() => rawSocket(source));
      this.#sockets.set(source, { fd, poll: new FdPoll(fd, "readable", () => this.#readAll(fd)) });
      return fd;
    } catch (error) {
      throw platformError(`opening ICMP from ${source}`, error);
    }
  }

  #readAll(fd: number): void {
    for (;;) {
      const count = libc.recv(fd, this.#buffer, this.#buffer.length, C.MSG_DONTWAIT);
      if (count < 0) return;
      this.#heard(this.#buffer.subarray(0, count));
    }
  }

  /** A raw socket is given the IPv4 header as well. */
  #heard(packet: Uint8Array): void {
    const headerOctets = ((packet[0] ?? 0) & 0x0f) * 4;
    if (packet.length < headerOctets + ICMP_HEADER_OCTETS) return;
    const view = new DataView(packet.buffer, packet.byteOffset + headerOctets);
    const isOurs = view.getUint8(0) === ECHO_REPLY && view.getUint16(4) === this.#identifier;
    if (isOurs) this.#finish(view.getUint16(6), true);
  }

  #finish(sequence: number, isAnswered: boolean): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting === undefined) return;
    this.#waiting.delete(sequence);
    waiting.alarm.set(undefined);
    waiting.done(isAnswered);
  }
}

function rawSocket(source: string): number {
  const kind = C.SOCK_RAW | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
  const fd = check("socket", libc.socket(C.AF_INET, kind, IPPROTO_ICMP));
  try {
    const local = encodeSockaddr(source, 0);
    check("bind", libc.bind(fd, local, local.length));
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** No data: the header is all that is compared. */
function echoRequest(identifier: number, sequence: number): Uint8Array {
  const octets = new Uint8Array(ICMP_HEADER_OCTETS);
  const view = new DataView(octets.buffer);
  view.setUint8(0, ECHO_REQUEST);
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) sum += view.getUint16(at);
  view.setUint16(2, ~((sum & 0xffff) + (sum >>> 16)));
  return octets;
}
