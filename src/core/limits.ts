/** Maxima shared by the rings; every queue, table and loop of theirs names one of these. */
export const LIMITS = {
  /** Peers a speaker may be configured with; their slots are 16-bit columns. */
  peers: 4096,
  /** Paths one prefix may keep as equal best (design §5.3; ECR allows 32). */
  multipath: 64,
  /** Octets queued towards a peer before its updates wait for the socket to drain. */
  sendQueueOctets: 1 << 20,
  /** Octets a peer may send ahead of their digestion before its socket is no longer read. */
  receiveQueueOctets: 1 << 20,
  /** ROUTE-REFRESHs and BoRRs of one peer served in a minute; see `RefreshOut` and `RefreshIn`. */
  refreshesPerMinute: 10,
  /** Connections of one peer taken in a minute, whatever becomes of them; the rest are refused. */
  connectionsPerMinute: 60,
  /** Prefixes of a family one peer may hold where its `maxPrefix` allows more: the newest go. */
  routesPerPeer: 1 << 22,
  /**
   * Distinct attribute sets of one peer, and the octets they have together. A table of a million
   * routes comes to some 150,000 sets and 15 MiB; what is beyond is treated as withdrawn.
   */
  attributeSetsPerPeer: 1 << 20,
  attributeOctetsPerPeer: 1 << 27,
  /** Next hops the agent asks the host about; those beyond count as unreachable. */
  nextHops: 4096,
  /** Log lines one cause of one peer may write in a minute; the rest are counted. */
  logLinesPerCausePerMinute: 10,
  /** One run-to-completion slice of table work (design §3): prefixes decided at a time. */
  dirtyPrefixesPerSlice: 8192,
  /** ASNs an accepted AS_PATH may have (RFC 7606 leaves the ceiling to us; see CVE-2025-20115). */
  asPathLength: 2048,
  /** Distinct BFD sessions of one engine. */
  bfdSessions: 4096,
} as const;
