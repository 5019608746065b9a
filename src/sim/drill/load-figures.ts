/**
 * Load of every circuit as a fluid: the rate of each group of flows, shared out over the circuits
 * that the forwarding tables send it by, for as long as they do. No packet is needed for it, and a
 * table that changes shows at once what the circuits that are left would have to carry.
 */
import { parseAddress } from "../../core/address.ts";
import { containsAddress, parsePrefix } from "../../core/prefix.ts";
import type { Direction } from "../lab/lab.ts";
import type { RouteChange, RouteNode } from "../lab/route-history.ts";
import type { Evidence } from "../report/measure.ts";
import type { LinkLoadReport } from "../report/report.ts";
import type { Drill, FlowGroup } from "./drill.ts";
import { DIRECTIONS, endsOf, flowGroups } from "./traffic.ts";

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
  const node: RouteNode = direction === "to-cloud" ? "edge" : "ecr";
  const spreader = new Spreader(drill, groups, direction);
  const meters = drill.edge.circuits.map(({ name, capacityBps }) => new Meter(name, capacityBps));
  const limitPercent = drill.budgets.capacityPercentMax ?? CAPACITY_PERCENT;
  const firstUs = deeds[0]?.atUs ?? endUs;
  const own = routeChanges.filter((change) => change.node === node && spreader.isAbout(change));
  const measure = (fromUs: number, untilUs: number) => {
    if (untilUs <= fromUs) return;
    const loads = spreader.loads();
    for (const meter of meters) {
      const bps = loads.get(meter.circuit) ?? 0;
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

/** Who is sent where, by the longest prefix of a table that changes. */
class Spreader {
  readonly #weights: ReadonlyMap<string, number>;
  readonly #flows: readonly { readonly rateBps: number; readonly address: Uint8Array }[];
  readonly #table = new Map<string, readonly string[]>();

  constructor({ edge }: Drill, groups: readonly FlowGroup[], direction: Direction) {
    // The cloud spreads evenly; the edge by the weights of its circuits.
    this.#weights = new Map(
      direction === "to-cloud" ? edge.circuits.map(({ name, weight }) => [name, weight]) : [],
    );
    this.#flows = groups.flatMap((group) => {
      const address = parseAddress(endsOf(group, direction).destination);
      return address === undefined ? [] : [{ rateBps: group.rateBps ?? 0, address }];
    });
  }

  isAbout({ prefix }: RouteChange): boolean {
    const parsed = parsePrefix(prefix);
    return (
      parsed !== undefined && this.#flows.some(({ address }) => containsAddress(parsed, address))
    );
  }

  set({ prefix, via }: RouteChange): void {
    if (via.length === 0) this.#table.delete(prefix);
    else this.#table.set(prefix, via);
  }

  loads(): ReadonlyMap<string, number> {
    const loads = new Map<string, number>();
    for (const { rateBps, address } of this.#flows) {
      const via = this.#lookup(address);
      const weightOf = (circuit: string) => this.#weights.get(circuit) ?? 1;
      const total = via.reduce((sum, circuit) => sum + weightOf(circuit), 0);
      for (const circuit of via) {
        const share = (rateBps * weightOf(circuit)) / total;
        loads.set(circuit, (loads.get(circuit) ?? 0) + share);
      }
    }
    return loads;
  }

  #lookup(address: Uint8Array): readonly string[] {
    let best: readonly string[] = [];
    let bestLength = -1;
    for (const [prefix, via] of this.#table) {
      const parsed = parsePrefix(prefix);
      if (parsed === undefined || parsed.length <= bestLength) continue;
      if (!containsAddress(parsed, address)) continue;
      best = via;
      bestLength = parsed.length;
    }
    return best;
  }
}

interface Stretch {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly limitPercent: number;
  readonly isBefore: boolean;
}

class Meter {
  readonly circuit: string;
  readonly #capacityBps: number | undefined;
  #beforeBps = 0;
  #peakBps = 0;
  #peakAtUs: number | undefined;
  #overUs = 0;

  constructor(circuit: string, capacityBps: number | undefined) {
    this.circuit = circuit;
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
      ...{ circuit: this.circuit, direction, capacityBps: this.#capacityBps ?? null },
      ...{ beforeBps: this.#beforeBps, peakBps: this.#peakBps },
      peakAtMs: ((this.#peakAtUs ?? zeroUs) - zeroUs) / 1000,
      overMs: this.#overUs / 1000,
    };
  }
}
