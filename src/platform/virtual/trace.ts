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
    this.#head(1, at, place);
    this.#word(packet.id);
    this.#word(packet.ttl);
    this.#word(packet.lengthOctets);
    const { body } = packet;
    if (body.kind === "tcp") {
      this.#word(body.seq);
      this.#word(body.ack);
      this.#word(body.flags);
    }
    if (body.kind !== "icmp") this.#octets(body.octets);
    if (this.#observers.length > 0) this.#tell({ kind: "send", at, place, packet });
  }

  arrived(at: Micros, place: Place, packet: Packet): void {
    this.#head(2, at, place);
    this.#word(packet.id);
    if (this.#observers.length > 0) this.#tell({ kind: "arrive", at, place, packet });
  }

  dropped(at: Micros, place: Place, packet: Packet, reason: DropReason): void {
    this.#head(3, at, place);
    this.#word(packet.id);
    this.#text(reason);
    if (this.#observers.length > 0) this.#tell({ kind: "drop", at, place, packet, reason });
  }

  alarm(at: Micros, place: Place): void {
    this.#head(4, at, place);
    if (this.#observers.length > 0) this.#tell({ kind: "note", at, place, text: "alarm" });
  }

  note(at: Micros, place: Place, text: string): void {
    this.changeCount += 1;
    this.#head(5, at, place);
    this.#text(text);
    if (this.#observers.length > 0) this.#tell({ kind: "note", at, place, text });
  }

  #head(kind: number, at: Micros, place: Place): void {
    this.#word(kind | (place.id << 3));
    this.#word(at >>> 0);
    this.#word(Math.floor(at / 0x1_0000_0000));
  }

  #word(value: number): void {
    const a = Math.imul(this.#a ^ value, 0x01000193);
    this.#a = a ^ (a >>> 15);
    const b = Math.imul(this.#b ^ value, 0x85ebca6b);
    this.#b = b ^ (b >>> 13);
  }

  #text(text: string): void {
    for (let index = 0; index < text.length; index += 1) this.#word(text.charCodeAt(index));
  }

  #octets(octets: Uint8Array): void {
    const whole = octets.length & ~3;
    for (let index = 0; index < whole; index += 4) {
      this.#word(
        (octets[index] ?? 0) |
          ((octets[index + 1] ?? 0) << 8) |
          ((octets[index + 2] ?? 0) << 16) |
          ((octets[index + 3] ?? 0) << 24),
      );
    }
    for (let index = whole; index < octets.length; index += 1) this.#word(octets[index] ?? 0);
    this.#word(octets.length);
  }

  #tell(event: TraceEvent): void {
    for (const observer of this.#observers) observer(event);
  }
}

const hex32 = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
