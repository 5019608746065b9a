import type { BfdSessionConfig, BfdSessionView, BfdStateChange } from "../bfd/sessions/contract.ts";
import type { LogEvent } from "../core/log.ts";
import { after, US_PER_SEC } from "../core/time.ts";
import type { Alarm, Clock } from "../platform/contract.ts";
import type { BfdEngine, RecordingPiece, StartBfdEngine } from "./bfd/engine.ts";
import type { ExitTable, PathExit } from "./bfd/exits.ts";

export interface BfdKeeperHandler {
  /** The engine runs and has its sessions. */
  started(): void;
  failed(text: string): void;
  state(change: BfdStateChange, exit?: PathExit): void;
  log(entry: LogEvent): void;
}

const RESTART_US = US_PER_SEC;
const RESTART_US_MAX = 30 * US_PER_SEC;

/**
 * Keeps one BFD engine running: starts it with the first session, starts it again when it dies,
 * less and less eagerly. What an engine says after it failed is not believed.
 */
export class BfdKeeper {
  readonly #start: StartBfdEngine;
  readonly #clock: Clock;
  readonly #handler: BfdKeeperHandler;
  readonly #alarm: Alarm;
  #engine: BfdEngine | undefined;
  #sessions: readonly BfdSessionConfig[] = [];
  #fingerprint = "[]";
  #exits: ExitTable | undefined;
  #restartUs = RESTART_US;
  #life = 0;
  #isStopped = false;
  /** Why there is no engine although there are sessions. */
  failure: string | undefined;

  constructor(start: StartBfdEngine, clock: Clock, handler: BfdKeeperHandler) {
    this.#start = start;
    this.#clock = clock;
    this.#handler = handler;
    this.#alarm = clock.createAlarm(() => this.#restart());
  }

  get isRunning(): boolean {
    return this.#engine !== undefined;
  }

  /** Throws what starting the engine throws; a restart later on does not. */
  configure(sessions: readonly BfdSessionConfig[]): void {
    if (sessions === this.#sessions) return;
    const fingerprint = JSON.stringify(sessions, (_, value) =>
      value instanceof Uint8Array ? Array.from(value) : value,
    );
    if (fingerprint === this.#fingerprint) {
      this.#sessions = sessions;
      return;
    }
    if (this.#engine === undefined && this.failure === undefined) {
      this.#engine = this.#launch();
    }
    this.#sessions = sessions;
    this.#fingerprint = fingerprint;
    this.#engine?.configure(sessions);
    if (this.#exits !== undefined) this.#engine?.protect(this.#exits);
    if (this.#engine !== undefined) this.#handler.started();
  }

  /** Kept for an engine that is started again. */
  protect(table: ExitTable): void {
    this.#exits = table;
    this.#engine?.protect(table);
  }

  snapshot(done: (sessions: readonly BfdSessionView[]) => void): void {
    if (this.#engine === undefined) done([]);
    else this.#engine.snapshot(done);
  }

  record(told: RecordingPiece): void {
    if (this.#engine === undefined) told("", true);
    else this.#engine.record(told);
  }

  /** Says AdminDown everywhere, then calls `done`. */
  stop(done: () => void): void {
    this.#isStopped = true;
    this.#life += 1;
    this.#alarm.set(undefined);
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine === undefined) done();
    else engine.stop(done);
  }

  #launch(): BfdEngine {
    this.#life += 1;
    const life = this.#life;
    const isAlive = () => life === this.#life;
    return this.#start({
      state: (change, exit) => {
        if (isAlive()) this.#handler.state(change, exit);
      },
      log: (entry) => {
        if (isAlive()) this.#handler.log(entry);
      },
      failed: (text) => {
        if (isAlive()) this.#failed(text);
      },
    });
  }

  #failed(text: string): void {
    this.#life += 1;
    this.#engine = undefined;
    this.failure = text;
    this.#handler.failed(text);
    if (this.#isStopped) return;
    this.#alarm.set(after(this.#clock.now(), this.#restartUs));
    this.#restartUs = Math.min(this.#restartUs * 2, RESTART_US_MAX);
  }

  #restart(): void {
    try {
      this.#engine = this.#launch();
      this.#engine.configure(this.#sessions);
      if (this.#exits !== undefined) this.#engine.protect(this.#exits);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
      return;
    }
    this.failure = undefined;
    this.#handler.started();
  }
}
