/**
 * What a Prometheus beside a drill would have read: every series of every scrape, as columns. A
 * scrape that nobody answered has no values, and a series that vanished has none from then on.
 */
import { labelsText, type Sample } from "../../agent/metrics/registry.ts";
import type { Micros } from "../../core/time.ts";

/** One series; `labels` as they stand between the braces of the text format. */
export interface Series {
  readonly name: string;
  readonly labels: string;
  /** By number of the scrape; undefined where it was not there. */
  readonly values: readonly (number | undefined)[];
}

export class ScrapeLog {
  /** Scrape `slot` was due at `startUs + slot * intervalUs`. */
  readonly startUs: Micros;
  readonly intervalUs: number;
  readonly #series = new Map<string, Series & { readonly values: (number | undefined)[] }>();
  readonly #answered = new Set<number>();
  readonly #skipped = new Set<number>();
  #count = 0;

  constructor(startUs: Micros, intervalUs: number) {
    this.startUs = startUs;
    this.intervalUs = intervalUs;
  }

  /** Scrapes that were due so far. */
  get count(): number {
    return this.#count;
  }

  get series(): readonly Series[] {
    return [...this.#series.values()];
  }

  isAnswered(slot: number): boolean {
    return this.#answered.has(slot);
  }

  /** Nobody asked: that says nothing about the edge. */
  isSkipped(slot: number): boolean {
    return this.#skipped.has(slot);
  }

  due(slot: number): void {
    this.#count = Math.max(this.#count, slot + 1);
  }

  skip(slot: number): void {
    this.due(slot);
    this.#skipped.add(slot);
  }

  add(slot: number, name: string, labels: string, value: number): void {
    this.#answered.add(slot);
    const key = `${name}{${labels}}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { name, labels, values: [] };
      this.#series.set(key, series);
    }
    series.values[slot] = value;
  }

  addSample(slot: number, family: string, { labels, value, suffix }: Sample): void {
    this.add(slot, `${family}${suffix ?? ""}`, labelsText(labels), value);
  }

  /** A page of the text format, as an edge answers it. */
  addPage(slot: number, page: string): void {
    for (const line of page.split("\n")) {
      const [, name, labels = "", value] = LINE.exec(line) ?? [];
      if (name !== undefined) this.add(slot, name, labels, Number(value));
    }
  }
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
