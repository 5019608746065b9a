import type { SpeakerInput } from "../bgp/speaker/inputs.ts";
import type { SpeakerView } from "../bgp/speaker/view.ts";
import { type Micros, US_PER_SEC } from "../core/time.ts";
import type { Host } from "../platform/contract.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import type { Events } from "./event-journal.ts";
import { preservedFamilies, type RestartNote, whyNoRestart } from "./restart.ts";

/** Every peer has told us everything, or this much time passed: what is not here is gone. */
const CONVERGED_US_MAX = 120 * US_PER_SEC;

/**
 * The beginning of a run whose routes may be in the kernel already. After a restart the speaker is
 * configured only when the kernel has said what it kept, for our OPENs say so (RFC 4724 §4.1). And
 * this decides when routes nobody announced again are those of a run before, to be reaped.
 */
export class Resumption {
  readonly #host: Pick<Host, "clock" | "wallClock" | "routes">;
  readonly #events: Events;
  readonly #startedAt: Micros;
  #note: RestartNote | undefined;
  /** The kernel was asked and has not answered. */
  isPending = false;

  constructor(
    host: Pick<Host, "clock" | "wallClock" | "routes">,
    events: Events,
    note: RestartNote | undefined,
  ) {
    this.#host = host;
    this.#events = events;
    this.#startedAt = host.clock.now();
    this.#note = note;
  }

  /** Calls `resumed`, later, where this is a restart; then `isPending` until it does. */
  begin(
    config: EdgeConfig,
    resumed: (input: Extract<SpeakerInput, { readonly kind: "restarted" }>) => void,
  ): void {
    const note = this.#note;
    if (note === undefined) return;
    const because = whyNoRestart(note, config, this.#host.wallClock.nowMs());
    if (because !== undefined) {
      this.#note = undefined;
      this.#events.emit("warn", "agent.resume.refused", { because });
      return;
    }
    this.isPending = true;
    this.#host.routes.dump((routes) => {
      this.isPending = false;
      const { peers } = note;
      const fields = { routes: routes.length, peers: peers.join(" ") };
      this.#events.emit("info", "agent.resumed", fields);
      resumed({ kind: "restarted", preserved: preservedFamilies(routes), peers });
    });
  }

  /** What the RIB does not want may be taken for unwanted. */
  hasConverged(speaker: SpeakerView): boolean {
    if (this.isPending || speaker.deferrals.length > 0) return false;
    if (this.#host.clock.now() - this.#startedAt > CONVERGED_US_MAX) return true;
    if (!speaker.isSettled) return false;
    // Routes are chosen: whoever was to come back has said everything, or the timer is out.
    if (this.#note !== undefined && this.#note.others.length === 0) {
      if (this.#note.peers.length > 0) return true;
    }
    return speaker
      .peers()
      .filter((peer) => !peer.config.isShutdown)
      .every(
        ({ negotiated, endOfRib }) =>
          negotiated !== undefined && endOfRib.length === negotiated.families.length,
      );
  }
}
