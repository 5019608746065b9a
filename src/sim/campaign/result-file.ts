/**
 * The results of a campaign on disk, one line a run, written as runs end. A process that is killed
 * loses what was in its threads and nothing else: the next one reads the file, cuts off a line that
 * was torn in the middle, and plays what is missing.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AppError } from "../../core/app-error.ts";
import type { RunResult } from "./result.ts";

export class ResultFile {
  readonly #fd: number;
  readonly #byId = new Map<string, RunResult>();
  /** Octets of a torn last line that were cut off. */
  readonly tornOctets: number;

  /** Throws AppError where the file holds what no campaign wrote; `isFresh` forgets it all. */
  constructor(file: string, isFresh: boolean) {
    const octets = existsSync(file) && !isFresh ? readFileSync(file) : Buffer.alloc(0);
    const wholeOctets = octets.lastIndexOf(0x0a) + 1;
    for (const result of parseResults(file, octets.toString("utf8", 0, wholeOctets))) {
      this.#byId.set(result.id, result);
    }
    this.#fd = openSync(file, isFresh ? "w" : "a");
    this.tornOctets = octets.length - wholeOctets;
    if (this.tornOctets > 0) ftruncateSync(this.#fd, wholeOctets);
  }

  get(id: string): RunResult | undefined {
    return this.#byId.get(id);
  }

  append(result: RunResult): void {
    writeSync(this.#fd, `${JSON.stringify(result)}\n`);
    this.#byId.set(result.id, result);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A shard writes a file of its own, so that shards may share a folder. */
export const resultFileName = (shard: { readonly of: number; readonly total: number }): string =>
  shard.total === 1 ? "results.jsonl" : `results-${shard.of}of${shard.total}.jsonl`;

/** Results of all shards in a folder, by id; a torn last line is passed over. */
export function readResults(folder: string): ReadonlyMap<string, RunResult> {
  const results = new Map<string, RunResult>();
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  for (const name of names.filter((one) => /^results(-\d+of\d+)?\.jsonl$/.test(one))) {
    const file = join(folder, name);
    const text = readFileSync(file, "utf8");
    for (const result of parseResults(file, text.slice(0, text.lastIndexOf("\n") + 1))) {
      results.set(result.id, result);
    }
  }
  return results;
}

function parseResults(file: string, text: string): readonly RunResult[] {
  const results: RunResult[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const result = parseResult(line);
    if (result === undefined) {
      const place = `${file}:${index + 1}:1`;
      throw new AppError("CAMPAIGN_RESULTS", `${place} is no result of a campaign of this version`);
    }
    results.push(result);
  }
  return results;
}

function parseResult(line: string): RunResult | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isResult =
      typeof value === "object" &&
      value !== null &&
      (value as Partial<RunResult>).schema === "causeway.campaign.result/v1" &&
      typeof (value as Partial<RunResult>).id === "string";
    return isResult ? (value as RunResult) : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
