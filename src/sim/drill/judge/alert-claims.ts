/**
 * Claims about alerts, judged when the drill is over by what fired at which scrape. Their windows
 * run beside the other steps: an alert has its own patience (`for`), and no step waits for it.
 */
import type { Micros } from "../../../core/time.ts";
import type { AlertInstance } from "../../alerts/engine.ts";
import type { ScrapeLog } from "../../alerts/scrape-log.ts";
import type { AlertReport, CheckReport } from "../../report/report.ts";
import { ms } from "../../report/units.ts";
import { figures } from "./judge.ts";

export interface AlertClaim {
  readonly kind: "alert";
  /** Its name; undefined: any of the rules. */
  readonly alert: string | undefined;
  readonly is: "firing" | "resolved" | "silent";
  /** Labels it must have; others it may. */
  readonly of: Readonly<Record<string, string>>;
}

/** A claim whose turn has come. */
export interface OpenClaim {
  readonly claim: AlertClaim & { readonly withinUs: number; readonly forUs?: number };
  readonly fromUs: Micros;
  /** The last fault before it, or the beginning. */
  readonly faultUs: Micros;
  /** How its check is called, and what it expects. */
  readonly check: Pick<CheckReport, "check" | "expected">;
}

/** When the last of them can be judged. */
export const alertsEndUs = (open: readonly OpenClaim[]): number =>
  Math.max(0, ...open.map(({ claim, fromUs }) => fromUs + claim.withinUs + (claim.forUs ?? 0)));

export function judgeAlert(
  { claim, fromUs, faultUs, check }: OpenClaim,
  log: ScrapeLog,
  instances: readonly AlertInstance[],
): CheckReport {
  const firing = new Set(
    instances.filter((one) => isMeant(claim, one)).flatMap(({ slots }) => slots),
  );
  const slotAt = (us: number) => Math.floor((us - log.startUs) / log.intervalUs);
  const atUs = (slot: number) => log.startUs + slot * log.intervalUs;
  /** The last evaluation before it counts as well: an alert is a state. */
  const within = { first: Math.max(0, slotAt(fromUs)), last: slotAt(fromUs + claim.withinUs) };
  const sinceFault = Math.max(0, slotAt(faultUs - 1) + 1);
  const find = (first: number, last: number, is: (slot: number) => boolean) => {
    for (let slot = first; slot <= last; slot += 1) if (is(slot)) return slot;
    return undefined;
  };
  const isFiring = (slot: number) => firing.has(slot);
  const isQuiet = (slot: number) => !firing.has(slot);
  const after = (slot: number) => ms(Math.max(0, atUs(slot) - fromUs) / 1000);
  const failed = (observed: string): CheckReport => ({ ...check, status: "fail", observed });

  if (claim.is === "silent") {
    const fired = find(sinceFault, slotAt(fromUs + (claim.forUs ?? 0)), isFiring);
    if (fired === undefined) return { ...check, status: "pass", observed: "it never fired" };
    const names = instances.filter((one) => isMeant(claim, one) && one.slots.includes(fired));
    return failed(
      `fired at ${ms((atUs(fired) - log.startUs) / 1000)}: ${names.map(textOf).join(", ")}`,
    );
  }
  const wanted = claim.is === "firing" ? isFiring : isQuiet;
  const hasFiredBy = (slot: number) => find(sinceFault, slot, isFiring) !== undefined;
  const met = find(within.first, within.last, (slot) => wanted(slot) && hasFiredBy(slot));
  if (met === undefined) {
    const isStuck = claim.is === "resolved" && hasFiredBy(within.last);
    return failed(isStuck ? `still fires after ${ms(claim.withinUs / 1000)}` : "it never fired");
  }
  const broke =
    claim.forUs === undefined
      ? undefined
      : find(met, slotAt(atUs(met) + claim.forUs), (slot) => !wanted(slot));
  if (broke !== undefined) return failed(`no longer after ${after(broke)}`);
  const tookMs = Math.max(0, atUs(met) - fromUs) / 1000;
  return {
    ...{ ...check, status: "pass", observed: `after ${after(met)}` },
    ...figures(tookMs, claim.withinUs / 1000, "ms"),
  };
}

function isMeant({ alert, of }: AlertClaim, instance: AlertInstance): boolean {
  if (alert !== undefined && alert !== instance.alert) return false;
  return Object.entries(of).every(([label, value]) => instance.labels[label] === value);
}

/** `CausewayBgpPeerDown circuit-1`: what told it apart from its like. */
export function textOf({ alert, labels }: Pick<AlertInstance, "alert" | "labels">): string {
  const { instance: _instance, job: _job, ...own } = labels;
  return [alert, ...Object.values(own)].join(" ");
}

/** Every time an alert fired, for the report. */
export function reportAlerts(
  log: ScrapeLog,
  instances: readonly AlertInstance[],
  zeroUs: Micros,
): readonly AlertReport[] {
  const atMs = (slot: number) => (log.startUs + slot * log.intervalUs - zeroUs) / 1000;
  const all = instances.flatMap(({ alert, labels, severity, slots }) =>
    runsOf(slots).map(({ first, last }) => ({
      ...{ alert, labels, severity: severity ?? null },
      firedAtMs: atMs(first),
      resolvedAtMs: last + 1 < log.count ? atMs(last + 1) : null,
    })),
  );
  return all.sort((a, b) => a.firedAtMs - b.firedAtMs || (a.alert < b.alert ? -1 : 1));
}

function runsOf(slots: readonly number[]): { readonly first: number; readonly last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const slot of slots) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === slot) run.last = slot;
    else runs.push({ first: slot, last: slot });
  }
  return runs;
}
