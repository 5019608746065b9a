/** Shape of a drill's file: one truth for reading and for editors. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { closed, Duration, Ipv4, Name, Prefix } from "../shapes.ts";
import { FAULT_KINDS, FAULTS } from "./faults.ts";
import { inWords, type Parameter } from "./parameters.ts";

/** Keys of faults, from their table; a key means the same thing wherever it stands. */
const faultKeys: Readonly<Record<string, TSchema>> = Object.fromEntries(
  Object.values(FAULTS).flatMap((row) =>
    Object.values(row.with).map((one: Parameter<unknown>) => [one.key, one.schema]),
  ),
);

const DEEDS = [...FAULT_KINDS, "expect"] as const;

const choice = (...words: readonly string[]) =>
  Type.Unsafe<string>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { description: inWords(words) },
    ),
  );

/** What an `expect` may claim. */
const claimKeys = {
  session: Type.Optional(Name),
  is: Type.Optional(choice("up", "down", "reachable", "unreachable")),
  vpc: Type.Optional(Type.Literal(true)),
  route: Type.Optional(Prefix),
  return: Type.Optional(Prefix),
  via: Type.Optional(Type.Array(Name)),
  within: Type.Optional(Duration),
};

/** Every key a step may have; which ones belong together is checked in `load-steps.ts`. */
const StepSchema = Type.Object(
  {
    ...Object.fromEntries(
      Object.entries(faultKeys).map(([key, schema]) => [key, Type.Optional(schema)]),
    ),
    do: choice(...DEEDS),
    at: Type.Optional(Duration),
    circuit: Type.Optional(Name),
    for: Type.Optional(Duration),
    ...claimKeys,
  },
  closed,
);
/** Typed as far as the loader reads keys by name; those of faults go through their table. */
export type StepFile = Static<ReturnType<typeof Type.Object<typeof claimKeys>>> & {
  readonly do: string;
  readonly at?: string;
  readonly circuit?: string;
  readonly for?: string;
};

export const DrillSchema = Type.Object(
  {
    drill: Name,
    description: Type.String({ minLength: 1 }),
    seed: Type.Integer({ minimum: 0, maximum: 0x7fff_ffff }),
    edge: Type.String({ minLength: 1, description: "the edge's configuration file" }),
    cloud: Type.String({ minLength: 1, description: "the cloud's file" }),
    traffic: Type.Object(
      {
        idc: Ipv4,
        vpc: Ipv4,
        flows: Type.Integer({ minimum: 1, maximum: 1024, description: "1 to 1024 flows" }),
        interval: Duration,
      },
      closed,
    ),
    steps: Type.Array(StepSchema, { minItems: 1 }),
    always: Type.Optional(
      Type.Array(
        Type.Union(
          [
            Type.Literal("no-blackhole"),
            Type.Literal("session-isolation"),
            Type.Literal("no-fib-error"),
          ],
          { description: "no-blackhole, session-isolation or no-fib-error" },
        ),
      ),
    ),
    budgets: Type.Optional(
      Type.Object(
        {
          detection: Type.Optional(Duration),
          convergence: Type.Optional(Duration),
          outage: Type.Optional(Duration),
          lostPercent: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type DrillFile = Omit<Static<typeof DrillSchema>, "steps"> & {
  readonly steps: readonly StepFile[];
};
