import { after, US_PER_MS, US_PER_SEC } from "../core/time.ts";
import type { Clock } from "../platform/contract.ts";
import type { BfdKeeper } from "./bfd-keeper.ts";
import type { Events } from "./event-journal.ts";

/**
 * For the kernel to send what was queued last; the BFD engine may take a Detection Time and more.
 */
const LAST_WORDS_US = 100 * US_PER_MS;
const STOP_US_MAX = 6 * US_PER_SEC;

/** BFD says AdminDown everywhere; then `done` is called, once and within seconds. */
export function sayGoodbye(clock: Clock, bfd: BfdKeeper, events: Events, done: () => void): void {
  let isDone = false;
  const end = clock.createAlarm(() => {
    if (isDone) return;
    isDone = true;
    events.emit("info", "agent.stopped", {});
    done();
  });
  end.set(after(clock.now(), STOP_US_MAX));
  bfd.stop(() => {
    if (!isDone) end.set(after(clock.now(), LAST_WORDS_US));
  });
}
