import type { LogEvent, LogFields } from "../core/log.ts";
import { type Micros, US_PER_SEC } from "../core/time.ts";
import type { Clock } from "../platform/contract.ts";

/** Where a recording of the speaker's last inputs is, or why there is none. */
export interface Recording {
  readonly path?: string;
  readonly failure?: string;
}

/**
 * Has the last inputs written when a bug of ours costs a peer its session, and tells where they are
 * in the same event. Once a minute at most: a fault that every session of a peer meets is the same
 * one, and no peer may write the disk full.
 */
export class FaultRecordings {
  readonly #clock: Pick<Clock, "now">;
  readonly #record: (() => Recording) | undefined;
  #writtenAt: Micros | undefined;

  constructor(clock: Pick<Clock, "now">, record: (() => Recording) | undefined) {
    this.#clock = clock;
    this.#record = record;
  }

  /** The fields of an event of the speaker's; those of an internal error name the recording. */
  with({ event, fields }: LogEvent): LogFields {
    if (event !== INTERNAL_ERROR || this.#record === undefined) return fields;
    const now = this.#clock.now();
    if (this.#writtenAt !== undefined && now - this.#writtenAt < INTERVAL_US_MIN) return fields;
    this.#writtenAt = now;
    const { path, failure } = this.#record();
    return { ...fields, recording: path, failure };
  }
}

const INTERNAL_ERROR = "bgp.peer.internal-error";
const INTERVAL_US_MIN = 60 * US_PER_SEC;
