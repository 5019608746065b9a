import { BFD_STATES, type BfdSessionView } from "../../bfd/sessions/contract.ts";
import type { EdgeScrape } from "./edge-metrics.ts";
import {
  flag,
  histogramSamples,
  type MetricFamily,
  type Sample,
  sample,
  stateSet,
} from "./registry.ts";

const each =
  (draw: (session: BfdSessionView) => readonly Sample[]) =>
  ({ bfd }: EdgeScrape): readonly Sample[] =>
    bfd.flatMap(draw);

export const BFD_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  {
    name: "causeway_bfd_session_up",
    help: "1 while the BFD session is Up",
    type: "gauge",
    collect: each(({ name, state }) => [flag({ peer: name }, state === "Up")]),
  },
  {
    name: "causeway_bfd_session_state",
    help: "State of RFC 5880 §6.2: the one that is 1",
    type: "gauge",
    collect: each(({ name, state }) => stateSet({ peer: name }, BFD_STATES, state)),
  },
  {
    name: "causeway_bfd_session_detect_time_seconds",
    help: "Silence after which the path counts as dead, as negotiated",
    type: "gauge",
    collect: each(({ name, detectionTimeUs }) => [seconds(name, detectionTimeUs)]),
  },
  {
    name: "causeway_bfd_session_tx_interval_seconds",
    help: "Interval we send at, as negotiated",
    type: "gauge",
    collect: each(({ name, txIntervalUs }) => [seconds(name, txIntervalUs)]),
  },
  {
    name: "causeway_bfd_session_rx_interval_seconds",
    help: "Interval the peer sends at, as negotiated",
    type: "gauge",
    collect: each(({ name, rxIntervalUs }) => [seconds(name, rxIntervalUs)]),
  },
  {
    name: "causeway_bfd_session_transitions_total",
    help: "Changes of state with the diagnostic given",
    type: "counter",
    collect: each(({ name, transitions }) =>
      Object.entries(transitions).map(([key, count]) => {
        const [change = "", diag = ""] = key.split("/");
        const [from = "", to = ""] = change.split(">");
        return sample({ peer: name, from, to, diag }, count);
      }),
    ),
  },
  {
    name: "causeway_bfd_packets_total",
    help: "BFD control packets",
    type: "counter",
    collect: each(({ name, packetsIn, packetsOut }) => [
      sample({ peer: name, direction: "in" }, packetsIn),
      sample({ peer: name, direction: "out" }, packetsOut),
    ]),
  },
  {
    name: "causeway_bfd_packets_discarded_total",
    help: "BFD control packets discarded, by the step of RFC 5880 §6.8.6",
    type: "counter",
    collect: each(({ name, discards }) =>
      Object.entries(discards).map(([reason, count]) => sample({ peer: name, reason }, count)),
    ),
  },
  {
    name: "causeway_bfd_tx_lateness_seconds",
    help: "How late our BFD packets left",
    type: "histogram",
    collect: each(({ name, txLateness }) =>
      histogramSamples({ peer: name }, txLateness.boundsUs, txLateness),
    ),
  },
  {
    name: "causeway_bfd_rx_gap_seconds",
    help: "Time between two BFD packets of the peer",
    type: "histogram",
    collect: each(({ name, rxGap }) => histogramSamples({ peer: name }, rxGap.boundsUs, rxGap)),
  },
  {
    name: "causeway_bfd_engine_up",
    help: "1 while the BFD engine runs; where it does not, sessions are unknown, not Down",
    type: "gauge",
    collect: ({ view }) => {
      const check = view.health.checks.find(({ name }) => name === "bfd-engine");
      return [flag({}, check?.isOk ?? false)];
    },
  },
];

const seconds = (peer: string, us: number): Sample => sample({ peer }, us / 1_000_000);
