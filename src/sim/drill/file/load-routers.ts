/**
 * The customer's other routers in a drill: each a file like the edge's, on circuits that the edge
 * is on as well, so that several of them are BGP peers of one VBR.
 */
import type { ConfigProblem, Document, Path } from "../../../agent/config/document.ts";
import type { EdgeConfig, NeighborConfig } from "../../../agent/config/edge-config.ts";
import { loadEdgeConfig } from "../../../agent/config/load.ts";
import { peersOf } from "../../cloud/config/bgp-config.ts";
import { cloudNetwork } from "../../cloud/network.ts";
import type { SourceReport } from "../../report/report.ts";
import { sourceOf } from "../../report/sources.ts";
import type { Drill } from "../drill.ts";
import { readPart, type Whence } from "./load-parts.ts";
import { sessionFaults } from "./load-peers.ts";
import type { DrillFile } from "./schema.ts";

export interface RoutersLoad {
  /** Those that could be read. */
  readonly routers: readonly EdgeConfig[];
  readonly problems: readonly ConfigProblem[];
  readonly sources: readonly SourceReport[];
}

export function loadRouters({ routers = [] }: DrillFile, whence: Whence): RoutersLoad {
  const problems: ConfigProblem[] = [];
  const sources: SourceReport[] = [];
  const found = routers.flatMap((written, index) => {
    const part = readPart(written, ["routers", index], `router ${index + 1} of the drill`, whence);
    if (!("text" in part)) {
      problems.push(part);
      return [];
    }
    sources.push(sourceOf("edge", part.name, part.text));
    const read = loadEdgeConfig(part.file ?? part.name, part.text);
    problems.push(...read.problems.map((one) => part.place(one)));
    return read.config ?? [];
  });
  return { routers: found, problems, sources };
}

/** What the names and ends of all routers have wrong together, and steps that name one. */
export function lintRouters(
  document: Document,
  { steps }: DrillFile,
  { routers, edge, cloud }: Required<Pick<Drill, "routers" | "edge" | "cloud">>,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const error = (path: Path, message: string) => {
    problems.push(document.at(path, { severity: "error", code: "D103", message }));
  };
  const names = new Set(["edge", "idc", ...cloudNetwork(cloud).nodes.map(({ name }) => name)]);
  const taken = new Map(sessionsOf(edge).map((one) => [one.localAddress, edge.name]));
  for (const [index, router] of routers.entries()) {
    const path = ["routers", index];
    if (names.has(router.name)) error(path, `another machine is called "${router.name}"`);
    names.add(router.name);
    for (const message of sessionFaults(router, cloud)) error(path, `${router.name}: ${message}`);
    for (const { name } of router.circuits) {
      const shared = edge.circuits.find((one) => one.name === name);
      if (shared === undefined) error(path, `the edge is not on ${name}, as ${router.name} is`);
      if (shared?.vlan !== undefined)
        error(path, `${name} is a VLAN, which no router can share here`);
    }
    for (const { name, localAddress } of sessionsOf(router)) {
      const other = taken.get(localAddress);
      if (other !== undefined) error(path, `${name}: ${localAddress} is ${other}'s already`);
      taken.set(localAddress, router.name);
    }
  }
  for (const [index, step] of steps.entries()) {
    const named: unknown = Reflect.get(step, "router");
    const known = routers.map(({ name }) => name);
    if (named !== undefined && !known.includes(String(named))) {
      const list = known.length === 0 ? "none" : known.join(", ");
      error(["steps", index, "router"], `there is no router "${named}" here; known are ${list}`);
    }
    const shares = routers.some((one) => one.circuits.some(({ name }) => name === step.circuit));
    if (shares && Reflect.get(step, "carrier") === "seen") {
      const message = `a switch joins the routers on ${step.circuit}, and keeps their carrier up`;
      error(["steps", index, "carrier"], message);
    }
  }
  return problems;
}

const sessionsOf = ({ circuits }: EdgeConfig): readonly NeighborConfig[] =>
  circuits.flatMap(({ sessions }) => sessions);

/** Sessions of VBRs with routers other than the edge. */
export function guestsOf({
  routers = [],
  cloud,
}: Pick<Drill, "routers" | "cloud">): readonly { readonly node: string; readonly peer: string }[] {
  const addresses = new Set(routers.flatMap(sessionsOf).map((one) => one.localAddress));
  return cloud.vbrs.flatMap((vbr) =>
    peersOf(vbr)
      .filter(({ address }) => addresses.has(address))
      .map(({ name }) => ({ node: vbr.name, peer: name })),
  );
}
