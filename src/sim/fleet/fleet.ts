/** A fleet's file and what it means: many edges, each with circuits to different regions. */
import { type Static, Type } from "@sinclair/typebox";
import { type ConfigProblem, readDocument } from "../../agent/config/document.ts";
import { parseDurationUs } from "../../core/time.ts";
import { closed, Duration, Name } from "../shapes.ts";

const FleetSchema = Type.Object(
  {
    fleet: Name,
    description: Type.String({ minLength: 1 }),
    seed: Type.Integer({ minimum: 0, maximum: 0x7fff_ffff }),
    regions: Type.Integer({ minimum: 2, maximum: 16, description: "2 to 16 regions" }),
    edges: Type.Integer({ minimum: 1, maximum: 4000, description: "1 to 4000 edges" }),
    circuits: Type.Integer({ minimum: 1, maximum: 8, description: "1 to 8 circuits an edge" }),
    bfd: Type.Optional(
      Type.Object(
        { interval: Duration, multiplier: Type.Integer({ minimum: 3, maximum: 10 }) },
        closed,
      ),
    ),
    traffic: Type.Object(
      {
        flows: Type.Integer({ minimum: 1, maximum: 64, description: "1 to 64 flows an edge" }),
        interval: Duration,
      },
      closed,
    ),
    lose: Type.Object(
      {
        region: Type.Integer({ minimum: 1 }),
        at: Duration,
        for: Duration,
      },
      closed,
    ),
    budgets: Type.Optional(
      Type.Object(
        {
          detection: Type.Optional(Duration),
          convergence: Type.Optional(Duration),
          outage: Type.Optional(Duration),
        },
        closed,
      ),
    ),
  },
  closed,
);
type FleetFile = Static<typeof FleetSchema>;

export interface Fleet {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  readonly regions: number;
  readonly edges: number;
  /** Of each edge; circuit i of edge e ends in region (e + i) mod regions. */
  readonly circuits: number;
  readonly bfd: { readonly interval: string; readonly multiplier: number };
  /** Of each edge: `flows` take turns, one round trip every `intervalUs`. */
  readonly traffic: { readonly flows: number; readonly intervalUs: number };
  /** The region, from 0, every wire of which is cut without a sign. */
  readonly lose: { readonly region: number; readonly atUs: number; readonly forUs: number };
  readonly budgets: FleetBudgets;
}

/** Limits for every edge; undefined is not judged. */
export interface FleetBudgets {
  readonly detectionUsMax: number | undefined;
  readonly convergenceUsMax: number | undefined;
  readonly outageUsMax: number | undefined;
}

export interface FleetLoad {
  readonly fleet: Fleet | undefined;
  readonly problems: readonly ConfigProblem[];
}

export function loadFleet(file: string, text: string): FleetLoad {
  const document = readDocument(file, text, FleetSchema);
  if (document.value === undefined) return { fleet: undefined, problems: document.problems };
  const source = document.value as FleetFile;
  const problems: ConfigProblem[] = [];
  const error = (path: readonly string[], message: string) => {
    problems.push(document.at(path, { severity: "error", code: "T101", message }));
  };
  const { circuits, regions, lose } = source;
  if (circuits > regions) {
    error(["circuits"], `${circuits} circuits need as many regions, there are ${regions}`);
  }
  if (lose.region > regions) {
    error(["lose", "region"], `there is no region ${lose.region}; they are 1 to ${regions}`);
  }
  if (us(source.traffic.interval) < 100) {
    error(["traffic", "interval"], "an interval is at least 100us");
  }
  return { fleet: problems.length > 0 ? undefined : toFleet(source), problems };
}

const us = (text: string): number => parseDurationUs(text) ?? 0;

function toFleet(source: FleetFile): Fleet {
  const { seed, regions, edges, circuits, traffic, lose, budgets } = source;
  const limit = (text: string | undefined) => (text === undefined ? undefined : us(text));
  return {
    name: source.fleet,
    description: source.description,
    ...{ seed, regions, edges, circuits },
    bfd: source.bfd ?? { interval: "300ms", multiplier: 3 },
    traffic: { flows: traffic.flows, intervalUs: us(traffic.interval) },
    lose: { region: lose.region - 1, atUs: us(lose.at), forUs: us(lose.for) },
    budgets: {
      detectionUsMax: limit(budgets?.detection),
      convergenceUsMax: limit(budgets?.convergence),
      outageUsMax: limit(budgets?.outage),
    },
  };
}
