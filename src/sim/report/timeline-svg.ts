/**
 * The timeline of a drill as one SVG: a lane for each actor with its events as signs, faults and
 * what followed them as lines through every lane, and below them, on the same axis, the loss of
 * each direction, one cell a bucket. Signs differ by shape as well as by colour; each has a title.
 */
import { roundStep } from "./buckets.ts";
import { escapeMarkup } from "./escape.ts";
import type { DrillReport, LossOverTime, TimelineEntry } from "./report.ts";
import { ms, signed } from "./text.ts";

export interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

const WIDTH = 1000;
const LEFT = 96;
const RIGHT = 14;
const TOP = 30;
const LANE = 44;
const STRIP = 26;
const TICKS = 8;

/** What is seen of the whole drill: from the first probe to the last thing that happened. */
export function wholeWindow(report: DrillReport): Window {
  const { lossOverTime, timeline, faults } = report;
  const fromMs = lossOverTime?.fromMs ?? Math.min(0, timeline[0]?.atMs ?? 0);
  const ends = [...timeline.map((entry) => entry.atMs), ...faults.map((fault) => fault.atMs)];
  const probesEnd =
    lossOverTime === null
      ? fromMs
      : fromMs + lossOverTime.bucketMs * (lossOverTime.directions[0]?.sent.length ?? 0);
  return { fromMs, untilMs: Math.max(probesEnd, fromMs + 1, ...ends) };
}

export function drawTimeline(report: DrillReport, window: Window, label: string): string {
  const x = (atMs: number): number =>
    LEFT + ((atMs - window.fromMs) / (window.untilMs - window.fromMs)) * (WIDTH - LEFT - RIGHT);
  const lanes = lanesOf(report);
  const stripsTop = TOP + lanes.length * LANE + 10;
  const strips = report.lossOverTime?.directions.length ?? 0;
  const bottom = stripsTop + strips * (STRIP + 8);
  const parts = [
    drawAxis(window, x, bottom),
    ...lanes.map((lane, index) => drawLane(lane, TOP + index * LANE)),
    drawFaults(report, window, x, bottom),
    ...lanes.map((lane, index) => {
      const shown = report.timeline.filter((entry) => entry.actor === lane && isIn(entry, window));
      return shown.map((entry) => drawSign(entry, x(entry.atMs), TOP + index * LANE)).join("");
    }),
    report.lossOverTime === null ? "" : drawStrips(report.lossOverTime, window, x, stripsTop),
  ];
  return (
    `<svg viewBox="0 0 ${WIDTH} ${bottom + 8}" role="img" aria-label="${escapeMarkup(label)}">` +
    `${parts.join("")}</svg>`
  );
}

const isIn = (entry: TimelineEntry, window: Window): boolean =>
  entry.atMs >= window.fromMs && entry.atMs <= window.untilMs;

/** Topology order; an actor nobody listed comes last rather than not at all. */
function lanesOf({ topology, timeline }: DrillReport): readonly string[] {
  const known = ["drill", "edge", ...topology.circuits.map(({ vbr }) => vbr), topology.ecr];
  return [...new Set([...known, ...timeline.map((entry) => entry.actor)])];
}

function drawAxis(window: Window, x: (atMs: number) => number, bottom: number): string {
  const step = roundStep((window.untilMs - window.fromMs) / TICKS);
  const parts: string[] = [];
  for (let at = Math.ceil(window.fromMs / step) * step; at <= window.untilMs; at += step) {
    const where = fix(x(at));
    parts.push(
      `<line class="grid" x1="${where}" y1="${TOP - 6}" x2="${where}" y2="${bottom}"/>` +
        `<text class="tick" x="${where}" y="${TOP - 12}" text-anchor="middle">` +
        `${tickText(at)}</text>`,
    );
  }
  return parts.join("");
}

const tickText = (at: number): string => (at === 0 ? "0" : `${at > 0 ? "+" : "−"}${Math.abs(at)}`);

function drawLane(name: string, top: number): string {
  const middle = top + LANE / 2;
  return (
    `<text class="lane" x="8" y="${middle + 4}">${escapeMarkup(name)}</text>` +
    `<line class="rail" x1="${LEFT}" y1="${middle}" x2="${WIDTH - RIGHT}" y2="${middle}"/>`
  );
}

/** From the fault until the edge's FIB had left the circuit everything is shaded. */
function drawFaults(
  report: DrillReport,
  window: Window,
  x: (atMs: number) => number,
  bottom: number,
): string {
  const parts: string[] = [];
  const line = (kind: string, atMs: number, title: string) => {
    if (atMs < window.fromMs || atMs > window.untilMs) return;
    const where = fix(x(atMs));
    parts.push(
      `<line class="mark ${kind}" x1="${where}" y1="${TOP - 6}" x2="${where}" y2="${bottom}">` +
        `<title>${escapeMarkup(`${signed(atMs)} ${title}`)}</title></line>`,
    );
  };
  for (const fault of report.faults) {
    line("fault", fault.atMs, fault.fault);
    if (fault.detectionMs === null) continue;
    const detectedMs = fault.atMs + fault.detectionMs;
    const endMs = detectedMs + (fault.convergenceMs ?? 0);
    const [left, right] = [Math.max(fault.atMs, window.fromMs), Math.min(endMs, window.untilMs)];
    if (right > left) {
      const width = fix(x(right) - x(left));
      parts.unshift(
        `<rect class="outage" x="${fix(x(left))}" y="${TOP - 6}" width="${width}" ` +
          `height="${bottom - TOP + 6}"/>`,
      );
    }
    line("detect", detectedMs, `detected after ${ms(fault.detectionMs)}`);
    if (fault.convergenceMs !== null) {
      line("converge", endMs, `FIB left after another ${ms(fault.convergenceMs)}`);
    }
  }
  for (const entry of report.timeline) {
    if (entry.event === "repair") line("repair", entry.atMs, entry.text);
  }
  return parts.join("");
}

/** Rows within a lane, so that what happens in one millisecond does not hide each other. */
const ROWS: readonly (readonly [prefix: string, offset: number])[] = [
  ["bfd.", -12],
  ["bgp.", 0],
  ["circuit.", 0],
  ["fib.", 12],
];

/** Down is a triangle on its point, up one on its base, a FIB change a diamond. */
function drawSign(entry: TimelineEntry, x: number, top: number): string {
  if (entry.event.startsWith("circuit.")) return ""; // bfd, bgp and fib say the same
  const offset = ROWS.find(([prefix]) => entry.event.startsWith(prefix))?.[1] ?? 0;
  const y = top + LANE / 2 + offset;
  const at = (dx: number, dy: number) => `${fix(x + dx)},${fix(y + dy)}`;
  const isDown = entry.event.endsWith(".down") || entry.event.endsWith(".left");
  const kind = entry.lane === "drill" ? entry.event : isDown ? "down" : "up";
  const triangle = isDown || kind === "fault" ? [at(-5, -5), at(5, -5), at(0, 5)] : [];
  const points = entry.event.startsWith("fib.")
    ? [at(0, -6), at(6, 0), at(0, 6), at(-6, 0)]
    : triangle.length > 0
      ? triangle
      : [at(-5, 5), at(5, 5), at(0, -5)];
  const title = escapeMarkup(`${signed(entry.atMs)} ${entry.actor} ${entry.event} ${entry.text}`);
  const sign = `<polygon class="sign ${kind}" points="${points.join(" ")}">`;
  return `${sign}<title>${title}</title></polygon>`;
}

function drawStrips(
  loss: LossOverTime,
  window: Window,
  x: (atMs: number) => number,
  top: number,
): string {
  const rows = loss.directions.map(({ direction, sent, lost }, row) => {
    const y = top + row * (STRIP + 8);
    const cells = sent.map((count, bucket) => {
      const from = loss.fromMs + bucket * loss.bucketMs;
      const [left, right] = [
        Math.max(from, window.fromMs),
        Math.min(from + loss.bucketMs, window.untilMs),
      ];
      if (right <= left || count === 0) return "";
      return drawCell({ from, left: x(left), right: x(right), y }, count, lost[bucket] ?? 0);
    });
    const name = direction === "to-cloud" ? "lost → cloud" : "lost → edge";
    return `<text class="lane" x="8" y="${y + STRIP / 2 + 4}">${name}</text>${cells.join("")}`;
  });
  return rows.join("");
}

function drawCell(
  at: { readonly from: number; readonly left: number; readonly right: number; readonly y: number },
  sent: number,
  lost: number,
): string {
  const width = fix(Math.max(0.5, at.right - at.left - 0.6));
  const left = fix(at.left);
  const cell = `<rect class="cell" x="${left}" y="${at.y}" width="${width}" height="${STRIP}">`;
  const title = `<title>${signed(at.from)} ${lost} of ${sent} lost</title>`;
  if (lost === 0) return `${cell}${title}</rect>`;
  const height = Math.max(3, (STRIP * lost) / sent);
  return (
    `${cell}${title}</rect><rect class="lost" x="${left}" y="${fix(at.y + STRIP - height)}" ` +
    `width="${width}" height="${fix(height)}">${title}</rect>`
  );
}

const fix = (value: number): string => value.toFixed(1);
