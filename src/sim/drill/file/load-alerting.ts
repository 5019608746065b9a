/**
 * The rules a drill is held against: those it names, or those that come with this program where it
 * claims something of an alert and names none.
 */
import type { ConfigProblem } from "../../../agent/config/document.ts";
import { parseDurationUs } from "../../../core/time.ts";
import { type Rules, readRules, shippedRules } from "../../alerts/rules.ts";
import type { Alerting } from "../drill.ts";
import type { FileAccess } from "./load.ts";
import type { Whence } from "./load-parts.ts";
import type { DrillFile } from "./schema.ts";

const INTERVAL_US = 5_000_000;
const INTERVAL_US_MIN = 100_000;

export function loadAlerting(
  source: DrillFile,
  { file, document, files }: Whence,
): { readonly alerting: Alerting | undefined; readonly problems: readonly ConfigProblem[] } {
  const isAsked =
    source.alerting !== undefined || source.steps.some(({ alert }) => alert !== undefined);
  if (!isAsked) return { alerting: undefined, problems: [] };
  const error = (path: readonly (string | number)[], code: string, message: string) =>
    document.at(path, { severity: "error", code, message });
  const { rules: name, interval } = source.alerting ?? {};
  const intervalUs = interval === undefined ? INTERVAL_US : (parseDurationUs(interval) ?? 0);
  if (intervalUs < INTERVAL_US_MIN || intervalUs % 1000 !== 0) {
    const message = "an interval between scrapes has whole milliseconds, 100ms or more";
    return { alerting: undefined, problems: [error(["alerting", "interval"], "D102", message)] };
  }
  const rules = name === undefined ? shippedRules() : readNamed(files, file, name);
  if ("error" in rules) {
    return { alerting: undefined, problems: [error(["alerting", "rules"], "D101", rules.error)] };
  }
  const problems = source.steps.flatMap(({ alert }, index) => {
    if (alert === undefined || alert === "any" || rules.alerts.includes(alert)) return [];
    const message = `${rules.file} has no alert "${alert}"; it has ${rules.alerts.join(", ")}`;
    return [error(["steps", index, "alert"], "D103", message)];
  });
  return { alerting: { rules, intervalUs }, problems };
}

function readNamed(
  files: FileAccess,
  file: string,
  name: string,
): Rules | { readonly error: string } {
  const found = files.read(files.resolve(file, name));
  if ("error" in found) return { error: `cannot read ${name}: ${found.error}` };
  const rules = readRules(name, found.text);
  return typeof rules === "string" ? { error: rules } : rules;
}
