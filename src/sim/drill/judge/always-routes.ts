/**
 * Invariants about routes and paths, judged from what the checkers beside a drill recorded: every
 * change of a forwarding table and, where the lab has the eye for it, of every flow's way.
 */

import { coversPrefix, parsePrefix } from "../../../core/prefix.ts";
import { customPrefixes, probeSources, toldPrefixes } from "../../cloud/network.ts";
import type { Direction } from "../../lab/lab.ts";
import { EDGE_TABLE } from "../../lab/watch/route-history.ts";
import type { Evidence } from "../../report/measure.ts";
import { signed } from "../../report/units.ts";
import { CAPACITY_PERCENT, linkLoads } from "./load-figures.ts";
import { circuitsBySession, endsSessions } from "./session-book.ts";

/** Undefined: it held. A sentence: how it was broken. `unsure`: it could not be judged, and why. */
export type Finding = string | { readonly unsure: string } | undefined;

/** What a convergence may take at both ends, before two paths that differ are one that is wrong. */
const SETTLE_US = 3_000_000;
const OVERLOAD_MS = 1_000;

export const findLoop = ({ watched }: Evidence): Finding => watched.loops[0];

export const findRibFault = ({ watched }: Evidence): Finding => watched.ribFaults[0];

/**
 * A prefix that nobody agreed on: told by the edge or taken by it, as its UPDATEs say, or in a
 * table of either side.
 */
export function findLeak(evidence: Evidence): Finding {
  const { drill, routeChanges, watched, zeroUs } = evidence;
  const { edge, cloud, allow } = drill;
  const said = watched.updates.find(({ what }) => what !== "needless");
  if (said !== undefined) {
    const { what, prefix, session, atUs } = said;
    const link = what === "advertised" ? "to" : "from";
    const when = signed((atUs - zeroUs) / 1000);
    return `${edge.name} ${what} ${prefix} ${link} ${session} at ${when}`;
  }
  const own = edge.announce.map((one) => one.prefix);
  const told = new Set([...toldPrefixes(cloud), ...probeSources(cloud)]);
  const expected = { edge: told, cloud: new Set([...own, ...customPrefixes(cloud), ...told]) };
  const allowed = (allow ?? []).flatMap((text) => parsePrefix(text) ?? []);
  const first = routeChanges.find(({ node, prefix, via }) => {
    const agreed = expected[node === EDGE_TABLE ? "edge" : "cloud"];
    if (via.length === 0 || agreed.has(prefix)) return false;
    const parsed = parsePrefix(prefix);
    return parsed === undefined || !allowed.some((outer) => coversPrefix(outer, parsed));
  });
  if (first === undefined) return undefined;
  const who = first.node === EDGE_TABLE ? edge.name : first.node;
  return `${who} took ${first.prefix} at ${signed((first.at - zeroUs) / 1000)}`;
}

/** A flow that goes one way by another circuit than it comes back, for longer than it takes. */
export function findAsymmetry({ watched, zeroUs, endUs }: Evidence): Finding {
  if (watched.flows === undefined) return { unsure: "this lab has no eye for single flows" };
  const ways = new Map<number, Partial<Record<Direction, string>>>();
  const since = new Map<number, number>();
  const isOdd = (flow: number) => {
    const way = ways.get(flow);
    const [there, back] = [way?.["to-cloud"], way?.["to-edge"]];
    return there !== undefined && back !== undefined && there !== back;
  };
  const tell = (flow: number, fromUs: number): string => {
    const way = ways.get(flow);
    const text = `goes by ${way?.["to-cloud"]} and comes by ${way?.["to-edge"]}`;
    return `flow ${flow} ${text} since ${signed((fromUs - zeroUs) / 1000)}`;
  };
  for (const { flow, direction, outcome, circuit, atUs } of watched.flows) {
    const fromUs = since.get(flow);
    if (fromUs !== undefined && atUs - fromUs > SETTLE_US) return tell(flow, fromUs);
    const way = { ...ways.get(flow) };
    if (outcome === "delivered" && circuit !== undefined) way[direction] = circuit;
    else delete way[direction];
    ways.set(flow, way);
    if (!isOdd(flow)) since.delete(flow);
    else if (fromUs === undefined) since.set(flow, atUs);
  }
  const left = [...since].find(([, fromUs]) => endUs - fromUs > SETTLE_US);
  return left && tell(...left);
}

/** A circuit that is asked for more than it should carry. */
export function findOverload(evidence: Evidence): Finding {
  const loads = linkLoads(evidence).filter(({ capacityBps }) => capacityBps !== null);
  if (loads.length === 0) {
    return { unsure: "the traffic has no rate, or no circuit a capacity" };
  }
  const over = loads.find(({ overMs }) => overMs >= OVERLOAD_MS);
  if (over === undefined) return undefined;
  const percent = evidence.drill.budgets.capacityPercentMax ?? CAPACITY_PERCENT;
  const [asked, has] = [over.peakBps, over.capacityBps ?? 0].map((bps) => `${bps / 1e6} Mbps`);
  const when = signed(over.peakAtMs);
  return `${over.circuit} ${over.direction}: ${asked} of ${has} from ${when}, above ${percent} %`;
}

/** Two circuits with a session or more before, one at least all through, two again after. */
export function findBareness(evidence: Evidence): Finding {
  const { drill, edge, zeroUs } = evidence;
  const circuitOf = circuitsBySession(drill.edge);
  const up = new Set<string>();
  /** A circuit of two families has two sessions, and is one circuit. */
  const count = () => new Set([...up].map((session) => circuitOf.get(session))).size;
  const wanted = Math.min(2, drill.edge.circuits.length);
  let isBegun = false;
  for (const { at, event, fields } of edge) {
    if (!isBegun && at >= zeroUs) {
      isBegun = true;
      if (count() < wanted) return `only ${count()} circuits had a session at the beginning`;
    }
    const peer = String(fields.peer);
    if (endsSessions(event)) up.clear();
    else if (!circuitOf.has(peer)) continue;
    if (event === "bgp.peer.up") up.add(peer);
    else if (event === "bgp.peer.down") up.delete(peer);
    if (isBegun && up.size === 0) return `no session was left at ${signed((at - zeroUs) / 1000)}`;
  }
  if (count() < wanted) return `only ${count()} circuits have a session at the end`;
  return findLonelyPrefix(evidence);
}

/**
 * The same for every prefix of the cloud, by the edge's table: a way all through, and where traffic
 * is shared over the circuits two of them before and after. Not where the cloud itself withdrew.
 */
function findLonelyPrefix({ drill, deeds, routeChanges, zeroUs }: Evidence): Finding {
  if (deeds.some(({ change }) => change === "withdraw")) return undefined;
  const { circuits, failover } = drill.edge;
  const wanted = failover.mode === "ecmp" ? Math.min(2, circuits.length) : 1;
  for (const prefix of toldPrefixes(drill.cloud)) {
    const own = routeChanges.filter((one) => one.node === EDGE_TABLE && one.prefix === prefix);
    const before = own.findLast(({ at }) => at <= zeroUs)?.via ?? [];
    const few = (via: readonly string[], when: string) =>
      `${prefix} had ${via.length === 0 ? "no way" : `only ${via.join()}`} ${when}`;
    if (before.length < wanted) return few(before, "at the beginning");
    const gone = own.find(({ at, via }) => at > zeroUs && via.length === 0);
    if (gone !== undefined) return few([], `at ${signed((gone.at - zeroUs) / 1000)}`);
    const after = own.at(-1)?.via ?? [];
    if (after.length < wanted) return few(after, "at the end");
  }
  return undefined;
}
