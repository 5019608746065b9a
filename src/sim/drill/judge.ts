import type { CheckReport, FaultReport } from "../report/report.ts";
import { ms } from "../report/text.ts";
import type { Drill } from "./drill.ts";

/** One check for every budget and every fault of a circuit. */
export function judgeBudgets(
  drill: Drill,
  faults: readonly FaultReport[],
  hasProbes: boolean,
): CheckReport[] {
  const { budgets } = drill;
  const checks: CheckReport[] = [];
  for (const fault of faults.filter((one) => one.circuit !== null)) {
    const judge = (name: string, valueMs: number | null, maxUs: number | undefined) => {
      if (maxUs === undefined) return;
      checks.push({
        check: `${name} of "${fault.fault}"`,
        status: valueMs === null ? "inconclusive" : valueMs * 1000 <= maxUs ? "pass" : "fail",
        expected: `at most ${ms(maxUs / 1000)}`,
        observed: valueMs === null ? "not measured" : ms(valueMs),
        ...(valueMs === null ? {} : figures(valueMs, maxUs / 1000, "ms")),
      });
    };
    const { toCloud, toEdge } = fault.lost;
    const outageMs = hasProbes ? Math.max(toCloud.longestGapMs, toEdge.longestGapMs) : null;
    const sent = toCloud.sent + toEdge.sent;
    judge("detection", fault.detectionMs, budgets.detectionUsMax);
    judge("convergence", fault.convergenceMs, budgets.convergenceUsMax);
    judge("outage", outageMs, budgets.outageUsMax);
    if (budgets.lostPercentMax !== undefined) {
      const percent = sent === 0 ? null : (100 * (toCloud.lost + toEdge.lost)) / sent;
      checks.push({
        check: `loss during "${fault.fault}"`,
        status:
          percent === null ? "inconclusive" : percent <= budgets.lostPercentMax ? "pass" : "fail",
        expected: `at most ${budgets.lostPercentMax} %`,
        observed: percent === null ? "not measured" : `${percent.toFixed(2)} %`,
        ...(percent === null ? {} : figures(percent, budgets.lostPercentMax, "%")),
      });
    }
  }
  return checks;
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
