import type { Micros } from "../../core/time.ts";
import type { BfdSessionConfig } from "../sessions/contract.ts";
import type { AuthenticationMemory } from "./authentication.ts";
import type { SessionVariables } from "./state.ts";
import type { BucketMemory, TimingMemory } from "./timing.ts";

/**
 * A session as plain data: what `BfdSession.resumed` needs to go on exactly where another one
 * stood. The names are those of its fields; times are µs, Infinity where nothing is armed.
 */
export interface SessionMemory {
  readonly config: BfdSessionConfig;
  readonly rng: readonly number[];
  readonly vars: Readonly<SessionVariables>;
  readonly timing: TimingMemory;
  readonly auth: AuthenticationMemory;
  readonly finals: BucketMemory;
  readonly changes: BucketMemory;
  readonly adminOverride: boolean | undefined;
  readonly since: Micros;
  readonly txAt: number;
  readonly detectAt: number;
  readonly endAt: number;
  readonly lastTxAt: Micros | undefined;
  readonly drawnFromUs: number;
  readonly lastPacketAt: Micros | undefined;
  readonly lateSincePacketUs: number;
  readonly lateTxAt: Micros | undefined;
}
