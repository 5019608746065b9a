import type {
  BfdInput,
  BfdSessionConfig,
  BfdSessionView,
  BfdStateChange,
} from "../../bfd/sessions/contract.ts";
import type { LogEvent } from "../../core/log.ts";
import type { ExitTable, PathExit } from "./exits.ts";

/**
 * BFD as the agent uses it, wherever it runs: in the same loop on a virtual host, in a worker with
 * sockets and clock of its own on Linux (design §3). Messages only.
 */
export interface BfdEngine {
  configure(sessions: readonly BfdSessionConfig[]): void;
  admin(input: Extract<BfdInput, { readonly kind: "admin" }>): void;
  /** Which groups to replace when a session fails; without effect where BFD shares our loop. */
  protect(table: ExitTable): void;
  /** A snapshot of every session. */
  snapshot(done: (sessions: readonly BfdSessionView[]) => void): void;
  /** The last inputs, for a replay; `told` hears pieces of its text, in order. */
  record(told: RecordingPiece): void;
  /**
   * Says AdminDown on every session (so that peers do not call it a failure), then calls `done`.
   */
  stop(done: () => void): void;
}

export type RecordingPiece = (text: string, isLast: boolean) => void;

export interface BfdEngineHandler {
  /** `exit`: groups were replaced before this was told. */
  state(change: BfdStateChange, exit?: PathExit): void;
  log(entry: LogEvent): void;
  /** The engine itself died: every session it carried is to be taken as unknown, not as Down. */
  failed(text: string): void;
}

export type StartBfdEngine = (handler: BfdEngineHandler) => BfdEngine;
