import { type Metric, Registry } from "prom-client";

/** One line of a scrape; `suffix` is for the parts of a histogram. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

/** A metric as data: drawn from what a scrape found, when it is scraped. */
export interface MetricFamily<Found> {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram";
  collect(found: Found): readonly Sample[];
}

/**
 * Metrics drawn from views at a scrape: nothing is counted twice, and what is gone from the view is
 * gone from the page. prom-client knows the text format; its own metric classes count, so the
 * registry is given objects that answer `get` as those do.
 */
export class ScrapeRegistry<Found> {
  readonly #registry = new Registry();
  #found: Found | undefined;

  constructor(families: readonly MetricFamily<Found>[]) {
    for (const family of families) {
      const { name, help, type } = family;
      const metric = {
        ...{ name, help, type, aggregator: "sum" },
        get: async () => ({ name, help, type, values: this.#values(family) }),
      };
      this.#registry.registerMetric(metric as unknown as Metric);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(found: Found): Promise<string> {
    this.#found = found;
    return await this.#registry.metrics();
  }

  #values(family: MetricFamily<Found>) {
    if (this.#found === undefined) return [];
    return family.collect(this.#found).map(({ labels, value, suffix }) => {
      return { labels, value, metricName: `${family.name}${suffix ?? ""}` };
    });
  }
}

/** As they stand between the braces of the text format. */
export const labelsText = (labels: Sample["labels"]): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');

export const sample = (labels: Readonly<Record<string, string>>, value: number): Sample => {
  return { labels, value };
};

export const flag = (labels: Readonly<Record<string, string>>, isOn: boolean): Sample =>
  sample(labels, isOn ? 1 : 0);

/** One series per state of which exactly one is 1, as OpenMetrics' StateSet. */
export const stateSet = (
  labels: Readonly<Record<string, string>>,
  states: readonly string[],
  current: string,
): Sample[] => states.map((state) => flag({ ...labels, state }, state === current));

/** Counts cumulated per bound, the last one for all; microseconds in, seconds out. */
export function histogramSamples(
  labels: Readonly<Record<string, string>>,
  boundsUs: readonly number[],
  histogram: { readonly counts: readonly number[]; readonly sumUs: number },
): Sample[] {
  const { counts, sumUs } = histogram;
  const all = counts[boundsUs.length] ?? counts.at(-1) ?? 0;
  const buckets = boundsUs.map((bound, index): Sample => {
    const le = String(bound / 1_000_000);
    return { labels: { ...labels, le }, value: counts[index] ?? 0, suffix: "_bucket" };
  });
  return [
    ...buckets,
    { labels: { ...labels, le: "+Inf" }, value: all, suffix: "_bucket" },
    { labels, value: sumUs / 1_000_000, suffix: "_sum" },
    { labels, value: all, suffix: "_count" },
  ];
}
