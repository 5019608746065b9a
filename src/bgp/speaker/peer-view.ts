import type { Micros } from "../../core/time.ts";
import type { TimerName } from "../fsm/session.ts";
import type { Peer } from "./peer.ts";
import type { NegotiatedView, PeerView } from "./view.ts";

export function peerView(peer: Peer): PeerView {
  const { main } = peer.channels;
  const { facts } = peer;
  return {
    name: peer.name,
    slot: peer.slot,
    config: peer.config,
    state: facts.state,
    since: facts.since,
    downReason: downReason(peer, facts.because),
    lastReset: facts.lastReset,
    establishedTransitions: facts.establishedTransitions,
    lastMessageAt: facts.lastMessageAt,
    endOfRib: facts.endOfRib,
    isHeldOff: peer.gate.hold !== undefined,
    keptFamilies: peer.restart.kept,
    negotiated: negotiatedView(peer),
    timers: timersOf(peer),
    counters: peer.tally.snapshot(),
    outQueueOctets: main.connection?.queuedOctets ?? 0,
  };
}

/** An order weighs more than a failure, a failure more than a state. */
function downReason(peer: Peer, because: string | undefined): string | undefined {
  const { remoteAddress } = peer.config;
  switch (peer.facts.state) {
    case "Established":
      return undefined;
    case "OpenConfirm":
      return "waiting for the peer's KEEPALIVE";
    case "OpenSent":
      return "waiting for the peer's OPEN";
    case "Connect":
      return because ?? `connecting to ${remoteAddress}`;
    case "Active":
      return because ?? `waiting for ${remoteAddress} to connect`;
    case "Idle":
      return peer.gate.reason ?? because ?? "not started yet";
  }
}

function negotiatedView(peer: Peer): NegotiatedView | undefined {
  const { session, connection } = peer.channels.main;
  const { negotiated } = session;
  if (negotiated === undefined || connection === undefined) return undefined;
  return {
    holdTimeSec: negotiated.holdTimeSec,
    keepaliveTimeSec: negotiated.keepaliveTimeSec,
    remoteBgpIdentifier: negotiated.remoteBgpIdentifier,
    families: negotiated.families,
    as4: negotiated.wire.as4,
    extendedMessages: negotiated.wire.extendedMessages,
    routeRefresh: negotiated.routeRefresh,
    enhancedRouteRefresh: negotiated.enhancedRouteRefresh,
    localCapabilities: negotiated.localCapabilities,
    remoteCapabilities: negotiated.remoteCapabilities,
    localAddress: connection.localAddress,
    localPort: connection.localPort,
    remotePort: connection.remotePort,
  };
}

function timersOf(peer: Peer): PeerView["timers"] {
  const { timers } = peer.channels.main.session;
  const list: { name: string; at: Micros }[] = [];
  for (const name of SESSION_TIMERS) {
    const at = timers.at(name);
    if (at !== undefined) list.push({ name, at });
  }
  for (const name of PEER_TIMERS) {
    const at = peer.timers.at(name);
    if (at !== undefined) list.push({ name, at });
  }
  return list;
}

const PEER_TIMERS = [
  "PrefixLimitRestartTimer",
  "StaleRoutesTimer",
  "RefreshTimer",
  "RestartTimer",
  "StalePathTimer",
] as const;

const SESSION_TIMERS: readonly TimerName[] = [
  "ConnectRetryTimer",
  "DelayOpenTimer",
  "IdleHoldTimer",
  "HoldTimer",
  "KeepaliveTimer",
  "SendHoldTimer",
];
