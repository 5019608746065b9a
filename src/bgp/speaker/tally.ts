import { LIMITS } from "../../core/limits.ts";
import { type Micros, US_PER_SEC } from "../../core/time.ts";
import type { ResetReason } from "../fsm/state.ts";
import type { MessageKind, PeerCounters } from "./view.ts";

/** Totals of one peer since it was configured; they only grow. */
export class Tally {
  readonly messagesIn = noMessages();
  readonly messagesOut = noMessages();
  readonly #resets = new Map<ResetReason, number>();
  readonly #discards = new Map<string, number>();

  reset(reason: ResetReason): void {
    this.#resets.set(reason, (this.#resets.get(reason) ?? 0) + 1);
  }

  /** `reason` is a short stable label, never text of the peer's. */
  discard(reason: string, count = 1): void {
    this.#discards.set(reason, (this.#discards.get(reason) ?? 0) + count);
  }

  snapshot(): PeerCounters {
    return {
      messagesIn: { ...this.messagesIn },
      messagesOut: { ...this.messagesOut },
      resets: Object.fromEntries(this.#resets),
      discards: Object.fromEntries(this.#discards),
    };
  }
}

/**
 * Lets a cause write only so many lines a minute: a peer must not be able to fill the log. Causes
 * are labels of ours, so there are few.
 */
export class LogGate {
  readonly #windows = new Map<string, { startedAt: Micros; lines: number; suppressed: number }>();

  /** How many lines were held back since the last one, or undefined: hold this one back too. */
  admit(cause: string, now: Micros): number | undefined {
    const window = this.#windows.get(cause);
    if (window === undefined || now - window.startedAt >= 60 * US_PER_SEC) {
      this.#windows.set(cause, { startedAt: now, lines: 1, suppressed: 0 });
      return window?.suppressed ?? 0;
    }
    if (window.lines >= LIMITS.logLinesPerCausePerMinute) {
      window.suppressed += 1;
      return undefined;
    }
    window.lines += 1;
    return 0;
  }
}

const noMessages = (): Record<MessageKind, number> => ({
  open: 0,
  update: 0,
  notification: 0,
  keepalive: 0,
  "route-refresh": 0,
});
