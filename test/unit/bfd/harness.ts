import type {
  BfdEffect,
  BfdInput,
  BfdSessionConfig,
  BfdSessionView,
  BfdStateChange,
} from "../../../src/bfd/sessions/contract.ts";
import { BFD_PORT, BfdSessions } from "../../../src/bfd/sessions/sessions.ts";
import {
  type ControlPacket,
  type ControlPacketToSend,
  decodeControlPacket,
  encodeControlPacket,
} from "../../../src/bfd/wire/control-packet.ts";
import { type Rng, seededRng } from "../../../src/core/rng.ts";
import { type Micros, micros } from "../../../src/core/time.ts";

export const MS = 1_000;
export const SEC = 1_000_000;

/** A single-hop session at 300 ms × 3 with whatever a test wants otherwise. */
export function sessionConfig(changes: Partial<BfdSessionConfig> = {}): BfdSessionConfig {
  return {
    name: "s",
    mode: "single-hop",
    localAddress: "10.0.0.1",
    remoteAddress: "10.0.0.2",
    device: "eth0",
    desiredMinTxIntervalUs: 300 * MS,
    requiredMinRxIntervalUs: 300 * MS,
    detectMult: 3,
    minTtl: 255,
    isPassive: false,
    isAdminDown: false,
    auth: undefined,
    ...changes,
  };
}

/** The other end of a session. */
export const mirrored = (
  config: BfdSessionConfig,
  changes: Partial<BfdSessionConfig> = {},
): BfdSessionConfig => ({
  ...config,
  localAddress: config.remoteAddress,
  remoteAddress: config.localAddress,
  ...changes,
});

export interface Sent {
  readonly at: Micros;
  readonly session: string;
  readonly octets: Uint8Array;
  readonly packet: ControlPacket;
  /** Changes of state that had happened by then. */
  readonly changes: number;
}

type LogEffect = Extract<BfdEffect, { readonly kind: "log" }>;

/** One machine with everything it ever did. */
export class Node {
  machine: BfdSessions;
  readonly sent: Sent[] = [];
  readonly states: BfdStateChange[] = [];
  readonly ended: string[] = [];
  readonly logs: LogEffect[] = [];
  /** Nothing is handled before: a blocked event loop. */
  busyUntil = 0;
  onSend: (sent: Sent) => void = () => {};

  constructor(seed: number) {
    this.machine = new BfdSessions({ rng: seededRng(seed) });
  }

  handle(input: BfdInput, now: Micros): void {
    const out: BfdEffect[] = [];
    this.machine.handle(input, now, out);
    this.#perform(out, now);
  }

  expire(now: Micros): void {
    const out: BfdEffect[] = [];
    this.machine.expire(now, out);
    this.#perform(out, now);
  }

  view(name = "s"): BfdSessionView {
    const found = this.machine.view().find((session) => session.name === name);
    if (found === undefined) throw new Error(`no session ${name}`);
    return found;
  }

  /** `Up`, `Down/1` … in order. */
  path(): string[] {
    return this.states.map(({ to, diag }) => (diag === 0 ? to : `${to}/${diag}`));
  }

  #perform(out: readonly BfdEffect[], now: Micros): void {
    for (const effect of out) {
      if (effect.kind === "state") this.states.push(effect);
      else if (effect.kind === "ended") this.ended.push(effect.session);
      else if (effect.kind === "log") this.logs.push(effect);
      else {
        const decoded = decodeControlPacket(effect.octets);
        if (!decoded.ok) throw new Error(`sent ${decoded.fault.because}`);
        const { session, octets } = effect;
        const changes = this.states.length;
        const sent = { at: now, session, octets, packet: decoded.value, changes };
        this.sent.push(sent);
        this.onSend(sent);
      }
    }
  }
}

/** One machine on its own, played against by hand. */
export class Solo extends Node {
  now: Micros;
  /** The peer's discriminator and what it says by default. */
  peer: ControlPacketToSend = {
    diag: 0,
    state: "Down",
    poll: false,
    final: false,
    detectMult: 3,
    myDiscriminator: 77,
    yourDiscriminator: 0,
    desiredMinTxIntervalUs: 300 * MS,
    requiredMinRxIntervalUs: 300 * MS,
    requiredMinEchoRxIntervalUs: 0,
    auth: undefined,
  };

  constructor(config: Partial<BfdSessionConfig> = {}, seed = 1) {
    super(seed);
    this.now = micros(1_000_000);
    this.configure(sessionConfig(config));
  }

  configure(...sessions: BfdSessionConfig[]): void {
    this.handle({ kind: "configure", sessions }, this.now);
  }

  /** Lets time pass, ringing every alarm on time. */
  pass(us: number): void {
    const end = this.now + us;
    for (;;) {
      const next = this.machine.nextDeadline();
      if (next === undefined || next > end) break;
      this.now = micros(Math.max(this.now, next));
      this.expire(this.now);
    }
    this.now = micros(end);
  }

  /** Time passes while nothing is served; then one late alarm. */
  block(us: number): void {
    this.now = micros(this.now + us);
    this.expire(this.now);
  }

  /** A packet of the peer; returns what left in answer at this very moment. */
  receive(
    changes: Partial<ControlPacketToSend> = {},
    way: Partial<Extract<BfdInput, { kind: "packet" }>> = {},
  ): Sent[] {
    const yourDiscriminator = this.machine.view()[0]?.localDiscriminator ?? 0;
    const packet = { ...this.peer, yourDiscriminator, ...changes };
    return this.receiveOctets(encodeControlPacket(packet), way);
  }

  receiveOctets(
    octets: Uint8Array,
    way: Partial<Extract<BfdInput, { kind: "packet" }>> = {},
  ): Sent[] {
    const before = this.sent.length;
    const config = this.machine.view()[0] ?? sessionConfig();
    this.handle(
      {
        kind: "packet",
        octets,
        remoteAddress: config.remoteAddress,
        localAddress: config.localAddress,
        device: config.device,
        ttl: 255,
        port: BFD_PORT[config.mode],
        ...way,
      },
      this.now,
    );
    return this.sent.slice(before);
  }

  /** Three-way handshake, and the poll for fast intervals is answered. */
  bringUp(): void {
    this.receive({ state: "Down" });
    this.receive({ state: "Init" });
    if (!this.view().isPolling) return;
    this.passWithPeer(2 * SEC, 250 * MS);
  }

  /** Time passes while the peer sends Up at a steady pace and answers polls. */
  passWithPeer(us: number, everyUs: number, changes: Partial<ControlPacketToSend> = {}): void {
    const end = this.now + us;
    let next = this.now + everyUs;
    while (next <= end) {
      const before = this.sent.length;
      this.pass(next - this.now);
      this.receive({ state: "Up", ...changes });
      const polls = this.sent.slice(before).some(({ packet }) => packet.poll);
      if (polls) this.receive({ state: "Up", ...changes, final: true });
      next += everyUs;
    }
    this.pass(end - this.now);
  }
}

export interface LinkOptions {
  readonly delayUs?: number;
  /** Added, uniformly drawn: packets may overtake each other. */
  readonly jitterUs?: number;
  /** 0 to 1 */
  readonly loss?: number;
  readonly duplicate?: number;
}

interface InFlight {
  readonly at: number;
  readonly order: number;
  readonly to: Node;
  readonly input: BfdInput;
}

/** Two machines, a link each way, one virtual clock. */
export class Pair {
  now = micros(5_000_000);
  readonly a: Node;
  readonly b: Node;
  readonly #rng: Rng;
  readonly #flight: InFlight[] = [];
  readonly #links: Map<Node, LinkOptions>;
  #order = 0;
  readonly cut = new Set<Node>();

  constructor(
    configs: { readonly a: BfdSessionConfig; readonly b: BfdSessionConfig },
    options: { readonly seed?: number; readonly link?: LinkOptions } = {},
  ) {
    const seed = options.seed ?? 1;
    this.#rng = seededRng(seed ^ 0x5eed);
    this.a = new Node(seed);
    this.b = new Node(seed + 1);
    this.#links = new Map([
      [this.a, options.link ?? {}],
      [this.b, options.link ?? {}],
    ]);
    this.#wire(this.a, this.b);
    this.#wire(this.b, this.a);
    this.configure(this.a, configs.a);
    this.configure(this.b, configs.b);
  }

  configure(node: Node, ...sessions: BfdSessionConfig[]): void {
    node.handle({ kind: "configure", sessions }, this.now);
  }

  /** What packets of `from` meet from now on. */
  setLink(from: Node, link: LinkOptions): void {
    this.#links.set(from, link);
  }

  /** Power off and on: a new machine with new discriminators, nothing said. */
  restart(node: Node, config: BfdSessionConfig, seed: number): void {
    node.machine = new BfdSessions({ rng: seededRng(seed) });
    this.configure(node, config);
  }

  run(us: number): void {
    const end = this.now + us;
    for (;;) {
      const packet = this.#flight[0];
      const arrival = packet === undefined ? Infinity : Math.max(packet.at, packet.to.busyUntil);
      const [alarmAt, node] = this.#nextAlarm();
      const at = Math.min(arrival, alarmAt);
      if (at > end) break;
      this.now = micros(Math.max(this.now, at));
      if (packet !== undefined && arrival <= alarmAt) {
        this.#flight.shift();
        packet.to.handle(packet.input, this.now);
      } else {
        node?.expire(this.now);
      }
    }
    this.now = micros(end);
  }

  /** Runs until both are Up, at most ten seconds; then a little longer for the polls. */
  bringUp(): void {
    for (let tries = 0; tries < 1000 && !this.isUp(); tries += 1) this.run(10 * MS);
    if (!this.isUp()) throw new Error("the pair did not come up");
    this.run(5 * SEC);
  }

  isUp(): boolean {
    return [this.a, this.b].every((node) => node.machine.view()[0]?.state === "Up");
  }

  #nextAlarm(): [number, Node | undefined] {
    let at = Number.POSITIVE_INFINITY;
    let first: Node | undefined;
    for (const node of [this.a, this.b]) {
      const due = Math.max(node.machine.nextDeadline() ?? Infinity, node.busyUntil);
      if (due < at) {
        at = due;
        first = node;
      }
    }
    return [at, first];
  }

  #wire(from: Node, to: Node): void {
    from.onSend = ({ session, octets }) => {
      const config = from.machine.view().find(({ name }) => name === session);
      if (config === undefined || this.cut.has(from)) return;
      const link = this.#links.get(from) ?? {};
      const copies = this.#rng.unit() < (link.duplicate ?? 0) ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) {
        if (this.#rng.unit() < (link.loss ?? 0)) continue;
        const delayUs = (link.delayUs ?? 1 * MS) + this.#rng.int(0, link.jitterUs ?? 0);
        this.#post(this.now + delayUs, to, {
          kind: "packet",
          octets: octets.slice(),
          remoteAddress: config.localAddress,
          localAddress: config.remoteAddress,
          device: config.device,
          ttl: 255,
          port: BFD_PORT[config.mode],
        });
      }
    };
  }

  #post(at: number, to: Node, input: BfdInput): void {
    this.#order += 1;
    this.#flight.push({ at, order: this.#order, to, input });
    this.#flight.sort((x, y) => x.at - y.at || x.order - y.order);
  }
}
