/** What happens to a packet on the way; the same in every direction or one by one (`shape`). */
export interface LinkQuality {
  readonly latencyUs: number;
  /** Added to the latency, uniform in [0, jitterUs]; order is kept. */
  readonly jitterUs: number;
  /** Probability in [0, 1] that a packet is lost. */
  readonly loss: number;
  /** Mean length of a run of lost packets, 1 where each is lost on its own (Gilbert's model). */
  readonly lossBurst: number;
  /** Probability that a packet is damaged, so that the checksum of its end drops it. */
  readonly corrupt: number;
  /** Probability that a packet arrives twice. */
  readonly duplicate: number;
  /** Probability that a packet is overtaken: it takes up to `reorderUs` longer, order not kept. */
  readonly reorder: number;
  readonly reorderUs: number;
  /** Packets leave one behind the other at this rate; undefined: at once. */
  readonly bandwidthBps: number | undefined;
  /** Octets that may wait for the bandwidth; what exceeds it is lost. */
  readonly queueOctets: number;
  /** No flow gets more than this, whatever the bandwidth; undefined: as much as there is. */
  readonly flowBps: number | undefined;
  /** Longer packets vanish without a word, whatever the interfaces believe. */
  readonly mtu: number;
}

export const PERFECT_LINK: LinkQuality = {
  latencyUs: 0,
  jitterUs: 0,
  loss: 0,
  lossBurst: 1,
  corrupt: 0,
  duplicate: 0,
  reorder: 0,
  reorderUs: 0,
  bandwidthBps: undefined,
  queueOctets: 1 << 20,
  flowBps: undefined,
  mtu: 65_535,
};

/** Written out, so that every quality looks the same to the engine. */
export function changed(quality: LinkQuality, change: Partial<LinkQuality>): LinkQuality {
  return {
    latencyUs: change.latencyUs ?? quality.latencyUs,
    jitterUs: change.jitterUs ?? quality.jitterUs,
    loss: change.loss ?? quality.loss,
    lossBurst: change.lossBurst ?? quality.lossBurst,
    corrupt: change.corrupt ?? quality.corrupt,
    duplicate: change.duplicate ?? quality.duplicate,
    reorder: change.reorder ?? quality.reorder,
    reorderUs: change.reorderUs ?? quality.reorderUs,
    bandwidthBps: "bandwidthBps" in change ? change.bandwidthBps : quality.bandwidthBps,
    queueOctets: change.queueOctets ?? quality.queueOctets,
    flowBps: "flowBps" in change ? change.flowBps : quality.flowBps,
    mtu: change.mtu ?? quality.mtu,
  };
}
