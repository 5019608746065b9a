/** The tables of a report's page: routes, shares, checks, flows, events, and where it came from. */

import type { CheckReport, DrillReport, FlowReport, PhaseLoss, RouteReport } from "../report.ts";
import { tableOf } from "../routers.ts";
import { tellSafety } from "../story.ts";
import { ms, signed } from "../units.ts";
import { escapeMarkup as text } from "./escape.ts";

export const chip = (kind: string, words: string): string =>
  `<span class="chip ${kind}">${SIGNS[kind] ?? ""}${text(words)}</span>`;

/** A sign beside each colour. */
const SIGNS: Readonly<Record<string, string>> = {
  pass: "✓ ",
  PASS: "✓ ",
  fail: "✕ ",
  FAIL: "✕ ",
  inconclusive: "? ",
  INCONCLUSIVE: "? ",
};

type Cell = string | { readonly html: string } | { readonly number: string };

function table(heads: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const cells = (row: readonly Cell[], tag: "td" | "th") =>
    row
      .map((cell) => {
        if (typeof cell === "string") return `<${tag}>${text(cell)}</${tag}>`;
        if ("html" in cell) return `<${tag}>${cell.html}</${tag}>`;
        return `<${tag} class=n>${text(cell.number)}</${tag}>`;
      })
      .join("");
  const body = rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n");
  const head = `<thead><tr>${cells(heads, "th")}</tr></thead>`;
  return `<div class="scroll"><table>${head}<tbody>${body}</tbody></table></div>`;
}

const fold = (summary: string, content: string): string =>
  `<details><summary>${text(summary)}</summary>${content}</details>`;

const number = (value: string | number): Cell => ({ number: String(value) });

// Checks ------------------------------------------------------------------------------------------

/** What did not hold stands first. */
export function checksTable(checks: readonly CheckReport[]): string {
  const rank = { fail: 0, inconclusive: 1, pass: 2 } as const;
  const sorted = checks.toSorted((one, other) => rank[one.status] - rank[other.status]);
  const rows = sorted.map((check): Cell[] => [
    { html: chip(check.status, check.status) },
    check.check,
    check.expected,
    check.observed,
    number(marginText(check)),
  ]);
  return table(["status", "check", "expected", "observed", number("margin")], rows);
}

function marginText({ margin, limit, unit }: CheckReport): string {
  if (margin === undefined || unit === undefined) return "";
  const figure = unit === "ms" ? ms(margin) : `${Number(margin.toFixed(2))} ${unit}`;
  const share =
    limit === undefined || limit === 0 ? "" : ` (${Math.round((100 * margin) / limit)} %)`;
  return `${figure}${share}`;
}

// Routes ------------------------------------------------------------------------------------------

export function routesTable({ routes, topology, phases }: DrillReport): string {
  if (routes === undefined) return "";
  const isQuiet = (row: RouteReport) => row.change === "unchanged" && row.isRestored;
  const changed = routes.rows.filter((row) => !isQuiet(row));
  const quiet = routes.rows.filter(isQuiet);
  const heads = ["at", "prefix", "before", "during", "at the end", "change"];
  const rowsOf = (rows: readonly RouteReport[]) =>
    rows.map((row): Cell[] => [
      tableOf(row, topology),
      row.prefix,
      via(row.baseline),
      row.during === null ? "–" : via(row.during),
      via(row.after),
      { html: changeChip(row) },
    ]);
  const missing = routes.total - routes.rows.length;
  const shown = missing > 0 ? `, ${quiet.length} shown` : "";
  const rest = `${quiet.length + missing} unchanged routes${shown}`;
  const when = phases?.duringAtMs ?? null;
  const moment =
    when === null
      ? ""
      : `<p class="facts">“During” is the worst lasting state, from ${signed(when)}.</p>`;
  return (
    (changed.length > 0
      ? `${table(heads, rowsOf(changed))}${moment}`
      : `<p class="soft">no route changed</p>`) +
    (quiet.length > 0 ? fold(rest, table(heads, rowsOf(quiet))) : "") +
    redundancy(routes)
  );
}

const via = (circuits: readonly string[]): string =>
  circuits.length === 0 ? "no way" : circuits.join(" + ");

function changeChip({ change, isRestored }: RouteReport): string {
  const kind = change === "lost" ? "fail" : change === "unchanged" ? "" : "moved";
  const words = { lost: "lost", moved: "moved", appeared: "appeared", unchanged: "kept" }[change];
  if (isRestored) return `${chip(kind, words)} ${chip("pass", "restored")}`;
  return `${chip(kind, words)} ${chip("inconclusive", "not as before at the end")}`;
}

/** Azure's two lists, measured: what has a second way and what has not. */
function redundancy({ redundant, nonRedundant }: NonNullable<DrillReport["routes"]>): string {
  const all = redundant.count + nonRedundant.count;
  if (nonRedundant.count === 0) {
    return all === 0
      ? ""
      : `<p class="facts">every one of ${all} prefixes at the edge has a second way</p>`;
  }
  const named = nonRedundant.prefixes.slice(0, 20).join(", ");
  const more = nonRedundant.count > 20 ? " …" : "";
  return (
    `<p>${chip("inconclusive", "one way only")} ${nonRedundant.count} of ${all} prefixes ` +
    `at the edge showed no second way: ${text(named)}${more}</p>`
  );
}

// Shares ------------------------------------------------------------------------------------------

export function sharesBars({ shares, topology }: DrillReport): string {
  if (shares === undefined || shares.length === 0) return "";
  const order = topology.circuits.map(({ name }) => name);
  const moments = [
    ["baseline", "before"],
    ["during", "during"],
    ["after", "at the end"],
  ] as const;
  const groups = (["to-cloud", "to-edge"] as const).map((direction) => {
    const rows = shares.filter((row) => row.direction === direction);
    const bars = moments.map(([moment, when]) => {
      const total = rows.reduce((sum, row) => sum + (row.flows[moment] ?? 0), 0);
      if (total === 0) return "";
      const parts = rows.map((row) => {
        const flows = row.flows[moment] ?? 0;
        if (flows === 0) return "";
        const index = row.circuit === null ? "none" : order.indexOf(row.circuit) % 6;
        const name = row.circuit ?? "no way";
        const percent = Math.round((100 * flows) / total);
        const words = `${text(name)} · ${flows} (${percent} %)`;
        const look = `class="share s${index}" style="flex-grow:${flows}"`;
        return `<span ${look} title="${words}">${words}</span>`;
      });
      return `<div class="bar"><b>${when}</b><div>${parts.join("")}</div></div>`;
    });
    const title = direction === "to-cloud" ? "to the cloud" : "to the edge";
    return `<div class="shares"><h3>flows ${title}</h3>${bars.join("")}</div>`;
  });
  return `<div class="two">${groups.join("")}</div>`;
}

// Traffic -----------------------------------------------------------------------------------------

/** Rows of a folded table; the JSON has more. */
const FLOWS_MAX = 40;
const EVENTS_MAX = 400;

const PHASE_HEADS = ["before", "during", "after"] as const;

export function trafficTables({ traffic, flows }: DrillReport): string {
  if (traffic.length === 0) return `<p class="soft">no probe was sent</p>`;
  const heads: Cell[] = [
    "direction",
    ...["sent", "lost", "silences", "longest"].map(number),
    ...PHASE_HEADS.map((phase) => number(`lost ${phase}`)),
    ...PHASE_HEADS.map((phase) => number(`delay ${phase}, p50 / p99`)),
  ];
  const cells = (
    row: Pick<FlowReport, "sent" | "lost" | "longestGapMs" | "gaps"> &
      Partial<Pick<FlowReport, "phases">>,
  ) => [
    number(row.sent),
    number(row.lost),
    number(row.gaps ?? "–"),
    number(ms(row.longestGapMs)),
    ...PHASE_HEADS.map((phase) => number(lossText(row.phases?.[phase]))),
    ...PHASE_HEADS.map((phase) => number(delayText(row.phases?.[phase]))),
  ];
  const whole = table(
    heads,
    traffic.map((row) => [`${row.direction}, ${row.flows} flows`, ...cells(row)]),
  );
  if (flows === undefined || flows.length === 0) return whole;
  const worst = flows.toSorted((one, other) => other.lost - one.lost).slice(0, FLOWS_MAX);
  const told = flows.filter((flow) => worst.includes(flow));
  const each = table(
    heads,
    told.map((flow) => [
      `${flow.direction} #${flow.flow}${flow.group ? ` ${flow.group}` : ""}`,
      ...cells(flow),
    ]),
  );
  const all = traffic.reduce((sum, row) => sum + row.flows, 0);
  const which = told.length < all ? `the ${told.length} of ${all} that lost most` : `${all}`;
  return whole + fold(`flow by flow (${which})`, each);
}

const lossText = (phase: PhaseLoss | null | undefined): string =>
  phase === null || phase === undefined ? "–" : `${phase.lost} of ${phase.sent}`;

const delayText = (phase: PhaseLoss | null | undefined): string =>
  phase?.delay ? `${phase.delay.p50Ms.toFixed(2)} / ${phase.delay.p99Ms.toFixed(2)} ms` : "–";

// Events and origin -------------------------------------------------------------------------------

export function eventsTable({ timeline, timelineOmitted = 0 }: DrillReport): string {
  const told = timeline.slice(0, EVENTS_MAX);
  const rows = told.map((entry): Cell[] => [
    number(signed(entry.atMs)),
    entry.actor,
    entry.event,
    entry.text,
  ]);
  const omitted = timeline.length - told.length + timelineOmitted;
  const more = omitted > 0 ? `, ${omitted} more left out` : "";
  const heads = [number("at"), "actor", "event", "text"];
  const summary = `${told.length} events, those of the setup before 0 included${more}`;
  return fold(summary, table(heads, rows));
}

/** p50 and p99 of each phase that had any. */
function roundTripText({ roundTrips }: DrillReport): string | undefined {
  if (roundTrips === undefined) return undefined;
  const told = (["before", "during", "after"] as const).flatMap((phase) => {
    const of = roundTrips.phases[phase];
    return of === null ? [] : `${phase} p50 ${ms(of.p50Ms)}, p99 ${ms(of.p99Ms)}`;
  });
  return told.join("; ");
}

export function origin(report: DrillReport): string {
  const { host, sources = [], evidence = [], clockOffsetMaxMs: offset } = report;
  const rows: [string, string | null | undefined][] = [
    ["mode", `${report.mode} (${report.substrate})`],
    ["seed", String(report.seed)],
    ["trace hash", report.traceHash],
    ["causeway", [report.version, report.commit].filter(Boolean).join(", commit ")],
    ["started", report.startedAt],
    ["ended", report.endedAt],
    ["took", ms(report.durationMs)],
    ["operator", report.operator],
    ["approver", report.approver],
    ["score", report.score === undefined ? null : `${report.score} % of the checks passed`],
    ["safety", tellSafety(report)],
    ["round trip", roundTripText(report)],
    ["clock offset", offset === undefined ? null : `at most ${ms(offset)} between two stamps`],
    ["host", host && `${host.kernel}, ${host.arch}, ${host.cpus} CPUs, Node ${host.node}`],
    ["machine late", report.lateMs === undefined ? null : `${ms(report.lateMs)} at worst`],
    ["configuration", report.configHash && `sha256 ${report.configHash}`],
    ...sources.map((source): [string, string] => [
      `${source.what} file`,
      `${source.file}, sha256 ${source.sha256}`,
    ]),
    ...evidence.map(({ what, file, entries, sha256 }): [string, string] => [
      what,
      `${file}, ${entries} entries, sha256 ${sha256}`,
    ]),
  ];
  const told = rows.flatMap(([name, value]) =>
    value ? [`<dt>${name}</dt><dd>${text(value)}</dd>`] : [],
  );
  return `<dl class="facts">${told.join("")}</dl>`;
}
