/**
 * The port of a physical connection as a machine: what shuts it, and when it reports that it is up
 * or down. Light that goes out is reported `DownDelayTime` later, and not at all where it is back
 * before; a port that the cloud shuts itself is down at once.
 */
import { Deadlines } from "../../../core/deadlines.ts";
import type { Machine } from "../../../core/machine.ts";
import { after, type Micros } from "../../../core/time.ts";
import type { ConnectionConfig, ConnectionStatus } from "../config/cloud-config.ts";
import type { CloudKnobs } from "../config/knobs.ts";

export type PortInput =
  | { readonly kind: "light"; readonly isOn: boolean }
  /** Shut for a reason of its own, or no longer; it opens when no reason is left. */
  | { readonly kind: "shut"; readonly reason: string; readonly isShut: boolean };

export interface PortEffect {
  readonly kind: "report";
  readonly isUp: boolean;
  readonly text: string;
}

export interface PortTiming {
  readonly downDelayUs: number;
  readonly upDelayUs: number;
  /** A port that is shut waits for `downDelayUs` as well. */
  readonly isShutDelayed?: boolean;
}

export class Port implements Machine<PortInput, PortEffect> {
  readonly #timing: PortTiming;
  readonly #deadlines = new Deadlines<"report">();
  readonly #reasons = new Set<string>();
  #hasLight = true;
  #isUp = true;

  constructor(timing: PortTiming) {
    this.#timing = timing;
  }

  /** What the console shows: `Up` or `Down`. */
  get isUp(): boolean {
    return this.#isUp;
  }

  get hasLight(): boolean {
    return this.#hasLight;
  }

  /** Why it is shut, in the order it was; empty while it is open. */
  get reasons(): readonly string[] {
    return [...this.#reasons];
  }

  handle(input: PortInput, now: Micros, out: PortEffect[]): void {
    if (input.kind === "light") this.#hasLight = input.isOn;
    else if (input.isShut) this.#reasons.add(input.reason);
    else this.#reasons.delete(input.reason);
    const wanted = this.#hasLight && this.#reasons.size === 0;
    this.#deadlines.disarm("report");
    if (wanted === this.#isUp) return;
    const { downDelayUs, upDelayUs, isShutDelayed = false } = this.#timing;
    const isAtOnce = this.#reasons.size > 0 && !isShutDelayed;
    const delayUs = wanted ? upDelayUs : isAtOnce ? 0 : downDelayUs;
    if (delayUs === 0) this.#report(wanted, out);
    else this.#deadlines.arm("report", after(now, delayUs));
  }

  expire(now: Micros, out: PortEffect[]): void {
    if (this.#deadlines.takeDue(now) === undefined) return;
    this.#report(this.#hasLight && this.#reasons.size === 0, out);
  }

  nextDeadline(): Micros | undefined {
    return this.#deadlines.next();
  }

  #report(isUp: boolean, out: PortEffect[]): void {
    this.#isUp = isUp;
    const why = isUp ? "light and open" : this.#hasLight ? this.reasons.join(", ") : "no light";
    out.push({ kind: "report", isUp, text: why });
  }
}

/** The reason of a connection that is locked, not paid for say. */
export const BUSINESS = "business status";

export const statusReason = (status: ConnectionStatus): string => `status ${status}`;

/** Why a connection carries nothing from the start; undefined where it does. */
export function closedBy(
  { status, businessStatus }: ConnectionConfig,
  { businessLock }: Pick<CloudKnobs, "businessLock">,
): string | undefined {
  if (status !== "Enabled") return statusReason(status);
  return businessStatus === "Normal" || businessLock === "no-changes" ? undefined : BUSINESS;
}
