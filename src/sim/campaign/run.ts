/**
 * Plays the runs of a campaign on a pool, as many at a time as it has threads and a few waiting,
 * and writes each result as it ends. Which thread played what, and in which order they ended, is in
 * no result.
 */
import { type Campaign, type Run, runOf, runsOf, type Variant } from "./campaign.ts";
import type { Pool } from "./pool.ts";
import type { RunResult } from "./result.ts";
import type { ResultFile } from "./result-file.ts";
import { failureOf, type Shrunk, scenarioOf, shrink } from "./shrink.ts";

export interface PlayOptions {
  readonly version: string;
  readonly shard: { readonly of: number; readonly total: number };
  /** Starts no run after the first that fails. */
  readonly isFailFast: boolean;
  /** Starts no run any more; those under way end and are written. */
  readonly isStopped: () => boolean;
  readonly ended: (result: RunResult) => void;
}

/** Runs that wait at each thread, so that none idles while its result is written. */
const AHEAD = 2;

/** Throws what a run says is a bug of ours, after the others ended. */
export async function playAll(
  campaign: Campaign,
  pool: Pool,
  file: ResultFile,
  options: PlayOptions,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let fault: Error | undefined;
  let hasFailed = false;
  const playOne = async (run: Run) => {
    const answer = await pool.play(run);
    if ("fault" in answer) {
      fault ??= new Error(`${run.key}: ${answer.fault}`);
      return;
    }
    const result = resultOf(run, answer.outcome);
    file.append(result);
    hasFailed ||= result.verdict === "FAIL";
    options.ended(result);
  };
  for (const run of runsOf(campaign, options.version, options.shard)) {
    const known = file.get(run.id);
    hasFailed ||= known?.verdict === "FAIL";
    if (options.isStopped() || fault !== undefined) break;
    if (options.isFailFast && hasFailed) break;
    if (known !== undefined) continue;
    const playing = playOne(run).catch((cause: unknown) => {
      fault ??= cause instanceof Error ? cause : new Error(String(cause));
    });
    underWay.add(playing);
    void playing.then(() => underWay.delete(playing));
    if (underWay.size >= pool.threads * AHEAD) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  if (fault !== undefined) throw fault;
}

function resultOf(run: Run, outcome: Omit<RunResult, keyof typeof IDENTITY>): RunResult {
  const { index, id, key, seed } = run;
  const schema = "causeway.campaign.result/v1";
  return { schema, index, id, key, axes: run.variant.axes, seed, ...outcome };
}

const IDENTITY = { schema: 0, index: 0, id: 0, key: 0, axes: 0, seed: 0 } as const;

export interface Smallest extends Shrunk {
  readonly run: Run;
  readonly text: string;
  readonly count: number;
  readonly because: string;
}

/** The fewest faults with which a failed run still fails in the same way. */
export async function shrinkRun(
  campaign: Campaign,
  pool: Pool,
  run: Run,
  failed: RunResult,
  version: string,
): Promise<Smallest> {
  const check = failed.failed[0] ?? "";
  const scenario = scenarioOf(campaign, run.variant, check);
  const partsRun = (parts: readonly number[]): Run => {
    const files = scenario.files(parts);
    const variant: Variant = { ...run.variant, files, digest: `${run.id}/${parts.join()}` };
    return runOf(variant, run.seed, run.index, version);
  };
  let because = failed.because;
  const fails = async (parts: readonly number[]) => {
    const answer = await pool.play(partsRun(parts));
    if ("fault" in answer || answer.outcome.verdict !== "FAIL") return false;
    const isSame = answer.outcome.failed.some((one) => failureOf(one) === failureOf(check));
    if (isSame) ({ because } = answer.outcome);
    return isSame;
  };
  const shrunk = await shrink(scenario, fails);
  const isSmaller = shrunk.parts.length < scenario.count;
  return {
    ...shrunk,
    run: isSmaller ? partsRun(shrunk.parts) : run,
    text: scenario.text(shrunk.parts),
    count: scenario.count,
    because,
  };
}
