import type { BfdSessionView } from "../bfd/sessions/contract.ts";
import type { SpeakerView } from "../bgp/speaker/view.ts";
import type { Micros } from "../core/time.ts";
import type { RecordingPiece } from "./bfd/engine.ts";
import type { CapacityView } from "./capacity-watch.ts";
import type { CircuitView } from "./circuits.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import type { FibView } from "./fib.ts";
import type { PathView } from "./liveness.ts";

/**
 * Read model of a whole edge for API, metrics, CLI and drills; built on demand, never the agent's
 * own.
 */
export interface AgentView {
  readonly config: EdgeConfig;
  readonly speaker: SpeakerView;
  readonly fib: FibView;
  circuits(): readonly CircuitView[];
  /** Whether one more circuit may be lost; undefined where the file does not say enough. */
  readonly capacity: CapacityView | undefined;
  /** What is known of a peer's path without asking the BFD engine. */
  path(peer: string): PathView | undefined;
  /** Asks the BFD engine; answers with nothing where it does not run. */
  bfd(done: (sessions: readonly BfdSessionView[]) => void): void;
  /** The last inputs of the BFD engine, in pieces of whole lines; none where it does not run. */
  bfdRecording(told: RecordingPiece): void;
  readonly health: HealthView;
  readonly lastReload: ReloadOutcome;
  /** Monotonic time now, and what it is for people (ms since 1970). */
  now(): Micros;
  wallMs(at: Micros): number;
  readonly startedAt: Micros;
}

export interface HealthView {
  /** `causeway` does its work: nothing of its own is broken. */
  readonly isHealthy: boolean;
  /** Traffic may be sent here: started, and a session is Established where any is configured. */
  readonly isReady: boolean;
  readonly checks: readonly HealthCheck[];
}

export interface HealthCheck {
  readonly name: "started" | "bfd-engine" | "fib" | "sessions" | "config";
  readonly isOk: boolean;
  readonly text: string;
}

/** The last time a configuration was to be taken over; the first is the start. */
export interface ReloadOutcome {
  readonly generation: number;
  readonly at: Micros;
  readonly isSuccess: boolean;
  readonly text: string;
}
