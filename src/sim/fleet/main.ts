/** What `causeway fleet run` does, apart from reading its arguments. */
import { readFileSync } from "node:fs";
import { formatProblem } from "../../agent/config/document.ts";
import { AppError } from "../../core/app-error.ts";
import { loadFleet } from "./fleet.ts";
import { formatFleet, reportFleet } from "./report.ts";
import { playFleet } from "./run.ts";

/** As of drills: 0 pass, 1 could not run, 2 usage or file, 3 our own bug, 4 failed. */
export const FleetExit = { Pass: 0, NotRun: 1, Usage: 2, Internal: 3, Failed: 4 } as const;
export type FleetExit = (typeof FleetExit)[keyof typeof FleetExit];

export interface FleetOrder {
  readonly file: string;
  readonly version: string;
  /** In place of the file's. */
  readonly seed: number | undefined;
  readonly edges: number | undefined;
  readonly output: "text" | "json";
  readonly isQuiet: boolean;
}

interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export function runFleet(order: FleetOrder, { out, err }: Streams): FleetExit {
  const text = readText(order.file, err);
  if (text === undefined) return FleetExit.Usage;
  const { fleet: found, problems } = loadFleet(order.file, text);
  for (const problem of problems) err(`${formatProblem(problem)}\n`);
  if (found === undefined) return FleetExit.Usage;
  const fleet = {
    ...found,
    seed: order.seed ?? found.seed,
    edges: order.edges ?? found.edges,
  };
  try {
    const figures = playFleet(fleet, (words) => {
      if (!order.isQuiet) err(words);
    });
    const report = reportFleet(fleet, figures, order.version);
    out(order.output === "json" ? `${JSON.stringify(report)}\n` : formatFleet(report));
    if (report.verdict === "PASS") return FleetExit.Pass;
    return report.verdict === "FAIL" ? FleetExit.Failed : FleetExit.NotRun;
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const isOurs = !(cause instanceof AppError);
    err(`causeway: fleet ${fleet.name}: ${isOurs ? cause.stack : cause.message}\n`);
    return isOurs ? FleetExit.Internal : FleetExit.NotRun;
  }
}

function readText(file: string, err: (text: string) => void): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    err(`causeway: cannot read ${file}: ${cause.message}\n`);
    return undefined;
  }
}
