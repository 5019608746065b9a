/**
 * Limits of a drill that asks for the usual ones (`budgets: default`): what a circuit of these
 * timers must do when it fails, so they follow from its BFD, or where it has none from its hold
 * time.
 */
import type { CircuitConfig } from "../../../agent/config/edge-config.ts";
import { groupedPeers } from "../../cloud/config/bgp-config.ts";
import type { Budgets, Drill } from "../drill.ts";
import { CAPACITY_PERCENT } from "./load-figures.ts";

/** Where a FIB of one next-hop group needs milliseconds. */
const CONVERGENCE_US = 200_000;
/** From the circuit's detection to traffic that flows for good. */
const RTO_SLACK_US = 500_000;
const RESTORE_US = 30_000_000;
/** To the way that is left, and back. */
const ROUTE_CHANGES = 2;

/** Those of the file; the others are the usual ones where it asks for them. */
export function budgetsOf(drill: Drill, circuit: string | null): Budgets {
  const { budgets } = drill;
  if (!budgets.usesDefaults) return budgets;
  const written = Object.entries(budgets).filter(([, value]) => value !== undefined);
  return { ...defaultBudgets(drill, circuit), ...Object.fromEntries(written) };
}

function defaultBudgets(drill: Drill, name: string | null): Budgets {
  const circuit = drill.edge.circuits.find((one) => one.name === name);
  const timers = circuit && timersOf(drill, circuit);
  return {
    detectionUsMax: timers && timers.edge.detectionUs + timers.edge.intervalUs,
    convergenceUsMax: CONVERGENCE_US,
    cloudUsMax: timers && timers.cloud.detectionUs + timers.cloud.intervalUs + CONVERGENCE_US,
    rtoUsMax: timers && {
      max: Math.max(timers.edge.detectionUs, timers.cloud.detectionUs) + RTO_SLACK_US,
    },
    outageUsMax: undefined,
    lostPercentMax: undefined,
    routeChangesMax: ROUTE_CHANGES,
    restoreUsMax: RESTORE_US,
    restoreLostMax: 0,
    capacityPercentMax: CAPACITY_PERCENT,
  };
}

interface Timers {
  /** RFC 5880 §6.8.4, or the hold time. */
  readonly detectionUs: number;
  /** Between two packets of the other side. */
  readonly intervalUs: number;
}

/** What each end needs to notice that it hears nothing any more. */
function timersOf(
  { cloud }: Drill,
  { name, sessions }: CircuitConfig,
): { readonly edge: Timers; readonly cloud: Timers } | undefined {
  const [session] = sessions;
  const peers = cloud.vbrs.filter((one) => one.circuit === name).flatMap(groupedPeers);
  const found = peers.find(({ peer }) => peer.address === session?.localAddress);
  const far = found?.group ?? cloud.vpns.find((one) => one.circuit === name);
  if (session === undefined || far === undefined) return undefined;
  const [near, other] = [session.bfd, found?.peer.bfd];
  if (near !== undefined && other !== undefined) {
    const toEdgeUs = Math.max(other.txIntervalUs, near.requiredMinRxIntervalUs);
    const toCloudUs = Math.max(near.desiredMinTxIntervalUs, other.rxIntervalUs);
    return {
      edge: { intervalUs: toEdgeUs, detectionUs: toEdgeUs * other.multiplier },
      cloud: { intervalUs: toCloudUs, detectionUs: toCloudUs * near.detectMult },
    };
  }
  const holdUs = Math.min(session.holdTimeSec, far.holdTimeSec) * 1e6;
  const timers = { detectionUs: holdUs, intervalUs: holdUs / 3 };
  return { edge: timers, cloud: timers };
}
