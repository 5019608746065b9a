/** Lines and sessions of every circuit at one moment, from the deeds and the edge's journal. */
import { describeReturnRouters } from "../cloud/tables/return-path.ts";
import type { Drill } from "../drill/drill.ts";
import { endsSessions } from "../drill/judge/session-book.ts";
import { addressesOf } from "../drill/traffic.ts";
import type { Evidence } from "./measure.ts";
import type { Phases } from "./phases.ts";
import type { CircuitState, TopologyReport } from "./report.ts";

export function reportTopology(evidence: Evidence, phases: Phases): TopologyReport {
  const { edge, cloud, traffic } = evidence.drill;
  const routers = describeReturnRouters(cloud, addressesOf(traffic, "vpc"));
  const at = (us: number) => edge.circuits.map((circuit) => stateAt(evidence, circuit, us));
  return {
    edge: edge.name,
    circuits: [...cloud.vbrs, ...cloud.vpns].map((end) => ({ name: end.circuit, vbr: end.name })),
    ecr: routers[0]?.name ?? "",
    routers,
    states: {
      baseline: at(phases.baselineUs),
      during: phases.duringUs === undefined ? null : at(phases.duringUs),
      after: at(phases.endUs),
    },
  };
}

type Circuit = Drill["edge"]["circuits"][number];

function stateAt({ deeds, edge }: Evidence, circuit: Circuit, atUs: number): CircuitState {
  const names = new Set(circuit.sessions.map((session) => session.name));
  const up = { bfd: new Set<string>(), bgp: new Set<string>() };
  let lastUpUs = Number.NEGATIVE_INFINITY;
  for (const entry of edge) {
    if (entry.at > atUs) break;
    if (endsSessions(entry.event)) for (const set of Object.values(up)) set.clear();
    const [protocol, , what] = entry.event.split(".");
    const session = String(entry.fields.session ?? entry.fields.peer);
    if ((protocol !== "bfd" && protocol !== "bgp") || !names.has(session)) continue;
    if (what === "up") {
      up[protocol].add(session);
      lastUpUs = entry.at;
    } else if (what === "down") up[protocol].delete(session);
  }
  const all = (protocol: "bfd" | "bgp", sessions: readonly { readonly name: string }[]) =>
    sessions.every(({ name }) => up[protocol].has(name)) ? "up" : "down";
  const withBfd = circuit.sessions.filter((session) => session.bfd !== undefined);
  const deed = deeds.findLast((one) => one.circuit === circuit.name && one.atUs < atUs);
  // A session that came up behind a fault says that it is over: a VBR that restarts mends itself.
  const isOver = deed === undefined || deed.kind === "repair" || lastUpUs > deed.atUs;
  return {
    circuit: circuit.name,
    fault: isOver ? null : deed.text,
    bfd: withBfd.length === 0 ? "none" : all("bfd", withBfd),
    bgp: all("bgp", circuit.sessions),
  };
}
