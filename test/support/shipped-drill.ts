/** A drill of `fixtures/drills`, read and played as `causeway drill run` does. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import { promtool } from "../../src/sim/alerts/engine.ts";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { type FileAccess, loadDrill } from "../../src/sim/drill/file/load.ts";
import { runDrill } from "../../src/sim/drill/runner.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { formatReport } from "../../src/sim/report/formats/text.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
export const DRILLS = join(root, "fixtures", "drills");

const files: FileAccess = {
  resolve: (from, name) => resolve(dirname(from), name),
  read: (file) => ({ text: readFileSync(file, "utf8") }),
};

export function load(name: string): { drill: Drill; edgeFile: string } {
  const file = join(DRILLS, name);
  const { drill, problems, edgeFile } = loadDrill(file, readFileSync(file, "utf8"), files);
  if (drill === undefined) throw new Error(JSON.stringify(problems));
  return { drill, edgeFile };
}

export const play = (drill: Drill, lab: Lab): Promise<DrillReport> =>
  runDrill(drill, lab, {
    version: "test",
    startedAt: "2026-01-01T00:00:00.000Z",
    progress: () => undefined,
    rulesEngine: promtool,
    traceHash: () => (lab instanceof VirtualLab ? lab.traceHash : null),
  });

export function passes(t: Test, report: DrillReport): void {
  t.equal(report.verdict, "PASS", `${report.drill}: ${report.because}`);
  if (report.verdict !== "PASS") t.comment(formatReport(report));
}
