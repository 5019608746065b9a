/**
 * One thread of a campaign: plays runs in virtual time, one after the other. Modules are loaded and
 * compiled once, and a variant's files are read once however many seeds are played with them; a run
 * leaves nothing behind for the next, so which thread plays it makes no difference to its outcome.
 */
import { performance } from "node:perf_hooks";
import { AppError } from "../../core/app-error.ts";
import { promtool } from "../alerts/engine.ts";
import { FILES } from "../disk-files.ts";
import type { Drill } from "../drill/drill.ts";
import { loadDrill } from "../drill/file/load.ts";
import { runDrill } from "../drill/runner.ts";
import { VirtualLab } from "../lab/virtual/virtual-lab.ts";
import type { DrillFiles } from "./campaign.ts";
import { accessTo } from "./load.ts";
import { errorOutcome, type Outcome, outcomeOf } from "./result.ts";

export interface Task {
  readonly files: DrillFiles;
  /** Of the files. */
  readonly digest: string;
  readonly seed: number;
  readonly version: string;
}

/** `fault` is a bug of ours: it ends the campaign. */
export type Answer = { readonly outcome: Outcome } | { readonly fault: string };

/** Where virtual wall clocks begin. */
const VIRTUAL_START = "2026-01-01T00:00:00.000Z";

let known: { readonly digest: string; readonly read: Drill | string } | undefined;

export async function play(task: Task): Promise<Answer> {
  const start = performance.now();
  const took = () => Math.round((performance.now() - start) * 10) / 10;
  if (known?.digest !== task.digest) known = { digest: task.digest, read: readDrill(task.files) };
  const { read } = known;
  if (typeof read === "string") return { outcome: errorOutcome(read, took()) };
  const drill = { ...read, seed: task.seed };
  try {
    const lab = new VirtualLab(drill);
    const report = await runDrill(drill, lab, {
      version: task.version,
      startedAt: VIRTUAL_START,
      progress: () => undefined,
      rulesEngine: promtool,
      traceHash: () => lab.traceHash,
    });
    return { outcome: outcomeOf(report, took()) };
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const isOurs = !(cause instanceof AppError) || cause.code === "INTERNAL_INVARIANT";
    if (isOurs) return { fault: cause.stack ?? cause.message };
    return { outcome: errorOutcome(cause.message, took()) };
  }
}

function readDrill(files: DrillFiles): Drill | string {
  const access = accessTo(files, FILES.resolve);
  const { drill, problems } = loadDrill(files.file, files.text, access);
  if (drill !== undefined) return drill;
  const first = problems.find(({ severity }) => severity === "error");
  return first?.message ?? "it cannot be played";
}
