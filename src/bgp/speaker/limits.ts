/** Bounds of one speaker beside those of `core/limits.ts`. */
export const SPEAKER_LIMITS = {
  /** Octets of messages decoded in one slice, all peers together: a few milliseconds of work. */
  receiveOctetsPerSlice: 1 << 16,
  /** … and of one connection before the next gets its turn. */
  receiveOctetsPerTurn: 1 << 14,
  /** Octets of UPDATEs pulled for one peer in one slice. */
  updateOctetsPerSlice: 1 << 17,
  /** UPDATEs are joined until they make a write of this many octets. */
  sendChunkOctets: 1 << 15,
  /** RFC 4271 §6.8: how long an OPEN waits for that of the connection that would be kept. */
  collisionWaitSec: 5,
  /**
   * RFC 7606 §6 has a malformed UPDATE logged whole. Longer ones than this (RFC 8654) are so too,
   * but together count as one cause of `logLinesPerCausePerMinute`; the rest are cut to this.
   */
  malformedOctetsLogged: 4096,
  /** Routes of a malformed UPDATE that its line names. */
  malformedRoutesLogged: 16,
  /** RFC 7313 §4, RFC 4724 §4.2: paths no EoRR or End-of-RIB ever confirmed are dropped then. */
  staleRoutesSec: 600,
  /** RFC 4724 §4.2: a peer that restarts is waited for this long, whatever it asked for. */
  restartTimeSecMax: 120,
  /** RFC 4724 §3: what we ask of peers where we restart ourselves. */
  restartTimeSec: 120,
  /** RFC 4724 §4.1: how long a restart waits for the routes of every peer before it chooses. */
  selectionDeferralSec: 60,
} as const;
