/**
 * Prometheus itself says which alerts fire: `promtool test rules` is given what was scraped and
 * asked at every scrape which alerts fire. There is no PromQL engine in JavaScript worth trusting
 * with that question; promtool is the one that will evaluate the rules in production.
 *
 * promtool has no output for programs. It prints what it got where that is not what was expected,
 * so nothing is ever expected; one more question, whose answer is known, proves that its words are
 * still understood.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScrapeLog, Series } from "./scrape-log.ts";

/** One alert of one set of labels. */
export interface AlertInstance {
  readonly alert: string;
  /** Without `alertname` and `severity`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly severity: string | undefined;
  /** Numbers of the scrapes at which it fired, in order. */
  readonly slots: readonly number[];
}

export interface RulesQuestion {
  readonly log: ScrapeLog;
  /** Text of a rules file. */
  readonly rules: string;
  /** What the edge is called as a target. */
  readonly instance: string;
}

/** What fired and when, or the sentence that says why nobody could tell. */
export type RulesEngine = (question: RulesQuestion) => Promise<readonly AlertInstance[] | string>;

const OUTPUT_OCTETS_MAX = 1 << 30;
const MISSING = "promtool is not installed (Debian package prometheus)";

export const promtool: RulesEngine = async (question) => {
  const folder = await mkdtemp(join(tmpdir(), "causeway-rules-"));
  try {
    await writeFile(join(folder, "rules.yml"), question.rules);
    const test = join(folder, "test.yml");
    // JSON is YAML.
    await writeFile(test, JSON.stringify(toTest(question)));
    const said = await run(["test", "rules", test]);
    return said === undefined ? MISSING : readAnswer(said, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Everything it said; undefined where there is no such program. */
function run(words: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { encoding: "utf8", maxBuffer: OUTPUT_OCTETS_MAX } as const;
    execFile("promtool", words, options, (error, stdout, stderr) => {
      resolve(error?.code === "ENOENT" ? undefined : `${stdout}${stderr}`);
    });
  });
}

function toTest({ log, instance }: RulesQuestion): unknown {
  const interval = `${log.intervalUs / 1000}ms`;
  const target = `job="causeway",instance=${JSON.stringify(instance)}`;
  const slots = Array.from({ length: log.count }, (_, slot) => slot);
  const up = slots.map((slot) => (log.isAnswered(slot) ? 1 : 0));
  const isSkipped = (slot: number) => log.isSkipped(slot);
  return {
    rule_files: ["rules.yml"],
    evaluation_interval: interval,
    tests: [
      {
        interval,
        input_series: [
          { series: `up{${target}}`, values: written(up, log.count, isSkipped) },
          ...log.series.map((one) => ({
            series: nameOf(one, target),
            values: written(one.values, log.count, isSkipped),
          })),
        ],
        promql_expr_test: [
          { expr: `vector(1) # ${PROOF}`, eval_time: "0s", exp_samples: [] },
          ...slots.map((slot) => ({
            expr: `ALERTS{alertstate="firing"} # ${slot}`,
            eval_time: `${(slot * log.intervalUs) / 1000}ms`,
            exp_samples: [],
          })),
        ],
      },
    ],
  };
}

const nameOf = ({ name, labels }: Series, target: string): string =>
  `${name}{${target}${labels === "" ? "" : ","}${labels}}`;

/**
 * Values in promtool's notation: `1x3` is 1 and three more, `_x3` three without a value; what is
 * gone is marked stale once, as a scrape without it does. A scrape that was skipped marks nothing.
 */
export function written(
  values: readonly (number | undefined)[],
  count: number,
  isSkipped: (slot: number) => boolean = () => false,
): string {
  const words: string[] = [];
  let isThere = false;
  for (let from = 0; from < count; ) {
    const [value, skipped] = [values[from], isSkipped(from)];
    let until = from + 1;
    while (until < count && values[until] === value && isSkipped(until) === skipped) until += 1;
    const size = until - from;
    if (skipped) words.push(`_x${size}`);
    else if (value !== undefined) words.push(size === 1 ? `${value}` : `${value}x${size - 1}`);
    else if (!isThere) words.push(`_x${size}`);
    else words.push("stale", ...(size === 1 ? [] : [`_x${size - 1}`]));
    if (!skipped) isThere = value !== undefined;
    from = until;
  }
  return words.join(" ");
}

const PROOF = "proof";

/** `expr: "… # 12", time: 1m,` and, two lines below, `got: {…} 1E+00, {…} 1E+00`. */
const FAILURE = /expr: "[^\n]* # (\w+)", time: [^\n]*\n\s*exp: *[^\n]*\n\s*got: *([^\n]*)/g;
const SAMPLE = /\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)\} [^\s,]+/g;
const LABEL = /([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*")/g;

function readAnswer(said: string, folder: string): readonly AlertInstance[] | string {
  const answers = [...said.matchAll(FAILURE)];
  if (!answers.some(([, slot, got]) => slot === PROOF && got?.startsWith("{} 1"))) {
    const words = said.replaceAll(`${folder}/`, "").split("\n");
    const why = words.map((word) => word.trim()).find((word) => /error|:.*:/i.test(word));
    return `promtool cannot evaluate the rules: ${why ?? "its answer is not understood"}`;
  }
  const found = new Map<string, AlertInstance & { readonly slots: number[] }>();
  for (const [, slot, got = ""] of answers) {
    if (slot === PROOF) continue;
    for (const [, text = ""] of got.matchAll(SAMPLE)) {
      const instance = found.get(text) ?? instanceOf(text);
      instance.slots.push(Number(slot));
      found.set(text, instance);
    }
  }
  return [...found.values()];
}

function instanceOf(text: string): AlertInstance & { readonly slots: number[] } {
  const pairs = [...text.matchAll(LABEL)].map(([, key = "", value = '""']) => [
    key,
    unquote(value),
  ]);
  const all: Record<string, string> = Object.fromEntries(pairs);
  const { __name__, alertstate, alertname = "", severity, ...labels } = all;
  return { alert: alertname, labels, severity, slots: [] };
}

/** Go's quotes are JSON's, but for what no name of ours has. */
function unquote(text: string): string {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(1, -1);
  }
}
