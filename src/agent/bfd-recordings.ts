/**
 * Has the BFD engine's last inputs written some seconds after a session went Down, so that a
 * failure nobody watched can be played again (`causeway replay`), and when somebody asks. Once a
 * minute at most: a line that flaps is one failure, and no peer may write the disk full.
 */
import { after, type Micros, US_PER_SEC } from "../core/time.ts";
import type { Alarm, Clock } from "../platform/contract.ts";
import type { JournalView } from "./journal.ts";
import type { Recording } from "./recording.ts";
import type { AgentView } from "./view.ts";

export interface BfdRecordingsParts {
  readonly clock: Clock;
  readonly view: Pick<AgentView, "bfdRecording">;
  readonly journal: Pick<JournalView, "subscribe">;
  write(text: string): Recording;
  /** What was written, and for which session's sake; undefined where somebody asked. */
  written(recording: Recording, session: string | undefined): void;
}

export class BfdRecordings {
  readonly #parts: BfdRecordingsParts;
  readonly #subscription: { close(): void };
  readonly #alarm: Alarm;
  /** The session that went Down, while its recording waits to be written. */
  #awaited: string | undefined;
  #writtenAt: Micros | undefined;

  constructor(parts: BfdRecordingsParts) {
    this.#parts = parts;
    this.#alarm = parts.clock.createAlarm(() => {
      this.#writtenAt = parts.clock.now();
      this.write(this.#awaited);
      this.#awaited = undefined;
    });
    this.#subscription = parts.journal.subscribe(({ event, fields }) => {
      if (event === "bfd.session.down") this.#wentDown(String(fields.session));
    });
  }

  write(session?: string): void {
    let text = "";
    this.#parts.view.bfdRecording((piece, isLast) => {
      text += piece;
      // Nothing at all: no engine runs.
      if (isLast && text !== "") this.#parts.written(this.#parts.write(text), session);
    });
  }

  close(): void {
    this.#subscription.close();
    this.#alarm.set(undefined);
  }

  #wentDown(session: string): void {
    const now = this.#parts.clock.now();
    const isRecent = this.#writtenAt !== undefined && now - this.#writtenAt < INTERVAL_US_MIN;
    if (isRecent || this.#awaited !== undefined) return;
    this.#awaited = session;
    this.#alarm.set(after(now, AFTERMATH_US));
  }
}

/** What follows a failure belongs to it: the repair, or a peer that comes back as another. */
const AFTERMATH_US = 5 * US_PER_SEC;
const INTERVAL_US_MIN = 60 * US_PER_SEC;
