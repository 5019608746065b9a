import type { Avoidance } from "../../bgp/rib/contract.ts";
import type { ResetReason } from "../../bgp/speaker/effects.ts";
import { formatDurationUs } from "../../core/time.ts";
import type { Clock } from "../../platform/contract.ts";
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
import type { FailbackPhase } from "./table.ts";

type PhaseEffect = Extract<FailbackEffect, { readonly kind: "phase" }>;

/** Joins the machine to the agent: sessions in, orders to the speaker and events out. */
export class FailbackKeeper {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #avoid: (session: string, avoidance: Avoidance | undefined) => void;
  readonly #machine = new Failback();
  readonly #driver: Driver<FailbackInput, FailbackEffect>;
  #circuits: ReadonlyMap<string, string> = new Map();
  #rule: FailbackConfig | undefined;

  constructor(
    clock: Clock,
    events: Events,
    avoid: (session: string, avoidance: Avoidance | undefined) => void,
  ) {
    this.#clock = clock;
    this.#events = events;
    this.#avoid = avoid;
    this.#driver = new Driver(this.#machine, clock, (effect) => this.#perform(effect));
  }

  /** Call it once the speaker knows the sessions. */
  configure(config: EdgeConfig): void {
    const members = membersOf(config);
    this.#rule = config.failover.failback;
    this.#circuits = new Map(members.map(({ session, circuit }) => [session, circuit]));
    const insiders = config.neighbors
      .filter(({ remoteAs, localAs }) => remoteAs === (localAs ?? config.localAs))
      .map(({ name }) => name);
    this.#driver.deliver({ kind: "configure", rule: this.#rule, members, insiders });
  }

  up(session: string): void {
    this.#driver.deliver({ kind: "up", session });
  }

  down(session: string, reason: ResetReason | undefined, text: string): void {
    const isFailure = reason !== "admin" && reason !== "config";
    this.#driver.deliver({ kind: "down", session, isFailure, text });
  }

  release(circuit: string): void {
    this.#driver.deliver({ kind: "release", circuit });
  }

  drain(circuit: string, isOn: boolean): void {
    this.#driver.deliver({ kind: "drain", circuit, isOn });
  }

  view(session: string): FailbackView | undefined {
    return this.#machine.view(session, this.#clock.now());
  }

  stop(): void {
    this.#driver.stop();
  }

  #perform(effect: FailbackEffect): void {
    switch (effect.kind) {
      case "avoid":
        this.#avoid(effect.session, effect.avoidance);
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
