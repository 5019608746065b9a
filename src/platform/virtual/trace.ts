import type { Micros } from "../../core/time.ts";
import type { DropReason, Packet } from "./packet.ts";

/** Where something happens: a host or a link. */
export interface Place {
  readonly id: number;
  readonly name: string;
}

/** One thing that happened; `packet` is only valid during the call and is not to be changed. */
export type TraceEvent =
  /** A packet was put on a link, arrived at a host's interface, or was lost. */
  | {
      readonly kind: "send" | "arrive";
      readonly at: Micros;
      readonly place: Place;
      readonly packet: Packet;
    }
  | {
      readonly kind: "drop";
      readonly at: Micros;
      readonly place: Place;
      readonly packet: Packet;
      readonly reason: DropReason;
    }
  /** What is no packet: a link changed, routes changed, an alarm rang, a mark was set. */
  | { readonly kind: "note"; readonly at: Micros; readonly place: Place; readonly text: string };

export type TraceObserver = (event: TraceEvent) => void;

/**
 * The ordered log of a world as a running hash: equal hashes mean that the same things happened at
 * the same instants in the same order, down to the octets. Two 32-bit lanes of multiply and
 * exclusive-or (FNV-1a over words), integer arithmetic only, so that every engine agrees. Whoever
 * wants the events themselves observes.
 */
export class Trace {
  #a = 0x811c9dc5;
  #b = 0x9747b28c;
  /** Of one event, mixed together: this is the busiest code of a world. */
  readonly #words = new Int32Array(16);
  readonly #observers: TraceObserver[] = [];
  /** Notes that are no alarms: what may have changed a table, a link or a process. */
  changeCount = 0;

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hex32(this.#a) + hex32(this.#b);
  }

  observe(observer: TraceObserver): { close(): void } {
    this.#observers.push(observer);
    return {
      close: () => {
        const index = this.#observers.indexOf(observer);
        if (index >= 0) this.#observers.splice(index, 1);
      },
    };
  }

  sent(at: Micros, place: Place, packet: Packet): void {
    const words = this.#words;
    const { body } = packet;
    this.#head(1, at, place);
    words[3] = packet.id;
    words[4] = packet.ttl;
    words[5] = packet.lengthOctets;
    if (body.kind === "tcp") {
      words[6] = body.seq;
      words[7] = body.ack;
      words[8] = body.flags;
    }
    this.#mix(body.kind === "tcp" ? 9 : 6);
    if (body.kind !== "icmp") this.#octets(body.octets);
    if (this.#observers.length > 0) this.#tell({ kind: "send", at, place, packet });
  }

  arrived(at: Micros, place: Place, packet: Packet): void {
    this.#head(2, at, place);
    this.#words[3] = packet.id;
    this.#mix(4);
    if (this.#observers.length > 0) this.#tell({ kind: "arrive", at, place, packet });
  }

  dropped(at: Micros, place: Place, packet: Packet, reason: DropReason): void {
    this.#head(3, at, place);
    this.#words[3] = packet.id;
    this.#mix(4);
    this.#text(reason);
    if (this.#observers.length > 0) this.#tell({ kind: "drop", at, place, packet, reason });
  }

  alarm(at: Micros, place: Place): void {
    this.#head(4, at, place);
    this.#mix(3);
    if (this.#observers.length > 0) this.#tell({ kind: "note", at, place, text: "alarm" });
  }

  note(at: Micros, place: Place, text: string): void {
    this.changeCount += 1;
    this.#head(5, at, place);
    this.#mix(3);
    this.#text(text);
    if (this.#observers.length > 0) this.#tell({ kind: "note", at, place, text });
  }

  /** The first three words of an event. */
  #head(kind: number, at: Micros, place: Place): void {
    const words = this.#words;
    words[0] = kind | (place.id << 3);
    words[1] = at;
    words[2] = Math.floor(at / 0x1_0000_0000);
  }

  #mix(count: number): void {
    const words = this.#words;
    let a = this.#a;
    let b = this.#b;
    for (let index = 0; index < count; index += 1) {
      const word = words[index] ?? 0;
      a = Math.imul(a ^ word, 0x01000193);
      a ^= a >>> 15;
      b = Math.imul(b ^ word, 0x85ebca6b);
      b ^= b >>> 13;
    }
    this.#a = a;
    this.#b = b;
  }

  #text(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.#words[0] = text.charCodeAt(index);
      this.#mix(1);
    }
  }

  /** Four at a time, the rest one by one, and how many there were. */
  #octets(octets: Uint8Array): void {
    const words = this.#words;
    const whole = octets.length & ~3;
    let count = 0;
    for (let index = 0; index < whole; index += 4) {
      words[count] =
        (octets[index] ?? 0) |
        ((octets[index + 1] ?? 0) << 8) |
        ((octets[index + 2] ?? 0) << 16) |
        ((octets[index + 3] ?? 0) << 24);
      count += 1;
      if (count < BATCH) continue;
      this.#mix(count);
      count = 0;
    }
    for (let index = whole; index < octets.length; index += 1) {
      words[count] = octets[index] ?? 0;
      count += 1;
    }
    words[count] = octets.length;
    this.#mix(count + 1);
  }

  #tell(event: TraceEvent): void {
    for (const observer of this.#observers) observer(event);
  }
}

/** Leaves room for the last three octets and the length. */
const BATCH = 12;

const hex32 = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
