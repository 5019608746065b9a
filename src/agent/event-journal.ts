import type { LogEvent, LogFields, LogLevel } from "../core/log.ts";
import type { Clock, Host } from "../platform/contract.ts";
import type { JournalEntry, JournalView } from "./journal.ts";

/** Entries held; older ones are gone, and `seq` shows the gap to whoever resumes too late. */
export const JOURNAL_ENTRIES_MAX = 4096;

/** Where the parts of the agent say what happened. */
export interface Events {
  emit(level: LogLevel, event: string, fields: LogFields): void;
}

/**
 * The journal as a ring, and the one way to the log: every event is stamped once, written to the
 * host's log and, unless it is `debug`, kept here. `fib.synced` is kept although it is `debug`:
 * drills measure from it, operators would drown in it.
 */
export class EventJournal implements JournalView, Events {
  readonly #clock: Clock;
  readonly #host: Pick<Host, "wallClock" | "log">;
  readonly #ring: JournalEntry[] = [];
  readonly #subscribers = new Set<(entry: JournalEntry) => void>();
  #lastSeq = 0;
  /** Ring position of the oldest entry once the ring is full. */
  #oldest = 0;

  constructor(host: Pick<Host, "clock" | "wallClock" | "log">) {
    this.#clock = host.clock;
    this.#host = host;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  emit(level: LogLevel, event: string, fields: LogFields): void {
    const at = this.#clock.now();
    const entry: LogEvent = { level, event, fields };
    this.#host.log.write(entry, at);
    if (level === "debug" && event !== "fib.synced") return;
    this.#lastSeq += 1;
    const wallMs = this.#host.wallClock.nowMs();
    this.#keep({ ...entry, seq: this.#lastSeq, at, wallMs });
  }

  since(seq: number): readonly JournalEntry[] {
    const held = this.#ring.length;
    const wanted = Math.min(held, Math.max(0, this.#lastSeq - Math.max(0, seq)));
    const entries: JournalEntry[] = [];
    for (let back = wanted; back > 0; back -= 1) {
      const entry = this.#ring[(this.#oldest + held - back) % held];
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  subscribe(handler: (entry: JournalEntry) => void): { close(): void } {
    const subscriber = (entry: JournalEntry) => handler(entry);
    this.#subscribers.add(subscriber);
    return { close: () => void this.#subscribers.delete(subscriber) };
  }

  #keep(entry: JournalEntry): void {
    if (this.#ring.length < JOURNAL_ENTRIES_MAX) this.#ring.push(entry);
    else {
      this.#ring[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % JOURNAL_ENTRIES_MAX;
    }
    for (const subscriber of this.#subscribers) subscriber(entry);
  }
}
