/**
 * Parameters of faults: each knows its key in the file, its schema, and what a written value means.
 * A parameter with a default is never missing; one without must be written, unless it is optional.
 */
import { type TSchema, Type } from "@sinclair/typebox";
import type { EdgeConfig } from "../../../agent/config/edge-config.ts";
import { parseDurationUs } from "../../../core/time.ts";
import { Duration, Name, Prefix } from "../../shapes.ts";

export interface Parameter<Value> {
  /** The key in the file. */
  readonly key: string;
  readonly schema: TSchema;
  readonly isRequired: boolean;
  /** The value of what the file has, which fits the schema; of the default where it has nothing. */
  read(written: unknown, find: FindEdge): Value;
}

/** An edge's file that a step names. */
export interface EdgeFile {
  /** For messages. */
  readonly name: string;
  readonly text: string;
  /** Undefined where it has errors; `problem` is the first, with its place. */
  readonly config: EdgeConfig | undefined;
  readonly problem: string;
  /** Circuits of the drill's edge that it does without, or has otherwise. */
  readonly touches: readonly string[];
}

/** Reads what stands behind a key: the name of a file, or what would stand in it. */
export type FindEdge = (written: string | object) => EdgeFile;

export interface RequiredParameter<Value> extends Parameter<Value> {
  readonly optional: Parameter<Value | undefined>;
}

function parameter<Value>(
  key: string,
  schema: TSchema,
  read: (written: unknown, find: FindEdge) => Value,
): RequiredParameter<Value> {
  return {
    ...{ key, schema, isRequired: true, read },
    optional: {
      ...{ key, schema, isRequired: false },
      read: (written, find) => (written === undefined ? undefined : read(written, find)),
    },
  };
}

function withDefault<Value>(made: Parameter<Value>, fallback: unknown): Parameter<Value> {
  return {
    ...made,
    isRequired: false,
    read: (written, find) => made.read(written ?? fallback, find),
  };
}

/** One of some words; the last argument is the default. */
export function word<W extends string>(
  key: string,
  choices: readonly W[],
  fallback: NoInfer<W>,
): Parameter<W> {
  const schema = Type.Union(
    choices.map((choice) => Type.Literal(choice)),
    { description: inWords(choices) },
  );
  return withDefault(
    parameter(key, schema, (written) => written as W),
    fallback,
  );
}

export function duration(key: string): RequiredParameter<number>;
export function duration(key: string, fallback: string): Parameter<number>;
export function duration(key: string, fallback?: string): Parameter<number> {
  const made = parameter(key, Duration, (written) => parseDurationUs(String(written)) ?? 0);
  return fallback === undefined ? made : withDefault(made, fallback);
}

export const percent = (key: string): RequiredParameter<number> =>
  parameter(
    key,
    Type.String({
      pattern: "^(100|\\d{1,2}(\\.\\d+)?)%$",
      description: "a percentage, as 5% or 0.1%",
    }),
    (written) => Number(String(written).slice(0, -1)),
  );

export const bandwidth = (key: string): RequiredParameter<number> =>
  parameter(key, Bandwidth, (written) => bandwidthBps(String(written)));

export const Bandwidth = Type.String({
  pattern: "^\\d+(\\.\\d+)?(k|M|G)bps$",
  description: "a rate with its unit, as 100Mbps or 1Gbps",
});

const UNIT_BPS = { k: 1e3, M: 1e6, G: 1e9 } as const;

/** Of a text that fits `Bandwidth`. */
export function bandwidthBps(written: string): number {
  const unit = written.at(-4) as keyof typeof UNIT_BPS;
  return Number(written.slice(0, -4)) * UNIT_BPS[unit];
}

export const count = (key: string, minimum: number, maximum: number): RequiredParameter<number> =>
  parameter(
    key,
    Type.Integer({
      ...{ minimum, maximum },
      description: `a whole number from ${minimum} to ${maximum}`,
    }),
    Number,
  );

export const name = (key: string): RequiredParameter<string> => parameter(key, Name, String);

export const prefix = (key: string): RequiredParameter<string> => parameter(key, Prefix, String);

export const prefixes = (key: string): RequiredParameter<readonly string[]> =>
  parameter(
    key,
    Type.Array(Prefix, { maxItems: 10_000, description: "a list of prefixes" }),
    (written) => written as readonly string[],
  );

export const edgeFile = (key: string): RequiredParameter<EdgeFile> =>
  parameter(key, Part, (written, find) => find(written as string | object));

/** Its shape is the business of whoever reads it. */
export const Part = Type.Union([Type.String({ minLength: 1 }), Type.Object({})], {
  description: "the name of a file, or what would stand in it",
});

export const words = (
  key: string,
  description: string,
  maxLength: number,
): RequiredParameter<string> =>
  parameter(key, Type.String({ minLength: 1, maxLength, description }), String);

export function inWords(choices: readonly string[]): string {
  const last = choices.at(-1) ?? "";
  return choices.length < 2 ? last : `${choices.slice(0, -1).join(", ")} or ${last}`;
}
