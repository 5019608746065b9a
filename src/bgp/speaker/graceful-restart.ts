import type { Deadlines } from "../../core/deadlines.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import type { Ended } from "../fsm/event.ts";
import { type Negotiated, sameFamily } from "../fsm/negotiate.ts";
import type { PeerSlot, RibEngine } from "../rib/contract.ts";
import { CeaseSubcode, ErrorCode, OpenSubcode } from "../wire/iana.ts";
import type { Capability, Family } from "../wire/message.ts";
import { SPEAKER_LIMITS } from "./limits.ts";

export type RestartTimerName = "RestartTimer" | "StalePathTimer";

/**
 * The Receiving Speaker of RFC 4724 §4.2: what is done with the routes of a peer that announced
 * graceful restart when its session is lost. It owns which families are kept, and for how long;
 * the paths themselves are marked in the RIB.
 *
 * Kept are the families the peer's capability listed, where the session was lost without a word or,
 * between two speakers with the N bit, with any NOTIFICATION but a Hard Reset (RFC 8538 §4). An
 * order of ours, a Cease for whatever reason, a path that failed or a hold-off keeps nothing, and
 * drops what was kept before (design §5.2): a dead path is worse than no path.
 */
export class GracefulRestart {
  readonly #slot: PeerSlot;
  readonly #timers: Pick<Deadlines<RestartTimerName>, "arm" | "disarm">;
  readonly #inRib: (call: (rib: RibEngine) => void) => void;
  /** Of the session that is up, or was last. */
  #session: Negotiated | undefined;
  #isUp = false;
  /** Families with paths that await the restart or its End-of-RIB. */
  #kept: readonly Family[] = [];

  constructor(
    slot: PeerSlot,
    timers: Pick<Deadlines<RestartTimerName>, "arm" | "disarm">,
    inRib: (call: (rib: RibEngine) => void) => void,
  ) {
    this.#slot = slot;
    this.#timers = timers;
    this.#inRib = inRib;
  }

  get kept(): readonly Family[] {
    return this.#kept;
  }

  /**
   * Which families' paths await their End-of-RIB. The others are gone: the peer did not list them
   * again, did not preserve their forwarding state (F bit), or is another router now.
   */
  sessionUp(negotiated: Negotiated, now: Micros): readonly Family[] {
    const before = this.#session;
    this.#session = negotiated;
    this.#isUp = true;
    this.#timers.disarm("RestartTimer");
    const isSame = before?.remoteBgpIdentifier === negotiated.remoteBgpIdentifier;
    const listed = isSame ? (capabilityOf(negotiated)?.families ?? []) : [];
    const preserved = listed.filter(({ forwardingPreserved }) => forwardingPreserved);
    this.#kept = common(common(this.#kept, negotiated.families), preserved);
    if (this.#kept.length > 0) {
      this.#timers.arm("StalePathTimer", after(now, SPEAKER_LIMITS.staleRoutesSec * US_PER_SEC));
    }
    return this.#kept;
  }

  /** Which families are kept through the loss of the session; the RIB is told. */
  sessionDown(ended: Ended | undefined, now: Micros): void {
    this.#isUp = false;
    this.#timers.disarm("StalePathTimer");
    const capability = this.#session && capabilityOf(this.#session);
    const restartSec = Math.min(capability?.restartTimeSec ?? 0, SPEAKER_LIMITS.restartTimeSecMax);
    const isKept =
      capability !== undefined && ended !== undefined && restartSec > 0 && this.#survives(ended);
    this.#kept = isKept ? common(this.#session?.families ?? [], capability.families) : [];
    if (this.#kept.length === 0) {
      this.#inRib((rib) => rib.peerDown(this.#slot));
      return;
    }
    this.#inRib((rib) => rib.peerLost(this.#slot, this.#kept));
    this.#timers.arm("RestartTimer", after(now, restartSec * US_PER_SEC));
  }

  /**
   * Nothing is kept for a peer that shares no family with us (any more), which the end of an
   * attempt says: no session will come to say so, as it would of one family among several (RFC 4724
   * §4.2). True where that is so: no End-of-RIB of it is to be waited for.
   */
  forgetIfGone({ code, subcode }: Ended): boolean {
    const isRefused = code === ErrorCode.OpenMessageError;
    if (this.#isUp || !isRefused || subcode !== OpenSubcode.UnsupportedCapability) return false;
    this.forget();
    return true;
  }

  /** Nothing is kept any longer. */
  forget(): void {
    const kept = this.#kept;
    if (kept.length === 0) return;
    this.#kept = [];
    this.#timers.disarm("RestartTimer");
    this.#timers.disarm("StalePathTimer");
    if (this.#isUp) for (const family of kept) this.#removeStale(family);
    else this.#inRib((rib) => rib.peerDown(this.#slot));
  }

  /** RFC 4724 §4.2: the peer has said everything; what it did not say again is gone. */
  endOfRib(family: Family): void {
    if (!this.#kept.some((other) => sameFamily(other, family))) return;
    this.#kept = this.#kept.filter((other) => !sameFamily(other, family));
    if (this.#kept.length === 0) this.#timers.disarm("StalePathTimer");
    this.#removeStale(family);
  }

  #removeStale(family: Family): void {
    this.#inRib((rib) => rib.removeStale(this.#slot, family));
  }

  /** RFC 4724 §4.2, RFC 8538 §4. */
  #survives({ reason, code, subcode }: Ended): boolean {
    // RFC 4724 §4.2: the peer's new connection says that it lost the old one.
    if (reason === "collision" || (code === undefined && reason === "tcp")) return true;
    if (code === undefined || !this.#hasNotification) return false;
    if (reason !== "notification_in") return code !== ErrorCode.Cease;
    return code !== ErrorCode.Cease || subcode !== CeaseSubcode.HardReset;
  }

  get #hasNotification(): boolean {
    return this.#session !== undefined && hasNotificationBits(this.#session);
  }
}

/** N bit, from both sides: a NOTIFICATION is a restart unless it is a Hard Reset (RFC 8538 §3). */
export const hasNotificationBits = (negotiated: Negotiated): boolean =>
  [negotiated.localCapabilities, negotiated.remoteCapabilities].every(
    (capabilities) => restartOf(capabilities)?.notification === true,
  );

/** The peer keeps routes of ours if we restart: we named a family, and it speaks RFC 4724. */
export const keepsOurRoutes = (negotiated: Negotiated): boolean =>
  negotiated.gracefulRestart && (restartOf(negotiated.localCapabilities)?.families.length ?? 0) > 0;

type Restart = Extract<Capability, { readonly kind: "graceful-restart" }>;

/** The peer's, where both sides have it; the last one counts (RFC 4724 §3). */
const capabilityOf = ({ gracefulRestart, remoteCapabilities }: Negotiated): Restart | undefined =>
  gracefulRestart ? restartOf(remoteCapabilities) : undefined;

export const restartOf = (capabilities: readonly Capability[]): Restart | undefined =>
  capabilities.findLast((capability) => capability.kind === "graceful-restart");

const common = (families: readonly Family[], others: readonly Family[]): readonly Family[] =>
  families.filter((family) => others.some((other) => sameFamily(family, other)));
