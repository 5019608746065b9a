/** Shape of a drill's file: one truth for reading and for editors. */
import { type Static, Type } from "@sinclair/typebox";
import { closed, Duration, Ipv4, Name, Prefix } from "../shapes.ts";

const At = Type.Optional(Duration);
const Within = Duration;

/** Every key a step may have; which ones belong together is checked in `drill/load.ts`. */
const StepSchema = Type.Object(
  {
    do: Type.Union(
      [
        Type.Literal("cut"),
        Type.Literal("restore"),
        Type.Literal("shut-port"),
        Type.Literal("restart-vbr"),
        Type.Literal("withdraw"),
        Type.Literal("announce"),
        Type.Literal("expect"),
      ],
      {
        description: "cut, restore, shut-port, restart-vbr, withdraw, announce or expect",
      },
    ),
    at: At,
    circuit: Type.Optional(Name),
    direction: Type.Optional(
      Type.Union([Type.Literal("both"), Type.Literal("to-cloud"), Type.Literal("to-edge")], {
        description: "both, to-cloud or to-edge",
      }),
    ),
    carrier: Type.Optional(
      Type.Union([Type.Literal("seen"), Type.Literal("hidden")], {
        description: "seen or hidden",
      }),
    ),
    how: Type.Optional(
      Type.Union([Type.Literal("silent"), Type.Literal("graceful")], {
        description: "silent or graceful",
      }),
    ),
    down: Type.Optional(Duration),
    prefix: Type.Optional(Prefix),
    session: Type.Optional(Name),
    is: Type.Optional(
      Type.Union(
        [
          Type.Literal("up"),
          Type.Literal("down"),
          Type.Literal("reachable"),
          Type.Literal("unreachable"),
        ],
        { description: "up or down (of a session), reachable or unreachable (of the vpc)" },
      ),
    ),
    vpc: Type.Optional(Type.Literal(true)),
    route: Type.Optional(Prefix),
    return: Type.Optional(Prefix),
    via: Type.Optional(Type.Array(Name)),
    within: Type.Optional(Within),
    for: Type.Optional(Duration),
  },
  closed,
);
export type StepFile = Static<typeof StepSchema>;

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
export type DrillFile = Static<typeof DrillSchema>;
