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
  /** Log lines one cause of one peer may write in a minute; the rest are counted. */
  logLinesPerCausePerMinute: 10,
  /** One run-to-completion slice of table work (design §3): prefixes decided at a time. */
  dirtyPrefixesPerSlice: 8192,
  /** ASNs an accepted AS_PATH may have (RFC 7606 leaves the ceiling to us; see CVE-2025-20115). */
  asPathLength: 2048,
  /** Distinct BFD sessions of one engine. */
  bfdSessions: 4096,
} as const;
