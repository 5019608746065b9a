/** Shape of a campaign's file: one truth for reading and for editors. */
import { type Static, Type } from "@sinclair/typebox";
import { closed, Duration, Name } from "../shapes.ts";

const Seed = Type.Integer({
  minimum: 0,
  maximum: 0x7fff_ffff,
  description: "a seed, a whole number from 0 to 2147483647",
});
const PATH = "^(drill|edge|cloud)(\\.[A-Za-z0-9_*-]+)+$";
export const isConfigPath = (text: string): boolean => new RegExp(PATH).test(text);
const ConfigPath = Type.String({
  pattern: PATH,
  description: "a path into drill, edge or cloud, as edge.circuits.*.bfd.interval (* is every one)",
});

/** A step of a drill without `at` and `circuit`; the drill's own schema judges the rest. */
const KindSchema = Type.Object(
  { do: Type.String({ minLength: 1, description: "a fault of a circuit, as cut" }) },
  { additionalProperties: true },
);
export type FaultKind = Readonly<Record<string, unknown>> & { readonly do: string };

const SweepSchema = Type.Object(
  {
    name: Type.Optional(Name),
    path: Type.Union([ConfigPath, Type.Array(ConfigPath, { minItems: 1 })], {
      description: "a path or a list of paths, as edge.circuits.*.bfd.interval",
    }),
    values: Type.Array(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
        description: "a text, a number, true or false",
      }),
      { minItems: 1, description: "a list of values, one at least" },
    ),
  },
  closed,
);

export const CampaignSchema = Type.Object(
  {
    campaign: Name,
    description: Type.String({ minLength: 1 }),
    drill: Type.String({ minLength: 1, description: "the drill all runs are made of" }),
    /** Path → value of any shape, the same in every run. */
    set: Type.Optional(Type.Object({}, { additionalProperties: true })),
    seeds: Type.Optional(
      Type.Union(
        [
          Type.Array(Seed, { minItems: 1 }),
          Type.Object({ from: Seed, count: Type.Integer({ minimum: 1, maximum: 1e6 }) }, closed),
        ],
        { description: "a list of seeds, or from and count" },
      ),
    ),
    faults: Type.Optional(
      Type.Object(
        {
          upTo: Type.Optional(
            Type.Union([Type.Literal(1), Type.Literal(2)], {
              description: "1: every single fault; 2: every double fault as well",
            }),
          ),
          kinds: Type.Optional(Type.Array(KindSchema, { minItems: 1 })),
          gap: Type.Optional(Duration),
          watch: Type.Optional(Duration),
          repair: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    ),
    sweep: Type.Optional(Type.Array(SweepSchema)),
  },
  closed,
);
export type CampaignFile = Static<typeof CampaignSchema>;
