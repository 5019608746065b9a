/**
 * What must hold all through a drill, judged from its records when it is over.
 *
 * - `no-blackhole`: a flow may be silent while a fault is not yet noticed and left, and while the
 *   edge rightly has no way; at any other time it means that a table promised a way which was none,
 *   a switch back to a repaired line included.
 * - `session-isolation`: a session of a circuit that no deed has touched yet does not go down, and
 *   its peer is told nothing that it knows.
 *   After a repair a session may be lost once more to a collision of connections (RFC 4271 §6.8).
 * - `no-fib-error`: no kernel refused a route, at the edge or in the cloud.
 * - those about routes and paths are in `always-routes.ts`.
 */
import type { JournalEntry } from "../../../agent/journal.ts";
import type { ProbeColumns } from "../../lab/lab.ts";
import type { Evidence } from "../../report/measure.ts";
import type { CheckReport, FaultReport } from "../../report/report.ts";
import { ms, signed } from "../../report/units.ts";
import type { Invariant } from "../drill.ts";
import {
  type Finding,
  findAsymmetry,
  findBareness,
  findLeak,
  findLoop,
  findOverload,
  findRibFault,
} from "./always-routes.ts";
import { circuitsBySession } from "./session-book.ts";

/** A flow that misses a packet is not a blackhole; one that is silent for longer is. */
const SILENCE_US = 50_000;
/** A packet that was under way when the line died was sent before. */
const IN_FLIGHT_US = 20_000;
/** After a table changed: what the last packets and a busy machine need. */
const SLACK_US = 100_000;

/** One check for each invariant; `faults` in the order of the evidence's fault deeds. */
export function judgeAlways(
  always: readonly Invariant[],
  evidence: Evidence,
  faults: readonly FaultReport[],
): readonly CheckReport[] {
  return always.flatMap((invariant) => {
    if (invariant === "determinism") return []; // of two runs, not of one
    const { expected, judge } = JUDGES[invariant];
    const found = judge(evidence, faults);
    const check = `always ${invariant}`;
    if (typeof found === "object") {
      return { check, status: "inconclusive", expected, observed: found.unsure } as const;
    }
    const status = found === undefined ? "pass" : "fail";
    return { check, status, expected, observed: found ?? "held all through" } as const;
  });
}

interface Judge {
  readonly expected: string;
  judge(evidence: Evidence, faults: readonly FaultReport[]): Finding;
}

const JUDGES: Readonly<Record<Exclude<Invariant, "determinism">, Judge>> = {
  "no-blackhole": {
    expected: "no silence but between a fault and its convergence",
    judge: findBlackhole,
  },
  "session-isolation": {
    expected: "no session down and no needless UPDATE but where a fault touched the circuit",
    judge: findBystander,
  },
  "no-fib-error": {
    expected: "no route refused",
    judge: ({ edge, cloud }) => {
      const refused = [...edge, ...cloud].find((entry) => entry.event === "fib.error");
      return refused && `${refused.fields.op} ${refused.fields.subject}: ${refused.fields.text}`;
    },
  },
  "no-loop": { expected: "no packet goes round", judge: findLoop },
  "no-leak": { expected: "no prefix but those agreed on", judge: findLeak },
  "fib-is-rib": { expected: "the kernel has what the RIB decided", judge: findRibFault },
  symmetry: { expected: "every flow by one circuit, there and back", judge: findAsymmetry },
  capacity: { expected: "no circuit asked for more than it should carry", judge: findOverload },
  redundancy: {
    expected: "two circuits with a session, one at least all through",
    judge: findBareness,
  },
};

interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

function findBlackhole(evidence: Evidence, faults: readonly FaultReport[]): Finding {
  const { probes, zeroUs, drill } = evidence;
  if (probes === undefined) return { unsure: "not measured" };
  const excused = [...unnoticed(evidence, faults), ...withoutWay(evidence), ...withdrawn(evidence)];
  const isCounted = (at: number) =>
    at >= zeroUs && !excused.some((span) => at >= span.fromUs && at <= span.untilUs);
  const longestUs = Math.max(SILENCE_US, 2 * drill.traffic.flows * drill.traffic.intervalUs);
  const silences = Object.entries(probes.directions).flatMap(([direction, columns]) =>
    findSilences(columns, probes.flows, isCounted)
      .filter((span) => span.untilUs - span.fromUs > longestUs)
      .map((span) => ({ ...span, direction })),
  );
  const first = silences.sort((one, other) => one.fromUs - other.fromUs)[0];
  if (first === undefined) return undefined;
  const lasted = ms((first.untilUs - first.fromUs) / 1000);
  const at = signed((first.fromUs - zeroUs) / 1000);
  const text = `a flow ${first.direction} was silent for ${lasted} from ${at}`;
  const tooLongUs = first.untilUs - first.fromUs - longestUs;
  return unlessLate(evidence, first, tooLongUs, `${text}, with a way in the table`);
}

/** What a machine that was late by `enoughUs` within the span explains as well is no finding. */
function unlessLate({ lateUs }: Evidence, span: Span, enoughUs: number, text: string): Finding {
  const late = lateUs?.(span.fromUs, span.untilUs) ?? 0;
  if (late < enoughUs) return text;
  return { unsure: `${text}, and the machine was up to ${ms(late / 1000)} late` };
}

/** From the first counted loss of a flow to its next probe that arrived, or to its last probe. */
function findSilences(
  { count, flow, sentUs, arrivedUs }: ProbeColumns,
  flows: number,
  isCounted: (at: number) => boolean,
): readonly Span[] {
  const spans: Span[] = [];
  const since = new Map<number, number>();
  const last = new Float64Array(flows);
  for (let row = 0; row < count; row += 1) {
    const [at, of] = [sentUs[row] ?? 0, flow[row] ?? 0];
    last[of] = at;
    const isLost = arrivedUs[row] === 0;
    const fromUs = since.get(of);
    if (isLost && isCounted(at)) {
      if (fromUs === undefined) since.set(of, at);
    } else if (fromUs !== undefined) {
      spans.push({ fromUs, untilUs: at });
      since.delete(of);
    }
  }
  for (const [of, fromUs] of since) spans.push({ fromUs, untilUs: last[of] ?? fromUs });
  return spans;
}

/** From each fault until edge and cloud had left the circuit; never, where nobody noticed. */
function unnoticed(evidence: Evidence, faults: readonly FaultReport[]): readonly Span[] {
  const { zeroUs, deeds } = evidence;
  const ofFaults = deeds.filter((deed) => deed.kind === "fault");
  return faults.flatMap((fault, index) => {
    if (fault.detectionMs === null) return [];
    const edgeMs = fault.detectionMs + (fault.convergenceMs ?? 0);
    const tookUs = 1000 * Math.max(edgeMs, fault.cloudConvergenceMs ?? 0);
    const atUs = zeroUs + 1000 * fault.atMs;
    const begunUs = ofFaults[index]?.begunUs ?? atUs;
    return [{ fromUs: begunUs - IN_FLIGHT_US, untilUs: atUs + tookUs + SLACK_US }];
  });
}

/** While the edge's groups held no circuit at all. */
function withoutWay({ edge, drill, endUs }: Evidence): readonly Span[] {
  const circuits = new Set(drill.edge.circuits.map((circuit) => circuit.name));
  const joined = new Set<string>();
  const spans: Span[] = [];
  let sinceUs: number | undefined;
  for (const entry of edge) {
    const circuit = String(entry.fields.circuit);
    if (!circuits.has(circuit)) continue;
    if (entry.event === "fib.circuit.joined") {
      joined.add(circuit);
      if (sinceUs !== undefined) spans.push({ fromUs: sinceUs, untilUs: entry.at + SLACK_US });
      sinceUs = undefined;
    } else if (entry.event === "fib.circuit.left") {
      joined.delete(circuit);
      if (joined.size === 0) sinceUs = entry.at - IN_FLIGHT_US;
    }
  }
  if (sinceUs !== undefined) spans.push({ fromUs: sinceUs, untilUs: endUs });
  return spans;
}

/** From a withdrawal of the VPC to the next announcement of the cloud. */
function withdrawn({ deeds, endUs }: Evidence): readonly Span[] {
  return deeds.flatMap((deed, index) => {
    if (deed.change !== "withdraw") return [];
    const next = deeds.slice(index).find((later) => later.change === "announce");
    const untilUs = next === undefined ? endUs : next.atUs + SLACK_US;
    return [{ fromUs: deed.begunUs - IN_FLIGHT_US, untilUs }];
  });
}

function findBystander(evidence: Evidence): Finding {
  const { edge, drill, zeroUs } = evidence;
  const circuitOf = circuitsBySession(drill.edge);
  const isInnocent = (entry: JournalEntry) => {
    const isDown = entry.event === "bfd.session.down" || entry.event === "bgp.peer.down";
    if (!isDown || entry.at < zeroUs) return false;
    const circuit = circuitOf.get(String(entry.fields.session ?? entry.fields.peer));
    return !isTouched(evidence, circuit ?? "", entry.at);
  };
  const first = edge.find(isInnocent);
  if (first === undefined) return findNeedless(evidence, circuitOf);
  const name = first.fields.session ?? first.fields.peer;
  const { detectionTimeUs, text: why = "" } = first.fields;
  const text = `${name} went down at ${signed((first.at - zeroUs) / 1000)}, ${why}`;
  if (first.event !== "bfd.session.down" || typeof detectionTimeUs !== "number") return text;
  // The cloud's end of BFD is in the lab's own process: late, it is silent.
  const span = { fromUs: first.at - 2 * detectionTimeUs, untilUs: first.at };
  return unlessLate(evidence, span, detectionTimeUs / 3, text);
}

/** A deed was done to the circuit by then. */
const isTouched = ({ deeds }: Evidence, circuit: string, atUs: number): boolean =>
  deeds.some((deed) => deed.touches.includes(circuit) && deed.begunUs <= atUs);

/** UPDATEs to a peer that no deed touched which told it what it knew. */
function findNeedless(
  evidence: Evidence,
  circuitOf: ReadonlyMap<string, string>,
): string | undefined {
  const { watched, zeroUs } = evidence;
  const needless = watched.updates.filter(({ what, session, atUs }) => {
    const circuit = circuitOf.get(session) ?? session;
    return what === "needless" && !isTouched(evidence, circuit, atUs);
  });
  const [first] = needless;
  if (first === undefined) return undefined;
  const count = needless.length === 1 ? "an UPDATE" : `${needless.length} UPDATEs`;
  const where = `to ${first.session} of ${first.prefix} at ${signed((first.atUs - zeroUs) / 1000)}`;
  return `${count} that changed nothing, the first ${where}`;
}
