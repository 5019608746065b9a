import { PlatformError } from "../../core/app-error.ts";
import { assert } from "../../core/assert.ts";
import type { LogEvent } from "../../core/log.ts";
import { type Rng, seededRng } from "../../core/rng.ts";
import { after, type Micros } from "../../core/time.ts";
import { type HostOptions, VirtualHost } from "./host.ts";
import { VirtualLink } from "./link.ts";
import { type LinkQuality, PERFECT_LINK } from "./link-quality.ts";
import { Timeline } from "./timeline.ts";
import type { Place, TraceObserver } from "./trace.ts";
import { type Flow, type Walk, walk } from "./walk.ts";

export interface WorldOptions {
  /** A 32-bit integer; the same seed repeats a run to the last octet. */
  readonly seed: number;
  /** What wall clocks show at instant 0; 2026-01-01T00:00:00Z by default. */
  readonly startWallMs?: number;
  /** Where the logs of all hosts go; nowhere by default. */
  readonly log?: (host: string, entry: LogEvent, at: Micros) => void;
}

export interface LinkOptions extends Partial<LinkQuality> {
  readonly name?: string;
  /** Two ends, or more for a shared segment. Ports are made where they do not exist. */
  readonly between: readonly {
    readonly host: VirtualHost;
    readonly device: string;
    /** `10.0.0.1/30`; none where VLANs on top carry them. */
    readonly addresses?: readonly string[];
  }[];
  /** Also the MTU of ports made for the link. */
  readonly mtu?: number;
  /** Ends see a cut, and a far end switched off, as lost carrier. True by default. */
  readonly carrierVisible?: boolean;
}

/**
 * A network of hosts on one virtual clock: the way in to this folder. It runs as fast as the
 * machine can, and a run depends on nothing but the seed and the calls made: every host and link
 * draws from a generator of its own, named after it, so adding one leaves the luck of the others
 * alone.
 *
 *     const world = new World({ seed: 7 });
 *     const edge = world.addHost("edge");
 *     const vbr = world.addHost("vbr");
 *     const circuit = world.link({
 *       between: [
 *         { host: edge, device: "eth0", addresses: ["10.0.0.1/30"] },
 *         { host: vbr, device: "port", addresses: ["10.0.0.2/30"] },
 *       ],
 *       latencyUs: 2_000, jitterUs: 100, loss: 0, carrierVisible: false,
 *     });
 *     world.at(5_000_000, () => circuit.cut());
 *     world.run({ forUs: 60_000_000 });
 *
 *   timeline.ts events in order, the clock    trace.ts   what happened, as a hash and to observers
 *   host.ts     a machine and its knobs       process.ts what runs on it: frozen, killed, called
 *   link.ts     the way between hosts         links.ts   interfaces, VLANs, carrier, who watches
 *   ip-stack.ts way out, local, forwarding    fib.ts     routes, groups, ECMP; asked by routes.ts
 *   udp.ts, tcp.ts (tcp-connection, -sender, -receiver), icmp.ts on top; walk.ts without packets
 *
 * What it does not model: ARP and ND delays, fragmentation (everything is sent as if DF were set),
 * the time a CPU needs (a process may be frozen, see `Process`), and congestion inside hosts.
 */
export class World {
  readonly seed: number;
  readonly #timeline = new Timeline();
  readonly #startWallMs: number;
  readonly #log: WorldOptions["log"];
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #links: VirtualLink[] = [];
  #look: (() => void) | undefined;
  #seenCount = 0;
  #placeCount = 0;
  #packetCount = 0;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.#startWallMs = options.startWallMs ?? START_WALL_MS;
    this.#log = options.log;
  }

  get now(): Micros {
    return this.#timeline.now;
  }

  /** Events run since the beginning: the measure of work. */
  get eventCount(): number {
    return this.#timeline.eventCount;
  }

  /** Of everything that happened so far, in order. */
  get traceHash(): string {
    return this.#timeline.trace.hash;
  }

  get hosts(): readonly VirtualHost[] {
    return [...this.#hosts.values()];
  }

  get links(): readonly VirtualLink[] {
    return this.#links;
  }

  /** The host of that name, which must exist. */
  host(name: string): VirtualHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new PlatformError("PLATFORM_HOST_UNKNOWN", `no host ${name}`);
    return host;
  }

  addHost(name: string, options: HostOptions = {}): VirtualHost {
    assert(!this.#hosts.has(name), `host ${name} is new`);
    const host = new VirtualHost(
      {
        place: this.#place(name),
        timeline: this.#timeline,
        rng: this.rng(`host ${name}`),
        log: { write: (entry, at) => this.#log?.(name, entry, at) },
        wallClock: { nowMs: () => this.#startWallMs + Math.floor(this.#timeline.now / 1000) },
        nextPacketId: () => {
          this.#packetCount += 1;
          return this.#packetCount;
        },
      },
      options,
    );
    this.#hosts.set(name, host);
    return host;
  }

  link(options: LinkOptions): VirtualLink {
    const { name: given, between, carrierVisible, ...quality } = options;
    assert(between.length >= 2, "a link has two ends or more");
    const name = given ?? between.map((end) => `${end.host.name}:${end.device}`).join(" - ");
    const link = new VirtualLink({
      place: this.#place(name),
      timeline: this.#timeline,
      rng: this.rng(`link ${name}`),
      quality: { ...PERFECT_LINK, ...quality },
      isCarrierVisible: carrierVisible ?? true,
      ports: between.map(({ host, device, addresses }) =>
        host.port(device, {
          addresses: addresses ?? [],
          ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
        }),
      ),
    });
    this.#links.push(link);
    return link;
  }

  /** Randomness named after its purpose: independent of what else is drawn in this world. */
  rng(purpose: string): Rng {
    let seed = this.seed | 0;
    for (let index = 0; index < purpose.length; index += 1) {
      seed = Math.imul(seed ^ purpose.charCodeAt(index), 0x01000193);
      seed ^= seed >>> 15;
    }
    return seededRng(seed);
  }

  /** Which way a packet would go now, without sending it. */
  forward(flow: Flow): Walk {
    return walk(this.#hosts, flow, this.now);
  }

  /** Sees every packet and change; it must not change anything itself. */
  observe(observer: TraceObserver): { close(): void } {
    return this.#timeline.trace.observe(observer);
  }

  /** Puts a word of the caller's into the trace. */
  mark(text: string): void {
    this.#timeline.trace.note(this.now, WORLD_PLACE, text);
  }

  /**
   * Calls `look` at the end of every instant in which a table, a link or a process may have
   * changed, before time goes on; of packets it hears nothing, so that it costs them nothing.
   */
  onChange(look: () => void): void {
    this.#look = look;
  }

  /** Calls `run` at an instant; in the past means now. */
  at(atUs: number, run: () => void): void {
    this.#timeline.call(atUs, run);
  }

  /** Runs the next event; false where nothing waits any more. */
  step(): boolean {
    return this.#timeline.step();
  }

  /** Runs everything up to and including an instant, and leaves the clock there. */
  run(until: { readonly untilUs: number } | { readonly forUs: number }): void {
    const end = "untilUs" in until ? until.untilUs : after(this.now, until.forUs);
    while (this.#timeline.nextAt <= end) this.#advance();
    this.#timeline.idleUntil(end);
  }

  /**
   * Runs until the predicate holds, asked before the first event and after each; false where it
   * does not by `deadlineUs` (an instant). The clock is then at the deadline.
   */
  runUntil(predicate: () => boolean, deadlineUs: number): boolean {
    while (!predicate()) {
      if (this.#timeline.nextAt > deadlineUs) {
        this.#timeline.idleUntil(deadlineUs);
        return false;
      }
      this.#advance();
    }
    return true;
  }

  #advance(): void {
    const timeline = this.#timeline;
    timeline.step();
    const { changeCount } = timeline.trace;
    if (changeCount === this.#seenCount || timeline.nextAt <= timeline.now) return;
    this.#seenCount = changeCount;
    this.#look?.();
  }

  #place(name: string): Place {
    this.#placeCount += 1;
    return { id: this.#placeCount, name };
  }
}

const WORLD_PLACE: Place = { id: 0, name: "world" };
export const START_WALL_MS = 1_767_225_600_000;
