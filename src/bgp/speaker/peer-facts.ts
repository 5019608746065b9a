import type { Micros } from "../../core/time.ts";
import type { BgpState } from "../fsm/state.ts";
import type { Family } from "../wire/message.ts";
import type { LastReset } from "./view.ts";

/** What became of a peer. */
export interface PeerFacts {
  readonly state: BgpState;
  readonly since: Micros;
  /** The cause of the last failure, in a sentence; undefined once it was overcome. */
  readonly because: string | undefined;
  readonly lastReset: LastReset | undefined;
  readonly establishedTransitions: number;
  readonly lastMessageAt: Micros | undefined;
  readonly endOfRib: readonly Family[];
}

export const newFacts = (now: Micros): PeerFacts => ({
  state: "Idle",
  since: now,
  because: undefined,
  lastReset: undefined,
  establishedTransitions: 0,
  lastMessageAt: undefined,
  endOfRib: [],
});
