import type { PeerSlot, RibPeer, RibSession } from "./contract.ts";
import type { PeerOut } from "./peer-out.ts";

/** What the RIB keeps of one peer besides columns. */
export interface Peer {
  readonly slot: PeerSlot;
  config: RibPeer;
  /** Names this peer's import policy in the verdicts attribute sets remember; never used twice. */
  importKey: number;
  session: RibSession | undefined;
  /** What the session was told and is yet to be told; there is one while it is Established. */
  out: PeerOut | undefined;
  /** By family: IPv4, IPv6. */
  readonly limits: readonly [LimitState, LimitState];
}

/** How a peer stands to its max-prefix limit in one family. */
export interface LimitState {
  isWarned: boolean;
  isExceeded: boolean;
  /** Something was refused by the UPDATE at hand. */
  hasDropped: boolean;
  /** Prefixes `drop-newest` refused in this session. */
  dropped: number;
}
