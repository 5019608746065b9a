/**
 * A thumb on the TCP of one cloud node: everything its agent says and hears in TCP goes through
 * here, so that a drill can put words into its mouth, hold its tongue, stop its ears or break a
 * connection under it. The host below is real or virtual; what goes over the wire is real TCP.
 */
import { after } from "../../../core/time.ts";
import type { Clock, Tcp, TcpConnection, TcpHandler } from "../../../platform/contract.ts";
import { TappedConnection, tappedTcp } from "./tapped-tcp.ts";

export class SessionTap {
  readonly #clock: Clock;
  readonly #taps = new Set<Tap>();
  readonly #silenced = new Set<string>();
  readonly #stalled = new Set<string>();
  readonly #readRates = new Map<string, number>();
  readonly #slices = new Map<string, Slices>();
  readonly tcp: Tcp;

  constructor(tcp: Tcp, clock: Clock) {
    this.#clock = clock;
    this.tcp = tappedTcp(tcp, () => this.#open());
  }

  /** Sends whole messages as if the agent had. */
  say(remote: string, octets: Uint8Array): void {
    for (const tap of this.#of(remote)) tap.say(octets);
  }

  /** Sends octets as if the agent had, then ends the connection in order. */
  inject(remote: string, octets: Uint8Array): void {
    for (const tap of this.#of(remote)) tap.inject(octets);
  }

  /** RST; the agent hears that its connection is gone. */
  reset(remote: string): void {
    for (const tap of this.#of(remote)) tap.reset();
  }

  /** What the agent sends to this address is swallowed, TCP goes on; or no longer. */
  silence(remote: string, isSilent: boolean): void {
    toggle(this.#silenced, remote, isSilent);
  }

  /** Nothing is read from this address any more, so that its window closes; or it is again. */
  stall(remote: string, isStalled: boolean): void {
    toggle(this.#stalled, remote, isStalled);
    for (const tap of this.#of(remote)) tap.judgePause();
  }

  /** No more than so many bits a second are read from this address; undefined: as they come. */
  throttle(remote: string, rateBps: number | undefined): void {
    if (rateBps === undefined) this.#readRates.delete(remote);
    else this.#readRates.set(remote, rateBps);
  }

  /** What the agent says to this address leaves in pieces; undefined: as it says it. */
  slice(remote: string, slices: Slices | undefined): void {
    if (slices === undefined) this.#slices.delete(remote);
    else this.#slices.set(remote, slices);
  }

  /** RST once so many octets more were sent, in the middle of whatever it is. */
  resetAfter(remote: string, octets: number): void {
    for (const tap of this.#of(remote)) tap.resetAfter(octets);
  }

  #open(): Tap {
    const tap = new Tap({
      clock: this.#clock,
      isSilenced: (remote) => this.#silenced.has(remote),
      isStalled: (remote) => this.#stalled.has(remote),
      readRateBps: (remote) => this.#readRates.get(remote),
      slicesOf: (remote) => this.#slices.get(remote),
      closed: () => this.#taps.delete(tap),
    });
    this.#taps.add(tap);
    return tap;
  }

  #of(remote: string): readonly Tap[] {
    return [...this.#taps].filter((tap) => tap.remoteAddress === remote);
  }
}

/** For what was sent before it to arrive first. */
const RESET_GAP_US = 10_000;

function toggle(set: Set<string>, word: string, isIn: boolean): void {
  if (isIn) set.add(word);
  else set.delete(word);
}

export interface Slices {
  readonly octets: number;
  /** Between two pieces. */
  readonly gapUs: number;
}

interface TapRules {
  readonly clock: Clock;
  isSilenced(remote: string): boolean;
  isStalled(remote: string): boolean;
  readRateBps(remote: string): number | undefined;
  slicesOf(remote: string): Slices | undefined;
  closed(): void;
}

/** One connection, as its agent has it. */
class Tap extends TappedConnection {
  readonly #rules: TapRules;
  #handler: TcpHandler | undefined;
  #isPausedByOwner = false;
  /** What was read last is still being digested, at the drill's rate. */
  #isDigesting = false;
  /** Pieces that have not left yet. */
  readonly #pieces: Uint8Array[] = [];
  #isSlicing = false;
  /** Octets that may still be sent before the connection is reset. */
  #creditOctets = Number.POSITIVE_INFINITY;
  /** The drill has ended it: what the host still says of it is not passed on. */
  #isCutOff = false;
  /** Nothing is said or read any more. */
  #isOver = false;

  constructor(rules: TapRules) {
    super();
    this.#rules = rules;
  }

  override attach(raw: TcpConnection): void {
    super.attach(raw);
    this.judgePause();
  }

  override carry(handler: TcpHandler): TcpHandler {
    this.#handler = handler;
    return {
      ...super.carry(handler),
      data: (octets) => {
        this.#digest(octets.length);
        handler.data(octets);
      },
      closed: (cause) => {
        this.#rules.closed();
        this.#isOver = true;
        if (!this.#isCutOff) handler.closed(cause);
      },
    };
  }

  override send(octets: Uint8Array): number {
    if (this.#isCutOff) return 0;
    if (!this.#rules.isSilenced(this.remoteAddress)) return this.#say(octets);
    this.#soon(() => this.#handler?.progress(0));
    return 0;
  }

  override pause(isPaused: boolean): void {
    this.#isPausedByOwner = isPaused;
    this.judgePause();
  }

  judgePause(): void {
    const isStalled = this.#isDigesting || this.#rules.isStalled(this.remoteAddress);
    this.raw?.pause(this.#isPausedByOwner || isStalled);
  }

  override close(how: "flush" | "reset"): void {
    this.#rules.closed();
    this.#isOver = true;
    for (const piece of this.#pieces.splice(0)) this.raw?.send(piece);
    if (!this.#isCutOff) this.raw?.close(how);
  }

  say(octets: Uint8Array): void {
    if (!this.#isCutOff) this.raw?.send(octets);
  }

  inject(octets: Uint8Array): void {
    this.raw?.send(octets);
    this.#end("flush");
  }

  reset(): void {
    this.#end("reset");
  }

  resetAfter(octets: number): void {
    this.#creditOctets = octets;
  }

  /** In pieces where the drill wants them; answers with what still waits. */
  #say(octets: Uint8Array): number {
    const slices = this.#rules.slicesOf(this.remoteAddress);
    if (slices === undefined && this.#pieces.length === 0) return this.#put(octets);
    const size = slices?.octets ?? octets.length;
    for (let at = 0; at < octets.length; at += size) {
      this.#pieces.push(octets.slice(at, at + size));
    }
    if (!this.#isSlicing) this.#nextPiece();
    return this.#waitingOctets;
  }

  get #waitingOctets(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  #nextPiece(): void {
    const piece = this.#isOver ? undefined : this.#pieces.shift();
    this.#isSlicing = piece !== undefined;
    if (piece === undefined) return;
    this.#put(piece);
    const gapUs = this.#rules.slicesOf(this.remoteAddress)?.gapUs ?? 0;
    this.#soon(() => {
      this.#handler?.progress(this.#waitingOctets);
      this.#nextPiece();
    }, gapUs);
  }

  #put(octets: Uint8Array): number {
    const isLast = octets.length >= this.#creditOctets;
    const said = isLast ? octets.subarray(0, this.#creditOctets) : octets;
    this.#creditOctets -= said.length;
    const queued = this.raw?.send(said) ?? 0;
    if (isLast) this.#soon(() => this.reset(), RESET_GAP_US);
    return queued;
  }

  /** Reads on when a reader of the drill's rate would be done with it. */
  #digest(octets: number): void {
    const rateBps = this.#rules.readRateBps(this.remoteAddress);
    if (rateBps === undefined) return;
    this.#isDigesting = true;
    this.judgePause();
    this.#soon(
      () => {
        this.#isDigesting = false;
        if (!this.#isOver) this.judgePause();
      },
      (octets * 8e6) / rateBps,
    );
  }

  #end(how: "flush" | "reset"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.raw?.close(how);
    this.#isCutOff = true;
    this.#rules.closed();
    this.#soon(() => this.#handler?.closed({ kind: "reset", text: "ended by the drill" }));
  }

  /** Handlers are called from the host's loop, never from inside a call into it. */
  #soon(tell: () => void, delayUs = 0): void {
    const { clock } = this.#rules;
    clock.createAlarm(tell).set(after(clock.now(), Math.round(delayUs)));
  }
}
