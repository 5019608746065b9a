import type { JournalEntry } from "../../agent/journal.ts";
import type { ScrapeLog } from "../alerts/scrape-log.ts";
import type { Drill } from "../drill/drill.ts";
import { recoveryOf } from "../drill/judge/flow-figures.ts";
import { restoredAt, routeChangesOf } from "../drill/judge/table-figures.ts";
import type { ProbeRecord, Watched } from "../lab/lab.ts";
import { EDGE_TABLE, type RouteChange } from "../lab/watch/route-history.ts";
import { lossBetween } from "./loss.ts";
import type { AlertReport, FaultReport, LossReport, RepairReport } from "./report.ts";

/** A fault or repair the runner performed, on the lab's clock. */
export interface Deed {
  readonly kind: "fault" | "repair";
  readonly text: string;
  readonly circuit: string | undefined;
  /** Circuits whose sessions it may end. */
  readonly touches: readonly string[];
  readonly atUs: number;
  /** When the runner set about it; a lab's commands take their time. */
  readonly begunUs: number;
  /** Where it changed what the cloud announces. */
  readonly change: "withdraw" | "announce" | undefined;
}

export interface Evidence {
  readonly drill: Drill;
  readonly zeroUs: number;
  readonly endUs: number;
  readonly deeds: readonly Deed[];
  readonly edge: readonly JournalEntry[];
  readonly cloud: readonly (JournalEntry & { readonly node: string })[];
  readonly probes: ProbeRecord | undefined;
  readonly routeChanges: readonly RouteChange[];
  readonly watched: Watched;
  /** How late the machine was between two moments; absent where time is virtual. */
  readonly lateUs?: (fromUs: number, untilUs: number) => number;
  /** What was read at the edge's metrics page, where a drill asked for it. */
  readonly scrapes?: ScrapeLog | undefined;
  readonly alerts?: readonly AlertReport[] | undefined;
}

/**
 * When deeds took effect. A lab stamps one when it is done; where the edge had noticed by then, as
 * it does of a VBR that says goodbye while it is being stopped, it counts from its beginning.
 */
export function settleDeeds(
  deeds: readonly Deed[],
  edge: readonly JournalEntry[],
): readonly Deed[] {
  return deeds.map((deed) => {
    const isMeanwhile = ({ at }: JournalEntry) => at >= deed.begunUs && at < deed.atUs;
    const wasFirst = edge.some((entry) => isMeanwhile(entry) && notices(entry, deed.circuit));
    return deed.kind === "fault" && wasFirst ? { ...deed, atUs: deed.begunUs } : deed;
  });
}

/**
 * Figures of every fault. Loss counts from its moment to the next deed, or to the end; who noticed
 * it and left is looked for until the next deed on the same circuit, as two faults may overlap.
 */
export function measureFaults(evidence: Evidence): readonly FaultReport[] {
  const { deeds, endUs } = evidence;
  return deeds.flatMap((deed, index) => {
    if (deed.kind !== "fault") return [];
    const later = deeds.slice(index + 1);
    // What moves after a fault of no circuit may be due to whatever was done next.
    const isOver = (next: Deed) => deed.circuit === undefined || next.circuit === deed.circuit;
    const next = later.find(isOver);
    const untilUs = { loss: later[0]?.atUs ?? endUs, events: next?.atUs ?? endUs };
    return [measureFault(evidence, deed, untilUs)];
  });
}

function measureFault(
  evidence: Evidence,
  deed: Deed,
  untilUs: { readonly loss: number; readonly events: number },
): FaultReport {
  const within = (entry: JournalEntry) => entry.at >= deed.atUs && entry.at < untilUs.events;
  const edge = evidence.edge.filter(within);
  const detection = lastToNotice(edge, deed.circuit);
  const detectedUs = detection && Math.max(noticedAt(detection), deed.atUs);
  const movedUs = lastToLeave(edge, deed.circuit);
  const cloudMoved = cloudLeft(evidence, deed, untilUs.events);
  const window = { fromUs: deed.atUs, untilUs: untilUs.loss };
  return {
    fault: deed.text,
    circuit: deed.circuit ?? null,
    atMs: (deed.atUs - evidence.zeroUs) / 1000,
    detectionMs: detectedUs === undefined ? null : (detectedUs - deed.atUs) / 1000,
    detectedBy: detection ? noticedBy(detection) : null,
    silenceMs: detection ? silenceOf(detection) : null,
    convergenceMs:
      detectedUs === undefined || movedUs === undefined
        ? null
        : Math.max(0, movedUs - detectedUs) / 1000,
    cloudConvergenceMs: cloudMoved === undefined ? null : (cloudMoved - deed.atUs) / 1000,
    lost: {
      toCloud: loss(evidence, "to-cloud", deed.atUs, untilUs.loss),
      toEdge: loss(evidence, "to-edge", deed.atUs, untilUs.loss),
    },
    recovery: {
      toCloud: recoveryOf(evidence.probes, "to-cloud", window),
      toEdge: recoveryOf(evidence.probes, "to-edge", window),
    },
    routeChanges: routeChangesOf(evidence.routeChanges, window),
    ...lateness(evidence, deed.begunUs, untilUs.loss),
  };
}

/** What every repair did, up to the next deed or the end. */
export function measureRepairs(evidence: Evidence): readonly RepairReport[] {
  const { deeds, endUs, zeroUs, routeChanges } = evidence;
  return deeds.flatMap((deed, index) => {
    if (deed.kind !== "repair") return [];
    const untilUs = deeds[index + 1]?.atUs ?? endUs;
    const restoredUs = restoredAt(routeChanges, { zeroUs, fromUs: deed.atUs, untilUs });
    return [
      {
        repair: deed.text,
        circuit: deed.circuit ?? null,
        atMs: (deed.atUs - zeroUs) / 1000,
        restoredMs: restoredUs === undefined ? null : (restoredUs - deed.atUs) / 1000,
        lost: {
          toCloud: loss(evidence, "to-cloud", deed.atUs, untilUs),
          toEdge: loss(evidence, "to-edge", deed.atUs, untilUs),
        },
        ...lateness(evidence, deed.begunUs, untilUs),
      },
    ];
  });
}

/**
 * The first word of every session of the circuit, and of those the last: a circuit of two families
 * is noticed when both have noticed, whoever of them noticed at all.
 */
function lastToNotice(
  edge: readonly JournalEntry[],
  circuit: string | undefined,
): JournalEntry | undefined {
  const all = edge.filter((entry) => notices(entry, circuit));
  const words = firstBy(all, ({ fields }) => fields.session ?? fields.peer);
  if (words.length < 2) return all[0];
  return words.reduce((last, entry) => (noticedAt(entry) > noticedAt(last) ? entry : last));
}

/** The same of the kernel's groups of each session. */
function lastToLeave(
  edge: readonly JournalEntry[],
  circuit: string | undefined,
): number | undefined {
  const all = edge.filter((entry) => leftAt(entry, circuit) !== undefined);
  const times = firstBy(all, ({ fields }) => fields.peer ?? fields.circuit).map((entry) =>
    leftAt(entry, circuit),
  );
  return times.length === 0 ? undefined : Math.max(...times.map((at) => at ?? 0));
}

/** The first entry of each key, where there is one. */
function firstBy(
  entries: readonly JournalEntry[],
  keyOf: (entry: JournalEntry) => unknown,
): readonly JournalEntry[] {
  const found = new Map<unknown, JournalEntry>();
  for (const entry of entries) {
    const key = keyOf(entry);
    if (key !== undefined && !found.has(key)) found.set(key, entry);
  }
  return [...found.values()];
}

/** The edge knows: a BFD session, a link or a BGP session of the circuit went down. */
function notices(entry: JournalEntry, circuit: string | undefined): boolean {
  if (circuit === undefined) return false;
  const of = entry.fields.session ?? entry.fields.circuit ?? entry.fields.peer;
  const isOfCircuit = of === circuit || of === `${circuit}-v6`;
  return isOfCircuit && DOWN_EVENTS.has(entry.event);
}

/** BFD says itself when it saw a session fail; the journal hears of it from another thread. */
function noticedAt({ at, event, fields }: JournalEntry): number {
  const { detectedAtUs } = fields;
  return event === "bfd.session.down" && typeof detectedAtUs === "number" ? detectedAtUs : at;
}

/**
 * When the kernel had taken the circuit out of every group: as the BFD thread saw it, which moves
 * them first where it may (ADR 0010), or the agent.
 */
function leftAt({ at, event, fields }: JournalEntry, circuit: string | undefined) {
  const { peer, failures, detectedAtUs, tookUs, leftAtUs } = fields;
  if (event === "fib.circuit.left" && fields.circuit === circuit) {
    return typeof leftAtUs === "number" ? leftAtUs : at;
  }
  const isOurs = peer === circuit || peer === `${circuit}-v6`;
  if (event !== "fib.path.exited" || !isOurs || failures !== 0) return undefined;
  if (typeof detectedAtUs !== "number" || typeof tookUs !== "number") return undefined;
  return detectedAtUs + tookUs;
}

const DOWN_EVENTS = new Set(["bfd.session.down", "circuit.down", "bgp.peer.down"]);

function noticedBy(entry: JournalEntry): NonNullable<FaultReport["detectedBy"]> {
  if (entry.event === "bfd.session.down") return "bfd";
  const reason = String(entry.fields.reason ?? "");
  if (reason.includes("link")) return "link";
  if (reason.includes("bfd")) return "bfd";
  return reason.includes("hold") ? "hold-timer" : "bgp";
}

function silenceOf({ event, fields }: JournalEntry): number | null {
  const { detectedAtUs, lastPacketAtUs } = fields;
  if (event !== "bfd.session.down") return null;
  if (typeof detectedAtUs !== "number" || typeof lastPacketAtUs !== "number") return null;
  return (detectedAtUs - lastPacketAtUs) / 1000;
}

/**
 * When the cloud's tables had left the circuit of a deed; where it is of none, any that they sent
 * to. Undefined where they never did, or did not send to it.
 */
function cloudLeft({ routeChanges }: Evidence, deed: Deed, untilUs: number): number | undefined {
  const ways = new Map<string, readonly string[]>();
  const rowsOf = new Map<string, number>();
  for (const { at, node, prefix, via } of routeChanges) {
    if (node === EDGE_TABLE) continue;
    if (at >= untilUs) break;
    const key = `${node} ${prefix}`;
    const before = ways.get(key) ?? [];
    ways.set(key, via);
    for (const circuit of via) rowsOf.set(circuit, (rowsOf.get(circuit) ?? 0) + 1);
    for (const circuit of before) rowsOf.set(circuit, (rowsOf.get(circuit) ?? 0) - 1);
    const left = before.filter((circuit) => rowsOf.get(circuit) === 0);
    const isOfDeed = deed.circuit === undefined ? left.length > 0 : left.includes(deed.circuit);
    if (at >= deed.atUs && isOfDeed) return at;
  }
  return undefined;
}

function lateness({ lateUs }: Evidence, fromUs: number, untilUs: number): { lateMs?: number } {
  return lateUs === undefined ? {} : { lateMs: lateUs(fromUs, untilUs) / 1000 };
}

function loss(
  evidence: Evidence,
  direction: "to-cloud" | "to-edge",
  fromUs: number,
  untilUs: number,
): LossReport {
  const { probes } = evidence;
  if (probes === undefined) return { sent: 0, lost: 0, longestGapMs: 0 };
  return lossBetween(probes.directions[direction], probes.flows, fromUs, untilUs);
}
