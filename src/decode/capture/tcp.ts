import { formatAddress } from "../../core/address.ts";
import type { Packet } from "./packet.ts";
import type { CapturedFrame } from "./pcap.ts";

/** Octets in order as one side sent them, or the number of those the capture does not have. */
export type StreamPart =
  | { readonly octets: Uint8Array; readonly frame: CapturedFrame }
  | { readonly missingOctets: number; readonly frame: CapturedFrame };

/** One side of a connection, put back in order. */
export interface Direction {
  readonly from: string;
  readonly to: string;
  readonly parts: StreamPart[];
}

export interface TcpStream {
  /** From 0, in the order the connections appear. */
  readonly number: number;
  readonly directions: readonly [Direction, Direction];
}

/**
 * Puts the TCP connections of one port back together: out-of-order segments wait, repeated octets
 * are dropped, and what never came is named. A connection the capture did not see begin starts with
 * its first segment; a new SYN between the same two ends begins another one.
 */
export class TcpTable {
  readonly streams: TcpStream[] = [];
  readonly #port: number;
  readonly #connections = new Map<string, Connection>();

  constructor(port: number) {
    this.#port = port;
  }

  /** False where the segment cannot be read. */
  add(packet: Packet, frame: CapturedFrame): boolean {
    const { payload } = packet;
    const headerOctets = ((payload[12] ?? 0) >> 4) * 4;
    if (payload.length < 20 || headerOctets < 20 || headerOctets > payload.length) return false;
    const sourcePort = u16(payload, 0);
    const destinationPort = u16(payload, 2);
    if (sourcePort !== this.#port && destinationPort !== this.#port) return true;
    const flags = payload[13] ?? 0;
    const segment: Segment = {
      sequence: u32(payload, 4),
      octets: payload.subarray(headerOctets),
      missingOctets: packet.missingOctets,
      frame,
    };
    const from = formatEndpoint(packet.source, sourcePort);
    const to = formatEndpoint(packet.destination, destinationPort);
    const isSyn = (flags & FLAG_SYN) !== 0;
    const isFirst = isSyn && (flags & FLAG_ACK) === 0;
    this.#half(from, to, isFirst ? segment.sequence : undefined).add(segment, isSyn);
    return true;
  }

  /** No more packets: what still waits for octets that never came is read without them. */
  finish(): void {
    for (const connection of this.#connections.values()) connection.finish();
  }

  #half(from: string, to: string, initialSequence: number | undefined): Half {
    const key = from < to ? `${from} ${to}` : `${to} ${from}`;
    let connection = this.#connections.get(key);
    const half = connection?.half(from, to);
    const isAnother = initialSequence !== undefined && half?.isAnother(initialSequence) === true;
    if (connection === undefined || isAnother) {
      connection?.finish();
      connection = new Connection(from, to);
      this.#connections.set(key, connection);
      this.streams.push({ number: this.streams.length, directions: connection.directions });
    }
    return connection.half(from, to);
  }
}

interface Segment {
  readonly sequence: number;
  readonly octets: Uint8Array;
  readonly missingOctets: number;
  readonly frame: CapturedFrame;
}

class Connection {
  readonly directions: readonly [Direction, Direction];
  readonly #halves: readonly [Half, Half];

  constructor(from: string, to: string) {
    this.directions = [
      { from, to, parts: [] },
      { from: to, to: from, parts: [] },
    ];
    this.#halves = [new Half(this.directions[0].parts), new Half(this.directions[1].parts)];
  }

  half(from: string, to: string): Half {
    const [direction] = this.directions;
    return direction.from === from && direction.to === to ? this.#halves[0] : this.#halves[1];
  }

  finish(): void {
    for (const half of this.#halves) half.finish();
  }
}

/** One direction under assembly. Sequence numbers are compared modulo 2^32 (RFC 9293 §3.4). */
class Half {
  readonly #parts: StreamPart[];
  /** The sequence number of the next octet; undefined before the first segment. */
  #next: number | undefined = undefined;
  #initial: number | undefined = undefined;
  /** Ahead of `#next`, in order. */
  #waiting: Segment[] = [];

  constructor(parts: StreamPart[]) {
    this.#parts = parts;
  }

  /** A SYN that neither opens this direction nor repeats the one that did. */
  isAnother(initialSequence: number): boolean {
    return this.#next !== undefined && this.#initial !== initialSequence;
  }

  add(segment: Segment, isSyn: boolean): void {
    if (isSyn) {
      // The SYN counts as one octet before whatever it carries.
      const sequence = (segment.sequence + 1) >>> 0;
      this.#initial = segment.sequence;
      this.#next ??= sequence;
      this.add({ ...segment, sequence }, false);
      return;
    }
    this.#next ??= segment.sequence;
    if (segment.octets.length + segment.missingOctets === 0) return;
    if (distance(this.#next, segment.sequence) > 0) {
      this.#wait(segment);
      return;
    }
    this.#append(segment);
    this.#resume(false);
  }

  finish(): void {
    this.#resume(true);
  }

  #wait(segment: Segment): void {
    let index = this.#waiting.length;
    while (index > 0) {
      const before = this.#waiting[index - 1];
      if (before === undefined || distance(before.sequence, segment.sequence) >= 0) break;
      index -= 1;
    }
    this.#waiting.splice(index, 0, segment);
  }

  #resume(acrossGaps: boolean): void {
    let used = 0;
    for (const segment of this.#waiting) {
      const gap = distance(this.#next ?? 0, segment.sequence);
      if (gap > 0 && !acrossGaps) break;
      if (gap > 0) {
        this.#parts.push({ missingOctets: gap, frame: segment.frame });
        this.#next = segment.sequence;
      }
      this.#append(segment);
      used += 1;
    }
    if (used > 0) this.#waiting = this.#waiting.slice(used);
  }

  /** Takes what is new of a segment that begins at or before `#next`. */
  #append({ sequence, octets, missingOctets, frame }: Segment): void {
    const old = -distance(this.#next ?? sequence, sequence);
    const whole = octets.length + missingOctets;
    if (old >= whole) return;
    if (old < octets.length) this.#parts.push({ octets: octets.subarray(old), frame });
    const missing = Math.min(missingOctets, whole - old);
    if (missing > 0) this.#parts.push({ missingOctets: missing, frame });
    this.#next = (sequence + whole) >>> 0;
  }
}

/** How far `to` lies ahead of `from`; negative where it lies behind. */
const distance = (from: number, to: number): number => (to - from) | 0;

/** `10.0.0.1:179` or `[2001:db8::1]:179`. */
export function formatEndpoint(address: Uint8Array, port: number): string {
  const text = formatAddress(address);
  return address.length === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}

const u16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

const u32 = (octets: Uint8Array, at: number): number =>
  u16(octets, at) * 0x1_0000 + u16(octets, at + 2);

const FLAG_SYN = 0x02;
const FLAG_ACK = 0x10;
