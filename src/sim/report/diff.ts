/**
 * Two reports of the same drills held against each other: what got worse, what got better. Figures
 * must move by more than a share of themselves and more than a floor, because in a lab they vary;
 * a verdict, a check or a figure that is gone counts as worse at once.
 */
import type { DrillReport, FaultReport } from "./report.ts";
import { ms } from "./text.ts";

export interface DiffRow {
  readonly drill: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly change: "worse" | "better";
}

export interface ReportDiff {
  readonly rows: readonly DiffRow[];
  /** Drills found on both sides. */
  readonly compared: number;
}

const FLOOR_MS = 5;
const FLOOR_PERCENT = 0.5;

/** Drills are matched by name and mode, their faults by order; `tolerance` 0.1 is ten percent. */
export function diffReports(
  before: readonly DrillReport[],
  after: readonly DrillReport[],
  tolerance: number,
): ReportDiff {
  const rows: DiffRow[] = [];
  let compared = 0;
  for (const old of before) {
    const same = after.find((one) => one.drill === old.drill && one.mode === old.mode);
    if (same === undefined) {
      const what = `the drill in ${old.mode} mode`;
      const row = { drill: old.drill, what, before: old.verdict, after: "not there" };
      rows.push({ ...row, change: "worse" });
      continue;
    }
    compared += 1;
    rows.push(...diffVerdicts(old, same), ...diffFaults(old, same, tolerance));
  }
  return { rows, compared };
}

const VERDICT_RANK = { PASS: 0, INCONCLUSIVE: 1, FAIL: 2 } as const;
const STATUS_RANK = { pass: 0, inconclusive: 1, fail: 2 } as const;

function diffVerdicts(before: DrillReport, after: DrillReport): DiffRow[] {
  const rows: DiffRow[] = [];
  const { drill } = before;
  const judge = (what: string, old: string, now: string, worseBy: number) => {
    if (worseBy === 0) return;
    const change = worseBy > 0 ? "worse" : "better";
    rows.push({ drill, what, before: old, after: now, change });
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
      return [{ ...row, change: "worse" as const }];
    }
    return FIGURES.flatMap(({ name, of, floor, text }) => {
      const [was, is] = [of(old), of(same)];
      const change = changeOf(was, is, { tolerance, floor });
      if (change === undefined) return [];
      const say = (value: number | null) => (value === null ? "none" : text(value));
      const what = `${name} of "${old.fault}"`;
      return [{ drill: before.drill, what, before: say(was), after: say(is), change }];
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

const FIGURES: readonly {
  readonly name: string;
  readonly of: (fault: FaultReport) => number | null;
  readonly floor: number;
  readonly text: (value: number) => string;
}[] = [
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

export function formatDiff({ rows, compared }: ReportDiff): string {
  const lines = rows.map(
    (row) => `${row.change.padEnd(6)} ${row.drill}: ${row.what}: ${row.before} → ${row.after}`,
  );
  const worse = rows.filter((row) => row.change === "worse").length;
  const total =
    rows.length === 0 ? "nothing changed" : `${worse} worse, ${rows.length - worse} better`;
  return `${[...lines, `${compared} drills compared: ${total}`].join("\n")}\n`;
}
