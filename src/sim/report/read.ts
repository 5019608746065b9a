import { type TSchema, Type } from "@sinclair/typebox";
import { Ajv, type ValidateFunction } from "ajv";
import type { DrillReport } from "./report.ts";
import { DrillReportSchema } from "./schema.ts";

/** As deep as a comparison reads: what every report of v1 has had from the first. */
const ComparableSchema = Type.Pick(DrillReportSchema, [
  ...(["schema", "drill", "mode", "verdict", "checks", "faults"] as const),
]);

/** Reports of a file: one JSON object, or one a line. A text says what is wrong with it. */
export function readReports(content: string): readonly DrillReport[] | string {
  const whole = parse(content);
  const values =
    whole === undefined
      ? content.split("\n").flatMap((line) => (line.trim() === "" ? [] : [parse(line)]))
      : [whole];
  if (values.length === 0) return "it holds no report";
  const validate = compile(ComparableSchema);
  const reports: DrillReport[] = [];
  for (const [index, value] of values.entries()) {
    if (!validate(value))
      return `report ${index + 1} is no causeway.drill.report/v1${why(validate)}`;
    reports.push(value as DrillReport);
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

const compile = (schema: TSchema): ValidateFunction =>
  new Ajv({ strictTypes: false }).compile(schema);

function why({ errors }: ValidateFunction): string {
  const [first] = errors ?? [];
  return first === undefined ? "" : `: ${first.instancePath} ${first.message ?? "is wrong"}`.trim();
}
