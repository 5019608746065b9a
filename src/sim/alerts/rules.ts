/** Prometheus rules as far as a drill has to know them: which alerts there are. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export interface Rules {
  /** For messages and reports. */
  readonly file: string;
  readonly text: string;
  /** Names of the alerts in it. */
  readonly alerts: readonly string[];
}

/** The rules of a text, or the sentence that says why it has none. */
export function readRules(file: string, text: string): Rules | string {
  let read: RulesFile;
  try {
    read = parse(text) as RulesFile;
  } catch (cause) {
    return `${file} is no YAML: ${cause instanceof Error ? cause.message.split("\n")[0] : cause}`;
  }
  const rules = (read?.groups ?? []).flatMap((group) => group?.rules ?? []);
  const alerts = rules.flatMap((rule) => (typeof rule?.alert === "string" ? [rule.alert] : []));
  if (alerts.length === 0) return `${file} has no alert in "groups" and "rules"`;
  return { file, text, alerts: [...new Set(alerts)] };
}

type RulesFile =
  | { readonly groups?: readonly ({ readonly rules?: readonly RuleFile[] } | null)[] }
  | null
  | undefined;
type RuleFile = { readonly alert?: unknown } | null;

const FOLDER = join("packaging", "prometheus");

/** Those that come with this program. */
export function shippedRules(): Rules {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");
  const file = "causeway.rules.yml";
  const rules = readRules(file, readFileSync(join(root, FOLDER, file), "utf8"));
  if (typeof rules === "string") throw new RangeError(rules);
  return rules;
}
