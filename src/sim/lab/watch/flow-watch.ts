/**
 * What becomes of every flow, found by walking the forwarding tables of a virtual world, not by
 * packets: after each instant in which anything changed (a route, a link, a rule) and never
 * otherwise. It sees a loop or a blackhole that no probe happened to meet.
 */
import type { Flow } from "../../../platform/virtual/walk.ts";
import type { World } from "../../../platform/virtual/world.ts";
import { cloudNetwork } from "../../cloud/network.ts";
import { nodeOfAddress } from "../../cloud/tables/return-path.ts";
import type { Drill } from "../../drill/drill.ts";
import { DIRECTIONS, endsOf, groupOfFlows, SINK_PORT, sourcePortOf } from "../../drill/traffic.ts";
import type { Direction, FlowChange, FlowCircuits, FlowFate } from "../lab.ts";
import { IDC } from "../virtual/topology.ts";

const CHANGES_MAX = 200_000;

/** What is to be walked through a world, by number of the flow. */
export function walkedFlows({
  cloud,
  traffic,
}: Drill): Readonly<Record<Direction, readonly Flow[]>> {
  const groups = groupOfFlows(traffic);
  const flows = (direction: Direction) =>
    groups.map((group, flow) => ({
      host: direction === "to-cloud" ? IDC : nodeOfAddress(cloud, group.vpc),
      ...endsOf(group, direction),
      sourcePort: sourcePortOf(flow),
      destinationPort: SINK_PORT,
    }));
  return { "to-cloud": flows("to-cloud"), "to-edge": flows("to-edge") };
}

export class FlowWatch {
  readonly #world: World;
  readonly #flows: ReturnType<typeof walkedFlows>;
  /** Of the node of the cloud that ends it. */
  readonly #circuits: ReadonlyMap<string, string>;
  readonly #fates: Readonly<Record<Direction, FlowFate[]>> = { "to-cloud": [], "to-edge": [] };
  readonly #changes: FlowChange[] = [];

  constructor(world: World, drill: Drill) {
    this.#world = world;
    this.#flows = walkedFlows(drill);
    const { customers } = cloudNetwork(drill.cloud);
    this.#circuits = new Map(customers.map(({ node, circuit }) => [node, circuit]));
  }

  get changes(): readonly FlowChange[] {
    return this.#changes;
  }

  /** The circuits of the last look, in a report's words. */
  get circuits(): FlowCircuits {
    const of = (direction: Direction) =>
      this.#fates[direction].map(({ circuit }) => circuit ?? null);
    return { "to-cloud": of("to-cloud"), "to-edge": of("to-edge") };
  }

  /** As of the last look. */
  get fates(): Readonly<Record<Direction, readonly FlowFate[]>> {
    return this.#fates;
  }

  /** As the tables and wires stand now. */
  look(): Readonly<Record<Direction, readonly FlowFate[]>> {
    const atUs = this.#world.now;
    for (const direction of DIRECTIONS) {
      const fates = this.#fates[direction];
      for (const [flow, walked] of this.#flows[direction].entries()) {
        const fate = this.#walk(walked);
        const before = fates[flow];
        if (before?.outcome === fate.outcome && before.circuit === fate.circuit) continue;
        fates[flow] = fate;
        if (this.#changes.length < CHANGES_MAX)
          this.#changes.push({ atUs, direction, flow, ...fate });
      }
    }
    return this.#fates;
  }

  #walk(flow: Flow): FlowFate {
    const { outcome, path } = this.#world.forward(flow);
    for (const { host } of path) {
      const circuit = this.#circuits.get(host);
      if (circuit !== undefined) return { outcome, circuit };
    }
    return { outcome, circuit: undefined };
  }
}
