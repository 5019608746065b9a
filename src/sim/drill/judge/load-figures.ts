/**
 * Load of every circuit as a fluid: the rate of each group of flows, shared out over the circuits
 * that the forwarding tables send it by, for as long as they do. No packet is needed for it, and a
 * table that changes shows at once what the circuits that are left would have to carry.
 */
import { overlaps, type Prefix, parsePrefix } from "../../../core/prefix.ts";
import { returnRouters } from "../../cloud/tables/return-path.ts";
import type { Direction } from "../../lab/lab.ts";
import { longestMatch } from "../../lab/watch/longest-match.ts";
import { EDGE_TABLE, type RouteChange } from "../../lab/watch/route-history.ts";
import type { Evidence } from "../../report/measure.ts";
import type { LinkLoadReport } from "../../report/report.ts";
import type { Drill, FlowGroup } from "../drill.ts";
import { DIRECTIONS, endsOf, flowGroups, hostPrefix } from "../traffic.ts";

/** What may be asked of a circuit before it is too much. */
export const CAPACITY_PERCENT = 90;

export function linkLoads(evidence: Evidence): readonly LinkLoadReport[] {
  const groups = flowGroups(evidence.drill.traffic).filter(({ rateBps }) => rateBps !== undefined);
  if (groups.length === 0) return [];
  return DIRECTIONS.flatMap((direction) => loadsOf(evidence, groups, direction));
}

function loadsOf(
  { drill, routeChanges, zeroUs, endUs, deeds }: Evidence,
  groups: readonly FlowGroup[],
  direction: Direction,
): readonly LinkLoadReport[] {
  const spreader = new Spreader(drill, groups, direction);
  const meters = [
    ...drill.edge.circuits.map(({ name, capacityBps }) => new Meter(name, capacityBps, [name])),
    ...sharedLines(drill.cloud),
  ];
  const limitPercent = drill.budgets.capacityPercentMax ?? CAPACITY_PERCENT;
  const firstUs = deeds[0]?.atUs ?? endUs;
  const own = routeChanges.filter((change) => spreader.isAbout(change));
  const measure = (fromUs: number, untilUs: number) => {
    if (untilUs <= fromUs) return;
    const loads = spreader.loads();
    for (const meter of meters) {
      const bps = meter.circuits.reduce((sum, name) => sum + (loads.get(name) ?? 0), 0);
      meter.add(bps, { fromUs, untilUs, limitPercent, isBefore: fromUs <= firstUs });
    }
  };
  let sinceUs = zeroUs;
  for (const change of own) {
    if (change.at > zeroUs) {
      measure(sinceUs, change.at);
      sinceUs = change.at;
    }
    spreader.set(change);
  }
  measure(sinceUs, endUs);
  return meters.map((meter) => meter.report(direction, zeroUs));
}

/** Physical connections whose bandwidth several circuits share. */
const sharedLines = ({ connections, vbrs }: Drill["cloud"]): readonly Meter[] =>
  connections.flatMap(({ name, bandwidthBps }) => {
    const riders = vbrs.filter(({ connection }) => connection === name);
    if (bandwidthBps === undefined || riders.length < 2) return [];
    return new Meter(
      name,
      bandwidthBps,
      riders.map(({ circuit }) => circuit),
    );
  });

/** Who is sent where, by the longest prefix of tables that change. */
class Spreader {
  readonly #weights: ReadonlyMap<string, number>;
  readonly #flows: readonly Flow[];
  readonly #tables = new Map<string, Map<string, readonly string[]>>();

  constructor({ edge, cloud }: Drill, groups: readonly FlowGroup[], direction: Direction) {
    // The cloud spreads evenly; the edge by the weights of its circuits.
    this.#weights = new Map(
      direction === "to-cloud" ? edge.circuits.map(({ name, weight }) => [name, weight]) : [],
    );
    this.#flows = groups
      .flatMap((group) => {
        const destination = parsePrefix(hostPrefix(endsOf(group, direction).destination));
        const tables = direction === "to-cloud" ? [EDGE_TABLE] : returnRouters(cloud, group.vpc);
        return destination && { rateBps: group.rateBps ?? 0, destination, tables };
      })
      .filter((flow) => flow !== undefined);
  }

  isAbout({ node, prefix: text }: RouteChange): boolean {
    const prefix = parsePrefix(text);
    return (
      prefix !== undefined &&
      this.#flows.some((flow) => flow.tables.includes(node) && overlaps(prefix, flow.destination))
    );
  }

  set({ node, prefix, via, drops }: RouteChange): void {
    const table = this.#tables.get(node) ?? new Map<string, readonly string[]>();
    this.#tables.set(node, table);
    if (via.length === 0 && drops === undefined) table.delete(prefix);
    else table.set(prefix, via);
  }

  loads(): ReadonlyMap<string, number> {
    const loads = new Map<string, number>();
    for (const { rateBps, destination, tables } of this.#flows) {
      const asked = tables.flatMap((name) => this.#tables.get(name) ?? []);
      const via = longestMatch(asked, destination) ?? [];
      const weightOf = (circuit: string) => this.#weights.get(circuit) ?? 1;
      const total = via.reduce((sum, circuit) => sum + weightOf(circuit), 0);
      for (const circuit of via) {
        const share = (rateBps * weightOf(circuit)) / total;
        loads.set(circuit, (loads.get(circuit) ?? 0) + share);
      }
    }
    return loads;
  }
}

interface Flow {
  readonly rateBps: number;
  readonly destination: Prefix;
  /** Asked in turn. */
  readonly tables: readonly string[];
}

interface Stretch {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly limitPercent: number;
  readonly isBefore: boolean;
}

class Meter {
  readonly circuits: readonly string[];
  readonly #name: string;
  readonly #capacityBps: number | undefined;
  #beforeBps = 0;
  #peakBps = 0;
  #peakAtUs: number | undefined;
  #overUs = 0;

  /** `name`: a circuit, or the line that several are on. */
  constructor(name: string, capacityBps: number | undefined, circuits: readonly string[]) {
    this.#name = name;
    this.circuits = circuits;
    this.#capacityBps = capacityBps;
  }

  add(bps: number, { fromUs, untilUs, limitPercent, isBefore }: Stretch): void {
    if (isBefore) this.#beforeBps = bps;
    if (this.#peakAtUs === undefined || bps > this.#peakBps) {
      this.#peakBps = bps;
      this.#peakAtUs = fromUs;
    }
    const isOver =
      this.#capacityBps !== undefined && bps > (this.#capacityBps * limitPercent) / 100;
    if (isOver) this.#overUs += untilUs - fromUs;
  }

  report(direction: Direction, zeroUs: number): LinkLoadReport {
    return {
      ...{ circuit: this.#name, direction, capacityBps: this.#capacityBps ?? null },
      ...{ beforeBps: this.#beforeBps, peakBps: this.#peakBps },
      peakAtMs: ((this.#peakAtUs ?? zeroUs) - zeroUs) / 1000,
      overMs: this.#overUs / 1000,
    };
  }
}
