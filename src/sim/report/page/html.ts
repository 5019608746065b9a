/**
 * Reports as one HTML page that needs neither network nor script. It answers in this order: what
 * happened, when, and what was lost; then the timeline, the network and its routes before, during
 * and after; then the checks and, folded, every flow and event. Its policy forbids it to fetch or
 * run anything, and every text from a file is escaped.
 */

import type { DrillReport, FaultReport } from "../report.ts";
import { routersOf } from "../routers.ts";
import { sumLoss, tellReason, tellStory, worstFault } from "../story.ts";
import { ms, signed } from "../units.ts";
import { type Window, wholeWindow } from "./axis.ts";
import { escapeMarkup as text } from "./escape.ts";
import { figures } from "./page-figures.ts";
import { linkTable } from "./page-links.ts";
import {
  checksTable,
  chip,
  eventsTable,
  origin,
  routesTable,
  sharesBars,
  trafficTables,
} from "./page-tables.ts";
import { STYLE } from "./style.ts";
import { drawTimeline } from "./timeline-svg.ts";
import { drawTopology, type Moment } from "./topology-svg.ts";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'";

/** Closer looks at single faults; of a drill with hundreds the first few tell enough. */
const CLOSE_LOOKS_MAX = 4;
/** A closer look that shows more than this share of the drill is no closer. */
const CLOSE_SHARE_MAX = 0.6;

export function formatHtml(reports: readonly DrillReport[]): string {
  const title =
    reports.length === 1 ? `${reports[0]?.verdict} ${reports[0]?.drill}` : pageVerdict(reports);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} – drill report</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
${reports.length === 1 ? "" : contents(reports)}
${reports.map((report, index) => article(report, index, reports.length > 1)).join("\n")}
</main>
</body>
</html>
`;
}

function pageVerdict(reports: readonly DrillReport[]): string {
  const passed = reports.filter((report) => report.verdict === "PASS").length;
  return `${passed} of ${reports.length} drills passed`;
}

function contents(reports: readonly DrillReport[]): string {
  const rows = reports.map((report, index) => {
    const worst = worstFault(report.faults);
    const loss = sumLoss(report.traffic);
    const figure = (value: number | null | undefined) =>
      `<td class=n>${value === null || value === undefined ? "–" : ms(value)}</td>`;
    return (
      `<tr><td>${chip(report.verdict, report.verdict)}</td>` +
      `<td><a href="#drill-${index}">${text(report.drill)}</a>${modeOf(report)}</td>` +
      `<td>${text(tellStory(report).what)}${whyNot(report)}</td>` +
      `${figure(worst?.detectionMs)}${figure(worst?.convergenceMs)}` +
      (loss.sent === 0
        ? figure(null) + figure(null)
        : `<td class=n>${loss.lost} of ${loss.sent}</td>${figure(loss.longestGapMs)}`) +
      "</tr>"
    );
  });
  const heads = ["detected", "edge left", "lost", "longest silence"].map(
    (name) => `<th class=n>${name}</th>`,
  );
  const names = "<th>verdict</th><th>drill</th><th>what</th>";
  const head = `<thead><tr>${names}${heads.join("")}</tr></thead>`;
  return (
    `<h1 id="top">${text(pageVerdict(reports))}</h1>` +
    `<div class="scroll"><table class="index">${head}` +
    `<tbody>${rows.join("\n")}</tbody></table></div>`
  );
}

const whyNot = (report: DrillReport): string =>
  report.verdict === "PASS" ? "" : `<br><small>${text(tellReason(report))}</small>`;

const modeOf = ({ mode }: DrillReport): string =>
  mode === "virtual" ? "" : ` <span class="soft">${mode}</span>`;

function article(report: DrillReport, index: number, isOneOfMany: boolean): string {
  const story = tellStory(report);
  const back = isOneOfMany ? `<a class="back" href="#top">all drills</a>` : "";
  return `<article id="drill-${index}">
<header class="banner ${report.verdict}">
<div class="title">${chip(report.verdict, report.verdict)}
<h1>${text(report.drill)}</h1>${back}</div>
<p>${text(tellReason(report))}</p>
<dl><dt>What happened</dt><dd>${text(story.what)}</dd>
<dt>When</dt><dd>${text(story.when)}</dd>
<dt>Lost</dt><dd>${text(story.lost)}</dd></dl>
</header>
${figures(report)}
<p class="soft">${text(report.description)}</p>
<h2>Timeline</h2>
${pictures(report)}
<h2>Network</h2>
${network(report)}
<h2>Routes</h2>
${routesTable(report)}
<h2>Checks</h2>
${checksTable(report.checks)}
<h2>Traffic</h2>
${trafficTables(report)}
<h2>Events</h2>
${eventsTable(report)}
<h2>Origin</h2>
${origin(report)}
</article>`;
}

function pictures(report: DrillReport): string {
  const whole = wholeWindow(report);
  const looks = report.faults
    .flatMap((fault) => closeWindow(fault, whole) ?? [])
    .slice(0, CLOSE_LOOKS_MAX);
  return (
    picture(report, whole, "The whole drill", LEGEND) +
    looks
      .map(({ fault, window }) => picture(report, window, `A closer look: ${fault}`, ""))
      .join("")
  );
}

function picture(report: DrillReport, window: Window, label: string, legend: string): string {
  const { svg, hiddenCount } = drawTimeline(report, window, `${label}: ${tellStory(report).when}`);
  const hidden = hiddenCount > 0 ? `; ${hiddenCount} rows without a change left out` : "";
  return (
    `<figure><figcaption><b>${text(label)}</b>, times from the moment every session was up` +
    `${hidden}</figcaption><div class="scroll">${svg}</div>${legend}</figure>`
  );
}

/** From a little before the fault until the cloud and the edge had both moved away. */
function closeWindow(
  fault: FaultReport,
  whole: Window,
): { readonly fault: string; readonly window: Window } | undefined {
  if (fault.detectionMs === null) return undefined;
  const spanMs = Math.max(
    fault.detectionMs + (fault.convergenceMs ?? 0),
    fault.cloudConvergenceMs ?? 0,
    1,
  );
  const window = { fromMs: fault.atMs - spanMs * 0.15, untilMs: fault.atMs + spanMs * 1.35 };
  const share = (window.untilMs - window.fromMs) / (whole.untilMs - whole.fromMs);
  return share > CLOSE_SHARE_MAX ? undefined : { fault: fault.fault, window };
}

const LEGEND = `<p class="legend"><span class="key up"></span>session up
<span class="key route"></span>way of the routes <span class="key down"></span>down,
no way, or an alert fires
<span class="key outage"></span>fault not yet left by the edge
<span class="key lost"></span>share of the probes lost (a gap: none was sent)
<span class="sign-key">▼</span> fault <span class="sign-key repair">▲</span> repair
<span class="sign-key converge">◆</span> a FIB leaves or joins a circuit</p>`;

function network(report: DrillReport): string {
  const { phases, topology } = report;
  if (topology.states === undefined) return `<p class="soft">${topologyText(report)}</p>`;
  const moments: readonly (readonly [Moment, string, number | null | undefined])[] = [
    ["baseline", "Before", phases?.baselineAtMs],
    ["during", "During", phases?.duringAtMs],
    ["after", "At the end", phases?.afterAtMs],
  ];
  const isQuiet = (phases?.duringFromMs ?? null) === null;
  const panels = moments.flatMap(([moment, name, atMs]) => {
    if (topology.states?.[moment] === null || (isQuiet && moment !== "after")) return [];
    const when = typeof atMs === "number" ? `, ${signed(atMs)}` : "";
    const label = `${name}${when}`;
    const svg = drawTopology(report, moment, `The network: ${label}`);
    return [`<figure><figcaption><b>${name}</b>${when}</figcaption>${svg}</figure>`];
  });
  return (
    `<div class="three">${panels.join("")}</div>` +
    `<p class="facts">thick: carries flows (→ to the cloud, ← to the edge); thin: stands by; ` +
    `dashed with ✕: broken</p>${sharesBars(report)}${linkTable(report)}`
  );
}

function topologyText({ topology }: DrillReport): string {
  const { edge, circuits } = topology;
  const ways = circuits.map(({ name, vbr }) => `${name} ═ ${vbr}`).join(", ");
  const routers = routersOf(topology).map(({ name }) => name);
  return text(`${edge} ═ (${ways}) ─ ${routers.join(", ")}`);
}
