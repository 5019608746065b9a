import type { DrillReport } from "./report.ts";

/** Reports of a file: one JSON object, or one a line. A text says what is wrong with it. */
export function readReports(content: string): readonly DrillReport[] | string {
  const whole = parse(content);
  const values =
    whole === undefined
      ? content.split("\n").flatMap((line) => (line.trim() === "" ? [] : [parse(line)]))
      : [whole];
  if (values.length === 0) return "it holds no report";
  const reports: DrillReport[] = [];
  for (const [index, value] of values.entries()) {
    if (!isReport(value)) return `report ${index + 1} is no causeway.drill.report/v1`;
    reports.push(value);
  }
  return reports;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As deep as a comparison reads. */
function isReport(value: unknown): value is DrillReport {
  if (!isObject(value) || value.schema !== "causeway.drill.report/v1") return false;
  return (
    typeof value.drill === "string" &&
    typeof value.mode === "string" &&
    isOneOf(value.verdict, ["PASS", "FAIL", "INCONCLUSIVE"]) &&
    Array.isArray(value.checks) &&
    value.checks.every(isCheck) &&
    Array.isArray(value.faults) &&
    value.faults.every(isFault)
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const isOneOf = (value: unknown, words: readonly string[]): boolean =>
  typeof value === "string" && words.includes(value);

const isCheck = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.check === "string" &&
  isOneOf(value.status, ["pass", "fail", "inconclusive"]);

const isFigure = (value: unknown): boolean => value === null || typeof value === "number";

function isFault(value: unknown): boolean {
  if (!isObject(value) || typeof value.fault !== "string" || !isObject(value.lost)) return false;
  const { detectionMs, convergenceMs, cloudConvergenceMs, lost } = value;
  const figures = [detectionMs, convergenceMs, cloudConvergenceMs];
  return figures.every(isFigure) && isLoss(lost.toCloud) && isLoss(lost.toEdge);
}

const isLoss = (value: unknown): boolean =>
  isObject(value) &&
  [value.sent, value.lost, value.longestGapMs].every((one) => typeof one === "number");
