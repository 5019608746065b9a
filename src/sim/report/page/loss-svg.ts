/**
 * Loss of each direction over the picture's time axis: a quiet band where probes arrived, a solid
 * one as high as the share that was lost. Neighbouring buckets are one shape, so that a long drill
 * stays small.
 */

import type { LossOverTime } from "../report.ts";
import { share } from "../story.ts";
import { signed } from "../units.ts";
import { type Axis, fix } from "./axis.ts";

export const STRIP_HEIGHT = 30;
const GAP = 8;
/** Losses with a title of their own; more of them are one shape. */
const RUNS_MAX = 24;

export const stripsHeight = (loss: LossOverTime | null): number =>
  (loss?.directions.length ?? 0) * (STRIP_HEIGHT + GAP);

export function drawStrips(loss: LossOverTime, axis: Axis, top: number): string {
  return loss.directions
    .map((strip, row) => drawStrip(loss, strip, axis, top + row * (STRIP_HEIGHT + GAP)))
    .join("");
}

type Strip = LossOverTime["directions"][number];

function drawStrip(loss: LossOverTime, strip: Strip, axis: Axis, y: number): string {
  const { sent, lost } = strip;
  const edges = (bucket: number) => loss.fromMs + bucket * loss.bucketMs;
  const seen = (_: number, bucket: number) =>
    axis.clip(edges(bucket), edges(bucket + 1)) !== undefined;
  const sum = (values: readonly number[]) =>
    values.filter(seen).reduce((total, value) => total + value, 0);
  const all = { sent: sum(sent), lost: sum(lost), longestGapMs: 0 };
  const name = strip.direction === "to-cloud" ? "lost → cloud" : "lost → edge";
  const label =
    `<text class="actor" x="8" y="${y + 13}">${name}</text>` +
    `<text class="tick" x="8" y="${y + 26}">${all.lost} of ${all.sent} (${share(all)})</text>`;
  const bands = runsOf(sent.map((count) => count > 0)).map(({ from, until }) => {
    const seen = axis.clip(edges(from), edges(until));
    if (seen === undefined) return "";
    const size = `width="${fix(seen.width)}" height="${STRIP_HEIGHT}"`;
    return `<rect class="cell" x="${fix(seen.x)}" y="${y}" ${size}/>`;
  });
  const runs = runsOf(lost.map((count) => count > 0));
  const shapes = runs.length > RUNS_MAX ? [{ from: 0, until: lost.length }] : runs;
  const losses = shapes.map((run) => {
    const outline = outlineOf(
      strip,
      run,
      (bucket) => axis.clip(edges(bucket), edges(bucket + 1)),
      y,
    );
    if (outline === "") return "";
    const of = { sent: total(sent, run), lost: total(lost, run) };
    const when = `from ${signed(edges(run.from))} to ${signed(edges(run.until))}`;
    const title = `${of.lost} of ${of.sent} lost ${when}`;
    return `<path class="lost" d="${outline}"><title>${title}</title></path>`;
  });
  return label + bands.join("") + losses.join("");
}

interface Run {
  readonly from: number;
  readonly until: number;
}

const total = (values: readonly number[], { from, until }: Run): number =>
  values.slice(from, until).reduce((sum, value) => sum + value, 0);

/** Steps as high as the share lost; a loss of one probe in thousands still shows. */
function outlineOf(
  { sent, lost }: Strip,
  { from, until }: Run,
  seenOf: (bucket: number) => { readonly x: number; readonly width: number } | undefined,
  top: number,
): string {
  const base = top + STRIP_HEIGHT;
  const steps: string[] = [];
  let level = "";
  for (let bucket = from; bucket < until; bucket += 1) {
    const seen = seenOf(bucket);
    if (seen === undefined) continue;
    const count = lost[bucket] ?? 0;
    const high = (STRIP_HEIGHT * count) / Math.max(1, sent[bucket] ?? 0);
    const next = fix(base - (count === 0 ? 0 : Math.max(2, high)));
    if (steps.length === 0) steps.push(`M${fix(seen.x)} ${base}`);
    if (next === level) steps.pop();
    else steps.push(`V${next}`);
    steps.push(`H${fix(seen.x + Math.max(1, seen.width))}`);
    level = next;
  }
  return steps.length === 0 ? "" : `${steps.join("")}V${base}Z`;
}

/** Where neighbours are true: [from, until). */
function runsOf(values: readonly boolean[]): Run[] {
  const runs: { from: number; until: number }[] = [];
  for (const [index, value] of values.entries()) {
    if (!value) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.until === index) last.until = index + 1;
    else runs.push({ from: index, until: index + 1 });
  }
  return runs;
}
