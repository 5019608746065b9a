import { createRequire } from "node:module";
import { FormatRegistry, type TSchema, TypeRegistry } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Ajv, ErrorObject } from "ajv";
import { parseCommunity } from "../../bgp/policy/community.ts";
import { parseAs, parseLength } from "../../bgp/policy/compile-scope.ts";
import { parseAddress } from "../../core/address.ts";
import { parsePrefix } from "../../core/prefix.ts";
import { parseDurationUs } from "../../core/time.ts";
import { CODES, type Code } from "./codes.ts";
import { formatPath, type Path, type Problems, show, suggest } from "./problem.ts";
import { parseBandwidthBps, parseEndpoint, parseLinkAddress, parsePercent } from "./units.ts";

/** What is wrong with a shape, and where; empty where nothing is. */
export interface ShapeCheck {
  readonly faultyPaths: readonly Path[];
}

/**
 * Holds data against a schema and says what is wrong in sentences: which key, which value, what is
 * expected instead (the schema's `description`). Most files are sound, which is known without
 * compiling the schema: ajv takes a third of a second for that, and is asked where something is
 * wrong.
 */
export function checkShape(schema: TSchema, data: unknown, problems: Problems): ShapeCheck {
  if (Value.Check(schema, data)) return { faultyPaths: [] };
  const validate = heldAjv().compile(schema);
  if (validate(data)) return { faultyPaths: [] };
  const errors = validate.errors ?? [];
  for (const error of relevant(errors)) report(error, problems);
  return { faultyPaths: errors.map(pathOf) };
}

function report(error: ErrorObject, problems: Problems): void {
  const path = pathOf(error);
  const schema = (error.parentSchema ?? {}) as Annotated;
  switch (error.keyword) {
    case "additionalProperties":
      reportUnknownKey(String(error.params.additionalProperty), path, schema, problems);
      return;
    case "required": {
      const key = String(error.params.missingProperty);
      const where = path.length === 0 ? "the file" : nameOf(path);
      problems.report("E004", path, `key "${key}" is missing in ${where}`, "key");
      return;
    }
    default: {
      const value = schema.isSecret === true ? "***" : show(error.data);
      const near = suggestWord(error, schema);
      const expected = schema.description ?? error.message;
      const message = `${nameOf(path)} is ${value}; expected ${expected}${near}`;
      problems.report(codeOf(schema), path, message);
    }
  }
}

function reportUnknownKey(key: string, path: Path, schema: Annotated, problems: Problems): void {
  if (schema.patternProperties !== undefined) {
    const message = `${show(key)} in ${nameOf(path)} is no name; expected ${schema.description}`;
    problems.report("E005", [...path, key], message, "key");
    return;
  }
  const known = Object.keys(schema.properties ?? {});
  if (schema.isSecret === true) {
    const message = `unknown key in ${nameOf(path)}; allowed are ${known.join(", ")}`;
    problems.report("E003", path, message);
    return;
  }
  const near = suggest(key, known);
  const hint = near === "" ? `; allowed are ${known.join(", ")}` : near;
  const where = path.length === 0 ? "" : ` in ${nameOf(path)}`;
  problems.report("E003", [...path, key], `unknown key ${show(key)}${where}${hint}`, "key");
}

/**
 * A value that fits none of several shapes fails all of them. Where it is a mapping or a list, what
 * is wrong inside of the shape that comes closest is said; else that none fits, once.
 */
function relevant(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const dropped = new Set<ErrorObject>();
  const choices = errors.filter((error) => error.keyword === "anyOf");
  for (const choice of choices.sort((a, b) => a.schemaPath.length - b.schemaPath.length)) {
    if (dropped.has(choice)) continue;
    const inside = errors.filter((error) => isInside(error, choice));
    const kept = closestShape(choice, inside);
    for (const error of inside) if (!kept.includes(error)) dropped.add(error);
    if (kept.length > 0) dropped.add(choice);
  }
  return errors.filter((error) => !dropped.has(error));
}

function closestShape(choice: ErrorObject, inside: readonly ErrorObject[]): ErrorObject[] {
  const { data } = choice;
  if (typeof data !== "object" || data === null) return [];
  const wanted = Array.isArray(data) ? "array" : "object";
  let closest: ErrorObject[] = [];
  for (const { type, at } of shapesOf(choice.parentSchema as Annotated, choice.schemaPath)) {
    if (type !== wanted) continue;
    const found = inside.filter((error) => error.schemaPath.startsWith(`${at}/`));
    if (closest.length === 0 || found.length < closest.length) closest = found;
  }
  return closest;
}

/** The shapes a choice is made of, through choices inside of it. */
function shapesOf(
  schema: Annotated,
  at: string,
): readonly { readonly type: string | undefined; readonly at: string }[] {
  return (schema.anyOf ?? []).flatMap((shape, index) =>
    shape.anyOf === undefined
      ? [{ type: shape.type, at: `${at}/${index}` }]
      : shapesOf(shape, `${at}/${index}/anyOf`),
  );
}

const isInside = (error: ErrorObject, choice: ErrorObject): boolean =>
  error !== choice &&
  error.schemaPath.startsWith(`${choice.schemaPath}/`) &&
  (error.instancePath === choice.instancePath ||
    error.instancePath.startsWith(`${choice.instancePath}/`));

function pathOf(error: ErrorObject): (string | number)[] {
  return error.instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

const nameOf = (path: Path): string => (path.length === 0 ? "the file" : formatPath(path));

function suggestWord(error: ErrorObject, schema: Annotated): string {
  if (error.keyword !== "enum" || typeof error.data !== "string") return "";
  return suggest(error.data, schema.enum ?? []);
}

function codeOf(schema: Annotated): Code {
  const code = schema.code ?? "E005";
  return Object.hasOwn(CODES, code) ? (code as Code) : "E005";
}

/** What `schema.ts` writes beside the keywords of JSON Schema. */
interface Annotated {
  readonly type?: string;
  readonly description?: string;
  readonly code?: string;
  readonly isSecret?: boolean;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Annotated[];
  readonly properties?: object;
  readonly patternProperties?: object;
}

/** Formats as functions: what they accept, the parsers of the same names can read. */
const FORMATS: Readonly<Record<string, (text: string) => unknown>> = {
  duration: parseDurationUs,
  bandwidth: parseBandwidthBps,
  percent: parsePercent,
  address: parseAddress,
  address4: (text) => (parseAddress(text)?.length === 4 ? text : undefined),
  "link-address": parseLinkAddress,
  prefix: parsePrefix,
  community: (text) => {
    const community = parseCommunity(text);
    return community?.kind === "standard" && community.isValue ? community : undefined;
  },
  "as-number": parseAs,
  length: parseLength,
  endpoint: parseEndpoint,
};

for (const [name, parse] of Object.entries(FORMATS)) {
  FormatRegistry.Set(name, (text) => parse(text) !== undefined);
}
// The words of `Type.Unsafe`; what else it may be, ajv judges.
TypeRegistry.Set<Annotated>(
  "Unsafe",
  (schema, value) => schema.enum?.some((word) => word === value) ?? false,
);

/** What is compiled is large and used once by a daemon: kept only as long as memory is plenty. */
let held: WeakRef<Ajv> | undefined;

function heldAjv(): Ajv {
  const known = held?.deref();
  if (known !== undefined) return known;
  const created = createAjv();
  held = new WeakRef(created);
  return created;
}

function createAjv(): Ajv {
  const { Ajv } = createRequire(import.meta.url)("ajv") as typeof import("ajv");
  const speed = { validateSchema: false, code: { optimize: false } };
  const created = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, ...speed });
  for (const keyword of ["code", "isSecret"]) created.addKeyword({ keyword });
  for (const [name, parse] of Object.entries(FORMATS)) {
    created.addFormat(name, { validate: (text: string) => parse(text) !== undefined });
  }
  return created;
}
