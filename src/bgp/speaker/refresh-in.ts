import type { Deadlines } from "../../core/deadlines.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import { sameFamily } from "../fsm/negotiate.ts";
import type { PeerSlot, RibEngine } from "../rib/contract.ts";
import type { Family } from "../wire/message.ts";
import { SPEAKER_LIMITS } from "./limits.ts";

type Timers = Pick<Deadlines<"StaleRoutesTimer">, "arm" | "disarm">;

/**
 * The peer sends a family again, between its BoRR and EoRR (RFC 7313 §4): what it had said before
 * is stale from the one to the other, and gone after it. One timer bounds the wait for all EoRRs.
 */
export class RefreshIn {
  readonly #slot: PeerSlot;
  readonly #timers: Timers;
  readonly #inRib: (call: (rib: RibEngine) => void) => void;
  #open: readonly Family[] = [];

  constructor(slot: PeerSlot, timers: Timers, inRib: (call: (rib: RibEngine) => void) => void) {
    this.#slot = slot;
    this.#timers = timers;
    this.#inRib = inRib;
  }

  begun(family: Family, now: Micros): void {
    if (!this.#open.some((other) => sameFamily(other, family))) {
      this.#open = [...this.#open, family];
    }
    this.#timers.arm("StaleRoutesTimer", after(now, SPEAKER_LIMITS.staleRoutesSec * US_PER_SEC));
    this.#inRib((rib) => rib.markStale(this.#slot, family));
  }

  /** False where none had begun. */
  ended(family: Family): boolean {
    if (!this.#open.some((other) => sameFamily(other, family))) return false;
    this.#open = this.#open.filter((other) => !sameFamily(other, family));
    if (this.#open.length === 0) this.#timers.disarm("StaleRoutesTimer");
    this.#inRib((rib) => rib.removeStale(this.#slot, family));
    return true;
  }

  /** The timer is out: as if every EoRR had come. */
  expire(): void {
    for (const family of this.#open) this.ended(family);
  }

  /** The session is over, and the refresh with it. */
  forget(): void {
    this.#open = [];
    this.#timers.disarm("StaleRoutesTimer");
  }
}
