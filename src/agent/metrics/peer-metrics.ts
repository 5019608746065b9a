import { BGP_STATES, type ResetReason } from "../../bgp/fsm/state.ts";
import type { PeerView } from "../../bgp/speaker/view.ts";
import { Afi, Safi } from "../../bgp/wire/iana.ts";
import { formatFamily, planOf } from "../api/present-bgp.ts";
import type { EdgeScrape } from "./edge-metrics.ts";
import { flag, type MetricFamily, type Sample, sample, stateSet } from "./registry.ts";

const each =
  (draw: (peer: PeerView, scrape: EdgeScrape) => readonly Sample[]) =>
  (scrape: EdgeScrape): readonly Sample[] =>
    scrape.view.speaker.peers().flatMap((peer) => draw(peer, scrape));

/** Every reason has its series from the start: a counter that appears at 1 cannot be rated. */
const RESET_REASONS: readonly ResetReason[] = [
  ...(["bfd_down", "link_down", "hold_timer", "send_hold_timer", "notification_in"] as const),
  ...(["notification_out", "tcp", "admin", "collision", "config", "prefix_limit"] as const),
  "hold_off",
];

export const PEER_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  {
    name: "causeway_bgp_peer_info",
    help: "What the peer is; always 1",
    type: "gauge",
    collect: each(({ name, config }, { view }) => {
      const plan = planOf(view, name);
      return [
        sample(
          {
            peer: name,
            circuit: plan?.circuit?.name ?? "",
            remote_addr: config.remoteAddress,
            remote_as: String(config.remoteAs),
            local_as: String(config.localAs ?? view.speaker.localAs),
            interface: plan?.device ?? "",
            description: plan?.neighbor.description ?? "",
          },
          1,
        ),
      ];
    }),
  },
  {
    name: "causeway_bgp_peer_up",
    help: "1 while the session is Established; a configured peer is never absent",
    type: "gauge",
    collect: each(({ name, state }) => [flag({ peer: name }, state === "Established")]),
  },
  {
    name: "causeway_bgp_peer_admin_up",
    help: "0 where the configuration keeps the session down",
    type: "gauge",
    collect: each(({ name, config }) => [flag({ peer: name }, !config.isShutdown)]),
  },
  {
    name: "causeway_bgp_peer_held_off",
    help: "1 while strict BFD or a dead link keeps the session in Idle",
    type: "gauge",
    collect: each(({ name, isHeldOff }) => [flag({ peer: name }, isHeldOff)]),
  },
  {
    name: "causeway_bgp_peer_state",
    help: "State of RFC 4271 §8.2.2: the one that is 1",
    type: "gauge",
    collect: each(({ name, state }) => stateSet({ peer: name }, BGP_STATES, state)),
  },
  {
    name: "causeway_bgp_peer_established_transitions_total",
    help: "Times the session became Established",
    type: "counter",
    collect: each((peer) => [sample({ peer: peer.name }, peer.establishedTransitions)]),
  },
  {
    name: "causeway_bgp_peer_resets_total",
    help: "Ends of the session by cause",
    type: "counter",
    collect: each(({ name, counters }) =>
      RESET_REASONS.map((reason) => sample({ peer: name, reason }, counters.resets[reason] ?? 0)),
    ),
  },
  {
    name: "causeway_bgp_peer_messages_total",
    help: "BGP messages by direction and type",
    type: "counter",
    collect: each(({ name, counters }) => [
      ...messages(name, "in", counters.messagesIn),
      ...messages(name, "out", counters.messagesOut),
    ]),
  },
  {
    name: "causeway_bgp_peer_discards_total",
    help: "What was discarded, treated as withdraw or refused, by reason",
    type: "counter",
    collect: each(({ name, counters }) =>
      Object.entries(counters.discards).map(([reason, count]) =>
        sample({ peer: name, reason }, count),
      ),
    ),
  },
  {
    name: "causeway_bgp_refused_connections_total",
    help: "Connections from addresses of no peer",
    type: "counter",
    collect: ({ view }) => {
      const { "unknown-peer": unknown = 0, ...others } = view.speaker.refusedConnections;
      return Object.entries({ "unknown-peer": unknown, ...others }).map(([reason, count]) =>
        sample({ reason }, count),
      );
    },
  },
  {
    name: "causeway_bgp_peer_prefixes",
    help: "Prefixes of the peer by RIB; 0 while the session is down and none are kept as stale",
    type: "gauge",
    collect: each(({ name, slot, config }, { view }) =>
      config.families.flatMap((family) => {
        const labels = { peer: name, afi_safi: formatFamily(family) };
        const counts = view.speaker.rib.counts(slot, family);
        return RIBS.map(({ rib, of }) => sample({ ...labels, rib }, counts[of]));
      }),
    ),
  },
  {
    name: "causeway_bgp_peer_prefix_limit",
    help: "Prefixes we may announce to the peer (its quota)",
    type: "gauge",
    collect: each(({ name, config }) => limits(name, config.families, config.budget?.limit)),
  },
  {
    name: "causeway_bgp_peer_max_prefix",
    help: "Prefixes accepted from the peer at most",
    type: "gauge",
    collect: each(({ name, config }) => limits(name, config.families, config.maxPrefix?.limit)),
  },
  {
    name: "causeway_bgp_peer_hold_time_seconds",
    help: "Negotiated hold time; 0 while the session is down",
    type: "gauge",
    collect: each(({ name, negotiated }) => [sample({ peer: name }, negotiated?.holdTimeSec ?? 0)]),
  },
  {
    name: "causeway_bgp_peer_last_message_age_seconds",
    help: "Since the last message of the peer; absent before the first",
    type: "gauge",
    collect: each(({ name, lastMessageAt }, { view }) =>
      lastMessageAt === undefined
        ? []
        : [sample({ peer: name }, (view.now() - lastMessageAt) / 1_000_000)],
    ),
  },
  {
    name: "causeway_bgp_peer_out_queue_bytes",
    help: "Octets that wait for the peer to take them",
    type: "gauge",
    collect: each(({ name, outQueueOctets }) => [sample({ peer: name }, outQueueOctets)]),
  },
  {
    name: "causeway_bgp_routes",
    help: "Prefixes in the Loc-RIB",
    type: "gauge",
    collect: ({ view }) =>
      [Afi.Ipv4, Afi.Ipv6].map((afi) => {
        const family = { afi, safi: Safi.Unicast };
        const routes = view.speaker.rib.locRibCount(family);
        return sample({ afi_safi: formatFamily(family) }, routes);
      }),
  },
  {
    name: "causeway_bgp_attribute_sets",
    help: "Distinct sets of path attributes held",
    type: "gauge",
    collect: ({ view }) => [sample({}, view.speaker.rib.attributeSetCount())],
  },
];

const RIBS = [
  { rib: "received", of: "received" },
  { rib: "accepted", of: "accepted" },
  { rib: "rejected", of: "rejected" },
  { rib: "stale", of: "stale" },
  { rib: "best", of: "best" },
  { rib: "advertised", of: "advertised" },
  { rib: "over_budget", of: "overBudget" },
  { rib: "over_limit", of: "overLimit" },
] as const;

const messages = (
  peer: string,
  direction: "in" | "out",
  totals: Readonly<Record<string, number>>,
): Sample[] =>
  Object.entries(totals).map(([type, count]) => sample({ peer, direction, type }, count));

const limits = (
  peer: string,
  families: PeerView["config"]["families"],
  limit: number | undefined,
): Sample[] =>
  limit === undefined
    ? []
    : families.map((family) => sample({ peer, afi_safi: formatFamily(family) }, limit));
