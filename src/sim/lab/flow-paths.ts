/** Which circuit each flow of probes takes, asked of a virtual world's tables. */
import type { Drill } from "../drill/drill.ts";
import type { Direction, FlowCircuits } from "./lab.ts";
import { SINK_PORT, SOURCE_PORT_MIN } from "./probes.ts";
import { type DrillWorld, IDC } from "./topology.ts";

/** Flows are hashed as their packets are, each by the port it is sent from. */
export function walkFlows(drill: Drill, { world, ecr, circuits }: DrillWorld): FlowCircuits {
  const { idc, vpc, flows } = drill.traffic;
  const ends = {
    "to-cloud": { host: IDC, source: idc, destination: vpc },
    "to-edge": { host: ecr.name, source: vpc, destination: idc },
  };
  const circuitsOf = (direction: Direction) =>
    Array.from({ length: flows }, (_, flow) => {
      const ports = { sourcePort: SOURCE_PORT_MIN + flow, destinationPort: SINK_PORT };
      const { path } = world.forward({ ...ends[direction], ...ports });
      return path.find((step) => circuits.has(step.link ?? ""))?.link ?? null;
    });
  return { "to-cloud": circuitsOf("to-cloud"), "to-edge": circuitsOf("to-edge") };
}
