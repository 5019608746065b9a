/** The figures a reader looks for first, large, each beside its limit; every fault in a table. */
import { escapeMarkup as text } from "./escape.ts";
import type { CheckReport, DrillReport, FaultReport } from "./report.ts";
import { detectorName, share, sumLoss, worstFault } from "./story.ts";
import { ms, signed } from "./units.ts";

export function figures(report: DrillReport): string {
  const { faults, traffic } = report;
  const fault = worstFault(faults);
  const ofMany = faults.length > 1 ? ", the worst" : "";
  const loss = sumLoss(traffic);
  const tiles = [
    fault &&
      tile({
        name: `detection${ofMany}`,
        value: orDash(fault.detectionMs),
        note:
          fault.detectedBy === null
            ? "not noticed at the edge"
            : `by ${detectorName(fault.detectedBy)}`,
        limit: limitOf(report, "detection"),
      }),
    fault &&
      tile({
        name: `convergence${ofMany}`,
        value: orDash(fault.convergenceMs),
        note: `until the edge's FIB left it; the cloud's left ${cloudNote(fault)}`,
        limit: limitOf(report, "convergence"),
      }),
    tile({
      name: "lost",
      value: traffic.length === 0 ? "–" : String(loss.lost),
      note: traffic.length === 0 ? "no probe was sent" : `${share(loss)} of ${loss.sent} probes`,
      limit: undefined,
    }),
    traffic.length > 0 &&
      tile({
        name: "longest silence",
        value: ms(loss.longestGapMs),
        note: "of any one flow",
        limit: limitOf(report, "outage"),
      }),
  ];
  const many = faults.length > 1 ? faultTable(faults) : "";
  return `<div class="tiles">${tiles.filter(Boolean).join("")}</div>${many}`;
}

const orDash = (value: number | null): string => (value === null ? "–" : ms(value));

const cloudNote = ({ cloudConvergenceMs }: FaultReport): string =>
  cloudConvergenceMs === null ? "not measured" : `${ms(cloudConvergenceMs)} after the fault`;

/** The budget's check with the least margin. */
function limitOf({ checks }: DrillReport, name: string): CheckReport | undefined {
  return checks
    .filter((check) => check.check.startsWith(`${name} of "`) && check.margin !== undefined)
    .toSorted((one, other) => (one.margin ?? 0) - (other.margin ?? 0))[0];
}

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly limit: CheckReport | undefined;
}

function tile({ name, value, note, limit }: Tile): string {
  return (
    `<div><small>${name}</small><b>${text(value)}</b><small>${text(note)}</small>` +
    `${limit === undefined ? "" : gauge(limit)}</div>`
  );
}

/** How much of the limit was used. */
function gauge({ value, limit, status, expected }: CheckReport): string {
  if (value === undefined || limit === undefined || limit <= 0) return "";
  const used = Math.min(100, Math.round((100 * value) / limit));
  return (
    `<div class="gauge ${status}"><i style="width:${used}%"></i></div>` +
    `<small>limit: ${text(expected)}</small>`
  );
}

function faultTable(faults: readonly FaultReport[]): string {
  const heads = ["at", "", "detected", "edge left", "cloud left", "lost", "longest silence"];
  const rows = faults.map((fault) => {
    const loss = sumLoss([fault.lost.toCloud, fault.lost.toEdge]);
    const cells = [
      signed(fault.atMs),
      fault.fault,
      orDash(fault.detectionMs),
      orDash(fault.convergenceMs),
      orDash(fault.cloudConvergenceMs),
      `${loss.lost} of ${loss.sent}`,
      ms(loss.longestGapMs),
    ];
    const row = cells.map((cell, index) => `<td${index === 1 ? WORDS : NUMBER}>${text(cell)}</td>`);
    return `<tr>${row.join("")}</tr>`;
  });
  const head = heads.map((name, index) => `<th${index === 1 ? "" : NUMBER}>${name}</th>`).join("");
  return (
    `<div class="scroll"><table><thead><tr>${head}</tr></thead>` +
    `<tbody>${rows.join("")}</tbody></table></div>`
  );
}

const WORDS = ` class="words"`;
const NUMBER = ` class=n`;
