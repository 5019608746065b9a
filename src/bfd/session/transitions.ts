import type { BfdState } from "../sessions/contract.ts";
import { Diag } from "../wire/control-packet.ts";

/** Where a received state leads, and the bfd.LocalDiag that goes with it. */
export interface Transition {
  readonly to: BfdState;
  /** Undefined: the diagnostic of the last failure stays, so that the peer can still read it. */
  readonly diag: number | undefined;
}

/** RFC 5880 §6.2 and the end of §6.8.6; undefined where nothing changes. */
export function transitionOn(local: BfdState, received: BfdState): Transition | undefined {
  if (local === "AdminDown") return undefined;
  if (received === "AdminDown") return local === "Down" ? undefined : SIGNALED_DOWN;
  switch (local) {
    case "Down":
      if (received === "Down") return { to: "Init", diag: undefined };
      return received === "Init" ? UP : undefined;
    case "Init":
      return received === "Down" ? undefined : UP;
    case "Up":
      return received === "Down" ? SIGNALED_DOWN : undefined;
  }
}

const UP: Transition = { to: "Up", diag: Diag.None };
const SIGNALED_DOWN: Transition = { to: "Down", diag: Diag.NeighborSignaledSessionDown };
