/**
 * A YAML file against a schema, with every problem at its place. The schema is the truth for shape and
 * types; what it cannot say is linted afterwards by whoever knows the meaning, through `at`. Nothing a
 * file contains makes this throw.
 */
import type { TSchema } from "@sinclair/typebox";
import { Ajv, type ErrorObject } from "ajv";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

export interface ConfigProblem {
  readonly severity: "error" | "warning";
  /** `E101`, `W204`: documented in docs/codes.md. */
  readonly code: string;
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** `/circuits/0/bfd/interval`; empty for the whole file. */
  readonly path: string;
  /** One sentence: the value, what is allowed, what to do. */
  readonly message: string;
}

/** Keys and indices from the top: `["circuits", 0, "name"]`. */
export type Path = readonly (string | number)[];

export interface Document {
  /** The file as plain values; undefined where it is no YAML at all or does not fit the schema. */
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** A problem at the place of a value, or of the nearest thing above it that is in the file. */
  at(path: Path, problem: Pick<ConfigProblem, "severity" | "code" | "message">): ConfigProblem;
}

/** Codes of what every file can have wrong. */
export const DocumentCode = {
  Syntax: "E001",
  UnknownKey: "E002",
  MissingKey: "E003",
  WrongValue: "E004",
} as const;

const ajv = new Ajv({ allErrors: true, strict: false, verbose: true });

export function readDocument(file: string, text: string, schema: TSchema): Document {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const placed = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const at: Document["at"] = (path, problem) => ({
    ...problem,
    ...placed(offsetOf(yaml.contents as Node | null, path)),
    path: path.map((step) => `/${step}`).join(""),
  });
  const syntax = [...yaml.errors, ...yaml.warnings].map((error) => ({
    severity: "error" as const,
    code: DocumentCode.Syntax,
    ...placed(error.pos[0]),
    path: "",
    message: error.message.split("\n")[0] ?? error.message,
  }));
  if (syntax.length > 0) return { value: undefined, problems: syntax, at };
  let value: unknown;
  try {
    value = yaml.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const problem = at([], { severity: "error", code: DocumentCode.Syntax, message });
    return { value: undefined, problems: [problem], at };
  }
  const validate = ajv.compile(schema);
  if (validate(value)) return { value, problems: [], at };
  const problems = tell(validate.errors ?? [], at);
  return { value: undefined, problems, at };
}

export const formatProblem = (problem: ConfigProblem): string =>
  `${problem.file}:${problem.line}:${problem.column}: ${problem.severity} ${problem.code}: ${problem.message}`;

/** Where a value (or the nearest thing above it) begins in the text. */
function offsetOf(root: Node | null, path: Path): number {
  let node: Node | null = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined) break;
      node = (pair.value as Node | null) ?? null;
      offset = node?.range?.[0] ?? (pair.key as Node).range?.[0] ?? offset;
    } else if (isSeq(node)) {
      node = (node.items[Number(step)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

/** One sentence an error; of a union only its alternatives' own word is kept, not each one's. */
function tell(errors: readonly ErrorObject[], at: Document["at"]): ConfigProblem[] {
  const unions = errors
    .filter((error) => error.keyword === "anyOf")
    .map((error) => error.instancePath);
  const seen = new Set<string>();
  const problems: ConfigProblem[] = [];
  for (const error of errors) {
    const isInsideUnion = unions.includes(error.instancePath) && error.keyword !== "anyOf";
    if (isInsideUnion && error.keyword !== "additionalProperties") continue;
    const path = pathOf(error);
    const problem = at(path, { severity: "error", ...sentence(error, path) });
    const key = `${problem.line}:${problem.column}:${problem.message}`;
    if (!seen.has(key)) problems.push(problem);
    seen.add(key);
  }
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

function pathOf(error: ErrorObject): Path {
  const path: (string | number)[] = error.instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  if (error.keyword === "additionalProperties") path.push(String(error.params.additionalProperty));
  return path;
}

function sentence(error: ErrorObject, path: Path): Pick<ConfigProblem, "code" | "message"> {
  const name = path.length === 0 ? "the file" : `"${path.at(-1)}"`;
  const description = (error.parentSchema as { description?: string } | undefined)?.description;
  const allowed = description === undefined ? "" : `; expected ${description}`;
  switch (error.keyword) {
    case "additionalProperties": {
      const known = Object.keys((error.parentSchema as TSchema | undefined)?.properties ?? {});
      const near = nearest(String(path.at(-1)), known);
      const hint =
        near === undefined ? `allowed here: ${known.join(", ")}` : `did you mean "${near}"?`;
      return { code: DocumentCode.UnknownKey, message: `unknown key ${name}; ${hint}` };
    }
    case "required":
      return {
        code: DocumentCode.MissingKey,
        message: `${name} needs the key "${error.params.missingProperty}"`,
      };
    case "enum":
    case "const": {
      const values = error.params.allowedValues ?? [error.params.allowedValue];
      return wrong(name, error.data, `; allowed: ${values.join(", ")}`);
    }
    case "type":
      return wrong(name, error.data, allowed || `; expected ${error.params.type}`);
    default:
      return wrong(name, error.data, allowed || `; it ${error.message}`);
  }
}

const wrong = (name: string, data: unknown, allowed: string) => ({
  code: DocumentCode.WrongValue,
  message: `${name} cannot be ${brief(data)}${allowed}`,
});

function brief(data: unknown): string {
  const text = JSON.stringify(data) ?? "empty";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The known word within two edits, for `did you mean`. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
