import type { BfdState } from "../sessions/contract.ts";
import type { ControlPacket } from "../wire/control-packet.ts";

/**
 * The variables of RFC 5880 §6.8.1 that are not timing of our own (`timing.ts`) nor authentication
 * (`authentication.ts`), with their initial values. bfd.DemandMode is always 0: we never ask for
 * it.
 */
export interface SessionVariables {
  sessionState: BfdState;
  localDiag: number;
  readonly localDiscr: number;
  /** 0 while the remote system is unknown or silent for a Detection Time. */
  remoteDiscr: number;
  remoteSessionState: BfdState;
  remoteDiag: number;
  remoteDemandMode: boolean;
  remoteMinRxIntervalUs: number;
  /** Last Desired Min TX Interval and Detect Mult received; 0 before the first packet. */
  remoteDesiredMinTxIntervalUs: number;
  remoteDetectMult: number;
}

export const initialVariables = (localDiscr: number, isAdminDown: boolean): SessionVariables => ({
  sessionState: isAdminDown ? "AdminDown" : "Down",
  localDiag: isAdminDown ? 7 : 0,
  localDiscr,
  remoteDiscr: 0,
  remoteSessionState: "Down",
  remoteDiag: 0,
  remoteDemandMode: false,
  remoteMinRxIntervalUs: 1,
  remoteDesiredMinTxIntervalUs: 0,
  remoteDetectMult: 0,
});

/** RFC 5880 §6.8.6, the middle part: what a valid packet tells of its sender. */
export function learnRemote(variables: SessionVariables, packet: ControlPacket): void {
  variables.remoteDiscr = packet.myDiscriminator;
  variables.remoteSessionState = packet.state;
  variables.remoteDiag = packet.diag;
  variables.remoteDemandMode = packet.demand;
  variables.remoteMinRxIntervalUs = packet.requiredMinRxIntervalUs;
  variables.remoteDesiredMinTxIntervalUs = packet.desiredMinTxIntervalUs;
  variables.remoteDetectMult = packet.detectMult;
}

/**
 * A Detection Time without a packet: bfd.RemoteDiscr becomes 0 (RFC 5880 §6.8.1), or a peer that
 * came back with another one would be addressed by the old. Its other wishes go with it: a peer
 * that asked for silence and then died must be looked for again.
 */
export function forgetRemote(variables: SessionVariables): void {
  variables.remoteDiscr = 0;
  variables.remoteSessionState = "Down";
  variables.remoteDemandMode = false;
  variables.remoteMinRxIntervalUs = 1;
}
