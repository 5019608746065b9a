import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import type { CloudConfig } from "../cloud/cloud-config.ts";

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
export type Step =
  | { readonly do: "cut"; readonly atUs: number; readonly circuit: string; readonly cut: Cut }
  | { readonly do: "restore"; readonly atUs: number; readonly circuit: string }
  | { readonly do: "shut-port"; readonly atUs: number; readonly circuit: string }
  | {
      readonly do: "restart-vbr";
      readonly atUs: number;
      readonly circuit: string;
      /** `silent` dies without a word, `graceful` says Cease and AdminDown first. */
      readonly how: "silent" | "graceful";
      readonly downUs: number;
    }
  | { readonly do: "withdraw"; readonly atUs: number; readonly prefix: string }
  | { readonly do: "announce"; readonly atUs: number; readonly prefix: string }
  | { readonly do: "expect"; readonly atUs: number | undefined; readonly expect: Expectation };

export interface Cut {
  /** `to-cloud`: what the edge sends is lost; `to-edge`: what the VBR sends is. */
  readonly direction: "both" | "to-cloud" | "to-edge";
  /** `seen`: both ends lose carrier; `hidden`: the fault is somewhere in the provider's network. */
  readonly carrier: "seen" | "hidden";
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
