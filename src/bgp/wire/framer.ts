import { EMPTY } from "../../core/bytes.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { WireFault } from "./fault.ts";
import { checkHeader, HEADER_OCTETS, NOT_SYNCHRONIZED } from "./header.ts";
import type { MessageType } from "./iana.ts";

/** One whole message. Both fields are views, valid until the next `push`. */
export interface Frame {
  readonly type: MessageType;
  /** Behind the header. */
  readonly body: Uint8Array;
  /** Header and all, for the log RFC 7606 §6 asks for. */
  readonly octets: Uint8Array;
}

/**
 * Cuts a TCP stream into messages (RFC 4271 §4.1). A pushed chunk is read where it lies, so it must
 * not change until the next `push`; only the octets of a message that is not complete yet are
 * copied, into a buffer that grows by doubling. The cost is linear in the octets pushed, however
 * they are cut.
 */
export class Framer {
  #bytes: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  /** `#bytes` is our own buffer and may be written behind `#end`. */
  #isOwn = false;
  /** Octets from `#start` on without which there is nothing new to be said. */
  #needed = HEADER_OCTETS;
  /** A stream that lost its framing does not find it again (RFC 4271 §6.1). */
  #fault: WireFault | undefined;

  push(octets: Uint8Array): void {
    if (this.#start === this.#end) {
      this.#bytes = octets;
      this.#start = 0;
      this.#end = octets.length;
      this.#isOwn = false;
      return;
    }
    this.#makeRoom(octets.length);
    this.#bytes.set(octets, this.#end);
    this.#end += octets.length;
  }

  /** The next whole message; undefined until more octets come. `extendedMessages`: RFC 8654. */
  next(extendedMessages: boolean): Result<Frame | undefined, WireFault> {
    if (this.#fault !== undefined) return err(this.#fault);
    const at = this.#start;
    if (this.#end - at < this.#needed) return NOTHING_YET;
    for (let index = at; index < at + 16; index += 1) {
      if (this.#bytes[index] !== 0xff) return this.#fail(NOT_SYNCHRONIZED);
    }
    const header = checkHeader(this.#bytes, at, extendedMessages);
    if (!header.ok) return this.#fail(header.fault);
    const end = at + header.value.lengthOctets;
    if (end > this.#end) {
      this.#needed = header.value.lengthOctets;
      return NOTHING_YET;
    }
    this.#start = end;
    this.#needed = HEADER_OCTETS;
    return ok({
      type: header.value.type,
      body: this.#bytes.subarray(at + HEADER_OCTETS, end),
      octets: this.#bytes.subarray(at, end),
    });
  }

  /** Octets pushed and not handed out yet. */
  get bufferedOctets(): number {
    return this.#end - this.#start;
  }

  #makeRoom(octets: number): void {
    const kept = this.#end - this.#start;
    if (this.#isOwn && this.#end + octets <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(CAPACITY_OCTETS_MIN, 2 * (kept + octets)));
    wider.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = wider;
    this.#start = 0;
    this.#end = kept;
    this.#isOwn = true;
  }

  #fail(fault: WireFault): Result<never, WireFault> {
    this.#fault = fault;
    return err(fault);
  }
}

const NOTHING_YET = ok(undefined);
const CAPACITY_OCTETS_MIN = 512;
