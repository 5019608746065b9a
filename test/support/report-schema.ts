import { Ajv } from "ajv";
import { drillReportJsonSchema } from "../../src/sim/report/schema.ts";

/**
 * What is wrong with a report, in ajv's words. The published schema is open, so that readers pass
 * over later fields; here every object is closed, so that a field nobody published is found.
 */
export function schemaFaults(report: unknown): readonly string[] {
  const copy: unknown = JSON.parse(JSON.stringify(report));
  if (validate(copy)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(
  close(drillReportJsonSchema()) as object,
);

function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, close(value)] as const);
  const isObject = entries.some(([key, value]) => key === "type" && value === "object");
  return { ...Object.fromEntries(entries), ...(isObject ? { additionalProperties: false } : {}) };
}
