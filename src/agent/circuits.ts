import type { BgpState } from "../bgp/fsm/state.ts";
import type { SpeakerView } from "../bgp/speaker/view.ts";
import type { Micros } from "../core/time.ts";
import type { Clock } from "../platform/contract.ts";
import { type CapacityView, CapacityWatch } from "./capacity-watch.ts";
import type { CircuitConfig, EdgeConfig } from "./config/edge-config.ts";
import type { Events } from "./event-journal.ts";
import type { FailbackKeeper } from "./failback/keeper.ts";
import type { FailbackView } from "./failback/machine.ts";
import type { LinkBook } from "./link-book.ts";
import type { Liveness } from "./liveness.ts";
import { deviceOf } from "./speaker-config.ts";

/** `degraded`: some of its sessions carry traffic, others do not. */
export type CircuitState = "up" | "degraded" | "down";

/** How far a circuit is from carrying traffic, worst first; see docs/failback.md. */
export const CIRCUIT_USES = ["drained", "held", "out", "soaking", "returning", "in-use"] as const;
export type CircuitUse = (typeof CIRCUIT_USES)[number];

export interface CircuitView {
  readonly name: string;
  readonly config: CircuitConfig;
  readonly state: CircuitState;
  readonly since: Micros;
  /** Why it is not `up`, one sentence. */
  readonly reason: string | undefined;
  readonly isLinkUp: boolean;
  /** The worst of its sessions. */
  readonly use: CircuitUse;
  readonly sessions: readonly {
    readonly peer: string;
    readonly state: BgpState | undefined;
    readonly isUsable: boolean;
    readonly failback: FailbackView | undefined;
  }[];
}

type CircuitsConfig = Pick<EdgeConfig, "circuits" | "failover">;

export interface CircuitParts {
  readonly clock: Clock;
  readonly events: Events;
  readonly links: LinkBook;
  readonly liveness: Liveness;
  readonly failback: Pick<FailbackKeeper, "view">;
  readonly speaker: SpeakerView;
}

/**
 * What became of each circuit: derived from its link, its BFD and its BGP, told when it changes.
 */
export class Circuits {
  readonly #parts: CircuitParts;
  readonly #capacity: CapacityWatch;
  #config: CircuitsConfig | undefined;
  #configs: readonly CircuitConfig[] = [];
  readonly #last = new Map<string, { readonly state: CircuitState; readonly since: Micros }>();

  constructor(parts: CircuitParts) {
    this.#parts = parts;
    this.#capacity = new CapacityWatch(parts.events);
  }

  get capacity(): CapacityView | undefined {
    return this.#capacity.view;
  }

  configure(config: CircuitsConfig): void {
    const { circuits } = config;
    this.#config = config;
    this.#configs = circuits;
    const names = new Set(circuits.map((circuit) => circuit.name));
    for (const name of this.#last.keys()) if (!names.has(name)) this.#last.delete(name);
    this.update();
  }

  /** Something changed: says so for every circuit that came up, went down or degraded. */
  update(): void {
    const up: CircuitConfig[] = [];
    for (const config of this.#configs) {
      const now = this.#derive(config);
      if (now.state !== "down") up.push(config);
      const before = this.#last.get(config.name);
      if (before?.state === now.state) continue;
      this.#last.set(config.name, { state: now.state, since: this.#parts.clock.now() });
      if (before === undefined && now.state === "down") continue;
      const level = now.state === "up" ? "info" : "warn";
      const fields = { circuit: config.name, reason: now.reason };
      this.#parts.events.emit(level, `circuit.${now.state}`, fields);
    }
    if (this.#config !== undefined) this.#capacity.judge(this.#config, up);
  }

  view(): readonly CircuitView[] {
    return this.#configs.map((config) => {
      const since = this.#last.get(config.name)?.since ?? this.#parts.clock.now();
      return { name: config.name, config, since, ...this.#derive(config) };
    });
  }

  #derive(config: CircuitConfig): Omit<CircuitView, "name" | "config" | "since"> {
    const { links, liveness, failback, speaker } = this.#parts;
    const device = deviceOf(config);
    const isLinkUp = device === undefined || links.isUp(device);
    const sessions = config.sessions.map((session) => {
      const state = speaker.peer(session.name)?.state;
      const isWhole = isLinkUp && liveness.view(session.name)?.failure === undefined;
      const isUsable = state === "Established" && isWhole;
      return { peer: session.name, state, isUsable, failback: failback.view(session.name) };
    });
    const lame = sessions.find((session) => !session.isUsable);
    const isUsable = sessions.some((session) => session.isUsable);
    const state = lame === undefined && isUsable ? "up" : isUsable ? "degraded" : "down";
    const reason = isLinkUp
      ? lame && this.#why(lame.peer)
      : links.describe(device, config.vlan?.parent);
    const uses = sessions.map((session) => session.failback && useOf(session.failback));
    const use = CIRCUIT_USES.find((one) => uses.includes(one)) ?? "in-use";
    return { state, reason, isLinkUp, use, sessions };
  }

  #why(peer: string): string {
    const path = this.#parts.liveness.view(peer);
    const bgp = this.#parts.speaker.peer(peer);
    return path?.failure ?? path?.heldBecause ?? bgp?.downReason ?? "not Established yet";
  }
}

export const useOf = ({ phase, isDrained }: FailbackView): CircuitUse =>
  isDrained ? "drained" : phase;
