import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import type { Rules } from "../alerts/rules.ts";
import type { CloudConfig } from "../cloud/config/cloud-config.ts";
import type { LabFault } from "./faults/faults.ts";
import type { AlertClaim } from "./judge/alert-claims.ts";

/** A drill after schema and references: what a runner plays in any mode (design §7). */
export interface Drill {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  readonly edge: EdgeConfig;
  readonly cloud: CloudConfig;
  /** The customer's other routers, on circuits that the edge is on as well. */
  readonly routers?: readonly EdgeConfig[];
  /** Hosts behind the edge and in the VPC, between which probes run. */
  readonly traffic: Traffic;
  readonly steps: readonly Step[];
  readonly budgets: Budgets;
  /** What must hold all through; see `always.ts`. */
  readonly always?: readonly Invariant[];
  /** What breaks it off; everything is restored then. */
  readonly abort?: readonly StopCondition[];
  /** What may be learned and used beside the ECR's own prefixes, with all inside of it. */
  readonly allow?: readonly string[];
  /** The edge is scraped, and what fires by these rules is part of the report. */
  readonly alerting?: Alerting | undefined;
}

export interface Alerting {
  readonly rules: Rules;
  /** Between two scrapes, each followed by an evaluation of the rules. */
  readonly intervalUs: number;
}

export type Invariant = (typeof INVARIANTS)[number];

export const INVARIANTS = [
  "no-blackhole",
  "session-isolation",
  "no-fib-error",
  "no-loop",
  "no-leak",
  "fib-is-rib",
  "symmetry",
  "capacity",
  "redundancy",
  "determinism",
] as const;

/** Those that hold for every drill, whatever its policy: `always: default`. */
export const DEFAULT_INVARIANTS: readonly Invariant[] = [
  "no-blackhole",
  "session-isolation",
  "no-fib-error",
  "no-loop",
  "no-leak",
  "fib-is-rib",
];

export interface Traffic {
  /** An address of a host behind the edge, inside an announced prefix; of the first group. */
  readonly idc: string;
  /** An address of a host in the VPC, inside a prefix of the ECR; of the first group. */
  readonly vpc: string;
  /** Flows each way, told apart by port; ECMP spreads them. Of all groups together. */
  readonly flows: number;
  /** Between two probes of one direction; the flows take turns. */
  readonly intervalUs: number;
  /** What all flows together would send, each way; the probes only sample it. */
  readonly rateBps?: number | undefined;
  /** Undefined where all flows are of one group; see `flowGroups`. */
  readonly groups?: readonly FlowGroup[];
}

/** Flows between one pair of hosts. */
export interface FlowGroup {
  readonly name: string;
  readonly idc: string;
  readonly vpc: string;
  readonly flows: number;
  /** Of the whole group, each way; undefined where the drill is not about load. */
  readonly rateBps: number | undefined;
}

/** Steps happen in order; `atUs` counts from the moment every session was up and synced. */
export type Step = FaultStep | ExpectStep;

export type FaultStep = LabFault & { readonly atUs: number };

export interface ExpectStep {
  readonly do: "expect";
  readonly atUs: number | undefined;
  readonly expect: Expectation;
}

/**
 * Checked until it holds, at most `withinUs`; what it took is part of the report. With `forUs` it
 * must then stay so, for that long: the way to claim that something does not happen.
 */
export type Expectation = Claim & { readonly withinUs: number; readonly forUs?: number };

/** What can be asked while the drill runs. */
export type LiveExpectation = Exclude<Claim, AlertClaim> & Omit<Expectation, keyof Claim>;

/** A claim that must not hold for so long, or a flow that must not be lost for so long. */
export interface StopCondition {
  readonly claim: Exclude<Claim, AlertClaim> | { readonly kind: "outage" };
  readonly forUs: number;
}

export type Claim =
  | {
      readonly kind: "session";
      /** A circuit, one session of it (`circuit-1-v6`), or `all`. */
      readonly circuit: string;
      readonly is: "up" | "down";
    }
  | { readonly kind: "reachable"; readonly is: boolean }
  | {
      readonly kind: "route";
      readonly prefix: string;
      /** Circuits it must leave by, exactly; empty: it must be gone. */
      readonly via: readonly string[];
    }
  | {
      /** Of the cloud back to the edge. */
      readonly kind: "return";
      readonly prefix: string;
      readonly via: readonly string[];
      /** A VPC, or a router whose table it is; undefined: all that traffic comes back by. */
      readonly node?: string | undefined;
    }
  | {
      /** A journal tells this event since the last fault: an alarm that must fire. */
      readonly kind: "event";
      readonly event: string;
      /** Circuit, session or peer it is about; undefined: any. */
      readonly of: string | undefined;
      /** `edge`, or a node of the cloud. */
      readonly node: string;
      readonly is: "told" | "untold";
    }
  | {
      /** What becomes of the flows now, both ways, by the tables and wires as they stand. */
      readonly kind: "flows";
      readonly are: "delivered" | "partly-lost" | "lost";
    }
  /** Every flow takes the same circuit there and back. */
  | { readonly kind: "symmetric" }
  /** Both tables are what they were before the first fault. */
  | { readonly kind: "baseline" }
  /** The edge tells nothing about this circuit, session or peer from this step on. */
  | { readonly kind: "quiet"; readonly of: string }
  | AlertClaim;

/** Verdict limits over the whole drill; undefined is not judged. */
export interface Budgets {
  /** What is undefined has its usual limit; see `default-budgets.ts`. */
  readonly usesDefaults?: boolean;
  /** From the fault to BFD Down (or hold timer) at the edge. */
  readonly detectionUsMax: number | undefined;
  /** From detection to the last FIB change it caused at the edge. */
  readonly convergenceUsMax: number | undefined;
  /** Longest time without any probe of a flow arriving, the worse direction. */
  readonly outageUsMax: number | undefined;
  readonly lostPercentMax: number | undefined;
  /** From the fault to the cloud's tables without the circuit. */
  readonly cloudUsMax?: number | undefined;
  /** From the fault to a flow that arrives for good, of those that lost anything. */
  readonly rtoUsMax?: Readonly<Partial<Record<"p50" | "p99" | "max", number>>> | undefined;
  /** Changes of one prefix's way that a fault may cause at the edge. */
  readonly routeChangesMax?: number | undefined;
  /** From a repair to both tables as they were before the first fault. */
  readonly restoreUsMax?: number | undefined;
  /** Probes that a repair may cost, the switch-back included. */
  readonly restoreLostMax?: number | undefined;
  /** How much of a circuit's capacity may be asked of it; 90 % where `capacity` is an invariant. */
  readonly capacityPercentMax?: number | undefined;
}
