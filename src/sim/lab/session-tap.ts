/**
 * A thumb on the TCP of one cloud node: everything its agent says and hears in TCP goes through
 * here, so that a drill can put words into its mouth, hold its tongue, stop its ears or break a
 * connection under it. The host below is real or virtual; what goes over the wire is real TCP.
 */
import type { Clock, Tcp, TcpConnection, TcpHandler } from "../../platform/contract.ts";

export class SessionTap {
  readonly #clock: Clock;
  readonly #taps = new Set<Tap>();
  readonly #silenced = new Set<string>();
  readonly #stalled = new Set<string>();
  readonly tcp: Tcp;

  constructor(tcp: Tcp, clock: Clock) {
    this.#clock = clock;
    this.tcp = {
      listen: (options, accept) =>
        tcp.listen(options, (raw) => {
          const tap = this.#open(raw);
          return tap.carry(accept(tap));
        }),
      connect: (options, handler) => {
        const tap = this.#open(undefined);
        tap.attach(tcp.connect(options, tap.carry(handler)));
        return tap;
      },
    };
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

  #open(raw: TcpConnection | undefined): Tap {
    const tap = new Tap({
      clock: this.#clock,
      isSilenced: (remote) => this.#silenced.has(remote),
      isStalled: (remote) => this.#stalled.has(remote),
      closed: () => this.#taps.delete(tap),
    });
    if (raw !== undefined) tap.attach(raw);
    this.#taps.add(tap);
    return tap;
  }

  #of(remote: string): readonly Tap[] {
    return [...this.#taps].filter((tap) => tap.remoteAddress === remote);
  }
}

function toggle(set: Set<string>, word: string, isIn: boolean): void {
  if (isIn) set.add(word);
  else set.delete(word);
}

interface TapRules {
  readonly clock: Clock;
  isSilenced(remote: string): boolean;
  isStalled(remote: string): boolean;
  closed(): void;
}

/** One connection, as its agent has it. */
class Tap implements TcpConnection {
  readonly #rules: TapRules;
  #raw: TcpConnection | undefined;
  #handler: TcpHandler | undefined;
  #isPausedByOwner = false;
  /** The drill has ended it: what the host still says of it is not passed on. */
  #isCutOff = false;

  constructor(rules: TapRules) {
    this.#rules = rules;
  }

  attach(raw: TcpConnection): void {
    this.#raw = raw;
    this.judgePause();
  }

  carry(handler: TcpHandler): TcpHandler {
    this.#handler = handler;
    return {
      connected: () => handler.connected(),
      data: (octets) => handler.data(octets),
      progress: (queuedOctets) => handler.progress(queuedOctets),
      closed: (cause) => {
        this.#rules.closed();
        if (!this.#isCutOff) handler.closed(cause);
      },
    };
  }

  get localAddress(): string {
    return this.#raw?.localAddress ?? "";
  }

  get localPort(): number {
    return this.#raw?.localPort ?? 0;
  }

  get remoteAddress(): string {
    return this.#raw?.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.#raw?.remotePort ?? 0;
  }

  send(octets: Uint8Array): number {
    if (this.#isCutOff) return 0;
    if (!this.#rules.isSilenced(this.remoteAddress)) return this.#raw?.send(octets) ?? 0;
    this.#soon(() => this.#handler?.progress(0));
    return 0;
  }

  pause(isPaused: boolean): void {
    this.#isPausedByOwner = isPaused;
    this.judgePause();
  }

  judgePause(): void {
    this.#raw?.pause(this.#isPausedByOwner || this.#rules.isStalled(this.remoteAddress));
  }

  setTtl(options: { readonly ttl: number; readonly minTtl: number | undefined }): void {
    this.#raw?.setTtl(options);
  }

  close(how: "flush" | "reset"): void {
    this.#rules.closed();
    if (!this.#isCutOff) this.#raw?.close(how);
  }

  say(octets: Uint8Array): void {
    if (!this.#isCutOff) this.#raw?.send(octets);
  }

  inject(octets: Uint8Array): void {
    this.#raw?.send(octets);
    this.#end("flush");
  }

  reset(): void {
    this.#end("reset");
  }

  #end(how: "flush" | "reset"): void {
    this.#raw?.close(how);
    this.#isCutOff = true;
    this.#rules.closed();
    this.#soon(() => this.#handler?.closed({ kind: "reset", text: "ended by the drill" }));
  }

  /** Handlers are called from the host's loop, never from inside a call into it. */
  #soon(tell: () => void): void {
    this.#rules.clock.createAlarm(tell).set(this.#rules.clock.now());
  }
}
