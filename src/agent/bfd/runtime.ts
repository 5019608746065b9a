import { BfdSessions } from "../../bfd/index.ts";
import type {
  BfdEffect,
  BfdInput,
  BfdSessionConfig,
  BfdSessionView,
  BfdStateChange,
} from "../../bfd/sessions/contract.ts";
import type { LogEvent } from "../../core/log.ts";
import { seededRng } from "../../core/rng.ts";
import { after, US_PER_SEC } from "../../core/time.ts";
import type { Alarm, Host } from "../../platform/contract.ts";
import { Driver } from "../../platform/driver.ts";
import { Recorder } from "../../platform/recorder.ts";
import { Receivers } from "./receivers.ts";
import { Senders } from "./senders.ts";

/** What a runtime tells, from inside whatever call or event it happened in. */
export interface BfdRuntimeHandler {
  state(change: BfdStateChange): void;
  log(entry: LogEvent): void;
}

export interface BfdRuntimeOptions {
  /** What is kept of the machine's inputs at most; none are without it. */
  readonly recordingOctetsMax?: number;
}

/**
 * BFD on a host: the machine, its driver and its sockets. Every engine is this behind a different
 * wall: none (`inline-engine.ts`) or a thread (`worker-engine.ts`). It owns the sockets and when
 * they come and go; what a packet means is the machine's. Interfaces that vanish and return under
 * the same name get new sockets, because a bound socket stays with the old one for ever.
 */
export class BfdRuntime {
  readonly #host: Host;
  readonly #handler: BfdRuntimeHandler;
  readonly #machine: BfdSessions;
  readonly #driver: Driver<BfdInput, BfdEffect>;
  readonly #recorder: Recorder<BfdInput> | undefined;
  readonly #receivers: Receivers;
  readonly #senders: Senders;
  readonly #linkWatch: { close(): void };
  readonly #stopLimit: Alarm;
  /** By name: those configured, and those removed that still say AdminDown. */
  readonly #sessions = new Map<string, BfdSessionConfig>();
  readonly #deviceIndex = new Map<string, number | undefined>();
  #stopped: (() => void) | undefined;
  #isClosed = false;

  constructor(host: Host, handler: BfdRuntimeHandler, options: BfdRuntimeOptions = {}) {
    const { recordingOctetsMax: octetsMax } = options;
    const seed = host.rng.int(-0x8000_0000, 0x7fff_ffff);
    const machine = new BfdSessions({ rng: seededRng(seed) });
    this.#host = host;
    this.#handler = handler;
    this.#machine = machine;
    this.#recorder =
      octetsMax === undefined ? undefined : bfdRecorder(machine, { seed, octetsMax });
    const perform = (effect: BfdEffect) => this.#perform(effect);
    this.#driver = new Driver(machine, host.clock, perform, this.#recorder);
    const tell = (entry: LogEvent): void => handler.log(entry);
    this.#senders = new Senders(host, tell);
    this.#receivers = new Receivers(host, (packet) => this.#driver.deliver(packet), tell);
    this.#stopLimit = host.clock.createAlarm(() => this.#close());
    this.#linkWatch = host.links.watch((device, state) => this.#linkChanged(device, state?.index));
  }

  /** The whole set of sessions; `checkSessions` found no fault with it. */
  configure(sessions: readonly BfdSessionConfig[]): void {
    if (this.#isClosed || this.#stopped !== undefined) return;
    this.#configure(sessions);
  }

  admin(input: Extract<BfdInput, { readonly kind: "admin" }>): void {
    this.#driver.deliver(input);
  }

  view(): readonly BfdSessionView[] {
    return this.#machine.view();
  }

  /** The last inputs, line by line (`platform/recorder.ts`); nothing where none are kept. */
  recording(): Iterator<string> {
    return this.#recorder?.lines() ?? [].values();
  }

  /**
   * AdminDown on every session, for as long as peers need to notice (RFC 5880 §6.8.16) but no
   * longer than a stop may take; then the sockets close and `done` is called.
   */
  stop(done: () => void): void {
    if (this.#isClosed || this.#stopped !== undefined) return;
    this.#stopped = done;
    this.#stopLimit.set(after(this.#host.clock.now(), STOP_MAX_US));
    this.#configure([]);
    if (this.#sessions.size === 0) this.#close();
  }

  #configure(sessions: readonly BfdSessionConfig[]): void {
    for (const config of sessions) {
      this.#sessions.set(config.name, config);
      if (config.device === undefined || this.#deviceIndex.has(config.device)) continue;
      this.#deviceIndex.set(config.device, this.#host.links.state(config.device)?.index);
    }
    // Peers may answer at once: sockets stand before the machine speaks.
    this.#receivers.want(this.#sessions.values());
    this.#driver.deliver({ kind: "configure", sessions });
  }

  #perform(effect: BfdEffect): void {
    switch (effect.kind) {
      case "send": {
        const config = this.#sessions.get(effect.session);
        if (config !== undefined) this.#senders.send(config, effect.octets);
        return;
      }
      case "state":
        this.#handler.state(effect);
        return;
      case "ended":
        this.#ended(effect.session);
        return;
      case "log": {
        const { level, event, fields } = effect;
        this.#handler.log({ level, event, fields });
      }
    }
  }

  #ended(session: string): void {
    this.#senders.close(session);
    // The name may belong to a new session by now, over another path.
    if (this.#machine.view().some(({ name }) => name === session)) return;
    this.#sessions.delete(session);
    this.#receivers.want(this.#sessions.values());
    if (this.#stopped !== undefined && this.#sessions.size === 0) this.#close();
  }

  #linkChanged(device: string, index: number | undefined): void {
    if (this.#isClosed || !this.#deviceIndex.has(device)) return;
    if (this.#deviceIndex.get(device) === index) return;
    this.#deviceIndex.set(device, index);
    this.#senders.deviceChanged(device);
    this.#receivers.deviceChanged(device);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopLimit.set(undefined);
    this.#driver.stop();
    this.#linkWatch.close();
    this.#receivers.close();
    this.#senders.closeAll();
    this.#stopped?.();
  }
}

/** Keys are in no recording: a session that has some is recorded without them. */
function bfdRecorder(
  machine: BfdSessions,
  options: { readonly seed: number; readonly octetsMax: number },
): Recorder<BfdInput> {
  return new Recorder({
    ...options,
    machine: "bfd",
    checkpoint: () => {
      const memory = machine.save();
      const sessions = memory.sessions.map(({ slot, memory }) => ({
        slot,
        memory: { ...memory, config: withoutKeys(memory.config) },
      }));
      return { ...memory, sessions };
    },
    represent: (input) =>
      input.kind === "configure" ? { ...input, sessions: input.sessions.map(withoutKeys) } : input,
  });
}

const withoutKeys = (config: BfdSessionConfig): BfdSessionConfig =>
  config.auth === undefined ? config : { ...config, auth: { ...config.auth, keys: [] } };

/**
 * How long a stop may wait for peers to notice: a Detection Time of the cloud's default, 1 s × 3.
 */
const STOP_MAX_US = 3 * US_PER_SEC;
