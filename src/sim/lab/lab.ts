import type { JournalEntry } from "../../agent/journal.ts";
import type { Micros } from "../../core/time.ts";
import type { ScrapeLog } from "../alerts/scrape-log.ts";
import type { LabFault } from "../drill/faults/faults.ts";
import type { EvidenceKeeper } from "../evidence/keeper.ts";
import type { RouteHistory } from "./watch/route-history.ts";
import type { UpdateOffence } from "./watch/update-watch.ts";

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

  /** Undoes everything faults did, and what they have put off, at once. */
  rollback(): void;

  /** What the edge's journal said so far, in order. */
  edgeJournal(): readonly JournalEntry[];
  /** The same of every cloud node, merged by time; `node` tells them apart. */
  cloudJournal(): readonly (JournalEntry & { readonly node: string })[];
  /** The edge's forwarding table and the ECR's back to it, in circuits, now and before. */
  readonly routes: RouteHistory;
  /** The circuit each flow of probes leaves by now, whether it arrives or not. */
  flowCircuits(): FlowCircuits;
  /** What becomes of each flow now, both ways; none before there are probes to tell it. */
  flowFates(): Readonly<Record<Direction, readonly FlowFate[]>>;
  /** What the checkers beside the drill saw; asked once, when it is over. */
  watched(): Watched;

  /** Keeps what an evidence folder holds beside the records, from `start` on; if it can. */
  keepEvidence(): EvidenceKeeper | undefined;

  /** Reads the edge's metrics as a Prometheus does, from now on and again after each interval. */
  startScrapes(intervalUs: number): void;
  /** What it read so far; undefined where it was not asked to. */
  readonly scrapes: ScrapeLog | undefined;

  startProbes(): void;
  /** Probes sent until now are given `settleUs` to arrive before the count is final. */
  stopProbes(settleUs: number): Promise<ProbeRecord>;

  /** How late the machine was between two moments, at worst; undefined where time is virtual. */
  lateUs(from: Micros, until: Micros): number | undefined;

  /** Ends every process, removes what was made; never throws. */
  stop(): Promise<void>;
}

export interface Watched {
  /** Undefined where the lab has no eye for single flows. */
  readonly flows: readonly FlowChange[] | undefined;
  /** Forwarding loops, in words. */
  readonly loops: readonly string[];
  /** Where kernel and RIB differed for longer than a change takes, in words. */
  readonly ribFaults: readonly string[];
  /** By the edge's own UPDATEs, where an invariant asks for them. */
  readonly updates: readonly UpdateOffence[];
}

export interface FlowFate {
  /** `delivered`, `loop`, or why it ends on the way. */
  readonly outcome: string;
  /** The circuit it takes, as far as it comes. */
  readonly circuit: string | undefined;
}

/** From this instant on, this is what becomes of the flow. */
export interface FlowChange extends FlowFate {
  readonly atUs: number;
  readonly direction: Direction;
  readonly flow: number;
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
