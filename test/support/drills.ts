/**
 * Drills for tests: read from `fixtures/drills`, or from a text as if it stood there, and played as
 * `causeway drill run` does.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import { promtool } from "../../src/sim/alerts/engine.ts";
import { FILES } from "../../src/sim/disk-files.ts";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { type DrillLoad, type FileAccess, loadDrill } from "../../src/sim/drill/file/load.ts";
import { type RunOptions, runDrill } from "../../src/sim/drill/runner.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { formatReport } from "../../src/sim/report/formats/text.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
export const DRILLS = join(root, "fixtures", "drills");

export type SoundLoad = DrillLoad & { readonly drill: Drill };

/** What the loader says of a text, as if it stood in the file `name` of `fixtures/drills`. */
export const readDrill = (
  text: string,
  { name = "test.yaml", files = FILES }: { name?: string; files?: FileAccess } = {},
): DrillLoad => loadDrill(join(DRILLS, name), text, files);

/** The same of a drill that can be played; throws with the problems of one that cannot. */
export function sound(load: DrillLoad): SoundLoad {
  const { drill, problems } = load;
  if (drill === undefined) throw new Error(JSON.stringify(problems));
  return { ...load, drill };
}

export const shippedText = (name: string): string => readFileSync(join(DRILLS, name), "utf8");

export const load = (name: string): SoundLoad => sound(readDrill(shippedText(name), { name }));

/** The text of a drill of two circuits, up to its steps and whatever else the test is about. */
export const written = (rest: string, { edge = "edge", cloud = "cloud" } = {}): string => `
drill: test
description: a test
seed: 7
edge: ../lab/${edge}.yaml
cloud: ../lab/${cloud}.yaml
traffic: { idc: 10.1.0.10, vpc: 10.64.0.10, flows: 4, interval: 10ms }
${rest}
`;

/** The disk, with files that say what `edit` makes of them. */
export const edited = (edit: (text: string, file: string) => string): FileAccess => ({
  ...FILES,
  read(file) {
    const found = FILES.read(file);
    return "text" in found ? { text: edit(found.text, file) } : found;
  },
});

/** Files by name that stand in the test alone. */
export const filesOf = (texts: Readonly<Record<string, string>>): FileAccess => ({
  resolve: (_from, name) => name,
  read(name) {
    const text = texts[name];
    return text === undefined ? { error: `no ${name}` } : { text };
  },
});

export const play = (
  drill: Drill,
  lab: Lab,
  options: Partial<RunOptions> = {},
): Promise<DrillReport> =>
  runDrill(drill, lab, {
    version: "test",
    startedAt: "2026-01-01T00:00:00.000Z",
    progress: () => undefined,
    rulesEngine: promtool,
    traceHash: () => (lab instanceof VirtualLab ? lab.traceHash : null),
    ...options,
  });

export function passes(t: Test, report: DrillReport): void {
  t.equal(report.verdict, "PASS", `${report.drill}: ${report.because}`);
  if (report.verdict !== "PASS") t.comment(formatReport(report));
}
