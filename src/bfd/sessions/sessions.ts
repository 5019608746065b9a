import { assert } from "../../core/assert.ts";
import type { LogLevel } from "../../core/log.ts";
import type { Machine } from "../../core/machine.ts";
import { type Rng, resumedRng } from "../../core/rng.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import { BfdSession } from "../session/machine.ts";
import type { SessionMemory } from "../session/memory.ts";
import { type ControlPacket, decodeControlPacket } from "../wire/control-packet.ts";
import { Agenda } from "./agenda.ts";
import { addressesOf, checkSessions, pathOf } from "./check-config.ts";
import type { BfdEffect, BfdInput, BfdSessionConfig, BfdSessionView } from "./contract.ts";
import { DiscardLog, type DiscardLogMemory } from "./discard-log.ts";

/** UDP destination ports: RFC 5881 §4 and RFC 5883 §5. */
export const BFD_PORT = { "single-hop": 3784, multihop: 4784 } as const;

/** Every session as plain data, from which another `BfdSessions` goes on. */
export interface BfdMemory {
  readonly rng: readonly number[];
  /** In the order of their creation, each with the slot it holds. */
  readonly sessions: readonly { readonly slot: number; readonly memory: SessionMemory }[];
  readonly freeSlots: readonly number[];
  readonly log: DiscardLogMemory;
  /** Alarms of sessions that a bug of ours met wait longer than the sessions know. */
  readonly alarms: readonly number[];
}

type PacketInput = Extract<BfdInput, { readonly kind: "packet" }>;
type Mode = BfdSessionConfig["mode"];

/**
 * Every BFD session of a host as one machine. It owns who gets a packet (RFC 5880 §6.3, RFC 5881
 * §3, §5, RFC 5883 §3–§4), the discriminators, the birth and end of sessions, and the agenda of
 * their timers; what a session does with a packet is `session/machine.ts`.
 *
 * Nothing is discarded unseen: a refused packet counts, by reason, on the session whose
 * discriminator or addresses it carries, else in `strays`; each cause writes a few log lines a
 * minute. Wrong ports, interfaces and TTLs are told apart because they are how wrong configurations
 * show.
 */
export class BfdSessions implements Machine<BfdInput, BfdEffect> {
  readonly #rng: Rng;
  readonly #byName = new Map<string, number>();
  readonly #byDiscriminator = new Map<number, number>();
  /** Mode, remote and local address → slots, which then differ by interface. */
  readonly #byAddresses = new Map<string, number[]>();
  readonly #slots: (BfdSession | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #agenda = new Agenda();
  readonly #strays = new Map<string, number>();
  readonly #log = new DiscardLog();

  constructor({ rng }: { readonly rng: Rng }) {
    this.#rng = rng;
  }

  /** A machine that answers from here on what the one answers whose `save()` this was. */
  static resumed(memory: BfdMemory): BfdSessions {
    const machine = new BfdSessions({ rng: resumedRng(memory.rng) });
    machine.#load(memory);
    return machine;
  }

  /** Everything its answers depend on; what is only counted is not in it. */
  save(): BfdMemory {
    const slots = [...this.#byName.values()];
    return {
      rng: this.#rng.state(),
      sessions: slots.map((slot) => ({ slot, memory: this.#session(slot).save() })),
      freeSlots: [...this.#freeSlots],
      log: this.#log.save(),
      alarms: slots.map((slot) => this.#agenda.at(slot)),
    };
  }

  #load({ sessions, freeSlots, log, alarms }: BfdMemory): void {
    for (const [index, { slot, memory }] of sessions.entries()) {
      this.#place(slot, BfdSession.resumed(memory));
      this.#agenda.set(slot, alarms[index] ?? Number.POSITIVE_INFINITY);
    }
    this.#freeSlots.push(...freeSlots);
    this.#log.load(log);
  }

  handle(input: BfdInput, now: Micros, out: BfdEffect[]): void {
    switch (input.kind) {
      case "configure":
        this.#configure(input.sessions, now, out);
        return;
      case "packet":
        try {
          this.#packet(input, now, out);
        } catch (error) {
          this.#contain(this.#byPath(input), error, now, out);
        }
        return;
      case "admin": {
        const slot = this.#byName.get(input.session);
        if (slot === undefined) return;
        const session = this.#session(slot);
        if (!session.isEnding) session.setAdminDown(input.isDown, now, out);
        this.#agenda.set(slot, session.deadline);
      }
    }
  }

  expire(now: Micros, out: BfdEffect[]): void {
    // Each session once at most: one that is due again by now waits for the next alarm.
    for (let turns = this.#byName.size; turns > 0; turns -= 1) {
      const slot = this.#agenda.due(now);
      if (slot === undefined) return;
      const session = this.#session(slot);
      try {
        session.expire(now, out);
      } catch (error) {
        this.#contain(slot, error, now, out);
        continue;
      }
      if (session.hasEnded(now)) this.#remove(slot, session, out);
      else this.#agenda.set(slot, session.deadline);
    }
  }

  nextDeadline(): Micros | undefined {
    return this.#agenda.next();
  }

  /** Every session, in the order of their creation; those on their way out too. */
  view(): readonly BfdSessionView[] {
    return [...this.#byName.values()].map((slot) => this.#session(slot).view());
  }

  /** Refused packets that are no session's: reason → count. */
  strays(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#strays);
  }

  // Configuration -------------------------------------------------------------------------------

  #configure(sessions: readonly BfdSessionConfig[], now: Micros, out: BfdEffect[]): void {
    const wrong = checkSessions(sessions);
    assert(wrong === undefined, `BFD sessions were checked: ${wrong}`);
    const names = new Set(sessions.map(({ name }) => name));
    for (const [name, slot] of this.#byName) {
      if (names.has(name)) continue;
      const session = this.#session(slot);
      session.end(now, out);
      this.#agenda.set(slot, session.deadline);
    }
    for (const config of sessions) {
      const slot = this.#byName.get(config.name);
      const session = slot === undefined ? undefined : this.#session(slot);
      if (slot !== undefined && session !== undefined) {
        if (pathOf(session.config) === pathOf(config)) {
          session.reconfigure(config, now, out);
          this.#agenda.set(slot, session.deadline);
          continue;
        }
        // Another path under the same name: the old one gets its AdminDown once, then its socket
        // goes.
        session.end(now, out);
        this.#remove(slot, session, out);
      }
      this.#create(config, now, out);
    }
  }

  #create(config: BfdSessionConfig, now: Micros, out: BfdEffect[]): void {
    const addresses = addressesOf(config.mode, config.remoteAddress, config.localAddress);
    const neighbours = this.#byAddresses.get(addresses) ?? [];
    for (const slot of [...neighbours]) {
      // The path goes on under a new name: its past is over now.
      const session = this.#session(slot);
      if (pathOf(session.config) !== pathOf(config)) continue;
      session.end(now, out);
      this.#remove(slot, session, out);
    }
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const discriminator = this.#newDiscriminator();
    const session = new BfdSession(config, discriminator, this.#rng.fork(), now);
    this.#place(slot, session);
    this.#agenda.set(slot, session.deadline);
  }

  #place(slot: number, session: BfdSession): void {
    const { name, mode, remoteAddress, localAddress } = session.config;
    const addresses = addressesOf(mode, remoteAddress, localAddress);
    this.#slots[slot] = session;
    this.#byName.set(name, slot);
    this.#byDiscriminator.set(session.localDiscriminator, slot);
    this.#byAddresses.set(addresses, [...(this.#byAddresses.get(addresses) ?? []), slot]);
  }

  #remove(slot: number, session: BfdSession, out: BfdEffect[]): void {
    const { name, mode, remoteAddress, localAddress } = session.config;
    const addresses = addressesOf(mode, remoteAddress, localAddress);
    const others = (this.#byAddresses.get(addresses) ?? []).filter((other) => other !== slot);
    if (others.length > 0) this.#byAddresses.set(addresses, others);
    else this.#byAddresses.delete(addresses);
    this.#byName.delete(name);
    this.#byDiscriminator.delete(session.localDiscriminator);
    this.#agenda.set(slot, Number.POSITIVE_INFINITY);
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
    this.#log.forget(`${name} `);
    out.push({ kind: "ended", session: name });
  }

  /** RFC 5880 §6.3, §6.8.1: unique on this system, not 0, and hard to guess. */
  #newDiscriminator(): number {
    let discriminator = 0;
    while (discriminator === 0 || this.#byDiscriminator.has(discriminator)) {
      discriminator = this.#rng.int(1, 0xffff_ffff);
    }
    return discriminator;
  }

  #session(slot: number): BfdSession {
    const session = this.#slots[slot];
    assert(session !== undefined, `slot ${slot} holds a session`);
    return session;
  }

  // Packets -------------------------------------------------------------------------------------

  #packet(input: PacketInput, now: Micros, out: BfdEffect[]): void {
    const decoded = decodeControlPacket(input.octets);
    if (!decoded.ok) {
      const { reason, because } = decoded.fault;
      this.#discard(this.#byPath(input), { reason, because, input }, now, out);
      return;
    }
    const packet = decoded.value;
    const slot = this.#select(packet, input);
    if (slot === undefined) {
      const isStranger = packet.yourDiscriminator === 0;
      const reason = isStranger ? "no-session" : "your-discriminator";
      const because = isStranger
        ? "no session with these addresses"
        : `no session has discriminator ${packet.yourDiscriminator}`;
      const owner = isStranger ? undefined : this.#byPath(input);
      this.#discard(owner, { reason, because, input }, now, out);
      return;
    }
    const session = this.#session(slot);
    const misled = misledIn(session.config, input);
    if (misled !== undefined) {
      this.#discard(slot, { ...misled, input }, now, out);
      return;
    }
    const reason = session.receive(packet, input.octets, now, out);
    if (reason === "admin-down") session.countDiscard(reason);
    else if (reason !== undefined) {
      this.#discard(slot, { reason, because: BECAUSE_AUTH[reason], input }, now, out);
    }
    this.#agenda.set(slot, session.deadline);
  }

  /**
   * RFC 5880 §6.3: Your Discriminator selects; a packet without one is found by its addresses.
   * Where those fit a session but for the port or the interface, it is that session's, to be
   * refused there.
   */
  #select(packet: ControlPacket, input: PacketInput): number | undefined {
    if (packet.yourDiscriminator !== 0) return this.#byDiscriminator.get(packet.yourDiscriminator);
    return this.#byPath(input);
  }

  #byPath(input: PacketInput): number | undefined {
    const mode = modeOf(input.port);
    return this.#among(mode, input) ?? this.#among(OTHER_MODE[mode], input);
  }

  #among(mode: Mode, input: PacketInput): number | undefined {
    const slots = this.#byAddresses.get(addressesOf(mode, input.remoteAddress, input.localAddress));
    if (slots === undefined) return undefined;
    const here = slots.find((slot) => isDeviceOf(this.#session(slot).config, input));
    return here ?? slots[0];
  }

  /**
   * A bug of ours, met by one session: it is counted there like a packet lost, and its timers wait
   * a second, so that they do not meet it again at once. Should it go on, the session times out.
   */
  #contain(slot: number | undefined, error: unknown, now: Micros, out: BfdEffect[]): void {
    const session = slot === undefined ? undefined : this.#session(slot);
    if (slot !== undefined) this.#agenda.set(slot, after(now, US_PER_SEC));
    if (session !== undefined) session.countDiscard(INTERNAL_ERROR);
    else this.#strays.set(INTERNAL_ERROR, (this.#strays.get(INTERNAL_ERROR) ?? 0) + 1);
    const name = session?.config.name;
    const held = this.#log.admit(`${name ?? ""} ${INTERNAL_ERROR}`, now);
    if (held === undefined) return;
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    const fields = { session: name, message, stack, held };
    out.push({ kind: "log", level: "error", event: "bfd.session.internal-error", fields });
  }

  #discard(slot: number | undefined, why: Discard, now: Micros, out: BfdEffect[]): void {
    const { reason, because, input } = why;
    const session = slot === undefined ? undefined : this.#session(slot);
    if (session !== undefined) session.countDiscard(reason);
    else this.#strays.set(reason, (this.#strays.get(reason) ?? 0) + 1);
    const name = session?.config.name;
    const held = this.#log.admit(name === undefined ? reason : `${name} ${reason}`, now);
    if (held === undefined) return;
    const { remoteAddress, localAddress, device, ttl, port } = input;
    const fields = { remoteAddress, localAddress, device, ttl, port, held };
    out.push({
      kind: "log",
      level: levelOf(reason),
      event: "bfd.packet.discarded",
      fields: { session: name, reason, because, ...fields },
    });
  }
}

interface Discard {
  readonly reason: string;
  readonly because: string;
  readonly input: PacketInput;
}

/**
 * What does not fit between the way a packet came and its session. Deviation: RFC 5880 §6.3 selects
 * by Your Discriminator alone; our peers are configured, so one that answers from another address
 * is refused and counted rather than followed.
 */
function misledIn(
  config: BfdSessionConfig,
  input: PacketInput,
): { readonly reason: string; readonly because: string } | undefined {
  const port = BFD_PORT[config.mode];
  if (input.port !== port) {
    return { reason: "port", because: `came to port ${input.port}, ${config.mode} uses ${port}` };
  }
  if (input.remoteAddress !== config.remoteAddress || input.localAddress !== config.localAddress) {
    const path = `${config.remoteAddress} to ${config.localAddress}`;
    return { reason: "address", because: `its session runs from ${path}` };
  }
  if (!isDeviceOf(config, input)) {
    return { reason: "device", because: `its session runs over ${config.device}` };
  }
  if (input.ttl < config.minTtl) {
    return { reason: "ttl", because: `TTL ${input.ttl}, at least ${config.minTtl} is due` };
  }
  return undefined;
}

const isDeviceOf = (config: BfdSessionConfig, input: PacketInput): boolean =>
  config.device === undefined || config.device === input.device;

const modeOf = (port: number): Mode => (port === BFD_PORT.multihop ? "multihop" : "single-hop");

const OTHER_MODE = { "single-hop": "multihop", multihop: "single-hop" } as const;

/** Wrong configurations are warnings; the rest is what restarts and noise look like. */
const levelOf = (reason: string): LogLevel =>
  MISCONFIGURED.has(reason) || reason.startsWith("auth-") ? "warn" : "info";

const INTERNAL_ERROR = "internal-error";

const MISCONFIGURED: ReadonlySet<string> = new Set(["port", "address", "device", "ttl"]);

const BECAUSE_AUTH = {
  "auth-unexpected": "authenticated, but this session is not",
  "auth-missing": "not authenticated",
  "auth-section": "authentication section cannot be read",
  "auth-type": "another authentication type than configured",
  "auth-key": "key id is none of ours",
  "auth-sequence": "sequence number is old or too far ahead",
  "auth-digest": "password or digest is wrong",
} as const;
