/**
 * The receiving half of a TCP connection: puts segments in order (RFC 9293 §3.10.7.4), keeps them
 * until they are read, and says how much more there is room for. The right edge of the window never
 * moves left.
 */
export class TcpReceiver {
  /** RCV.NXT: the next octet expected. */
  next = 0;
  readonly #bufferOctets: number;
  /** In order, not read yet. */
  #ready: Uint8Array[] = [];
  #readyOctets = 0;
  /** Beyond a gap, sorted by sequence number. */
  readonly #ahead: { readonly seq: number; readonly octets: Uint8Array }[] = [];
  #finSeq: number | undefined;
  /** The right edge the peer was told last. */
  #announcedEdge = 0;
  #isDiscarding = false;

  constructor(bufferOctets: number) {
    this.#bufferOctets = bufferOctets;
  }

  /** The peer's SYN had this sequence number. */
  begin(seq: number): void {
    this.next = seq + 1;
    this.#announcedEdge = this.next;
  }

  get windowOctets(): number {
    return Math.max(0, this.#bufferOctets - this.#readyOctets);
  }

  get readableOctets(): number {
    return this.#readyOctets;
  }

  /** The peer's FIN has been reached. */
  get isFinished(): boolean {
    return this.#finSeq !== undefined && this.next > this.#finSeq;
  }

  isAcceptable(seq: number, length: number): boolean {
    const window = this.windowOctets;
    if (length === 0) return seq >= this.next && seq <= this.next + Math.max(0, window - 1);
    if (window === 0) return false;
    return seq < this.next + window && seq + length > this.next;
  }

  accept(seq: number, octets: Uint8Array, hasFin: boolean): void {
    if (hasFin) this.#finSeq ??= seq + octets.length;
    const edge = this.next + this.windowOctets;
    const from = Math.max(seq, this.next);
    const to = Math.min(seq + octets.length, edge);
    if (from < to) this.#insert(from, octets.subarray(from - seq, to - seq));
    this.#advance();
    if (this.next === this.#finSeq) this.next += 1;
  }

  /** Up to `countMax` octets in order; valid until the next `take` of any connection. */
  take(countMax: number): Uint8Array {
    const limit = Math.min(countMax, handOver.length);
    let filled = 0;
    let index = 0;
    for (; index < this.#ready.length && filled < limit; index += 1) {
      const chunk = this.#ready[index];
      if (chunk === undefined) break;
      const part = chunk.subarray(0, limit - filled);
      handOver.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) {
        this.#ready[index] = chunk.subarray(part.length);
        break;
      }
    }
    this.#ready.splice(0, index);
    this.#readyOctets -= filled;
    return handOver.subarray(0, filled);
  }

  /** Nobody reads any more: octets are acknowledged and forgotten. */
  discard(): void {
    this.#isDiscarding = true;
    this.#ready = [];
    this.#readyOctets = 0;
  }

  /** The window to put into a segment that leaves now. */
  announce(): number {
    const window = this.windowOctets;
    this.#announcedEdge = Math.max(this.#announcedEdge, this.next + window);
    return window;
  }

  /** True where the window has grown enough to be worth a segment (RFC 9293 §3.8.6.2.2). */
  isUpdateDue(mss: number): boolean {
    const grown = this.next + this.windowOctets - this.#announcedEdge;
    return grown >= Math.min(2 * mss, this.#bufferOctets / 2);
  }

  #insert(seq: number, octets: Uint8Array): void {
    let place = this.#ahead.length;
    while (place > 0 && (this.#ahead[place - 1]?.seq ?? 0) > seq) place -= 1;
    const before = this.#ahead[place - 1];
    if (before !== undefined && before.seq + before.octets.length >= seq + octets.length) return;
    if (this.#ahead.length >= AHEAD_MAX && seq !== this.next) return;
    this.#ahead.splice(place, 0, { seq, octets });
  }

  #advance(): void {
    for (;;) {
      const first = this.#ahead[0];
      if (first === undefined || first.seq > this.next) return;
      this.#ahead.shift();
      const fresh = first.octets.subarray(this.next - first.seq);
      if (fresh.length === 0) continue;
      this.next += fresh.length;
      if (this.#isDiscarding) continue;
      this.#ready.push(fresh);
      this.#readyOctets += fresh.length;
    }
  }
}

/** Handlers run one at a time and copy what they keep, so one buffer serves every connection. */
const handOver = new Uint8Array(65_536);
/** Segments kept beyond gaps; the rest is sent again. */
const AHEAD_MAX = 1024;
