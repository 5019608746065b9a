/** All results of a campaign put together: by value of each axis, and as Markdown. */
import { ms } from "../report/units.ts";
import { axesOf, type Campaign, runCount, runsOf } from "./campaign.ts";
import type { RunResult } from "./result.ts";

/** A failure that was made smaller, with the command that repeats it. */
export interface Failure {
  readonly key: string;
  readonly because: string;
  /** What is left of it. */
  readonly text: string;
  readonly left: number;
  readonly count: number;
  readonly triedCount: number;
  readonly command: string;
}

export interface Summary {
  readonly campaign: Campaign;
  readonly version: string;
  /** In the order of the plan; runs not played are missing. */
  readonly results: readonly RunResult[];
  readonly planned: number;
  readonly failures: readonly Failure[];
}

export function summarize(
  campaign: Campaign,
  version: string,
  get: (id: string) => RunResult | undefined,
  failures: readonly Failure[],
): Summary {
  const results: RunResult[] = [];
  for (const run of runsOf(campaign, version)) {
    const result = get(run.id);
    // A result of an earlier plan may stand elsewhere in this one.
    if (result !== undefined) {
      results.push({ ...result, index: run.index, key: run.key, axes: run.variant.axes });
    }
  }
  return { campaign, version, results, planned: runCount(campaign), failures };
}

export interface Tally {
  readonly runs: number;
  readonly passed: number;
  readonly failed: number;
  /** Inconclusive, or could not be played. */
  readonly unsure: number;
  readonly sent: number;
  readonly lost: number;
  /** The worst of all; null where none measured one. */
  readonly detectionMs: number | null;
  readonly convergenceMs: number | null;
  readonly longestGapMs: number | null;
}

export function tally(results: readonly RunResult[]): Tally {
  const count = (verdict: RunResult["verdict"]) =>
    results.filter((result) => result.verdict === verdict).length;
  const worst = (name: "detectionMs" | "convergenceMs" | "longestGapMs") =>
    results.reduce<number | null>((most, { [name]: value }) => {
      return value === null ? most : Math.max(most ?? 0, value);
    }, null);
  return {
    runs: results.length,
    passed: count("PASS"),
    failed: count("FAIL"),
    unsure: count("INCONCLUSIVE") + count("ERROR"),
    sent: results.reduce((sum, { sent }) => sum + sent, 0),
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
    detectionMs: worst("detectionMs"),
    convergenceMs: worst("convergenceMs"),
    longestGapMs: worst("longestGapMs"),
  };
}

export function resultsBy(
  results: readonly RunResult[],
  keyOf: (result: RunResult) => string,
): ReadonlyMap<string, readonly RunResult[]> {
  const groups = new Map<string, RunResult[]>();
  for (const result of results) {
    const key = keyOf(result);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return groups;
}

/** One sentence: what all runs came to. */
export function summaryText({ campaign, results, planned }: Summary): string {
  const { passed, failed, unsure, detectionMs, longestGapMs } = tally(results);
  const missing = planned - results.length;
  const counts = [
    `${passed} of ${planned} passed`,
    `${failed} failed`,
    ...(unsure > 0 ? [`${unsure} inconclusive`] : []),
    ...(missing > 0 ? [`${missing} not played`] : []),
  ];
  const figures = [
    ...(detectionMs === null ? [] : [`detection at worst ${ms(detectionMs)}`]),
    ...(longestGapMs === null ? [] : [`longest gap ${ms(longestGapMs)}`]),
  ];
  const parts = [counts, figures].filter((list) => list.length > 0);
  return `${campaign.name}: ${parts.map((list) => list.join(", ")).join("; ")}`;
}

export function failureText({ key, because, text, left, count, triedCount, command }: Failure) {
  const fewer =
    left < count
      ? `${left} of ${count} faults are enough (${triedCount} tries): ${text}`
      : `no fault can be left out (${triedCount} tries): ${text}`;
  return `FAIL ${key}\n  ${because}\n  ${fewer}\n  ${command}\n`;
}

export function formatMarkdown(summary: Summary): string {
  const { campaign, results, failures, version } = summary;
  const lines = [
    `# ${cell(campaign.name)}`,
    "",
    `${cell(summaryText(summary))}.`,
    "",
    `${cell(campaign.description)}. ${cell(campaign.base.file)}, causeway ${version}.`,
    "",
  ];
  for (const [name] of axesOf(campaign)) {
    const groups = resultsBy(results, ({ axes }) => axes[name] ?? "");
    lines.push(...table([name, ...HEAD], [...groups].map(rowOf)));
  }
  if (failures.length > 0) lines.push("## Failures", "");
  for (const failure of failures) lines.push("```", failureText(failure).trimEnd(), "```", "");
  return `${lines.join("\n").trimEnd()}\n`;
}

const HEAD = ["runs", "passed", "failed", "unsure", "detected", "FIB left", "lost", "longest gap"];

function rowOf([value, results]: readonly [string, readonly RunResult[]]): readonly string[] {
  const { runs, passed, failed, unsure, ...rest } = tally(results);
  return [
    value,
    ...[runs, passed, failed, unsure].map(String),
    msOr(rest.detectionMs),
    msOr(rest.convergenceMs),
    percent(rest),
    msOr(rest.longestGapMs),
  ];
}

export const msOr = (value: number | null): string => (value === null ? "–" : ms(value));

export const percent = ({ sent, lost }: Pick<Tally, "sent" | "lost">): string =>
  sent === 0 ? "–" : `${((100 * lost) / sent).toFixed(2)} %`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line), ""];
}

const cell = (text: string): string =>
  text.replace(/\s+/g, " ").replace(/[\\|`*_<>[\]]/g, (sign) => `\\${sign}`);
