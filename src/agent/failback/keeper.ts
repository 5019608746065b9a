import type { Avoidance } from "../../bgp/rib/contract.ts";
import type { ResetReason } from "../../bgp/speaker/effects.ts";
import { formatDurationUs, type Micros } from "../../core/time.ts";
import type { Clock, Host } from "../../platform/contract.ts";
import { Driver } from "../../platform/driver.ts";
import type { EdgeConfig, FailbackConfig } from "../config/edge-config.ts";
import type { Events } from "../event-journal.ts";
import { sessionPlans } from "../speaker-config.ts";
import {
  Failback,
  type FailbackEffect,
  type FailbackInput,
  type FailbackMember,
  type FailbackView,
} from "./machine.ts";
import type { FailbackNotes } from "./note.ts";
import type { FailbackPhase } from "./table.ts";

type PhaseEffect = Extract<FailbackEffect, { readonly kind: "phase" }>;

export interface FailbackParts {
  readonly host: Pick<Host, "clock" | "wallClock">;
  readonly events: Events;
  /** Nothing outlives this run without them. */
  readonly notes: FailbackNotes | undefined;
  avoid(session: string, avoidance: Avoidance | undefined): void;
}

/** Joins the machine to the agent: sessions in, orders to the speaker, events and notes out. */
export class FailbackKeeper {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #parts: FailbackParts;
  readonly #machine = new Failback();
  readonly #driver: Driver<FailbackInput, FailbackEffect>;
  #circuits: ReadonlyMap<string, string> = new Map();
  #rule: FailbackConfig | undefined;
  /** The note as it was written last; undefined until the one of the run before was read. */
  #written: string | undefined;

  constructor(parts: FailbackParts) {
    this.#parts = parts;
    this.#clock = parts.host.clock;
    this.#events = parts.events;
    this.#driver = new Driver(this.#machine, this.#clock, (effect) => this.#perform(effect));
  }

  /** Call it once the speaker knows the sessions. */
  configure(config: EdgeConfig): void {
    const members = membersOf(config);
    this.#rule = config.failover.failback;
    this.#circuits = new Map(members.map(({ session, circuit }) => [session, circuit]));
    const insiders = config.neighbors
      .filter(({ remoteAs, localAs }) => remoteAs === (localAs ?? config.localAs))
      .map(({ name }) => name);
    this.#deliver({ kind: "configure", rule: this.#rule, members, insiders });
    if (this.#written === undefined) this.#remember();
  }

  up(session: string): void {
    this.#deliver({ kind: "up", session });
  }

  down(session: string, reason: ResetReason | undefined, text: string): void {
    const isFailure = reason !== "admin" && reason !== "config";
    this.#deliver({ kind: "down", session, isFailure, text });
  }

  release(circuit: string): void {
    this.#deliver({ kind: "release", circuit });
  }

  drain(circuit: string, isOn: boolean): void {
    this.#deliver({ kind: "drain", circuit, isOn });
  }

  view(session: string): FailbackView | undefined {
    return this.#machine.view(session, this.#clock.now());
  }

  stop(): void {
    this.#driver.stop();
  }

  #deliver(input: FailbackInput): void {
    this.#driver.deliver(input);
    if (this.#written !== undefined) this.#keepNote();
  }

  #remember(): void {
    const note = this.#parts.notes?.read();
    // A note that was read is always replaced by what is true of it now.
    this.#written = note === undefined ? "[]" : "";
    if (note === undefined) return;
    const sessions = note.sessions.map(({ failedAtMs, ...known }) => ({
      ...known,
      failedAt: failedAtMs.map((atMs) => this.#instantOf(atMs)),
    }));
    this.#deliver({ kind: "remember", sessions });
  }

  /** Written when something changed that a person or a count of failures depends on. */
  #keepNote(): void {
    const { notes, host } = this.#parts;
    if (notes === undefined) return;
    const memory = this.#machine.memory(this.#clock.now());
    const text = JSON.stringify(memory);
    if (text === this.#written) return;
    this.#written = text;
    const offsetMs = Math.round(host.wallClock.nowMs() - this.#clock.now() / 1_000);
    const sessions = memory.map(({ failedAt, ...known }) => ({
      ...known,
      failedAtMs: failedAt.map((at) => Math.round(at / 1_000) + offsetMs),
    }));
    const failure = notes.write({ version: 1, sessions });
    if (failure === undefined) return;
    const because = `what is held or drained now will be forgotten by a restart: ${failure}`;
    this.#events.emit("error", "circuit.note.failed", { text: because });
  }

  /** A wall clock that was set back since makes nothing fail in the future. */
  #instantOf(wallMs: number): Micros {
    const agoMs = Math.max(0, this.#parts.host.wallClock.nowMs() - wallMs);
    return (this.#clock.now() - Math.round(agoMs * 1_000)) as Micros;
  }

  #perform(effect: FailbackEffect): void {
    switch (effect.kind) {
      case "avoid":
        this.#parts.avoid(effect.session, effect.avoidance);
        break;
      case "needed": {
        const { session, isNeeded } = effect;
        const fields = { ...this.#names(session), phase: this.view(session)?.phase };
        const event = isNeeded ? "circuit.needed" : "circuit.not-needed";
        this.#events.emit(isNeeded ? "warn" : "info", event, fields);
        break;
      }
      case "phase":
        this.#report(effect);
    }
  }

  #report({ session, from, to, on }: PhaseEffect): void {
    const event = EVENTS[to];
    if (event === undefined) return;
    const view = this.view(session);
    const rule = this.#rule;
    const names = { ...this.#names(session), from };
    if (to === "in-use") {
      this.#events.emit("info", event, { ...names, because: on });
    } else if (to === "held") {
      const per = formatDurationUs(rule?.perUs ?? 0);
      const failures = rule?.flapsMax;
      const text = `failed ${failures} times within ${per}; "circuit release" lets it back`;
      this.#events.emit("warn", event, { ...names, failures, per, failure: view?.failure, text });
    } else {
      const forUs = (view?.until ?? 0) - (view?.since ?? 0);
      const fields = { forMs: forUs / 1_000, failures: view?.failures, isNeeded: view?.isNeeded };
      this.#events.emit("info", event, { ...names, ...fields, failure: view?.failure });
    }
  }

  #names(session: string) {
    return { circuit: this.#circuits.get(session), peer: session };
  }
}

/** Going out needs no event of its own: `circuit.down` has said it. */
const EVENTS: Readonly<Partial<Record<FailbackPhase, string>>> = {
  soaking: "circuit.soaking",
  returning: "circuit.returning",
  held: "circuit.held",
  "in-use": "circuit.returned",
};

function membersOf(config: EdgeConfig): readonly FailbackMember[] {
  return sessionPlans(config).flatMap(({ neighbor, circuit }) => {
    if (circuit === undefined) return [];
    const family = neighbor.families[0] === "ipv6-unicast" ? "ipv6" : "ipv4";
    const isInMaintenance = neighbor.isInMaintenance ?? false;
    return [{ session: neighbor.name, circuit: circuit.name, family, isInMaintenance } as const];
  });
}
