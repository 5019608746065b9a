import { LIMITS } from "../../core/limits.ts";
import { type Micros, US_PER_SEC } from "../../core/time.ts";

interface Cause {
  since: Micros;
  lines: number;
  held: number;
}

/** What `DiscardLog.save` gives: each cause and its lines of this minute. */
export type DiscardLogMemory = readonly (readonly [string, Readonly<Cause>])[];

/** Lets each cause write so many lines a minute and says how many it held back since the last. */
export class DiscardLog {
  readonly #causes = new Map<string, Cause>();

  save(): DiscardLogMemory {
    return [...this.#causes].map(([cause, lines]) => [cause, { ...lines }]);
  }

  load(memory: DiscardLogMemory): void {
    for (const [cause, lines] of memory) this.#causes.set(cause, { ...lines });
  }

  /** The number of lines held back before this one, undefined where this one is held back too. */
  admit(cause: string, now: Micros): number | undefined {
    const known = this.#causes.get(cause);
    if (known === undefined || now - known.since >= MINUTE_US) {
      this.#causes.set(cause, { since: now, lines: 1, held: 0 });
      return known?.held ?? 0;
    }
    if (known.lines >= LIMITS.logLinesPerCausePerMinute) {
      known.held += 1;
      return undefined;
    }
    known.lines += 1;
    return 0;
  }

  /** Causes of a session that is gone. */
  forget(prefix: string): void {
    for (const cause of this.#causes.keys()) {
      if (cause.startsWith(prefix)) this.#causes.delete(cause);
    }
  }
}

const MINUTE_US = 60 * US_PER_SEC;
