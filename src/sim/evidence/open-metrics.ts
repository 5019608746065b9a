/**
 * What was scraped during a drill as OpenMetrics text with its times, for `promtool tsdb
 * create-blocks-from openmetrics` and so for any question that was not asked before.
 */
import { EDGE_METRICS } from "../../agent/metrics/edge-metrics.ts";
import type { ScrapeLog, Series } from "../alerts/scrape-log.ts";

/** `epochUs`: what 1970 is on the log's clock, negated; `instance`: how the edge is called. */
export function openMetrics(
  log: ScrapeLog,
  { epochUs, instance }: { readonly epochUs: number; readonly instance: string },
): readonly string[] {
  const target = `instance=${JSON.stringify(instance)},job="causeway"`;
  const atSec = (slot: number) =>
    ((epochUs + log.startUs + slot * log.intervalUs) / 1e6).toFixed(3);
  const slots = Array.from({ length: log.count }, (_, slot) => slot);
  const asked = slots.filter((slot) => !log.isSkipped(slot));
  const up = asked.map((slot) => `up{${target}} ${log.isAnswered(slot) ? 1 : 0} ${atSec(slot)}`);
  const lines = ["# TYPE up gauge", "# HELP up 1 where the scrape was answered", ...up];
  for (const { name, type, help } of EDGE_METRICS) {
    const own = log.series.filter((series) => familyOf(series.name, type) === name);
    if (own.length === 0) continue;
    const family = type === "counter" ? name.replace(/_total$/, "") : name;
    lines.push(`# TYPE ${family} ${type}`, `# HELP ${family} ${escaped(help)}`);
    // All points of one set of labels, in order, before the next: a histogram is one metric.
    for (const metric of byMetric(own)) {
      for (const slot of slots) {
        for (const { name: sample, labels, values } of metric) {
          const value = values[slot];
          if (value === undefined) continue;
          const all = labels === "" ? target : `${target},${labels}`;
          lines.push(`${sample}{${all}} ${value} ${atSec(slot)}`);
        }
      }
    }
  }
  return [...lines, "# EOF"];
}

const familyOf = (sample: string, type: string): string =>
  type === "histogram" ? sample.replace(/_(bucket|sum|count)$/, "") : sample;

function byMetric(series: readonly Series[]): readonly (readonly Series[])[] {
  const metrics = new Map<string, Series[]>();
  for (const one of series) {
    const key = one.labels.replace(/,?le="[^"]*"/, "");
    const known = metrics.get(key);
    if (known === undefined) metrics.set(key, [one]);
    else known.push(one);
  }
  return [...metrics.values()];
}

const escaped = (help: string): string => help.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
