import type { JournalEntry } from "../../agent/journal.ts";
import type { Micros } from "../../core/time.ts";
import type { LabFault } from "../drill/faults.ts";
import type { RouteChange } from "./route-history.ts";

/**
 * Where a drill is played. Three substrates keep this contract and the runner cannot tell them
 * apart: one virtual clock; network namespaces with real kernels' routes and packets; loopback
 * addresses with real sockets and a virtual FIB, for those who are not root.
 */
export interface Lab {
  /** For the report: `virtual time`, `network namespaces, kernel routes` … */
  readonly substrate: string;
  readonly mode: "virtual" | "lab";
  /** The clock that every stamp of this lab is on. */
  now(): Micros;
  /** Builds the topology and starts edge and cloud; resolves once the processes run. */
  start(): Promise<void>;
  sleepUntil(at: Micros): Promise<void>;
  /** Polls `claim` after everything that happens; false where `deadline` came first. */
  waitFor(claim: () => boolean, deadline: Micros): Promise<boolean>;

  /** Why this lab cannot do a fault, in words that follow "cannot"; undefined where it can. */
  whyNot(fault: LabFault): string | undefined;
  /** Answers when it took effect on the lab's clock: figures count from there. */
  perform(fault: LabFault): Micros;

  /** What the edge's journal said so far, in order. */
  edgeJournal(): readonly JournalEntry[];
  /** The same of every cloud node, merged by time; `node` tells them apart. */
  cloudJournal(): readonly (JournalEntry & { readonly node: string })[];
  /** Circuits the edge's FIB sends a prefix out by, now. */
  routeVia(prefix: string): readonly string[];
  /** Circuits the ECR's FIB sends a prefix of the edge back by, now. */
  returnVia(prefix: string): readonly string[];
  /** Every change of those two tables so far, in order. */
  routeChanges(): readonly RouteChange[];
  /** The circuit each flow of probes leaves by now, whether it arrives or not. */
  flowCircuits(): FlowCircuits;

  startProbes(): void;
  /** Probes sent until now are given `settleUs` to arrive before the count is final. */
  stopProbes(settleUs: number): Promise<ProbeRecord>;

  /** Ends every process, removes what was made; never throws. */
  stop(): Promise<void>;
}

export type Direction = "to-cloud" | "to-edge";

/** By number of the flow; null where a router has no way for it. */
export type FlowCircuits = Readonly<Record<Direction, readonly (string | null)[]>>;

/** Every probe of a drill as columns: row i was sent at `sentUs[i]` and arrived, or did not. */
export interface ProbeRecord {
  readonly flows: number;
  readonly directions: Readonly<Record<Direction, ProbeColumns>>;
}

export interface ProbeColumns {
  readonly count: number;
  readonly flow: Uint16Array;
  readonly sentUs: Float64Array;
  /** 0 where the probe was lost. */
  readonly arrivedUs: Float64Array;
}
