import type { Deadlines } from "../../core/deadlines.ts";
import { LIMITS } from "../../core/limits.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import { sameFamily } from "../fsm/negotiate.ts";
import type { PeerSlot, RibEngine } from "../rib/contract.ts";
import type { Family } from "../wire/message.ts";
import { encodeRouteRefresh, RefreshSubtype } from "../wire/route-refresh.ts";
import { Allowance } from "./allowance.ts";
import { type Channel, sendMessage } from "./channel.ts";
import type { SpeakerEffect } from "./effects.ts";
import { SPEAKER_LIMITS } from "./limits.ts";
import type { Tally } from "./tally.ts";

type Timers = Pick<Deadlines<"StaleRoutesTimer">, "arm" | "disarm">;

/**
 * The peer sends a family again, between its BoRR and EoRR (RFC 7313 §4): what it had said before
 * is stale from the one to the other, and gone after it. One timer bounds the wait for all EoRRs.
 */
export class RefreshIn {
  readonly #slot: PeerSlot;
  readonly #timers: Timers;
  readonly #inRib: (call: (rib: RibEngine) => void) => void;
  readonly #tally: Tally;
  readonly #allowance = new Allowance(LIMITS.refreshesPerMinute);
  #open: readonly Family[] = [];

  constructor(
    slot: PeerSlot,
    timers: Timers,
    inRib: (call: (rib: RibEngine) => void) => void,
    tally: Tally,
  ) {
    this.#tally = tally;
    this.#slot = slot;
    this.#timers = timers;
    this.#inRib = inRib;
  }

  /** Marking costs a look at every path of the peer, for 23 octets: only so often a minute. */
  begun(family: Family, now: Micros): void {
    if (!this.#allowance.take(now)) {
      this.#tally.discard("route-refresh-rate");
      return;
    }
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

/** Asks the peer to send these again (RFC 2918 §4), where it can. */
export function askAgain(
  channel: Channel | undefined,
  families: readonly Family[],
  now: Micros,
  out: SpeakerEffect[],
): void {
  if (channel?.session.negotiated?.routeRefresh !== true) return;
  for (const family of families) {
    const octets = encodeRouteRefresh({ family, subtype: RefreshSubtype.Request });
    sendMessage(channel, "route-refresh", octets, now, out);
  }
}
