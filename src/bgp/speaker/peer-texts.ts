import type { BgpState } from "../fsm/state.ts";
import type { SpeakerInput } from "./inputs.ts";

type Closed = Extract<SpeakerInput, { readonly kind: "tcp-closed" }>;

/** How a connection ended, in a sentence; `dialled` where it was still being opened. */
export function closeText({ cause, text }: Closed, dialled: string | undefined): string {
  if (dialled !== undefined) {
    const how = DIAL_FAILURES[cause];
    return how === undefined
      ? `TCP connection to ${dialled} failed: ${text}`
      : `TCP connection to ${dialled} ${how}`;
  }
  if (cause === "fin") return "peer closed the TCP connection";
  if (cause === "reset") return "peer reset the TCP connection";
  return `TCP connection lost: ${text}`;
}

const DIAL_FAILURES: Readonly<Partial<Record<Closed["cause"], string>>> = {
  refused: "refused",
  unreachable: "failed: unreachable",
  timeout: "timed out",
  reset: "reset",
};

/** What a peer has come to, in a sentence. */
export const STATE_TEXTS: Readonly<Record<BgpState, string>> = {
  Idle: "stopped",
  Connect: "opening a TCP connection",
  Active: "waiting for the peer to connect",
  OpenSent: "TCP connection up, OPEN sent",
  OpenConfirm: "the peer's OPEN is good, waiting for its KEEPALIVE",
  Established: "session established",
};
