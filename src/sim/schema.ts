/** Shapes of the simulator's files, cloud and drill: one truth for reading and for editors. */
import { type Static, Type } from "@sinclair/typebox";

const closed = { additionalProperties: false } as const;

export const Duration = Type.String({
  pattern: "^\\d+(\\.\\d+)?(us|ms|s|m|h)$",
  description: "a written duration, as 300ms or 2s (a bare number has no unit)",
});
const Name = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$",
  description: "a name of letters, digits, dot, dash and underscore, at most 32 long",
});
const Ipv4 = Type.String({
  pattern: "^\\d{1,3}(\\.\\d{1,3}){3}$",
  description: "an IPv4 address",
});
const Ipv4Interface = Type.String({
  pattern: "^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$",
  description: "an IPv4 address with its mask, as 10.0.1.1/30",
});
const Prefix = Type.String({
  pattern: "^[0-9a-fA-F.:]+/\\d{1,3}$",
  description: "a prefix, as 10.64.0.0/16",
});
const AsNumber = Type.Integer({
  minimum: 1,
  maximum: 4_294_967_294,
  description: "an AS number from 1 to 4294967294",
});
const Port = Type.Integer({ minimum: 1, maximum: 65_535, description: "a port number" });

const Bfd = Type.Object(
  {
    tx: Type.Optional(Duration),
    rx: Type.Optional(Duration),
    multiplier: Type.Optional(
      Type.Integer({ minimum: 3, maximum: 10, description: "3 to 10, as the VBR allows" }),
    ),
    hops: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 255, description: "1 to 255; 1 is single hop" }),
    ),
  },
  closed,
);

const Vbr = Type.Object(
  {
    name: Name,
    circuit: Name,
    local: Ipv4Interface,
    peer: Ipv4,
    peerAs: AsNumber,
    port: Type.Optional(Port),
    peerPort: Type.Optional(Port),
    device: Type.Optional(Name),
    hold: Type.Optional(Duration),
    keepalive: Type.Optional(Duration),
    md5: Type.Optional(
      Type.String({ minLength: 1, maxLength: 80, description: "a key of the lab" }),
    ),
    routeQuota: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    bfd: Type.Optional(
      Type.Union([Type.Literal("off"), Bfd], {
        description: "off, or tx, rx, multiplier and hops",
      }),
    ),
  },
  closed,
);

export const CloudSchema = Type.Object(
  {
    cloud: Type.Object({ name: Name, as: Type.Optional(AsNumber) }, closed),
    vbrs: Type.Array(Vbr, { minItems: 1, maxItems: 64, description: "one VBR or more" }),
    ecr: Type.Object(
      {
        name: Name,
        prefixes: Type.Array(Prefix, { maxItems: 10_000 }),
        ecmp: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 32, description: "1 to 32 equal paths" }),
        ),
      },
      closed,
    ),
  },
  closed,
);
export type CloudFile = Static<typeof CloudSchema>;

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
