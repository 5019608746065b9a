/** Shape of a drill's file: one truth for reading and for editors. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { TOPOLOGIES } from "../../cloud/config/topologies.ts";
import { closed, Duration, Ip, Name, Prefix } from "../../shapes.ts";
import { INVARIANTS } from "../drill.ts";
import { FAULT_KINDS, FAULTS } from "../faults/faults.ts";
import { Bandwidth, inWords, type Parameter, Part } from "./parameters.ts";

/** Keys of faults, from their table; what a key of several takes, `load-steps.ts` asks of each. */
const faultKeys: Readonly<Record<string, TSchema>> = collectKeys();

function collectKeys(): Readonly<Record<string, TSchema>> {
  const schemas = new Map<string, Map<string, TSchema>>();
  for (const row of Object.values(FAULTS)) {
    for (const { key, schema } of Object.values(row.with) as readonly Parameter<unknown>[]) {
      const known = schemas.get(key) ?? new Map<string, TSchema>();
      schemas.set(key, known.set(JSON.stringify(schema), schema));
    }
  }
  return Object.fromEntries([...schemas].map(([key, of]) => [key, oneOf([...of.values()])]));
}

function oneOf(schemas: readonly TSchema[]): TSchema {
  const [first = Type.Any(), ...more] = schemas;
  if (more.length === 0) return first;
  const description = schemas.map((one) => one.description).join(", or ");
  return Type.Union([...schemas], { description });
}

const DEEDS = [...FAULT_KINDS, "expect"] as const;

const choice = <W extends string>(...words: readonly W[]) =>
  Type.Unsafe<W>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { description: inWords(words) },
    ),
  );

/** What an `expect` may claim. */
const claimKeys = {
  session: Type.Optional(Name),
  is: Type.Optional(
    choice(
      ...(["up", "down", "reachable", "unreachable", "told", "untold"] as const),
      ...(["firing", "resolved", "silent"] as const),
    ),
  ),
  vpc: Type.Optional(Type.Literal(true)),
  route: Type.Optional(Prefix),
  return: Type.Optional(Prefix),
  via: Type.Optional(Type.Array(Name)),
  event: Type.Optional(
    Type.String({ pattern: "^[a-z]+(\\.[a-z-]+)+$", description: "an event, as bfd.session.down" }),
  ),
  alert: Type.Optional(
    Type.String({ pattern: "^[A-Za-z_]\\w{0,127}$", description: "an alert of the rules, or any" }),
  ),
  of: Type.Optional(
    Type.Union([Name, Type.Record(Type.String(), Type.String())], {
      description: "a name; of an alert labels, as { peer: circuit-1 }",
    }),
  ),
  node: Type.Optional(Name),
  flows: Type.Optional(choice("delivered", "partly-lost", "lost")),
  symmetric: Type.Optional(Type.Literal(true)),
  baseline: Type.Optional(Type.Literal(true)),
  quiet: Type.Optional(Name),
  within: Type.Optional(Duration),
};

const StopSchema = Type.Object(
  { ...claimKeys, outage: Type.Optional(Duration), for: Type.Optional(Duration) },
  closed,
);
export type StopFile = Static<typeof StopSchema>;

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

const Flows = Type.Integer({ minimum: 1, maximum: 1024, description: "1 to 1024 flows" });

const FlowGroupSchema = Type.Object(
  { name: Name, idc: Ip, vpc: Ip, flows: Flows, rate: Type.Optional(Bandwidth) },
  closed,
);

const Count = Type.Integer({ minimum: 0, maximum: 1_000_000, description: "a whole number" });

const Budgets = Type.Object(
  {
    default: Type.Optional(Type.Literal(true, { description: "true, or left out" })),
    detection: Type.Optional(Duration),
    convergence: Type.Optional(Duration),
    cloud: Type.Optional(Duration),
    outage: Type.Optional(Duration),
    lostPercent: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100, description: "a number from 0 to 100" }),
    ),
    rto: Type.Optional(
      Type.Object(
        {
          p50: Type.Optional(Duration),
          p99: Type.Optional(Duration),
          max: Type.Optional(Duration),
        },
        closed,
      ),
    ),
    routeChanges: Type.Optional(Count),
    restore: Type.Optional(Duration),
    restoreLost: Type.Optional(Count),
    capacityPercent: Type.Optional(
      Type.Number({ minimum: 1, maximum: 100, description: "a number from 1 to 100" }),
    ),
  },
  closed,
);

/** One word for the usual ones. */
const orDefault = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([Type.Literal("default"), schema], {
    description: `the word default, or ${description}`,
  });

export const DrillSchema = Type.Object(
  {
    drill: Name,
    description: Type.String({ minLength: 1 }),
    seed: Type.Integer({ minimum: 0, maximum: 0x7fff_ffff }),
    topology: Type.Optional(choice(...TOPOLOGIES)),
    edge: Type.Optional(Part),
    cloud: Type.Optional(Part),
    routers: Type.Optional(
      Type.Array(Part, { minItems: 1, maxItems: 7, description: "a list of routers' files" }),
    ),
    traffic: Type.Object(
      {
        idc: Type.Optional(Ip),
        vpc: Type.Optional(Ip),
        flows: Type.Optional(Flows),
        rate: Type.Optional(Bandwidth),
        groups: Type.Optional(
          Type.Array(FlowGroupSchema, { minItems: 1, maxItems: 64, description: "flow groups" }),
        ),
        interval: Duration,
      },
      closed,
    ),
    alerting: Type.Optional(
      Type.Object(
        {
          rules: Type.Optional(Type.String({ minLength: 1, description: "a file of rules" })),
          interval: Type.Optional(Duration),
        },
        closed,
      ),
    ),
    abort: Type.Optional(
      Type.Array(StopSchema, { minItems: 1, maxItems: 16, description: "a list of conditions" }),
    ),
    allow: Type.Optional(Type.Array(Prefix, { description: "a list of prefixes" })),
    steps: Type.Array(StepSchema, { minItems: 1 }),
    always: Type.Optional(orDefault(Type.Array(choice(...INVARIANTS)), "a list of invariants")),
    budgets: Type.Optional(orDefault(Budgets, "a mapping of budgets")),
  },
  closed,
);
export type DrillFile = Omit<Static<typeof DrillSchema>, "steps"> & {
  readonly steps: readonly StepFile[];
};
