/** The time axis that every part of a picture shares. */

import type { DrillReport } from "../report.ts";
import { roundStep } from "./buckets.ts";

export interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

export const WIDTH = 1000;
/** Where names end and time begins. */
export const LEFT = 150;
export const RIGHT = 14;
const TICKS = 8;

/** What is seen of the whole drill: from the first probe to the last thing that happened. */
export function wholeWindow(report: DrillReport): Window {
  const { lossOverTime, timeline, faults, phases } = report;
  const fromMs = lossOverTime?.fromMs ?? Math.min(0, timeline[0]?.atMs ?? 0);
  const ends = [...timeline.map((entry) => entry.atMs), ...faults.map((fault) => fault.atMs)];
  const probesEnd =
    lossOverTime === null
      ? (phases?.afterAtMs ?? fromMs)
      : fromMs + lossOverTime.bucketMs * (lossOverTime.directions[0]?.sent.length ?? 0);
  return { fromMs, untilMs: Math.max(probesEnd, fromMs + 1, ...ends) };
}

export class Axis {
  readonly window: Window;

  constructor(window: Window) {
    this.window = window;
  }

  x(atMs: number): number {
    const { fromMs, untilMs } = this.window;
    return LEFT + ((atMs - fromMs) / (untilMs - fromMs)) * (WIDTH - LEFT - RIGHT);
  }

  contains(atMs: number): boolean {
    return atMs >= this.window.fromMs && atMs <= this.window.untilMs;
  }

  /** The part of a span that is seen, as x and width; undefined where none is. */
  clip(fromMs: number, untilMs: number): { x: number; width: number } | undefined {
    const from = Math.max(fromMs, this.window.fromMs);
    const until = Math.min(untilMs, this.window.untilMs);
    if (until <= from) return undefined;
    return { x: this.x(from), width: this.x(until) - this.x(from) };
  }

  ticks(): readonly { readonly x: number; readonly text: string }[] {
    const { fromMs, untilMs } = this.window;
    const step = roundStep((untilMs - fromMs) / TICKS);
    const inSeconds = step >= 1000;
    const ticks: { x: number; text: string }[] = [];
    for (let at = Math.ceil(fromMs / step) * step; at <= untilMs; at += step) {
      const size = inSeconds ? Math.abs(at) / 1000 : Math.abs(at);
      const sign = at < 0 ? "−" : "+";
      const text = at === 0 ? "0" : `${sign}${size} ${inSeconds ? "s" : "ms"}`;
      ticks.push({ x: this.x(at), text });
    }
    return ticks;
  }
}

/** A coordinate: a tenth of a unit is finer than any screen. */
export const fix = (value: number): string => String(Math.round(value * 10) / 10);
