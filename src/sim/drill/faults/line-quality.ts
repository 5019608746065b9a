/** What `degrade` makes of a line: its parameters, their words, and what belongs together. */
import { bandwidth, count, duration, percent } from "../file/parameters.ts";

export const QUALITIES = {
  lossPercent: percent("loss").optional,
  /** Mean length of a run of lost packets; undefined: each is lost on its own. */
  burst: count("burst", 2, 1000).optional,
  latencyUs: duration("latency").optional,
  jitterUs: duration("jitter").optional,
  duplicatePercent: percent("duplicate").optional,
  reorderPercent: percent("reorder").optional,
  corruptPercent: percent("corrupt").optional,
  mtu: count("mtu", 68, 9216).optional,
  rateBps: bandwidth("rate").optional,
  /** What may wait for the rate. */
  queueUs: duration("queue").optional,
};

type LineQuality = {
  readonly [Name in keyof typeof QUALITIES]: number | undefined;
};

export function qualityText(of: LineQuality): string {
  const parts: [number | undefined, (value: number) => string][] = [
    [of.lossPercent, (value) => `loss ${value} %${burstText(of.burst)}`],
    [of.latencyUs, (value) => `latency ${value / 1000} ms`],
    [of.jitterUs, (value) => `jitter ${value / 1000} ms`],
    [of.duplicatePercent, (value) => `${value} % twice`],
    [of.reorderPercent, (value) => `${value} % out of order`],
    [of.corruptPercent, (value) => `${value} % damaged`],
    [of.mtu, (value) => `MTU ${value}`],
    [of.rateBps, (value) => `${value / 1e6} Mbps`],
    [of.queueUs, (value) => `queue ${value / 1000} ms`],
  ];
  return parts.flatMap(([value, text]) => (value === undefined ? [] : [text(value)])).join(", ");
}

const burstText = (burst: number | undefined): string =>
  burst === undefined ? "" : ` in bursts of ${burst}`;

export function qualityFault(of: LineQuality): string | undefined {
  if (of.burst !== undefined && of.lossPercent === undefined) return `"burst" needs "loss"`;
  if (of.queueUs !== undefined && of.rateBps === undefined) return `"queue" needs "rate"`;
  return qualityText(of) === "" ? "it names no quality, such as loss: 5%" : undefined;
}
