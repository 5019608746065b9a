import { EMPTY } from "../../core/bytes.ts";
import type { ErrorCode } from "./iana.ts";

/** RFC 7606 §2, weakest first; a message with several faults takes the strongest (§3 h). */
export const Severity = {
  AttributeDiscard: 1,
  TreatAsWithdraw: 2,
  AfiSafiDisable: 3,
  SessionReset: 4,
} as const;
export type Severity = (typeof Severity)[keyof typeof Severity];

/** The peer broke the protocol. A value, never thrown: peers must not choose our control flow. */
export interface WireFault {
  readonly severity: Severity;
  readonly code: ErrorCode;
  readonly subcode: number;
  /** Goes verbatim into the NOTIFICATION's Data field (RFC 4271 §6). */
  readonly data: Uint8Array;
  /** Label of the discard counter: short, stable, kebab-case (`origin-length`). */
  readonly reason: string;
  /** For the log and the operator; never parsed. */
  readonly because: string;
}

/** Why a value is malformed: what its fault will say, before severity and code are known. */
export interface Defect {
  readonly reason: string;
  readonly because: string;
}

/** What a fault is made of; `data` defaults to none, `severity` to a session reset. */
export interface FaultFields {
  readonly code: ErrorCode;
  readonly subcode: number;
  readonly reason: string;
  readonly because: string;
  readonly severity?: Severity;
  readonly data?: Uint8Array;
}

export const wireFault = (fields: FaultFields): WireFault => ({
  severity: fields.severity ?? Severity.SessionReset,
  code: fields.code,
  subcode: fields.subcode,
  data: fields.data ?? EMPTY,
  reason: fields.reason,
  because: fields.because,
});

/** Faults of one message, in the order found; what a hostile message makes of it stays small. */
export class FaultLog {
  readonly faults: WireFault[] = [];
  /** The first of those that ask for more than discarding one attribute. */
  withdrawing: WireFault | undefined;

  add(fault: WireFault): void {
    if (fault.severity >= Severity.TreatAsWithdraw) this.withdrawing ??= fault;
    if (this.faults.length < FAULTS_MAX || this.withdrawing === fault) this.faults.push(fault);
  }
}

const FAULTS_MAX = 32;
