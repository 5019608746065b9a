import type { BfdSessionView } from "../../bfd/sessions/contract.ts";
import { CIRCUIT_USES, type CircuitView } from "../circuits.ts";
import { FIB_BOUNDS_US, type FibHistogram } from "../fib-counters.ts";
import { VERSION } from "../version.ts";
import type { AgentView } from "../view.ts";
import { BFD_METRICS } from "./bfd-metrics.ts";
import { LAG_BOUNDS_US } from "./loop-lag.ts";
import { PEER_METRICS } from "./peer-metrics.ts";
import { flag, histogramSamples, type MetricFamily, sample, stateSet } from "./registry.ts";

/** What one scrape looks at. */
export interface EdgeScrape {
  readonly view: AgentView;
  readonly bfd: readonly BfdSessionView[];
}

/** With what only a real process has. */
export interface Scrape extends EdgeScrape {
  readonly loopLag: FibHistogram;
  readonly process: {
    readonly node: string;
    readonly rssOctets: number;
    readonly cpuSec: number;
    readonly startedSec: number;
  };
}

const CIRCUIT_STATES = ["up", "degraded", "down"] as const;
const GROUP_SOURCES = ["primary", "backup", "stranded", "unplaced"] as const;

const CIRCUIT_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  {
    name: "causeway_circuit_up",
    help: "1 while at least one session of the circuit carries traffic",
    type: "gauge",
    collect: ({ view }) =>
      view.circuits().map(({ name, state }) => flag({ circuit: name }, state !== "down")),
  },
  {
    name: "causeway_circuit_state",
    help: "State of the circuit: the one that is 1",
    type: "gauge",
    collect: ({ view }) =>
      view
        .circuits()
        .flatMap(({ name, state }) => stateSet({ circuit: name }, CIRCUIT_STATES, state)),
  },
  {
    name: "causeway_circuit_link_up",
    help: "1 while the interface of the circuit is set up and has carrier",
    type: "gauge",
    collect: ({ view }) =>
      view.circuits().map(({ name, isLinkUp }) => flag({ circuit: name }, isLinkUp)),
  },
];

/** Failures of the session that the flap budget remembers most of. */
const failuresOf = ({ sessions }: CircuitView): number =>
  Math.max(0, ...sessions.map(({ failback }) => failback?.failures ?? 0));

const FAILBACK_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  {
    name: "causeway_circuit_use",
    help: "How far the circuit is from carrying traffic: the one that is 1",
    type: "gauge",
    collect: ({ view }) =>
      view.circuits().flatMap(({ name, use }) => stateSet({ circuit: name }, CIRCUIT_USES, use)),
  },
  {
    name: "causeway_circuit_avoided",
    help: "1 while both ends are asked to prefer any other way",
    type: "gauge",
    collect: ({ view }) =>
      view.circuits().map(({ name, sessions }) =>
        flag(
          { circuit: name },
          sessions.some(({ failback }) => failback?.isAvoided),
        ),
      ),
  },
  {
    name: "causeway_circuit_recent_failures",
    help: "Failures the flap budget of the circuit remembers",
    type: "gauge",
    collect: ({ view }) =>
      view.circuits().map((circuit) => sample({ circuit: circuit.name }, failuresOf(circuit))),
  },
];

const CAPACITY_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  {
    name: "causeway_failover_capacity_ratio",
    help: "What the worst loss of a circuit would leave, to failover.load; absent if unknown",
    type: "gauge",
    collect: ({ view }) =>
      view.capacity ? [sample({}, view.capacity.leftBps / view.capacity.loadBps)] : [],
  },
];

const FIB_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  {
    name: "causeway_fib_routes",
    help: "Routes the forwarding table is to hold",
    type: "gauge",
    collect: ({ view }) => [
      sample({ family: "ipv4" }, view.fib.routes.ipv4),
      sample({ family: "ipv6" }, view.fib.routes.ipv6),
    ],
  },
  {
    name: "causeway_fib_groups",
    help: "Next-hop groups by where their hops come from",
    type: "gauge",
    collect: ({ view }) => {
      const groups = view.fib.groups();
      return GROUP_SOURCES.map((via) =>
        sample({ via }, groups.filter((group) => group.via === via).length),
      );
    },
  },
  {
    name: "causeway_fib_synced",
    help: "1 while everything asked of the kernel was acknowledged without an error",
    type: "gauge",
    collect: ({ view }) => [flag({ kind: view.fib.kind }, view.fib.isSynced)],
  },
  {
    name: "causeway_fib_pending_operations",
    help: "Batches asked of the kernel and not yet answered",
    type: "gauge",
    collect: ({ view }) => [sample({}, view.fib.pendingOperations)],
  },
  {
    name: "causeway_fib_sync_errors_total",
    help: "What the kernel refused",
    type: "counter",
    collect: ({ view }) =>
      view.fib.counters.errors.map(({ op, errno, count }) => sample({ op, errno }, count)),
  },
  {
    name: "causeway_fib_drift_total",
    help: "Routes the audit found missing, nobody's or wrong, and healed",
    type: "counter",
    collect: ({ view }) =>
      Object.entries(view.fib.counters.drift).map(([kind, count]) => sample({ kind }, count)),
  },
  {
    name: "causeway_fib_program_seconds",
    help: "Time the kernel took for one batch",
    type: "histogram",
    collect: ({ view }) =>
      Object.entries(view.fib.counters.program).flatMap(([op, histogram]) =>
        histogramSamples({ op }, FIB_BOUNDS_US, histogram),
      ),
  },
];

const CONFIG_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  {
    name: "causeway_config_generation",
    help: "Configurations taken over since the start",
    type: "gauge",
    collect: ({ view }) => [sample({}, view.lastReload.generation)],
  },
  {
    name: "causeway_config_last_apply_success",
    help: "1 where the last configuration was taken over, 0 where it was refused",
    type: "gauge",
    collect: ({ view }) => [flag({}, view.lastReload.isSuccess)],
  },
  {
    name: "causeway_config_last_apply_timestamp_seconds",
    help: "When a configuration was last taken over or refused",
    type: "gauge",
    collect: ({ view }) => [sample({}, view.wallMs(view.lastReload.at) / 1_000)],
  },
  {
    name: "causeway_healthy",
    help: "1 while nothing of the agent's own is broken, as /healthz",
    type: "gauge",
    collect: ({ view }) => [flag({}, view.health.isHealthy)],
  },
];

const PROCESS_METRICS: readonly MetricFamily<Scrape>[] = [
  {
    name: "causeway_build_info",
    help: "Version of this build and of Node; always 1",
    type: "gauge",
    collect: ({ process }) => [sample({ version: VERSION, node: process.node }, 1)],
  },
  {
    name: "causeway_loop_lag_seconds",
    help: "How late the event loop ran a timer",
    type: "histogram",
    collect: ({ loopLag }) => histogramSamples({ loop: "main" }, LAG_BOUNDS_US, loopLag),
  },
  {
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes",
    type: "gauge",
    collect: ({ process }) => [sample({}, process.rssOctets)],
  },
  {
    name: "process_cpu_seconds_total",
    help: "User and system CPU time spent",
    type: "counter",
    collect: ({ process }) => [sample({}, process.cpuSec)],
  },
  {
    name: "process_start_time_seconds",
    help: "Start time of the process since 1970",
    type: "gauge",
    collect: ({ process }) => [sample({}, process.startedSec)],
  },
];

/** What an edge knows of its work, on any host; the simulator reads these. */
export const WORK_METRICS: readonly MetricFamily<EdgeScrape>[] = [
  ...PEER_METRICS,
  ...BFD_METRICS,
  ...CIRCUIT_METRICS,
  ...FAILBACK_METRICS,
  ...CAPACITY_METRICS,
  ...FIB_METRICS,
  ...CONFIG_METRICS,
];

/** Every metric of an edge, in the order of the page. */
export const EDGE_METRICS: readonly MetricFamily<Scrape>[] = [...WORK_METRICS, ...PROCESS_METRICS];
