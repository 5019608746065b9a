import type { TSchema } from "@sinclair/typebox";
import { type ConfigProblem, formatPath, type Path, Problems } from "./problem.ts";
import { checkShape } from "./schema-check.ts";
import { readYaml } from "./yaml-text.ts";

export { type ConfigProblem, formatProblem, formatProblems, type Path } from "./problem.ts";

/**
 * A YAML file against a schema, with every problem at its place. The schema is the truth for shape
 * and types; what it cannot say is linted afterwards by whoever knows the meaning, through `at`.
 * Nothing a file contains makes this throw.
 */
export interface Document {
  /** The file as plain values; undefined where it is no YAML at all or does not fit the schema. */
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** A problem at the place of a value, or of the nearest thing above it that is in the file. */
  at(path: Path, problem: Pick<ConfigProblem, "severity" | "code" | "message">): ConfigProblem;
}

export function readDocument(file: string, text: string, schema: TSchema): Document {
  const { problems, yaml } = openDocument(file, text);
  const isSound =
    yaml.data !== undefined && checkShape(schema, yaml.data, problems).faultyPaths.length === 0;
  return {
    value: isSound && !problems.hasErrors ? yaml.data : undefined,
    problems: problems.sorted(),
    at: (path, problem) => {
      return { ...problem, file, ...yaml.placeOf(path, "value"), path: formatPath(path) };
    },
  };
}

/** The file before any schema, with what is wrong as YAML already reported. */
export function openDocument(file: string, text: string) {
  const yaml = readYaml(text);
  const problems = new Problems(file, yaml);
  for (const { code, place, message } of yaml.faults) problems.reportAt(code, place, message);
  return { yaml, problems };
}
