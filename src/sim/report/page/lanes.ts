/**
 * The timeline as rows of states: for each actor the sessions it has, up or down over time, and the
 * way its table sends the traffic. Read from the events, so that a report needs no second record.
 */
import { endsSessions } from "../../drill/judge/session-book.ts";
import type { DrillReport, TimelineEntry } from "../report.ts";
import { routersOf, tableOf } from "../routers.ts";
import { ALERT_FIRING } from "../timeline.ts";

/** One actor's view of one thing: a circuit, or a route. */
export interface Lane {
  readonly actor: string;
  readonly subject: string;
  readonly bars: readonly Bar[];
  readonly marks: readonly TimelineEntry[];
}

export interface Bar {
  readonly name: "BFD" | "BGP" | "route" | "alert";
  readonly spans: readonly Span[];
}

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly isUp: boolean;
  /** Why it is so, the way a route takes, or that an alert fires. */
  readonly text: string;
}

/** Rows of one actor; those that nothing happened to give way first. */
const ROWS_MAX = 8;
const ALERTS = "alerts";
const ROUTES_CHANGED = "fib.routes.changed";

export interface Lanes {
  readonly lanes: readonly Lane[];
  /** Rows that found no room. */
  readonly hiddenCount: number;
}

export function lanesOf(report: DrillReport, untilMs: number): Lanes {
  const { topology, timeline } = report;
  const routers = routersOf(topology).map(({ name }) => name);
  const known = ["edge", ...topology.circuits.map(({ vbr }) => vbr), ...routers];
  const others = timeline
    .map((entry) => entry.actor)
    .filter((actor) => actor !== "drill" && actor !== ALERTS);
  const actors = [...new Set([...known, ...others])];
  const lanes: Lane[] = [];
  let hiddenCount = 0;
  for (const actor of actors) {
    const own = timeline.filter((entry) => entry.actor === actor);
    const rows = [
      ...sessionRows(report, actor, own, untilMs),
      ...FAMILIES.flatMap((isIpv6) => routeRow(report, { actor, isIpv6 }, own, untilMs)),
    ];
    const lively = rows.filter(isLively);
    const calm = rows.filter((row) => !isLively(row));
    const isTable = actor === "edge" || routers.includes(actor);
    const isOneOfMany = !isTable && known.length > 2 * ROWS_MAX;
    const shown = [...lively, ...(isOneOfMany ? [] : calm)].slice(0, ROWS_MAX);
    hiddenCount += rows.length - shown.length;
    lanes.push(...rows.filter((row) => shown.includes(row)));
  }
  const alerts = alertRows(timeline, untilMs);
  lanes.push(...alerts.slice(0, ROWS_MAX));
  hiddenCount += Math.max(0, alerts.length - ROWS_MAX);
  return { lanes, hiddenCount };
}

/** When each alert fired; those that never did have no row. */
function alertRows(timeline: readonly TimelineEntry[], untilMs: number): Lane[] {
  const own = timeline.filter(({ actor }) => actor === ALERTS);
  return [...new Set(own.map(({ text }) => text))].map((subject) => {
    const entries = own.filter(({ text }) => text === subject);
    const spans = firingSpans(entries, untilMs).map((span): Span => {
      return { ...span, isUp: false, text: `${subject} fires` };
    });
    return { actor: ALERTS, subject, bars: [{ name: "alert", spans }], marks: [] };
  });
}

/** From the first instance that fires to the last that is resolved: severities share a text. */
function firingSpans(entries: readonly TimelineEntry[], untilMs: number) {
  const spans: { readonly fromMs: number; readonly untilMs: number }[] = [];
  let count = 0;
  let fromMs = 0;
  for (const { event, atMs } of entries) {
    const isFiring = event === ALERT_FIRING;
    if (isFiring && count === 0) fromMs = atMs;
    if (!isFiring && count === 1) spans.push({ fromMs, untilMs: atMs });
    count = Math.max(0, count + (isFiring ? 1 : -1));
  }
  return count === 0 ? spans : [...spans, { fromMs, untilMs }];
}

const isLively = (lane: Lane): boolean =>
  lane.marks.length > 0 || lane.bars.some((bar) => bar.spans.length > 1);

const subjectOf = (entry: TimelineEntry): string => entry.text.split(": ")[0] ?? entry.text;

/** The circuits of the topology always; sessions inside the cloud where something happened. */
function sessionRows(
  report: DrillReport,
  actor: string,
  own: readonly TimelineEntry[],
  untilMs: number,
): Lane[] {
  const order = report.topology.circuits.map(({ name }) => name);
  const rank = (subject: string) => {
    const index = order.findIndex((name) => subject === name || subject === `${name}-v6`);
    return index < 0 ? order.length : index;
  };
  const sessions = own.filter(({ event }) => SESSION_EVENTS.has(event));
  const subjects = [...new Set(sessions.map(subjectOf))].sort(
    (one, other) => rank(one) - rank(other) || one.localeCompare(other, "en"),
  );
  return subjects
    .map((subject) => {
      const entries = sessions.filter((entry) => subjectOf(entry) === subject);
      const about = own.filter((entry) => entries.includes(entry) || endsSessions(entry.event));
      const bars = (["BFD", "BGP"] as const)
        .map((name) => ({ name, spans: sessionSpans(about, name, untilMs) }))
        .filter((bar) => bar.spans.length > 0);
      const marks = entries.filter((entry) => entry.atMs >= 0);
      return { actor, subject, bars, marks };
    })
    .filter((lane) => rank(lane.subject) < order.length || isLively(lane));
}

const SESSION_EVENTS = new Set([
  "bfd.session.up",
  "bfd.session.down",
  "bgp.peer.up",
  "bgp.peer.down",
  "fib.circuit.left",
  "fib.circuit.joined",
]);

function sessionSpans(
  entries: readonly TimelineEntry[],
  name: "BFD" | "BGP",
  untilMs: number,
): readonly Span[] {
  const prefix = name === "BFD" ? "bfd." : "bgp.";
  const own = entries.filter(({ event }) => event.startsWith(prefix));
  const first = own[0]?.atMs;
  if (first === undefined) return [];
  const changes = entries
    .filter(({ event, atMs }) => event.startsWith(prefix) || (endsSessions(event) && atMs > first))
    .map(({ event, atMs, text }) => {
      if (endsSessions(event)) return { atMs, isUp: false, text: `${name} down: no daemon` };
      const isUp = event.endsWith(".up");
      return { atMs, isUp, text: `${name} ${isUp ? "up" : "down"}: ${text}` };
    });
  return spansOf(changes, untilMs);
}

/** Whether a row is of IPv6. */
const FAMILIES = [false, true] as const;

/** The way of a family's prefix that has most to tell; prefixes of one table move together. */
function routeRow(
  { routes, topology }: DrillReport,
  { actor, isIpv6 }: { readonly actor: string; readonly isIpv6: boolean },
  own: readonly TimelineEntry[],
  untilMs: number,
): Lane[] {
  const table = actor === "edge" ? topology.edge : actor;
  const prefix = routes?.rows.find((row) => {
    if (row.prefix.includes(":") !== isIpv6) return false;
    return tableOf(row, topology) === table && (row.node === "edge") === (actor === "edge");
  })?.prefix;
  if (prefix === undefined) return [];
  const about = own.filter(({ event, text }) => {
    return event === ROUTES_CHANGED && text.startsWith(prefix);
  });
  const changes = about.map((entry) => {
    const way = entry.text.slice(entry.text.lastIndexOf(": ") + 2);
    return { atMs: entry.atMs, isUp: way !== "no way", text: way.replace(/^via /, "") };
  });
  const spans = spansOf(changes, untilMs);
  const row = { actor, subject: `to ${prefix}`, bars: [{ name: "route", spans } as const] };
  return spans.length === 0 ? [] : [{ ...row, marks: about.filter((entry) => entry.atMs >= 0) }];
}

function spansOf(
  changes: readonly { readonly atMs: number; readonly isUp: boolean; readonly text: string }[],
  untilMs: number,
): readonly Span[] {
  const spans: Span[] = [];
  for (const [index, { atMs, isUp, text }] of changes.entries()) {
    const last = spans.at(-1);
    const endMs = changes[index + 1]?.atMs ?? untilMs;
    if (last !== undefined && last.isUp === isUp && last.text === text) {
      spans[spans.length - 1] = { ...last, untilMs: endMs };
    } else if (endMs > atMs) spans.push({ fromMs: atMs, untilMs: endMs, isUp, text });
  }
  return spans;
}
