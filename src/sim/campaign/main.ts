/** What `causeway campaign` does, apart from reading its arguments. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatProblem } from "../../agent/config/document.ts";
import { AppError } from "../../core/app-error.ts";
import { FILES } from "../disk-files.ts";
import { type Campaign, type Run, runCount, runsOf, variantCount } from "./campaign.ts";
import { formatHeatMap } from "./heat-map.ts";
import { loadCampaign } from "./load.ts";
import { openPool, type Pool } from "./pool.ts";
import { Progress, type ProgressStream } from "./progress.ts";
import { writeRepeatable } from "./repeat.ts";
import type { RunResult } from "./result.ts";
import { ResultFile, readResults, resultFileName } from "./result-file.ts";
import { playAll, shrinkRun } from "./run.ts";
import { failureOf } from "./shrink.ts";
import {
  type Failure,
  failureText,
  formatMarkdown,
  type Summary,
  summarize,
  summaryText,
} from "./summary.ts";

/** As of drills: 0 all passed, 1 not all could be played, 2 usage, 3 our own bug, 4 one failed. */
export const CampaignExit = { Pass: 0, NotRun: 1, Usage: 2, Internal: 3, Failed: 4 } as const;
export type CampaignExit = (typeof CampaignExit)[keyof typeof CampaignExit];

export interface CampaignOrder {
  readonly file: string;
  readonly version: string;
  /** Threads. */
  readonly parallel: number;
  readonly shard: { readonly of: number; readonly total: number };
  readonly isFailFast: boolean;
  /** Results that are there are forgotten. */
  readonly isFresh: boolean;
  /** Where results and reports go; a folder named after the campaign where undefined. */
  readonly folder: string | undefined;
  readonly output: "text" | "json";
  readonly isQuiet: boolean;
}

export interface CampaignStreams {
  readonly out: (text: string) => void;
  readonly err: ProgressStream;
}

/** Failures of different kinds that are made smaller; the rest is in the results. */
const SHRUNK_MAX = 5;

export async function runCampaign(
  order: CampaignOrder,
  streams: CampaignStreams,
): Promise<CampaignExit> {
  const campaign = readCampaign(order.file, streams);
  if (campaign === undefined) return CampaignExit.Usage;
  return guarded(streams, () => playCampaign(campaign, order, streams));
}

/** Draws the reports of results that are there, of all shards. */
export async function reportCampaign(
  order: Pick<CampaignOrder, "file" | "version" | "folder" | "output">,
  streams: CampaignStreams,
): Promise<CampaignExit> {
  const campaign = readCampaign(order.file, streams);
  if (campaign === undefined) return CampaignExit.Usage;
  return guarded(streams, async () => {
    const folder = folderOf(campaign, order.folder);
    const results = readResults(folder);
    const summary = summarize(campaign, order.version, (id) => results.get(id), []);
    writeReports(folder, summary);
    tell(summary, order.output, streams);
    return exitOf(summary.results, summary.results.length < summary.planned);
  });
}

async function playCampaign(
  campaign: Campaign,
  order: CampaignOrder,
  streams: CampaignStreams,
): Promise<CampaignExit> {
  const { version, shard } = order;
  const folder = folderOf(campaign, order.folder);
  mkdirSync(folder, { recursive: true });
  const file = new ResultFile(join(folder, resultFileName(shard)), order.isFresh);
  const pool = openPool(order.parallel, version);
  const interruption = watchSignals();
  try {
    const narrate = (text: string) => {
      if (!order.isQuiet) streams.err.write(text);
    };
    const progress = announce(campaign, order, file, narrate, streams.err);
    await playAll(campaign, pool, file, {
      version,
      shard,
      isFailFast: order.isFailFast,
      isStopped: () => interruption.isStopped,
      ended: (result) => {
        if (!order.isQuiet) progress.ended(result);
      },
    });
    if (!order.isQuiet) progress.close();
    const failures = interruption.isStopped
      ? []
      : await shrinkFailures(campaign, { pool, file, order, folder });
    const summary = summarize(campaign, version, (id) => file.get(id), failures);
    writeReports(folder, summary);
    tell(summary, order.output, streams);
    if (interruption.isStopped) {
      narrate("interrupted; the same command goes on where this one stopped\n");
    }
    return exitOf(summary.results, interruption.isStopped);
  } finally {
    interruption.close();
    file.close();
    await pool.close();
  }
}

function announce(
  campaign: Campaign,
  order: CampaignOrder,
  file: ResultFile,
  narrate: (text: string) => void,
  stream: ProgressStream,
): Progress {
  const total = Math.ceil(runCount(campaign) / order.shard.total);
  let before = 0;
  for (const run of runsOf(campaign, order.version, order.shard)) {
    if (file.get(run.id) !== undefined) before += 1;
  }
  const torn =
    file.tornOctets === 0 ? "" : `, a torn last line of ${file.tornOctets} octets cut off`;
  const known = before === 0 && torn === "" ? "" : ` (${before} are there already${torn})`;
  const what = `${variantCount(campaign)} variants, ${campaign.seeds.length} seeds`;
  narrate(`campaign ${campaign.name}: ${total} runs${known}: ${what}, ${order.parallel} threads\n`);
  return new Progress(stream, total, before);
}

/** The first failure of each kind, in the order of the plan, made as small as it goes. */
async function shrinkFailures(
  campaign: Campaign,
  parts: {
    readonly pool: Pool;
    readonly file: ResultFile;
    readonly order: CampaignOrder;
    readonly folder: string;
  },
): Promise<readonly Failure[]> {
  const { pool, file, order, folder } = parts;
  const firsts = new Map<string, { readonly run: Run; readonly result: RunResult }>();
  for (const run of runsOf(campaign, order.version, order.shard)) {
    const result = file.get(run.id);
    if (result?.verdict !== "FAIL") continue;
    const kind = failureOf(result.failed[0] ?? "");
    if (!firsts.has(kind)) firsts.set(kind, { run, result });
    if (firsts.size === SHRUNK_MAX) break;
  }
  const failures: Failure[] = [];
  for (const { run, result } of firsts.values()) {
    const smallest = await shrinkRun(campaign, pool, run, result, order.version);
    const { text, because, triedCount, count } = smallest;
    const command = writeRepeatable(campaign, join(folder, "failures"), {
      id: smallest.run.id,
      seed: run.seed,
      files: smallest.run.variant.files,
      text: `${campaign.name}, ${run.key}: ${because}`,
    });
    const left = smallest.parts.length;
    failures.push({ key: run.key, because, text, left, count, triedCount, command });
  }
  return failures;
}

function writeReports(folder: string, summary: Summary): void {
  writeFileSync(join(folder, "summary.md"), formatMarkdown(summary));
  writeFileSync(join(folder, "heat-map.html"), formatHeatMap(summary));
}

function tell(summary: Summary, output: "text" | "json", { out }: CampaignStreams): void {
  if (output === "json") {
    for (const result of summary.results) out(`${JSON.stringify(result)}\n`);
    return;
  }
  for (const failure of summary.failures) out(failureText(failure));
  out(`${summaryText(summary)}\n`);
}

function exitOf(results: readonly RunResult[], isUnfinished: boolean): CampaignExit {
  if (results.some(({ verdict }) => verdict === "FAIL")) return CampaignExit.Failed;
  const isUnsure = results.some(({ verdict }) => verdict !== "PASS");
  return isUnsure || isUnfinished ? CampaignExit.NotRun : CampaignExit.Pass;
}

const folderOf = (campaign: Campaign, folder: string | undefined): string =>
  folder ?? `campaign-${campaign.name}`;

function readCampaign(file: string, { err }: CampaignStreams): Campaign | undefined {
  const found = FILES.read(file);
  if ("error" in found) {
    err.write(`causeway: cannot read ${file}: ${found.error}\n`);
    return undefined;
  }
  const { campaign, problems } = loadCampaign(file, found.text, FILES);
  for (const problem of problems) err.write(`${formatProblem(problem)}\n`);
  return campaign;
}

/** What the outside did is one sentence; what we did wrong has a stack. */
async function guarded(
  { err }: CampaignStreams,
  run: () => Promise<CampaignExit>,
): Promise<CampaignExit> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof AppError || (cause instanceof Error && "syscall" in cause)) {
      err.write(`causeway: ${cause.message}\n`);
      return CampaignExit.NotRun;
    }
    err.write(`causeway: ${cause instanceof Error ? cause.stack : String(cause)}\n`);
    return CampaignExit.Internal;
  }
}

/** The first Ctrl-C lets what is under way end; the second one ends the process as ever. */
function watchSignals(): { readonly isStopped: boolean; close(): void } {
  let isStopped = false;
  const stop = () => {
    isStopped = true;
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return {
    get isStopped() {
      return isStopped;
    },
    close: () => process.off("SIGINT", stop).off("SIGTERM", stop),
  };
}
