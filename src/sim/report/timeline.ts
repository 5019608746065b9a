/** What happened, in order, in the words of deeds, journals and tables. */
import type { JournalEntry } from "../../agent/journal.ts";
import { textOf } from "../drill/judge/alert-claims.ts";
import { AGENT_KILLED } from "../drill/judge/session-book.ts";
import { EDGE_TABLE, type RouteChange } from "../lab/watch/route-history.ts";
import type { Evidence } from "./measure.ts";
import type { AlertReport, TimelineEntry } from "./report.ts";

/** Of a longer drill the first and the last are told; the JSON says how many were left out. */
const HEAD_MAX = 1500;
const TAIL_MAX = 500;

export function reportTimeline(
  { deeds, edge, cloud, zeroUs, alerts = [] }: Evidence,
  changes: readonly RouteChange[],
): { readonly timeline: readonly TimelineEntry[]; readonly omitted: number } {
  const atMs = (at: number) => (at - zeroUs) / 1000;
  const entries: TimelineEntry[] = deeds.map((deed) => ({
    atMs: atMs(deed.atUs),
    lane: "drill",
    actor: "drill",
    event: deed.kind,
    text: deed.text,
  }));
  for (const entry of edge) {
    if (TOLD.has(entry.event)) entries.push(told(entry, "edge", "edge", atMs(entry.at)));
  }
  for (const entry of cloud) {
    if (TOLD.has(entry.event)) entries.push(told(entry, "cloud", entry.node, atMs(entry.at)));
  }
  for (const { at, node, text } of tableChanges(changes)) {
    const who =
      node === EDGE_TABLE
        ? ({ lane: "edge", actor: "edge" } as const)
        : ({ lane: "cloud", actor: node } as const);
    entries.push({ atMs: atMs(at), ...who, event: "fib.routes.changed", text });
  }
  entries.push(...alerts.flatMap(toldAlert));
  entries.sort((a, b) => a.atMs - b.atMs);
  const omitted = Math.max(0, entries.length - HEAD_MAX - TAIL_MAX);
  if (omitted > 0) entries.splice(HEAD_MAX, omitted);
  return { timeline: entries, omitted };
}

/** Journal events a reader of the timeline wants; the rest is in the agents' own journals. */
const TOLD = new Set([
  "agent.started",
  AGENT_KILLED,
  "bfd.session.up",
  "bfd.session.down",
  "bgp.peer.up",
  "bgp.peer.down",
  "circuit.up",
  "circuit.down",
  "fib.circuit.left",
  "fib.circuit.joined",
]);

function told(
  entry: JournalEntry,
  lane: "edge" | "cloud",
  actor: string,
  atMs: number,
): TimelineEntry {
  const { fields } = entry;
  const subject = fields.session ?? fields.circuit ?? fields.peer ?? fields.name ?? "";
  const detail = fields.text ?? fields.reason;
  const text = detail === undefined || detail === "" ? `${subject}` : `${subject}: ${detail}`;
  return { atMs, lane, actor, event: entry.event, text };
}

/** From firing to resolved, in the order of what it is about. */
function toldAlert(one: AlertReport): TimelineEntry[] {
  const entry = (atMs: number, event: string): TimelineEntry => {
    return { atMs, lane: "alerts", actor: "alerts", event, text: textOf(one) };
  };
  const { firedAtMs, resolvedAtMs } = one;
  const end = resolvedAtMs === null ? [] : [entry(resolvedAtMs, ALERT_RESOLVED)];
  return [entry(firedAtMs, ALERT_FIRING), ...end];
}

export const ALERT_FIRING = "alert.firing";
const ALERT_RESOLVED = "alert.resolved";

/** Prefixes that took the same way at the same moment in one line. */
function tableChanges(changes: readonly RouteChange[]) {
  const lines = new Map<string, { first: RouteChange; count: number }>();
  for (const change of changes) {
    const key = `${change.at} ${change.node} ${change.via.join()}`;
    const line = lines.get(key);
    if (line === undefined) lines.set(key, { first: change, count: 1 });
    else line.count += 1;
  }
  return [...lines.values()].map(({ first: { at, node, prefix, via }, count }) => {
    const what = count === 1 ? prefix : `${prefix} and ${count - 1} more`;
    return { at, node, text: `${what}: ${via.length === 0 ? "no way" : `via ${via.join(", ")}`}` };
  });
}
