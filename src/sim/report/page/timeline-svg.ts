/**
 * The timeline of a drill as one SVG on one axis: what was done on top, how long it took to be
 * noticed and left as brackets, then a lane for each actor with its sessions and the way of its
 * routes as bars, and the loss of each direction below. Up and down differ by shape as well as by
 * colour; everything has a title.
 */

import type { DrillReport, FaultReport, TimelineEntry } from "../report.ts";
import { ms, signed } from "../units.ts";
import { Axis, fix, LEFT, RIGHT, WIDTH, type Window } from "./axis.ts";
import { escapeMarkup } from "./escape.ts";
import { type Bar, type Lane, type Lanes, lanesOf, type Span } from "./lanes.ts";
import { drawStrips, stripsHeight } from "./loss-svg.ts";

const TOP = 26;
/** A row of brackets or of labels. */
const LINE = 17;
const LANE = 30;
const ACTOR_GAP = 6;
/** Labels of what was done are put side by side in at most so many rows. */
const LABEL_ROWS = 5;
/** A bar of more pieces than this has no words in them: it is a pattern, not a text. */
const TITLED_MAX = 60;
/** Width of a letter of 12 px, near enough. */
const LETTER = 6.4;

export interface Picture {
  readonly svg: string;
  readonly hiddenCount: number;
}

export function drawTimeline(report: DrillReport, window: Window, label: string): Picture {
  const axis = new Axis(window);
  const { lanes: all, hiddenCount }: Lanes = lanesOf(report, window.untilMs);
  const lanes = all.filter((lane) => isWorthARow(lane, axis));
  const deeds = drawDeeds(report, axis, TOP);
  const brackets = drawBrackets(report.faults, axis, deeds.bottom);
  const rows = placeLanes(lanes, brackets.bottom + 8);
  const stripsTop = rows.bottom + 10;
  const bottom = stripsTop + stripsHeight(report.lossOverTime);
  const parts = [
    drawGrid(axis, bottom),
    drawOutages(report.faults, axis, { top: deeds.bottom, bottom }),
    deeds.svg(bottom),
    brackets.svg,
    ...rows.placed.map(({ lane, y, isFirst }) => drawLane(lane, axis, y, isFirst)),
    report.lossOverTime === null ? "" : drawStrips(report.lossOverTime, axis, stripsTop),
  ];
  const svg =
    `<svg viewBox="0 0 ${WIDTH} ${bottom + 4}" role="img" aria-label="${escapeMarkup(label)}">` +
    `${HATCH}${parts.join("")}</svg>`;
  return { svg, hiddenCount };
}

/** An alert that does not fire in sight is not drawn; a session always is. */
const isWorthARow = ({ bars }: Lane, axis: Axis): boolean =>
  bars.some(
    ({ name, spans }) =>
      name !== "alert" || spans.some(({ fromMs, untilMs }) => axis.clip(fromMs, untilMs)),
  );

/** Down and no way are hatched: told from up without any colour. */
const HATCH =
  `<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" ` +
  `patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/>` +
  `</pattern></defs>`;

function drawGrid(axis: Axis, bottom: number): string {
  const lines = axis.ticks().map(({ x, text }) => {
    const [at, anchor] = x > WIDTH - 40 ? [WIDTH - 4, "end"] : [x, "middle"];
    return (
      `<line class="grid" x1="${fix(x)}" y1="${TOP - 6}" x2="${fix(x)}" y2="${bottom}"/>` +
      `<text class="tick" x="${fix(at)}" y="${TOP - 12}" text-anchor="${anchor}">${text}</text>`
    );
  });
  return lines.join("");
}

/** Faults ▼ and repairs ▲ with their words, as long as there is room for words. */
function drawDeeds(report: DrillReport, axis: Axis, top: number) {
  const deeds = report.timeline.filter((entry) => entry.lane === "drill");
  const entries = apart(deeds, axis);
  const ends: number[] = [];
  const labels: string[] = [];
  for (const entry of entries) {
    const x = axis.x(entry.atMs);
    const text = clipText(entry.text, 62);
    const width = text.length * LETTER + 20;
    const isLeft = x + width > WIDTH - RIGHT;
    const from = isLeft ? x - width : x;
    // The signs stand in the first row; words must not cover the next one.
    const hidesSign = entries.some((other) => {
      const at = axis.x(other.atMs);
      return other !== entry && at > from - 8 && at < from + width + 8;
    });
    const row = Array.from({ length: LABEL_ROWS }, (_, index) => index).find(
      (index) => from > (ends[index] ?? 0) && !(index === 0 && hidesSign),
    );
    if (row === undefined || from < LEFT - 20) continue;
    ends[row] = isLeft ? x : x + width;
    const anchor = isLeft ? `x="${fix(x - 9)}" text-anchor="end"` : `x="${fix(x + 9)}"`;
    labels.push(
      `<text class="deed ${entry.event}" ${anchor} y="${top + row * LINE + 12}">` +
        `${escapeMarkup(text)}</text>`,
    );
  }
  const bottom = top + Math.max(1, ends.length) * LINE + 2;
  const svg = (lineBottom: number) => {
    const signs = entries.map((entry) => drawDeed(entry, axis.x(entry.atMs), top, lineBottom));
    const name = `<text class="actor" x="8" y="${top + 12}">drill</text>`;
    return name + signs.join("") + labels.join("");
  };
  return { svg, bottom };
}

function drawDeed(entry: TimelineEntry, x: number, top: number, bottom: number): string {
  const kind = entry.event === "repair" ? "repair" : "fault";
  const at = (dx: number, dy: number) => `${fix(x + dx)},${fix(top + 8 + dy)}`;
  const points =
    kind === "fault" ? [at(-6, -5), at(6, -5), at(0, 6)] : [at(-6, 5), at(6, 5), at(0, -6)];
  const title = escapeMarkup(`${signed(entry.atMs)} ${entry.text}`);
  return (
    `<g><title>${title}</title>` +
    `<line class="mark ${kind}" x1="${fix(x)}" y1="${top}" x2="${fix(x)}" y2="${bottom}"/>` +
    `<polygon class="sign ${kind}" points="${points.join(" ")}"/></g>`
  );
}

const clipText = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** Everything from the fault until the edge's FIB had left the circuit is shaded. */
function drawOutages(
  faults: readonly FaultReport[],
  axis: Axis,
  { top, bottom }: { readonly top: number; readonly bottom: number },
): string {
  const shades = faults.map(({ atMs, detectionMs, convergenceMs }) => {
    if (detectionMs === null) return "";
    const seen = axis.clip(atMs, atMs + detectionMs + (convergenceMs ?? 0));
    if (seen === undefined) return "";
    return (
      `<rect class="outage" x="${fix(seen.x)}" y="${top}" width="${fix(seen.width)}" ` +
      `height="${fix(bottom - top)}"/>`
    );
  });
  return shades.join("");
}

/** ├── noticed ──┤ at the edge, and below it the same for the cloud's side. */
function drawBrackets(faults: readonly FaultReport[], axis: Axis, top: number) {
  const rows = [
    { name: "edge left it", kind: "detect", of: edgeBracket },
    { name: "cloud left it", kind: "converge", of: cloudBracket },
  ].map(({ name, kind, of }) => ({ name, kind, spans: faults.flatMap(of) }));
  const drawn = rows
    .filter(({ spans }) => spans.some(({ fromMs, untilMs }) => axis.clip(fromMs, untilMs)))
    .map(({ name, kind, spans }, row) => {
      const y = top + row * LINE + 6;
      const label = `<text class="lane" x="8" y="${y + 4}">${name}</text>`;
      return label + drawBracketRow(spans, kind, axis, y);
    });
  return { svg: drawn.join(""), bottom: top + drawn.length * LINE };
}

interface Bracket {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly text: string;
}

function edgeBracket({ atMs, detectionMs, convergenceMs }: FaultReport): Bracket[] {
  if (detectionMs === null) return [];
  const untilMs = atMs + detectionMs + (convergenceMs ?? 0);
  const rest = convergenceMs === null ? "" : ` + ${ms(convergenceMs)}`;
  return [{ fromMs: atMs, untilMs, text: `${ms(detectionMs)}${rest}` }];
}

const cloudBracket = ({ atMs, cloudConvergenceMs }: FaultReport): Bracket[] =>
  cloudConvergenceMs === null
    ? []
    : [{ fromMs: atMs, untilMs: atMs + cloudConvergenceMs, text: ms(cloudConvergenceMs) }];

function drawBracketRow(spans: readonly Bracket[], kind: string, axis: Axis, y: number): string {
  const seen = spans.flatMap((span) => {
    const part = axis.clip(span.fromMs, span.untilMs);
    return part === undefined ? [] : [{ ...part, text: span.text }];
  });
  const paths = seen.map(({ x, width }) => {
    const ends = `M${fix(x)} ${y - 5}v10M${fix(x + width)} ${y - 5}v10`;
    return `<path class="bracket ${kind}" d="${ends}M${fix(x)} ${y}h${fix(width)}"/>`;
  });
  const labels = seen.map(({ x, width, text }, index) => {
    const room = text.length * LETTER + 10;
    const nextX = seen[index + 1]?.x ?? WIDTH - RIGHT;
    const isInside = room + 16 < width;
    if (!isInside && x + width + room > nextX) return "";
    const at = isInside ? x + width / 2 : x + width + 6;
    const anchor = isInside ? ` text-anchor="middle"` : "";
    return `<text class="deed" x="${fix(at)}" y="${y + 4}"${anchor}>${text}</text>`;
  });
  return paths.join("") + labels.join("");
}

function placeLanes(lanes: readonly Lane[], top: number) {
  let y = top;
  const placed = lanes.map((lane, index) => {
    const isFirst = lanes[index - 1]?.actor !== lane.actor;
    if (isFirst && index > 0) y += ACTOR_GAP;
    const place = { lane, y, isFirst };
    y += LANE;
    return place;
  });
  return { placed, bottom: y };
}

function drawLane(lane: Lane, axis: Axis, top: number, isFirst: boolean): string {
  const actor = escapeMarkup(clipText(lane.actor, 20));
  const subject = escapeMarkup(clipText(lane.subject, 22));
  const names =
    (isFirst ? `<text class="actor" x="8" y="${top + 12}">${actor}</text>` : "") +
    `<text class="lane" x="8" y="${top + (isFirst ? 25 : 18)}">` +
    `<title>${escapeMarkup(lane.subject)}</title>${subject}</text>`;
  const line = `x1="8" y1="${top - 3}" x2="${WIDTH - RIGHT}" y2="${top - 3}"`;
  const rule = isFirst ? `<line class="rail" ${line}/>` : "";
  const bars = lane.bars.map((bar, index) => drawBar(bar, axis, placeBar(lane, index, top)));
  const moves = lane.marks.filter((entry) => entry.event.startsWith("fib.circuit."));
  const marks = apart(moves, axis).map((entry) =>
    drawMove(entry, axis.x(entry.atMs), top + LANE / 2),
  );
  return rule + names + bars.join("") + marks.join("");
}

/** Those in sight, less what would lie on a sign of its kind. */
function apart(entries: readonly TimelineEntry[], axis: Axis): readonly TimelineEntry[] {
  const drawnAt = new Map<string, number>();
  return entries.filter(({ atMs, event }) => {
    const x = axis.x(atMs);
    if (!axis.contains(atMs) || x - (drawnAt.get(event) ?? Number.NEGATIVE_INFINITY) < 3) {
      return false;
    }
    drawnAt.set(event, x);
    return true;
  });
}

/** Two bars share a lane, a single one has it for itself. */
function placeBar({ bars }: Lane, index: number, top: number) {
  return bars.length > 1
    ? { y: top + 3 + index * 12, height: 10 }
    : { y: top + 5, height: LANE - 12 };
}

interface Place {
  readonly y: number;
  readonly height: number;
}

function drawBar(bar: Bar, axis: Axis, place: Place): string {
  let drawnTo = 0;
  const inSight = bar.spans.filter((span) => axis.clip(span.fromMs, span.untilMs) !== undefined);
  const draw = inSight.length > TITLED_MAX ? drawBox : drawSpan;
  return inSight
    .map((span) => {
      const seen = axis.clip(span.fromMs, span.untilMs);
      // What ends within a pixel of what is drawn already cannot be seen.
      if (seen === undefined || seen.x + seen.width < drawnTo + 0.5) return "";
      drawnTo = seen.x + Math.max(1, seen.width);
      return draw(bar.name, span, seen, place);
    })
    .join("");
}

type Part = Readonly<Record<"x" | "width", number>>;

function drawBox(name: Bar["name"], span: Span, seen: Part, { y, height }: Place): string {
  const kind = span.isUp ? (name === "route" ? "route" : "up") : "down";
  return (
    `<rect class="bar ${kind}" x="${fix(seen.x)}" y="${y}" ` +
    `width="${fix(Math.max(1, seen.width))}" height="${height}"/>`
  );
}

function drawSpan(name: Bar["name"], span: Span, seen: Part, place: Place): string {
  const { y, height } = place;
  const isTold = name === "route" || name === "alert";
  const words = isTold ? span.text : `${name} ${span.isUp ? "up" : "down"}`;
  const size = height > 12 ? 12 : 9;
  const fits = words.length * size * 0.56 + 8 < seen.width;
  const text = fits
    ? `<text class="on${span.isUp ? "" : " isdown"}" x="${fix(seen.x + 5)}" ` +
      `y="${fix(y + height / 2 + size * 0.36)}" style="font-size:${size}px">` +
      `${escapeMarkup(words)}</text>`
    : "";
  const when = `from ${signed(span.fromMs)} to ${signed(span.untilMs)}`;
  const title = escapeMarkup(`${when}: ${span.text}`);
  return `<g><title>${title}</title>${drawBox(name, span, seen, place)}${text}</g>`;
}

/** A FIB that left or joined a circuit is a diamond. */
function drawMove(entry: TimelineEntry, x: number, y: number): string {
  const points = `${fix(x)},${y - 8} ${fix(x + 5)},${y} ${fix(x)},${y + 8} ${fix(x - 5)},${y}`;
  const title = escapeMarkup(`${signed(entry.atMs)} ${entry.event} ${entry.text}`);
  const kind = entry.event.endsWith(".left") ? "down" : "up";
  return `<polygon class="sign ${kind}" points="${points}"><title>${title}</title></polygon>`;
}
