/** What `causeway drill diff` does, apart from reading its arguments. */
import { readFileSync } from "node:fs";
import { diffReports, formatDiff, isBad } from "./report/diff.ts";
import { readReports } from "./report/read.ts";
import type { DrillReport } from "./report/report.ts";

export interface DiffOrder {
  readonly before: string;
  readonly after: string;
  /** Of a figure's own size, in percent; undefined: what suits the two modes compared. */
  readonly tolerancePercent: number | undefined;
  readonly output: "text" | "json";
}

interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** 0 nothing is worse, 2 a file is not readable, 4 something is worse or not as predicted. */
export function diffDrills(order: DiffOrder, streams: Streams): 0 | 2 | 4 {
  const before = read(order.before, streams);
  const after = read(order.after, streams);
  if (before === undefined || after === undefined) return 2;
  const diff = diffReports(
    before,
    after,
    order.tolerancePercent === undefined ? undefined : order.tolerancePercent / 100,
  );
  streams.out(order.output === "json" ? `${JSON.stringify(diff)}\n` : formatDiff(diff));
  return isBad(diff) ? 4 : 0;
}

function read(file: string, streams: Streams): readonly DrillReport[] | undefined {
  try {
    const reports = readReports(readFileSync(file, "utf8"));
    if (typeof reports !== "string") return reports;
    streams.err(`causeway: ${file}: ${reports}\n`);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    streams.err(`causeway: cannot read ${file}: ${text}\n`);
  }
  return undefined;
}
