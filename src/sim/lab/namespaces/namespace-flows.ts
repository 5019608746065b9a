/**
 * Which circuit each flow takes in a lab of namespaces: the kernels themselves say which way their
 * hash sends it, one after the other from the machine it starts at to the one a circuit ends at.
 * All flows that are at a node are asked about at once.
 */
import { cloudNetwork } from "../../cloud/network.ts";
import { nodeOfAddress } from "../../cloud/tables/return-path.ts";
import type { Drill } from "../../drill/drill.ts";
import { endsOf, groupOfFlows, SINK_PORT, sourcePortOf } from "../../drill/traffic.ts";
import type { Direction, FlowCircuits } from "../lab.ts";
import { EDGE, edgeDevice } from "../virtual/topology.ts";
import type { Namespaces } from "./namespaces.ts";

type Asker = Pick<Namespaces, "routesOut">;

/** Routers that a packet passes inside of the cloud, and some more. */
const HOPS_MAX = 12;

export function flowCircuits(drill: Drill, namespaces: Asker): FlowCircuits {
  const map = mapOf(drill);
  return {
    "to-cloud": walk(drill, namespaces, map, "to-cloud"),
    "to-edge": walk(drill, namespaces, map, "to-edge"),
  };
}

interface NetworkMap {
  /** Where a packet is once it left `node device`, and the interface it came in by. */
  readonly next: ReadonlyMap<string, Place>;
  /** Of a device of the edge, and of a node that ends a circuit. */
  readonly circuitOf: ReadonlyMap<string, string>;
}

interface Place {
  readonly node: string;
  /** Undefined where the packet is from here. */
  readonly enteredBy: string | undefined;
}

function mapOf(drill: Drill): NetworkMap {
  const { wires, customers } = cloudNetwork(drill.cloud);
  const next = new Map<string, Place>();
  for (const { a, b } of wires) {
    next.set(keyOf(a), { node: b.node, enteredBy: b.device });
    next.set(keyOf(b), { node: a.node, enteredBy: a.device });
  }
  const circuitOf = new Map<string, string>();
  for (const { circuit, node } of customers) {
    circuitOf.set(node, circuit);
    circuitOf.set(keyOf({ node: EDGE, device: edgeDevice(drill, circuit) }), circuit);
  }
  return { next, circuitOf };
}

const keyOf = ({ node, device }: { readonly node: string; readonly device: string }): string =>
  `${node} ${device}`;

function walk(
  drill: Drill,
  namespaces: Asker,
  { next, circuitOf }: NetworkMap,
  direction: Direction,
): readonly (string | null)[] {
  const groups = groupOfFlows(drill.traffic);
  const found: (string | null)[] = groups.map(() => null);
  let under = new Map<number, Place>(
    groups.map(({ vpc }, flow) => [flow, startOf(drill, direction, vpc)]),
  );
  for (let hop = 0; hop < HOPS_MAX && under.size > 0; hop += 1) {
    const onwards = new Map<number, Place>();
    for (const [node, flows] of byNode(under)) {
      const questions = flows.map(([flow, place]) => {
        const { source, destination } = endsOf(groups[flow] ?? NOBODY, direction);
        const from = place.enteredBy === undefined ? source : `${source} iif ${place.enteredBy}`;
        const ports = `sport ${sourcePortOf(flow)} dport ${SINK_PORT}`;
        return `route get ${destination} from ${from} ipproto udp ${ports}`;
      });
      const devices = namespaces.routesOut(node, questions);
      for (const [index, [flow]] of flows.entries()) {
        const key = keyOf({ node, device: devices[index] ?? "" });
        const place = next.get(key);
        const circuit = circuitOf.get(key) ?? circuitOf.get(place?.node ?? "");
        if (circuit !== undefined) found[flow] = circuit;
        else if (place !== undefined) onwards.set(flow, place);
      }
    }
    under = onwards;
  }
  return found;
}

const NOBODY = { name: "", idc: "", vpc: "", flows: 0, rateBps: undefined };

const startOf = (drill: Drill, direction: Direction, vpc: string): Place =>
  direction === "to-cloud"
    ? { node: EDGE, enteredBy: "idc" }
    : { node: nodeOfAddress(drill.cloud, vpc), enteredBy: undefined };

function byNode(
  flows: ReadonlyMap<number, Place>,
): ReadonlyMap<string, readonly (readonly [number, Place])[]> {
  const nodes = new Map<string, [number, Place][]>();
  for (const [flow, place] of flows) {
    const known = nodes.get(place.node) ?? [];
    known.push([flow, place]);
    nodes.set(place.node, known);
  }
  return nodes;
}
