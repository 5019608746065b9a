import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import type { CloudConfig } from "../cloud/cloud-config.ts";
import type { LabFault } from "./faults.ts";

/** A drill after schema and references: what a runner plays in any mode (design §7). */
export interface Drill {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  readonly edge: EdgeConfig;
  readonly cloud: CloudConfig;
  /** Hosts behind the edge and in the VPC, between which probes run. */
  readonly traffic: Traffic;
  readonly steps: readonly Step[];
  readonly budgets: Budgets;
  /** What must hold all through; see `always.ts`. */
  readonly always?: readonly Invariant[];
}

export type Invariant = "no-blackhole" | "session-isolation" | "no-fib-error";

export interface Traffic {
  /** An address of a host behind the edge, inside an announced prefix. */
  readonly idc: string;
  /** An address of a host in the VPC, inside a prefix of the ECR. */
  readonly vpc: string;
  /** Flows each way, told apart by port; ECMP spreads them. */
  readonly flows: number;
  /** Between two probes of one direction; the flows take turns. */
  readonly intervalUs: number;
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

export type Claim =
  | {
      readonly kind: "session";
      /** A circuit, or `all`. */
      readonly circuit: string;
      readonly is: "up" | "down";
    }
  | { readonly kind: "reachable"; readonly is: boolean }
  | {
      /** `route` is of the edge towards the cloud, `return` of the ECR back to the edge. */
      readonly kind: "route" | "return";
      readonly prefix: string;
      /** Circuits it must leave by, exactly; empty: it must be gone. */
      readonly via: readonly string[];
    };

/** Verdict limits over the whole drill; undefined is not judged. */
export interface Budgets {
  /** From the fault to BFD Down (or hold timer) at the edge. */
  readonly detectionUsMax: number | undefined;
  /** From detection to the last FIB change it caused at the edge. */
  readonly convergenceUsMax: number | undefined;
  /** Longest time without any probe of a flow arriving, the worse direction. */
  readonly outageUsMax: number | undefined;
  readonly lostPercentMax: number | undefined;
}
