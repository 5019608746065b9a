import type { LogFields, LogLevel } from "../core/log.ts";
import type { Clock, Host } from "../platform/contract.ts";
import type { JournalEntry, JournalView } from "./journal.ts";

/** Entries held; older ones are gone, and `seq` shows the gap to whoever resumes too late. */
export const JOURNAL_ENTRIES_MAX = 4096;
/**
 * Characters a text of a held entry keeps: a malformed message (RFC 7606 §6) goes whole into the
 * log and to whoever listens, but 4096 of them are not held.
 */
export const JOURNAL_TEXT_MAX = 2048;

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
    this.#host.log.write({ level, event, fields }, at);
    if (level === "debug" && event !== "fib.synced") return;
    this.#lastSeq += 1;
    const wallMs = this.#host.wallClock.nowMs();
    this.#keep({ level, event, fields, seq: this.#lastSeq, at, wallMs });
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
    const { level, event, seq, at, wallMs } = entry;
    const held = { level, event, fields: shortened(entry.fields), seq, at, wallMs };
    if (this.#ring.length < JOURNAL_ENTRIES_MAX) this.#ring.push(held);
    else {
      this.#ring[this.#oldest] = held;
      this.#oldest = (this.#oldest + 1) % JOURNAL_ENTRIES_MAX;
    }
    for (const subscriber of this.#subscribers) subscriber(entry);
  }
}

function shortened(fields: LogFields): LogFields {
  const isLong = ([, value]: [string, unknown]) =>
    typeof value === "string" && value.length > JOURNAL_TEXT_MAX;
  const long = Object.entries(fields).filter(isLong);
  if (long.length === 0) return fields;
  const cut = long.map(([name, value]) => [name, `${String(value).slice(0, JOURNAL_TEXT_MAX)}…`]);
  return { ...fields, ...Object.fromEntries(cut) };
}
