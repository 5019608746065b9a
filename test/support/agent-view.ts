/** An edge's read model made by hand: two circuits, one up and one down, with a bit of everything. */
import type { CircuitView } from "../../src/agent/circuits.ts";
import type { EdgeConfig, Secret } from "../../src/agent/config/edge-config.ts";
import { EventJournal } from "../../src/agent/event-journal.ts";
import type { FibGroupView } from "../../src/agent/fib.ts";
import { FibCounters } from "../../src/agent/fib-counters.ts";
import { buildSpeakerConfig } from "../../src/agent/speaker-config.ts";
import type { AgentView, HealthCheck } from "../../src/agent/view.ts";
import type { BfdSessionView } from "../../src/bfd/sessions/contract.ts";
import type { PeerSlot, RouteRow } from "../../src/bgp/rib/contract.ts";
import type { MessageKind, PeerView } from "../../src/bgp/speaker/view.ts";
import { Afi } from "../../src/core/address.ts";
import { micros } from "../../src/core/time.ts";
import { edgeConfig, FakeClock, neighbor } from "./agent-fakes.ts";

export const START_MS = Date.UTC(2026, 10, 21, 12, 0, 0);

const slotOf = (index: number) => (index + 1) as PeerSlot;

export function fakeConfig(): EdgeConfig {
  const secret: Secret = { reveal: () => "hunter2", toString: () => "***", toJSON: () => "***" };
  const session = (name: string, index: number) =>
    neighbor({
      ...{ name, description: `circuit ${index}`, remoteAddress: `10.0.${index}.2` },
      ...{ localAddress: `10.0.${index}.1`, md5Key: secret, ttl: 255, minTtl: 255 },
      budget: { limit: 110, ranks: [] },
      maxPrefix: { limit: 500, warnAtPercent: 80, action: "reset", restartSec: 60 },
      bfd: { auth: { type: "keyed-sha1", sendKeyId: 1, keys: [{ id: 1, secret: KEY }] } },
    });
  return edgeConfig({
    circuits: ["vbr1", "vbr2"].map((name, at) => ({
      ...{ name, profile: "alibaba-vbr", device: `eth${at + 1}.100`, weight: 1 },
      capacityBps: 1_000_000_000,
      vlan: { parent: `eth${at + 1}`, id: 100, addresses: [], mtu: undefined },
      sessions: [session(name, at + 1)],
    })),
  });
}

const KEY = Uint8Array.of(104, 117, 110, 116);

const messages = (count: number): Record<MessageKind, number> => {
  return { open: 1, update: count, notification: 0, keepalive: count * 2, "route-refresh": 0 };
};

function peerView(config: EdgeConfig, index: number, isUp: boolean): PeerView {
  const peer = buildSpeakerConfig(config).peers[index];
  if (peer === undefined) throw new Error("no such peer");
  return {
    ...{ name: peer.name, slot: slotOf(index), config: peer, since: micros(1_000_000) },
    state: isUp ? "Established" : "Idle",
    downReason: isUp ? undefined : "hold timer expired after 30 s of silence",
    isHeldOff: false,
    negotiated: isUp
      ? {
          ...{ holdTimeSec: 30, keepaliveTimeSec: 10, remoteBgpIdentifier: 0x0a00_0102 },
          ...{ families: peer.families, as4: true, extendedMessages: false },
          ...{ routeRefresh: true, enhancedRouteRefresh: false },
          ...{ localAddress: "10.0.1.1", localPort: 40_000, remotePort: 179 },
          localCapabilities: [{ kind: "four-octet-as", as: 65_001 }, { kind: "route-refresh" }],
          remoteCapabilities: [{ kind: "multiprotocol", family: { afi: 1, safi: 1 } }],
        }
      : undefined,
    timers: isUp ? [{ name: "HoldTimer", at: micros(91_000_000) }] : [],
    establishedTransitions: 2,
    lastReset: isUp
      ? undefined
      : { at: micros(2_000_000), reason: "hold_timer", text: "hold timer expired", code: 4 },
    counters: {
      ...{ messagesIn: messages(5), messagesOut: messages(6) },
      ...{ resets: { hold_timer: 1 }, discards: { "as-path-length": 3 } },
    },
    keptFamilies: [],
    endOfRib: isUp ? peer.families : [],
    ...{ outQueueOctets: 0, lastMessageAt: isUp ? micros(59_000_000) : undefined },
  };
}

function bfdView(name: string, isUp: boolean): BfdSessionView {
  const histogram = { boundsUs: [100, 1_000], counts: [3, 7, 9], sumUs: 12_345 };
  return {
    ...{ name, mode: "single-hop", localAddress: "10.0.1.1", remoteAddress: "10.0.1.2" },
    ...{ device: "eth1.100", state: isUp ? "Up" : "Down", since: micros(1_000_000) },
    ...{ diag: isUp ? 0 : 1, remoteState: isUp ? "Up" : "Down", remoteDiag: 0 },
    ...{ localDiscriminator: 7, remoteDiscriminator: 9, detectMult: 3, remoteDetectMult: 3 },
    ...{ desiredMinTxIntervalUs: 50_000, requiredMinRxIntervalUs: 50_000 },
    ...{ remoteDesiredMinTxIntervalUs: 50_000, remoteRequiredMinRxIntervalUs: 50_000 },
    ...{ txIntervalUs: 50_000, rxIntervalUs: 50_000, detectionTimeUs: 150_000 },
    ...{ isPolling: false, lastPacketAt: isUp ? micros(59_990_000) : undefined },
    ...{ packetsIn: isUp ? 100 : 0, packetsOut: 101, discards: { ttl: 2 } },
    ...{ transitions: { "Up>Down/1": 1 }, txLateness: histogram, rxGap: histogram },
  };
}

const ROW: RouteRow = {
  ...{ prefix: "172.16.0.0/12", slot: slotOf(0), nextHop: "10.0.1.2" },
  attributes: {
    ...{ origin: 0, asPath: [{ type: 2, ases: [45_104, 4_200_000_000] }] },
    ...{ nextHop: Uint8Array.of(10, 0, 1, 2), med: 10, localPref: 200 },
    ...{ communities: [0xffff_0000, (45_104 << 16) >>> 0], largeCommunities: [45_104, 1, 2] },
  },
  ...{ isBest: true, isMultipath: false, isStale: false },
};

const GROUP: FibGroupView = {
  ...{ id: 1, afi: Afi.Ipv4, circuits: ["vbr1"], via: "primary" },
  hops: [{ gateway: "10.0.1.2", device: "eth1.100", weight: 1 }],
};

/** The clock stands 60 s after the start. */
export function fakeAgent() {
  const clock = new FakeClock();
  clock.advance(60_000_000);
  const config = fakeConfig();
  const peers = [peerView(config, 0, true), peerView(config, 1, false)];
  const counters = new FibCounters();
  const refused = { op: "route-add", subject: "10.1.0.0/16", errno: "ENETUNREACH" } as const;
  counters.program("route-apply", 500, [{ ...refused, text: "Nexthop has invalid gateway" }]);
  const checks: HealthCheck[] = [
    { name: "started", isOk: true, text: "running" },
    { name: "fib", isOk: false, text: "10.1.0.0/16: Nexthop has invalid gateway" },
  ];
  const none = {
    ...{ received: 0, accepted: 0, rejected: 0, stale: 0, best: 0, advertised: 0 },
    ...{ overBudget: 0, overLimit: 0 },
  };
  const kept = { ...none, received: 4, accepted: 4, stale: 4, best: 4 };
  const some = { ...none, received: 12, accepted: 10, rejected: 2, best: 10, advertised: 3 };
  const rows = Array.from({ length: 25 }, (_, at) => ({ ...ROW, prefix: `172.16.${at}.0/24` }));
  const lost = { lostAt: "local-pref", because: "LOCAL_PREF 100 < 200" };
  const view: AgentView = {
    ...{ config, now: () => clock.now(), startedAt: micros(0) },
    bfdRecording: (told) => told("", true),
    speaker: {
      ...{ localAs: 65_001, bgpIdentifier: 0x0a00_0001, peers: () => peers },
      peer: (name) => peers.find((peer) => peer.name === name),
      peerName: (slot) => peers.find((peer) => peer.slot === slot)?.name ?? "local",
      deferrals: [{ family: { afi: 2, safi: 1 }, awaited: ["vbr2"] }],
      isSettled: true,
      refusedConnections: { "unknown-peer": 1 },
      rib: {
        counts: (slot) => (slot === slotOf(0) ? some : kept),
        locRibCount: ({ afi }) => (afi === Afi.Ipv4 ? 10 : 0),
        explain: (prefix) =>
          prefix !== ROW.prefix
            ? undefined
            : {
                prefix,
                candidates: [ROW, { ...ROW, slot: slotOf(1), isBest: false, ...lost }],
              },
        lookup: (address) => (address.startsWith("172.16.") ? ROW.prefix : undefined),
        routes: ({ rib, offset, limit }) =>
          rib === "rejected"
            ? [{ ...ROW, isBest: false, rejectedBy: "from-cloud/own-networks" }]
            : rows.slice(offset, offset + limit),
        attributeSetCount: () => 4,
      },
    },
    fib: {
      ...{ kind: "virtual", routes: { ipv4: 10, ipv6: 0 }, groups: () => [GROUP] },
      ...{ isSynced: false, pendingOperations: 0, counters: counters.view() },
      route: (prefix) => (prefix === ROW.prefix ? GROUP : undefined),
    },
    circuits: () =>
      config.circuits.map(
        (circuit, at): CircuitView => ({
          ...{ name: circuit.name, config: circuit, since: micros(1_000_000), isLinkUp: true },
          state: at === 0 ? "up" : "down",
          use: "in-use",
          reason: at === 0 ? undefined : "BFD Down: nothing heard for 150ms",
          sessions: [
            {
              ...{ peer: circuit.name, isUsable: at === 0, failback: undefined },
              state: at === 0 ? "Established" : "Idle",
            },
          ],
        }),
      ),
    capacity: { loadBps: 6e8, lost: "vbr1", leftBps: 0, isEnough: false },
    path: (peer) => ({
      ...{ bfd: peer === "vbr1" ? "Up" : "Down", since: micros(1_000_000), diag: 0 },
      ...{ remoteState: undefined, isStrict: false, heldBecause: undefined, failure: undefined },
    }),
    bfd: (done) => done([bfdView("vbr1", true), bfdView("vbr2", false)]),
    health: { isHealthy: false, isReady: true, checks },
    lastReload: { generation: 1, at: micros(0), isSuccess: true, text: "started" },
    wallMs: (at) => START_MS + at / 1_000,
  };
  const journal = new EventJournal({
    clock,
    wallClock: { nowMs: () => START_MS + clock.now() / 1_000 },
    log: { write: () => undefined },
  });
  return { view, journal, clock };
}
