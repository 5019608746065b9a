/**
 * Reports as one HTML page that needs neither network nor script: the verdict, then for each fault
 * what happened, when, and what was lost, then the timeline, the checks and every event. Its policy
 * forbids it to fetch or run anything, and every text from a file is escaped.
 */
import { escapeMarkup as text } from "./escape.ts";
import type { CheckReport, DrillReport, FaultReport, TimelineEntry } from "./report.ts";
import { STYLE } from "./style.ts";
import { ms, signed } from "./text.ts";
import { drawTimeline, type Window, wholeWindow } from "./timeline-svg.ts";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'";

/** More closer looks than this make a page of hundreds of routes' faults unreadable. */
const CLOSE_LOOKS_MAX = 8;

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
${reports.length > 1 ? contents(reports) : ""}
${reports.map(article).join("\n")}
</body>
</html>
`;
}

function pageVerdict(reports: readonly DrillReport[]): string {
  const passed = reports.filter((report) => report.verdict === "PASS").length;
  return `${passed} of ${reports.length} drills passed`;
}

function contents(reports: readonly DrillReport[]): string {
  const rows = reports.map(
    (report, index) =>
      `<tr><td class="${report.verdict}">${report.verdict}</td>` +
      `<td><a href="#drill-${index}">${text(report.drill)}</a></td>` +
      `<td>${text(report.because)}</td></tr>`,
  );
  const head = "<tr><th>verdict</th><th>drill</th><th>because</th></tr>";
  return `<h1>${text(pageVerdict(reports))}</h1><table>${head}${rows.join("")}</table>`;
}

function article(report: DrillReport, index: number): string {
  const faults = report.faults.filter((fault) => fault.circuit !== null || fault.atMs > 0);
  return `<article id="drill-${index}">
<h1>${text(report.drill)}</h1>
<p class="soft">${text(report.description)}</p>
<div class="verdict ${report.verdict}"><strong>${report.verdict}</strong>
<span>${text(report.because)}</span></div>
${faults.map(tiles).join("\n")}
<h2>Timeline</h2>
<p class="facts">milliseconds from the moment every session was up; ${topologyText(report)}</p>
${picture(report, wholeWindow(report), "The whole drill")}
${faults
  .slice(0, CLOSE_LOOKS_MAX)
  .map((fault) => closeLook(report, fault))
  .join("")}
<h2>Checks</h2>
<table><tr><th></th><th>check</th><th>expected</th><th>observed</th></tr>
${report.checks.map(checkRow).join("\n")}</table>
<h2>Traffic</h2>
${trafficTable(report)}
<h2>Events</h2>
${events(report.timeline)}
<p class="facts">${facts(report)}</p>
</article>`;
}

function tiles(fault: FaultReport): string {
  const { toCloud, toEdge } = fault.lost;
  const gapMs = Math.max(toCloud.longestGapMs, toEdge.longestGapMs);
  const lost = toCloud.lost + toEdge.lost;
  const by = fault.detectedBy === null ? "" : ` by ${fault.detectedBy}`;
  return `<div class="tiles">
<div><small>what happened at ${signed(fault.atMs)}</small><b>${text(fault.fault)}</b></div>
<div><small>detected${by}</small><b>${msOr(fault.detectionMs)}</b></div>
<div><small>then left by the FIB</small><b>${msOr(fault.convergenceMs)}</b></div>
<div><small>lost of ${toCloud.sent + toEdge.sent} probes</small><b>${lost}</b>
<small>${toCloud.lost} to the cloud, ${toEdge.lost} to the edge; longest gap ${ms(gapMs)}</small>
</div></div>`;
}

const msOr = (value: number | null): string => (value === null ? "–" : ms(value));

function picture(report: DrillReport, window: Window, label: string): string {
  const bucket =
    report.lossOverTime === null ? "" : `; a cell of loss is ${ms(report.lossOverTime.bucketMs)}`;
  return `<figure><div class="scroll">${drawTimeline(report, window, label)}</div>
<figcaption><b>${text(label)}</b>${bucket}<br><span class="key fault"></span>fault<span
class="key detect"></span>detected<span class="key converge"></span>FIB left<span
class="key repair"></span>repaired;
▲ up, ▼ down, ◆ FIB; a lane's rows are BFD, BGP and FIB</figcaption>
</figure>`;
}

/** From a little before the fault until the cloud and the edge had both moved away. */
function closeLook(report: DrillReport, fault: FaultReport): string {
  if (fault.detectionMs === null) return "";
  const spanMs = Math.max(
    fault.detectionMs + (fault.convergenceMs ?? 0),
    fault.cloudConvergenceMs ?? 0,
    1,
  );
  const window = { fromMs: fault.atMs - spanMs * 0.15, untilMs: fault.atMs + spanMs * 1.25 };
  return picture(report, window, `A closer look at "${fault.fault}"`);
}

function topologyText({ topology }: DrillReport): string {
  const { edge, circuits, ecr } = topology;
  const ways = circuits.map(({ name, vbr }) => `${name} ═ ${vbr}`).join(", ");
  return text(`${edge} ═ (${ways}) ─ ${ecr}`);
}

const checkRow = (check: CheckReport): string =>
  `<tr><td class="${check.status}">${check.status}</td><td>${text(check.check)}</td>` +
  `<td>${text(check.expected)}</td><td>${text(check.observed)}</td></tr>`;

function trafficTable(report: DrillReport): string {
  if (report.traffic.length === 0) return `<p class="soft">no probe was sent</p>`;
  const number = (value: string | number) => `<td class="number">${value}</td>`;
  const heads = ["flows", "sent", "lost", "longest gap"].map(
    (name) => `<th class="number">${name}</th>`,
  );
  const rows = report.traffic.map(
    (row) =>
      `<tr><td>${row.direction}</td>${number(row.flows)}${number(row.sent)}` +
      `${number(row.lost)}${number(ms(row.longestGapMs))}</tr>`,
  );
  return `<table><tr><th>direction</th>${heads.join("")}</tr>${rows.join("")}</table>`;
}

/** What happened before zero is the setup; it is there, but folded. */
function events(timeline: readonly TimelineEntry[]): string {
  const setup = timeline.filter((entry) => entry.atMs < 0);
  const drill = timeline.filter((entry) => entry.atMs >= 0);
  const fold = `<details><summary>${setup.length} events of the setup</summary>`;
  return `${eventTable(drill)}${setup.length > 0 ? `${fold}${eventTable(setup)}</details>` : ""}`;
}

function eventTable(entries: readonly TimelineEntry[]): string {
  const rows = entries.map(
    (entry) =>
      `<tr><td class="number">${signed(entry.atMs)}</td><td>${text(entry.actor)}</td>` +
      `<td>${text(entry.event)}</td><td>${text(entry.text)}</td></tr>`,
  );
  const head = `<tr><th class="number">at</th><th>actor</th><th>event</th><th></th></tr>`;
  return `<table>${head}${rows.join("")}</table>`;
}

function facts(report: DrillReport): string {
  const hash = report.traceHash === null ? "" : `; trace ${report.traceHash}`;
  return text(
    `${report.mode} mode (${report.substrate}); seed ${report.seed}${hash}; ` +
      `causeway ${report.version}; started ${report.startedAt}; took ${ms(report.durationMs)}`,
  );
}
