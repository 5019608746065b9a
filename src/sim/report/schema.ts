/**
 * The shape of a drill's report, `causeway.drill.report/v1`: one truth for the compiler, for the
 * readers of files and for the JSON Schema in `docs/`. JSON is the source; text, HTML, Markdown,
 * JUnit and CSV are drawn from it. Within v1 fields are only ever added, and what is added is
 * optional, so that a report of yesterday can be held against one of today.
 *
 * Times are milliseconds with three decimals, so microseconds, from the drill's zero: the moment
 * every session was up.
 */
import { type TProperties, type TSchema, Type } from "@sinclair/typebox";

/** Objects are open: a reader of v1 passes over what a later v1 added. */
const object = <T extends TProperties>(properties: T, description?: string) =>
  Type.Object(properties, description === undefined ? {} : { description });
const words = <const T extends readonly string[]>(...values: T) =>
  Type.Unsafe<T[number]>({ enum: values, type: "string" });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Ms = Type.Number({ description: "milliseconds" });
const Count = Type.Integer({ minimum: 0 });
const Direction = words("to-cloud", "to-edge");
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

const LossFields = {
  sent: Count,
  lost: Count,
  /** Longest time any flow went without a packet arriving, beyond the probe interval. */
  longestGapMs: Type.Number({ minimum: 0 }),
  /** How often a flow went silent: runs of lost packets, of every flow for itself. */
  gaps: Type.Optional(Count),
} as const;
export const LossSchema = object(LossFields);

const Delay = object(
  { p50Ms: Ms, p99Ms: Ms },
  "one-way delay of the probes that arrived; sender and receiver share one clock",
);
export const PhaseLossSchema = object({ ...LossFields, delay: orNull(Delay) });
/** Null where the drill had no such phase. */
const byPhase = <T extends TSchema>(schema: T) =>
  object({ before: schema, during: orNull(schema), after: orNull(schema) });

export const RecoverySchema = object(
  { flows: Count, p50Ms: Ms, p99Ms: Ms, maxMs: Ms },
  "fault → a flow arrives for good, of the flows that lost anything; null where none did",
);

export const FaultSchema = object(
  {
    fault: Type.String(),
    circuit: orNull(Type.String()),
    atMs: Ms,
    /** Fault → session down at the edge, and what noticed it. */
    detectionMs: orNull(Ms),
    detectedBy: orNull(words("bfd", "link", "hold-timer", "bgp")),
    /**
     * The last BFD packet heard → Down: detection without the luck of when in an interval the
     * fault fell, so what a prediction is held against; null where BFD did not detect it.
     */
    silenceMs: Type.Optional(orNull(Ms)),
    /** Detection → last FIB change it caused at the edge. */
    convergenceMs: orNull(Ms),
    /** Fault → the cloud's routers stopped using the circuit. */
    cloudConvergenceMs: orNull(Ms),
    lost: object({ toCloud: LossSchema, toEdge: LossSchema }),
    recovery: Type.Optional(
      object({ toCloud: orNull(RecoverySchema), toEdge: orNull(RecoverySchema) }),
    ),
    /** How often the way of one prefix changed at the edge, at most. */
    routeChanges: Type.Optional(Count),
    /** How late the machine itself was up to the next deed, at worst; in lab mode. */
    lateMs: Type.Optional(Ms),
  },
  "what one fault did; null where it did not happen or could not be measured",
);

export const RepairSchema = object(
  {
    repair: Type.String(),
    circuit: orNull(Type.String()),
    atMs: Ms,
    /** Repair → both tables as before the first fault, and so to the next deed. */
    restoredMs: orNull(Ms),
    /** From the repair on: the price of switching back. */
    lost: object({ toCloud: LossSchema, toEdge: LossSchema }),
    /** As of a fault. */
    lateMs: Type.Optional(Ms),
  },
  "what one repair did, up to the next deed",
);

export const CheckSchema = object(
  {
    check: Type.String(),
    status: words("pass", "fail", "inconclusive"),
    expected: Type.String(),
    observed: Type.String(),
    /** The figure behind the words, where there is one; `margin` is what was left of the limit. */
    value: Type.Optional(Type.Number()),
    limit: Type.Optional(Type.Number()),
    margin: Type.Optional(
      Type.Number({ description: "below 0: by how much the limit was missed" }),
    ),
    unit: Type.Optional(Type.String({ description: "of value, limit and margin: ms, %, …" })),
  },
  "an assertion: a claim of a step, a budget, or an invariant",
);

export const TrafficSchema = object({
  direction: Direction,
  flows: Count,
  ...LossFields,
  phases: Type.Optional(byPhase(PhaseLossSchema)),
});

export const FlowSchema = object(
  {
    direction: Direction,
    flow: Type.Integer({ minimum: 0, description: "counts from 0; a source port of its own" }),
    ...LossFields,
    phases: byPhase(PhaseLossSchema),
    group: Type.Optional(Type.String()),
    /** By walks through the tables; absent where the lab cannot walk. */
    path: Type.Optional(
      Type.Array(
        object({
          fromMs: Ms,
          circuit: orNull(Type.String()),
          outcome: Type.String({ description: "delivered, loop, or why it ended on the way" }),
        }),
      ),
    ),
  },
  "one flow of probes; of very many only those that lost most are here",
);

const RoundTrips = byPhase(orNull(object({ p50Ms: Ms, p99Ms: Ms })));
export const RoundTripsSchema = object(
  {
    count: Count,
    sumMs: Ms,
    phases: RoundTrips,
    /** The first 64. */
    flows: Type.Array(object({ flow: Type.Integer({ minimum: 0 }), phases: RoundTrips })),
    histogram: Type.Array(
      object({ upToMs: Ms, count: Count }, "those above the bucket before; empty ones left out"),
    ),
  },
  "two probes that were sent at one instant, one each way: the sum of what they took",
);

export const TimelineSchema = object({
  atMs: Ms,
  lane: words("drill", "edge", "cloud", "alerts"),
  actor: Type.String(),
  event: Type.String(),
  text: Type.String(),
});

export const CircuitStateSchema = object({
  circuit: Type.String(),
  /** What was done to the line and not yet undone, in words. */
  fault: orNull(Type.String()),
  bfd: words("up", "down", "none"),
  bgp: words("up", "down"),
});
export const TopologySchema = object({
  edge: Type.String(),
  circuits: Type.Array(object({ name: Type.String(), vbr: Type.String() })),
  /** The cloud's router whose table decides the way back; of several the first. */
  ecr: Type.String(),
  /** All of them, each with the circuits it can send to. */
  routers: Type.Optional(
    Type.Array(
      object({
        name: Type.String(),
        kind: words("ecr", "tr", "vpc"),
        circuits: Type.Array(Type.String()),
      }),
    ),
  ),
  /** What the lines and their sessions were at the three moments of `phases`. */
  states: Type.Optional(
    object({
      baseline: Type.Array(CircuitStateSchema),
      during: orNull(Type.Array(CircuitStateSchema)),
      after: Type.Array(CircuitStateSchema),
    }),
  ),
});

export const LossOverTimeSchema = object(
  {
    fromMs: Ms,
    bucketMs: Ms,
    directions: Type.Array(
      object({ direction: Direction, sent: Type.Array(Count), lost: Type.Array(Count) }),
    ),
  },
  "bucket i holds what was sent in [fromMs + i·bucketMs, fromMs + (i+1)·bucketMs)",
);

export const PhasesSchema = object(
  {
    /** The first fault; null where there was none. */
    duringFromMs: orNull(Ms),
    /** When forwarding was again what it had been, and stayed so; null where it never was. */
    afterFromMs: orNull(Ms),
    /** The moments at which routes and states are compared. */
    baselineAtMs: Ms,
    duringAtMs: orNull(Ms),
    afterAtMs: Ms,
  },
  "before the first fault, during it, and after forwarding was the baseline's again",
);

const Via = Type.Array(Type.String(), { description: "circuits; none: no route" });
export const RouteSchema = object({
  /** `ecr`: a router of the cloud, on the way back. */
  node: words("edge", "ecr"),
  /** Whose table of the cloud it is: of the ECR, a transit router or a VPC. */
  router: Type.Optional(Type.String()),
  prefix: Type.String(),
  baseline: Via,
  during: orNull(Via),
  after: Via,
  /** Of during against baseline. */
  change: words("unchanged", "moved", "lost", "appeared"),
  /** After is baseline again. */
  isRestored: Type.Boolean(),
});
const Prefixes = object({ count: Count, prefixes: Type.Array(Type.String()) });
export const RoutesSchema = object(
  {
    total: Count,
    /** Those that changed first; of very many not all. */
    rows: Type.Array(RouteSchema),
    /** At the edge: prefixes with a second way, in use at the baseline or taken later. */
    redundant: Prefixes,
    nonRedundant: Prefixes,
  },
  "forwarding tables of the edge and of the cloud's router at three moments",
);

export const ShareSchema = object(
  {
    direction: Direction,
    circuit: orNull(Type.String({ description: "null: flows that had no way" })),
    flows: object({ baseline: Count, during: orNull(Count), after: Count }),
  },
  "how many flows a circuit carried at the moments of `phases`",
);

const Bps = Type.Number({ minimum: 0, description: "bits a second" });
export const LinkLoadSchema = object(
  {
    /** A circuit, or a physical connection whose bandwidth several share. */
    circuit: Type.String(),
    direction: Direction,
    capacityBps: orNull(Bps),
    /** When the first fault came. */
    beforeBps: Bps,
    peakBps: Bps,
    peakAtMs: Ms,
    overMs: Type.Number({
      minimum: 0,
      description: "how long more was asked of it than the budget (90 % of its capacity) allows",
    }),
  },
  "load of a circuit: rates of the traffic times ECMP shares of the tables",
);

export const SafetySchema = object(
  {
    /** What held before the first step. */
    preChecks: Type.Array(CheckSchema),
    stopConditions: Type.Array(
      object({ condition: Type.String(), isTripped: Type.Boolean(), atMs: orNull(Ms) }),
    ),
    /** Null where the drill was never played. */
    rollback: orNull(
      object({
        /** A stop condition tripped, and everything was restored at once. */
        isByAbort: Type.Boolean(),
        /** When it was looked for: from the abort on, or at the end of the steps. */
        atMs: Ms,
        /** Until every session was up and both tables were the baseline's; null: not in time. */
        tookMs: orNull(Ms),
        isRestored: Type.Boolean(),
        left: orNull(Type.String({ description: "what is not as before the first fault" })),
      }),
    ),
  },
  "that the drill began on sound ground, what would have broken it off, and what it left behind",
);

export const SourceSchema = object(
  { what: words("drill", "edge", "cloud", "rules"), file: Type.String(), sha256: Sha256 },
  "a file the drill was read from",
);

export const EvidenceSchema = object(
  {
    what: words(
      ...(["edge-journal", "cloud-journal", "routes", "probes"] as const),
      ...(["metrics", "capture", "bgp-messages", "rib"] as const),
    ),
    file: Type.String(),
    entries: Count,
    sha256: Sha256,
  },
  "a file with the records behind the figures, where they were asked for",
);

export const AlertSchema = object(
  {
    alert: Type.String(),
    severity: orNull(Type.String()),
    labels: Type.Record(Type.String(), Type.String()),
    firedAtMs: Ms,
    resolvedAtMs: orNull(Ms),
  },
  "one time an alert fired, as Prometheus rules saw the scraped edge; null: it still does",
);

export const HostSchema = object({
  kernel: Type.String(),
  arch: Type.String(),
  cpus: Count,
  node: Type.String({ description: "version of Node.js" }),
});

export const DrillReportSchema = object({
  schema: Type.Literal("causeway.drill.report/v1"),
  drill: Type.String(),
  description: Type.String(),
  mode: words("virtual", "lab"),
  substrate: Type.String(),
  seed: Type.Integer(),
  version: Type.String(),
  /** What `git describe` says of the tree it ran from; absent outside one. */
  commit: Type.Optional(Type.String()),
  /** Of all source files together. */
  configHash: Type.Optional(Sha256),
  sources: Type.Optional(Type.Array(SourceSchema)),
  evidence: Type.Optional(Type.Array(EvidenceSchema)),
  startedAt: Type.String({ description: "RFC 3339; in virtual mode the virtual wall clock" }),
  endedAt: Type.Optional(Type.String({ description: "RFC 3339" })),
  durationMs: Type.Number({ minimum: 0 }),
  /** In lab mode: how late the machine woke a thread that asked for milliseconds, at worst. */
  lateMs: Type.Optional(Ms),
  /** In lab mode: the machine whose scheduler had a hand in the figures. */
  host: Type.Optional(HostSchema),
  /** In virtual mode only: the same seed and code give the same hash. */
  traceHash: orNull(Type.String()),
  verdict: words("PASS", "FAIL", "INCONCLUSIVE"),
  because: Type.String({ description: "one sentence: why" }),
  /** Checks that passed, of all of them; what is inconclusive did not. */
  score: Type.Optional(
    Type.Number({ minimum: 0, maximum: 100, description: "percent of the checks that passed" }),
  ),
  /** Who ran it, and who allowed it, where that was told. */
  operator: Type.Optional(Type.String()),
  approver: Type.Optional(Type.String()),
  /** How far the clocks of two stamps may be apart. */
  clockOffsetMaxMs: Type.Optional(Ms),
  safety: Type.Optional(SafetySchema),
  faults: Type.Array(FaultSchema),
  checks: Type.Array(CheckSchema),
  traffic: Type.Array(TrafficSchema),
  flows: Type.Optional(Type.Array(FlowSchema)),
  /** Absent where no pair of probes arrived. */
  roundTrips: Type.Optional(RoundTripsSchema),
  timeline: Type.Array(TimelineSchema),
  /** Events that a long drill had beyond what a timeline holds. */
  timelineOmitted: Type.Optional(Count),
  /** Where the drill was held against Prometheus rules and these could be evaluated. */
  alerts: Type.Optional(Type.Array(AlertSchema)),
  topology: TopologySchema,
  phases: Type.Optional(PhasesSchema),
  routes: Type.Optional(RoutesSchema),
  shares: Type.Optional(Type.Array(ShareSchema)),
  repairs: Type.Optional(Type.Array(RepairSchema)),
  /** Empty where the traffic has no rates. */
  links: Type.Optional(Type.Array(LinkLoadSchema)),
  /** Null where no probe was sent. */
  lossOverTime: orNull(LossOverTimeSchema),
});

/** For editors and other programs; `docs/drill-report.v1.schema.json` is what this answers. */
export function drillReportJsonSchema(): object {
  const plain: object = JSON.parse(JSON.stringify(DrillReportSchema));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "causeway.drill.report/v1",
    title: "Report of a Causeway drill",
    ...plain,
  };
}
