/**
 * Two runs of the same drills held against each other. Of one mode: what got worse, what got
 * better; figures must move by more than a share of themselves and more than a floor, because in a
 * lab they vary, and a verdict, a check or a figure that is gone counts as worse at once. Of two
 * modes: what virtual time predicted against what the lab measured.
 */

import { alignRows, differenceText } from "./formats/align.ts";
import { comparePrediction, formatPredictions, type PredictionRow } from "./prediction.ts";
import type { DrillReport, FaultReport } from "./report.ts";
import { ms } from "./units.ts";

export interface DiffRow {
  readonly drill: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** Of two figures; empty where they are words. */
  readonly difference: string;
  readonly change: "worse" | "better";
}

export interface ReportDiff {
  readonly rows: readonly DiffRow[];
  /** Of drills that one side has in virtual time and the other in a lab. */
  readonly predictions: readonly PredictionRow[];
  /** Drills found on both sides. */
  readonly compared: number;
}

/** How far a figure may move, as a share of itself; undefined: what suits the comparison. */
export type Tolerance = number | undefined;

const TOLERANCE = 0.1;
const FLOOR_MS = 5;
const FLOOR_PERCENT = 0.5;

/** Drills are matched by name, of the same mode where there is one; their faults by order. */
export function diffReports(
  before: readonly DrillReport[],
  after: readonly DrillReport[],
  tolerance: Tolerance,
): ReportDiff {
  const rows: DiffRow[] = [];
  const predictions: PredictionRow[] = [];
  let compared = 0;
  for (const old of before) {
    const named = after.filter((one) => one.drill === old.drill);
    const same = named.find((one) => one.mode === old.mode);
    const other = named.find((one) => one.mode !== old.mode);
    if (same !== undefined) {
      compared += 1;
      rows.push(...diffVerdicts(old, same), ...diffFaults(old, same, tolerance ?? TOLERANCE));
    } else if (other !== undefined) {
      compared += 1;
      const [predicted, measured] = old.mode === "virtual" ? [old, other] : [other, old];
      predictions.push(...comparePrediction(predicted, measured, tolerance));
    } else {
      const what = `the drill in ${old.mode} mode`;
      const row = { drill: old.drill, what, before: old.verdict, after: "not there" };
      rows.push({ ...row, difference: "", change: "worse" });
    }
  }
  return { rows, predictions, compared };
}

/** What a script asks: is anything worse, or other than predicted? */
export const isBad = ({ rows, predictions }: ReportDiff): boolean =>
  rows.some((row) => row.change === "worse") || predictions.some((row) => row.agrees === false);

const VERDICT_RANK = { PASS: 0, INCONCLUSIVE: 1, FAIL: 2 } as const;
const STATUS_RANK = { pass: 0, inconclusive: 1, fail: 2 } as const;

function diffVerdicts(before: DrillReport, after: DrillReport): DiffRow[] {
  const rows: DiffRow[] = [];
  const { drill } = before;
  const judge = (what: string, old: string, now: string, worseBy: number) => {
    if (worseBy === 0) return;
    const change = worseBy > 0 ? "worse" : "better";
    rows.push({ drill, what, before: old, after: now, difference: "", change });
  };
  const worseBy = VERDICT_RANK[after.verdict] - VERDICT_RANK[before.verdict];
  judge("verdict", before.verdict, after.verdict, worseBy);
  for (const [index, old] of before.checks.entries()) {
    const nth = before.checks.slice(0, index).filter((one) => one.check === old.check).length;
    const same = after.checks.filter((one) => one.check === old.check)[nth];
    if (same === undefined) judge(`check "${old.check}"`, old.status, "not there", 1);
    else {
      const by = STATUS_RANK[same.status] - STATUS_RANK[old.status];
      judge(`check "${old.check}"`, old.status, same.status, by);
    }
  }
  return rows;
}

function diffFaults(before: DrillReport, after: DrillReport, tolerance: number): DiffRow[] {
  return before.faults.flatMap((old, index) => {
    const same = after.faults[index];
    if (same === undefined || same.fault !== old.fault) {
      const now = same === undefined ? "not there" : same.fault;
      const row = { drill: before.drill, what: "fault", before: old.fault, after: now };
      return [{ ...row, difference: "", change: "worse" as const }];
    }
    return FIGURES.flatMap(({ name, of, floor, text }) => {
      const [was, is] = [of(old), of(same)];
      const change = changeOf(was, is, { tolerance, floor });
      if (change === undefined) return [];
      const say = (value: number | null) => (value === null ? "none" : text(value));
      const what = `${name} of "${old.fault}"`;
      const difference = differenceText(was, is, text);
      return [{ drill: before.drill, what, before: say(was), after: say(is), difference, change }];
    });
  });
}

function changeOf(
  was: number | null,
  is: number | null,
  { tolerance, floor }: { readonly tolerance: number; readonly floor: number },
): DiffRow["change"] | undefined {
  if (was === null || is === null) {
    if (was === is) return undefined;
    return is === null ? "worse" : "better";
  }
  const by = is - was;
  if (Math.abs(by) <= Math.max(floor, tolerance * was)) return undefined;
  return by > 0 ? "worse" : "better";
}

const percent = (value: number): string => `${value.toFixed(2)} %`;

interface Figure {
  readonly name: string;
  readonly of: (fault: FaultReport) => number | null;
  readonly floor: number;
  readonly text: (value: number) => string;
}

const FIGURES: readonly Figure[] = [
  { name: "detection", of: (fault) => fault.detectionMs, floor: FLOOR_MS, text: ms },
  { name: "convergence", of: (fault) => fault.convergenceMs, floor: FLOOR_MS, text: ms },
  { name: "cloud", of: (fault) => fault.cloudConvergenceMs, floor: FLOOR_MS, text: ms },
  {
    name: "longest gap",
    of: ({ lost }) => Math.max(lost.toCloud.longestGapMs, lost.toEdge.longestGapMs),
    floor: FLOOR_MS,
    text: ms,
  },
  {
    name: "loss",
    of({ lost: { toCloud, toEdge } }) {
      const sent = toCloud.sent + toEdge.sent;
      return sent === 0 ? null : (100 * (toCloud.lost + toEdge.lost)) / sent;
    },
    floor: FLOOR_PERCENT,
    text: percent,
  },
];

export function formatDiff({ rows, predictions, compared }: ReportDiff): string {
  const head = ["", "drill", "what", "before", "after", "difference"];
  const cells = rows.map((row) => [
    ...[row.change, row.drill, row.what, row.before, row.after, row.difference],
  ]);
  const worse = rows.filter((row) => row.change === "worse").length;
  const total =
    rows.length > 0
      ? `${worse} worse, ${rows.length - worse} better`
      : predictions.length > 0
        ? formatPredictions.total(predictions)
        : "nothing changed";
  const parts = [
    ...(rows.length > 0 ? [alignRows([head, ...cells])] : []),
    ...(predictions.length > 0 ? [formatPredictions.table(predictions)] : []),
    `${compared} drills compared: ${total}`,
  ];
  return `${parts.join("\n")}\n`;
}
