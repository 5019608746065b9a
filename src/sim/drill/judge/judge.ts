import type { CheckReport, FaultReport, RepairReport } from "../../report/report.ts";
import { ms } from "../../report/units.ts";
import type { Budgets, Drill } from "../drill.ts";
import { budgetsOf } from "./default-budgets.ts";

/**
 * One check for every budget, of every fault and of every repair. What a fault of the edge or of
 * the cloud did to traffic counts like a circuit's; there is no circuit to be left.
 */
export function judgeBudgets(
  drill: Drill,
  faults: readonly FaultReport[],
  repairs: readonly RepairReport[],
): CheckReport[] {
  return [
    ...faults.flatMap((one) => {
      const budgets = budgetsOf(drill, one.circuit);
      const leaving = one.circuit === null ? [] : ofLeaving(budgets, one);
      return [...leaving, ...ofTraffic(budgets, one)];
    }),
    ...repairs.flatMap((one) => ofRepair(budgetsOf(drill, one.circuit), one)),
  ];
}

function ofLeaving(budgets: Budgets, fault: FaultReport): CheckReport[] {
  const { lateMs } = fault;
  return [
    ...judgeMs(of("detection", fault), fault.detectionMs, budgets.detectionUsMax, lateMs),
    ...judgeMs(of("convergence", fault), fault.convergenceMs, budgets.convergenceUsMax, lateMs),
    ...judgeMs(of("cloud", fault), fault.cloudConvergenceMs, budgets.cloudUsMax, lateMs),
  ];
}

const of = (name: string, { fault }: FaultReport): string => `${name} of "${fault}"`;

function ofTraffic(budgets: Budgets, fault: FaultReport): CheckReport[] {
  const { lateMs } = fault;
  const { toCloud, toEdge } = fault.lost;
  const outageMs = Math.max(toCloud.longestGapMs, toEdge.longestGapMs);
  const sent = toCloud.sent + toEdge.sent;
  const percent = sent === 0 ? null : (100 * (toCloud.lost + toEdge.lost)) / sent;
  const rto = budgets.rtoUsMax ?? {};
  return [
    ...judgeMs(of("outage", fault), outageMs, budgets.outageUsMax, lateMs),
    ...(["p50", "p99", "max"] as const).flatMap((name) =>
      judgeMs(of(`rto ${name}`, fault), slowest(fault, name), rto[name], lateMs),
    ),
    ...judge({
      check: `loss during "${fault.fault}"`,
      value: percent,
      max: budgets.lostPercentMax,
      unit: "%",
      text: (value) => `${value.toFixed(2)} %`,
    }),
    ...judge({
      check: `changes of one way after "${fault.fault}"`,
      value: fault.routeChanges ?? null,
      max: budgets.routeChangesMax,
      unit: "changes",
      text: String,
    }),
  ];
}

function ofRepair(budgets: Budgets, repair: RepairReport): CheckReport[] {
  const { toCloud, toEdge } = repair.lost;
  return [
    ...judgeMs(
      `restored after "${repair.repair}"`,
      repair.restoredMs,
      budgets.restoreUsMax,
      repair.lateMs,
    ),
    ...judge({
      check: `lost after "${repair.repair}"`,
      value: toCloud.lost + toEdge.lost,
      max: budgets.restoreLostMax,
      unit: "probes",
      text: (value) => `${value} probes`,
    }),
  ];
}

/** Of the worse direction; flows that lost nothing recovered at once. */
function slowest({ recovery }: FaultReport, name: "p50" | "p99" | "max"): number {
  const each = [recovery?.toCloud, recovery?.toEdge];
  return Math.max(...each.map((one) => one?.[`${name}Ms`] ?? 0));
}

function judgeMs(
  check: string,
  value: number | null,
  maxUs: number | undefined,
  lateMs = 0,
): CheckReport[] {
  const max = maxUs === undefined ? undefined : maxUs / 1000;
  return judge({ check, value, max, unit: "ms", text: ms }).map((one) => {
    const missedBy = value === null || max === undefined ? 0 : value - max;
    const isTold = missedBy > 0 && missedBy <= lateMs;
    return isTold ? { ...one, ...excused(one.observed, lateMs) } : one;
  });
}

/** What was missed by no more than the machine was late says nothing about the edge. */
export const excused = (observed: string, lateMs: number) =>
  ({
    status: "inconclusive",
    observed: `${observed}, and the machine was up to ${ms(lateMs)} late`,
  }) as const;

function judge({
  check,
  value,
  max,
  unit,
  text,
}: {
  readonly check: string;
  readonly value: number | null;
  readonly max: number | undefined;
  readonly unit: string;
  text(value: number): string;
}): CheckReport[] {
  if (max === undefined) return [];
  return [
    {
      check,
      status: value === null ? "inconclusive" : value <= max ? "pass" : "fail",
      expected: `at most ${text(max)}`,
      observed: value === null ? "not measured" : text(value),
      ...(value === null ? {} : figures(value, max, unit)),
    },
  ];
}

/** A check's figure beside its upper limit; the margin is what was left of it. */
export function figures(
  value: number,
  limit: number,
  unit: string,
): Pick<CheckReport, "value" | "limit" | "margin" | "unit"> {
  const rounded = (figure: number) => Math.round(figure * 1000) / 1000;
  return { value: rounded(value), limit, margin: rounded(limit - value), unit };
}
