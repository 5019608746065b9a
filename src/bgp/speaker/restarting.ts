import { Deadlines } from "../../core/deadlines.ts";
import { after, type Micros, US_PER_SEC } from "../../core/time.ts";
import { type Negotiated, sameFamily } from "../fsm/negotiate.ts";
import type { Family } from "../wire/message.ts";
import type { PeerConfig } from "./config.ts";
import { restartOf } from "./graceful-restart.ts";
import type { SpeakerInput } from "./inputs.ts";
import { SPEAKER_LIMITS } from "./limits.ts";

/** A family whose routes may be chosen from now on, and what ended the wait. */
export interface SelectionDue {
  readonly family: Family;
  readonly because: "end-of-rib" | "timer";
}

/** A family whose routes are not chosen yet, and the peers it waits for. */
export interface Deferral {
  readonly family: Family;
  readonly awaited: readonly string[];
}

/**
 * The Restarting Speaker of RFC 4724 §4.1: what this run owes to the one before it. It knows of
 * which families the kernel kept the routes, and holds back route selection of a family until every
 * peer that is waited for has said everything, or the Selection_Deferral_Timer is out.
 *
 * Waited for are the peers that had a session before, and those whose session comes up meanwhile;
 * not one that restarts itself, speaks no graceful restart or leaves the family out, nor one whose
 * path has failed or that is no longer to run: it would hold up all others for nothing.
 */
export class Restarting {
  readonly #timers = new Deadlines<"SelectionDeferralTimer">();
  #begun: Extract<SpeakerInput, { readonly kind: "restarted" }> | undefined;
  #preserved: readonly Family[] = [];
  /** Families whose selection is held back, with the peers they wait for. */
  #deferred: { readonly family: Family; readonly awaited: Set<string> }[] = [];
  #isTimeOut = false;

  /** The R bit: there is selection to come. */
  get isOn(): boolean {
    return this.#deferred.length > 0;
  }

  get deferrals(): readonly Deferral[] {
    return this.#deferred.map(({ family, awaited }) => ({ family, awaited: [...awaited] }));
  }

  /** The F bit towards peers that had no session with this run yet. */
  isPreserved(family: Family): boolean {
    return this.#preserved.some((other) => sameFamily(other, family));
  }

  nextDeadline(): Micros | undefined {
    return this.#timers.next();
  }

  /** Before the first configuration. */
  begin(input: Extract<SpeakerInput, { readonly kind: "restarted" }>): void {
    this.#begun = input;
    this.#preserved = input.preserved;
  }

  /** The first configuration says which of the peers there still are; later ones, which go. */
  configured(peers: readonly PeerConfig[], now: Micros): void {
    const runs = peers.filter((peer) => !peer.isShutdown && peer.capabilities.gracefulRestart);
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun === undefined) {
      const names = new Set(runs.map(({ name }) => name));
      for (const { awaited } of this.#deferred) {
        for (const name of awaited) if (!names.has(name)) awaited.delete(name);
      }
      return;
    }
    for (const { name, families } of runs.filter((peer) => begun.peers.includes(peer.name))) {
      for (const family of families) this.#awaitedFor(family).add(name);
    }
    if (!this.isOn) return;
    const us = SPEAKER_LIMITS.selectionDeferralSec * US_PER_SEC;
    this.#timers.arm("SelectionDeferralTimer", after(now, us));
  }

  sessionUp(peer: string, negotiated: Negotiated): void {
    const capability = negotiated.gracefulRestart
      ? restartOf(negotiated.remoteCapabilities)
      : undefined;
    const isAwaited = capability !== undefined && !capability.restarted;
    for (const { family, awaited } of this.#deferred) {
      const isCommon = negotiated.families.some((other) => sameFamily(other, family));
      if (isAwaited && isCommon) awaited.add(peer);
      else awaited.delete(peer);
    }
  }

  endOfRib(peer: string, family: Family): void {
    for (const deferral of this.#deferred) {
      if (sameFamily(deferral.family, family)) deferral.awaited.delete(peer);
    }
  }

  /** Nothing is to be expected of the peer: removed, stopped, or its path is dead. */
  forget(peer: string): void {
    for (const { awaited } of this.#deferred) awaited.delete(peer);
  }

  expire(now: Micros): void {
    if (this.#timers.takeDue(now) !== undefined) this.#isTimeOut = true;
  }

  /** Families that wait for nobody any more; each is told once. */
  takeDue(): readonly SelectionDue[] {
    if (!this.isOn) return [];
    const due: SelectionDue[] = [];
    this.#deferred = this.#deferred.filter(({ family, awaited }) => {
      if (awaited.size > 0 && !this.#isTimeOut) return true;
      due.push({ family, because: awaited.size > 0 ? "timer" : "end-of-rib" });
      return false;
    });
    if (!this.isOn) this.#timers.disarmAll();
    return due;
  }

  #awaitedFor(family: Family): Set<string> {
    const known = this.#deferred.find((deferral) => sameFamily(deferral.family, family));
    if (known !== undefined) return known.awaited;
    const awaited = new Set<string>();
    this.#deferred.push({ family, awaited });
    return awaited;
  }
}
