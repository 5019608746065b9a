/**
 * What a run of the agent leaves to the next one when it goes to be started again (RFC 4724 §4.1):
 * who its peers were, and when. Only with such a note does a start claim to be a restart; one after
 * a crash, a power cut or a day off has none, adopts whatever routes the kernel still has, and
 * claims nothing. Which families' routes were kept is asked of the kernel, never of the note.
 */
import { SPEAKER_LIMITS } from "../bgp/speaker/limits.ts";
import type { PeerView } from "../bgp/speaker/view.ts";
import { Afi, Safi } from "../bgp/wire/iana.ts";
import type { Family } from "../bgp/wire/message.ts";
import type { KernelRoute } from "../platform/contract.ts";
import type { EdgeConfig } from "./config/edge-config.ts";

export interface RestartNote {
  readonly version: 1;
  /** When the run ended, by the wall clock: monotonic time may not outlive it. */
  readonly atMs: number;
  readonly localAs: number;
  readonly routerId: string;
  /** Peers with a session and graceful restart: they keep our routes, and send theirs again. */
  readonly peers: readonly string[];
  /** Peers with a session and without: nothing says when they have sent everything. */
  readonly others: readonly string[];
}

export function restartNote(
  { localAs, routerId }: EdgeConfig,
  peers: readonly PeerView[],
  atMs: number,
): RestartNote {
  const up = peers.filter(({ state }) => state === "Established");
  const names = (list: readonly PeerView[]) => list.map(({ name }) => name);
  return {
    ...{ version: 1, atMs, localAs, routerId },
    peers: names(up.filter(isGraceful)),
    others: names(up.filter((peer) => !isGraceful(peer))),
  };
}

const isGraceful = ({ negotiated }: PeerView): boolean =>
  [negotiated?.localCapabilities, negotiated?.remoteCapabilities].every(
    (list) => list?.some(({ kind }) => kind === "graceful-restart") === true,
  );

/** Undefined for whatever is no note of ours. */
export function parseRestartNote(value: unknown): RestartNote | undefined {
  return isNote(value) ? value : undefined;
}

function isNote(value: unknown): value is RestartNote {
  if (typeof value !== "object" || value === null) return false;
  const { version, atMs, localAs, routerId, peers, others } = value as Partial<RestartNote>;
  const areNames = (list: unknown) =>
    Array.isArray(list) && list.every((name) => typeof name === "string");
  return (
    version === 1 &&
    typeof atMs === "number" &&
    typeof localAs === "number" &&
    typeof routerId === "string" &&
    areNames(peers) &&
    areNames(others)
  );
}

/**
 * Peers keep our routes for the Restart Time we announced and no longer, and only those of the
 * router they knew. Why the note does not count, or undefined where it does.
 */
export function whyNoRestart(
  note: RestartNote,
  config: EdgeConfig,
  nowMs: number,
): string | undefined {
  if (note.localAs !== config.localAs || note.routerId !== config.routerId) {
    return "the AS or the router id is another one";
  }
  const agoSec = (nowMs - note.atMs) / 1_000;
  if (agoSec < 0) return "the run before ended in the future: the wall clock was set back";
  const { restartTimeSec } = SPEAKER_LIMITS;
  return agoSec > restartTimeSec
    ? `the run before ended ${Math.round(agoSec)} s ago, peers wait ${restartTimeSec} s`
    : undefined;
}

/** Families of which the kernel still has routes of ours. */
export function preservedFamilies(routes: readonly KernelRoute[]): readonly Family[] {
  const has = (isIpv6: boolean) => routes.some(({ prefix }) => prefix.includes(":") === isIpv6);
  return [
    ...(has(false) ? [{ afi: Afi.Ipv4, safi: Safi.Unicast }] : []),
    ...(has(true) ? [{ afi: Afi.Ipv6, safi: Safi.Unicast }] : []),
  ];
}
