/** The figures a reader looks for first, large, each beside its limit; every fault in a table. */

import type { CheckReport, DrillReport, FaultReport } from "../report.ts";
import { detectorName, share, sumLoss, worstFault } from "../story.ts";
import { ms, signed } from "../units.ts";
import { escapeMarkup as text } from "./escape.ts";

export function figures(report: DrillReport): string {
  const { faults, traffic, repairs = [] } = report;
  const fault = worstFault(faults);
  const tiles = [...(fault === undefined ? [] : ofFault(report, fault)), ...ofLoss(report)];
  const many = faults.length + repairs.length > 1 ? deedTable(report) : "";
  const none = traffic.length === 0 && faults.length === 0;
  return none ? "" : `<div class="tiles">${tiles.map(tile).join("")}</div>${many}`;
}

/** Detection, convergence, recovery: the three times a failover is made of. */
function ofFault(report: DrillReport, fault: FaultReport): Tile[] {
  const ofMany = report.faults.length > 1 ? ", the worst" : "";
  const by = fault.detectedBy === null ? undefined : `by ${detectorName(fault.detectedBy)}`;
  const recovered = recoveryOf(fault);
  return [
    {
      name: `detection${ofMany}`,
      value: orDash(fault.detectionMs),
      note: by ?? "not noticed at the edge",
      limit: limitOf(report, "detection"),
    },
    {
      name: `convergence${ofMany}`,
      value: orDash(fault.convergenceMs),
      note: convergenceNote(fault),
      limit: limitOf(report, "convergence"),
    },
    ...(recovered === undefined
      ? []
      : [
          {
            name: `recovery${ofMany}`,
            value: ms(recovered.maxMs),
            note: `until every flow arrived again, half of them after ${ms(recovered.p50Ms)}`,
            limit: undefined,
          },
        ]),
  ];
}

function ofLoss(report: DrillReport): Tile[] {
  const { traffic } = report;
  if (traffic.length === 0) {
    return [{ name: "lost", value: "–", note: "no probe was sent", limit: undefined }];
  }
  const loss = sumLoss(traffic);
  const note = `${share(loss)} of ${loss.sent} probes`;
  return [
    { name: "lost", value: String(loss.lost), note, limit: undefined },
    {
      name: "longest silence",
      value: ms(loss.longestGapMs),
      note: "of any one flow",
      limit: limitOf(report, "outage"),
    },
  ];
}

/** Of the worse direction. */
function recoveryOf({ recovery }: FaultReport): { maxMs: number; p50Ms: number } | undefined {
  const ways = [recovery?.toCloud, recovery?.toEdge].flatMap((way) => way ?? []);
  return ways.toSorted((one, other) => other.maxMs - one.maxMs)[0];
}

const orDash = (value: number | null): string => (value === null ? "–" : ms(value));

function convergenceNote({ convergenceMs, cloudConvergenceMs }: FaultReport): string {
  const edge = convergenceMs === null ? "the edge's FIB stayed" : "until the edge's FIB left it";
  if (cloudConvergenceMs === null) return edge;
  return `${edge}; the cloud's left ${ms(cloudConvergenceMs)} after the fault`;
}

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

/** Faults and repairs in the order they were made. */
function deedTable({ faults, repairs = [] }: DrillReport): string {
  const heads = [
    "at",
    "what",
    "detected",
    "edge left",
    "cloud left",
    "restored",
    "lost",
    "silence",
  ];
  const rows = [
    ...faults.map((fault) => ({
      atMs: fault.atMs,
      text: fault.fault,
      times: [fault.detectionMs, fault.convergenceMs, fault.cloudConvergenceMs, null],
      loss: sumLoss([fault.lost.toCloud, fault.lost.toEdge]),
    })),
    ...repairs.map((repair) => ({
      atMs: repair.atMs,
      text: repair.repair,
      times: [null, null, null, repair.restoredMs],
      loss: sumLoss([repair.lost.toCloud, repair.lost.toEdge]),
    })),
  ].toSorted((one, other) => one.atMs - other.atMs);
  const body = rows.slice(0, DEEDS_MAX).map(({ atMs, text: words, times, loss }) => {
    const lost = [`${loss.lost} of ${loss.sent}`, ms(loss.longestGapMs)];
    const cells = [signed(atMs), words, ...times.map(orDash), ...lost];
    const row = cells.map((cell, index) => `<td${index === 1 ? WORDS : NUMBER}>${text(cell)}</td>`);
    return `<tr>${row.join("")}</tr>`;
  });
  const head = heads.map((name, index) => `<th${index === 1 ? "" : NUMBER}>${name}</th>`).join("");
  const more = rows.length - body.length;
  return (
    `<div class="scroll"><table><thead><tr>${head}</tr></thead>` +
    `<tbody>${body.join("")}</tbody></table></div>` +
    (more > 0 ? `<p class="facts">and ${more} more; the JSON has them all</p>` : "")
  );
}

const DEEDS_MAX = 60;
const WORDS = ` class="words"`;
const NUMBER = ` class=n`;
