import type {
  BfdInput,
  BfdSessionConfig,
  BfdSessionView,
  BfdStateChange,
} from "../../bfd/sessions/contract.ts";
import type { LogEvent } from "../../core/log.ts";
import type { ExitTable, PathExit } from "./exits.ts";

/** What crosses the wall between the agent and its BFD worker: plain data, both ways. */
export type ToWorker =
  | { readonly kind: "configure"; readonly sessions: readonly BfdSessionConfig[] }
  | { readonly kind: "admin"; readonly input: Extract<BfdInput, { readonly kind: "admin" }> }
  | { readonly kind: "protect"; readonly table: ExitTable }
  | { readonly kind: "snapshot"; readonly id: number }
  | { readonly kind: "record"; readonly id: number }
  | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "state"; readonly change: BfdStateChange; readonly exit?: PathExit }
  | { readonly kind: "log"; readonly entry: LogEvent }
  | {
      readonly kind: "snapshot";
      readonly id: number;
      readonly sessions: readonly BfdSessionView[];
    }
  /** A piece of the recording, whole lines. */
  | {
      readonly kind: "recording";
      readonly id: number;
      readonly text: string;
      readonly isLast: boolean;
    }
  | { readonly kind: "stopped" };
