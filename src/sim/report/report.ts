/**
 * The drill report, schema `causeway.drill.report/v1`: JSON is the source; text, HTML, Markdown and
 * JUnit are drawn from it. Fields are only ever added within v1.
 */
export interface DrillReport {
  readonly schema: "causeway.drill.report/v1";
  readonly drill: string;
  readonly description: string;
  readonly mode: "virtual" | "lab";
  readonly substrate: string;
  readonly seed: number;
  readonly version: string;
  /** RFC 3339; in virtual mode the virtual wall clock. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** In virtual mode only: the same seed and code give the same hash. */
  readonly traceHash: string | null;
  readonly verdict: "PASS" | "FAIL" | "INCONCLUSIVE";
  /** One sentence: why. */
  readonly because: string;
  readonly faults: readonly FaultReport[];
  readonly checks: readonly CheckReport[];
  readonly traffic: readonly TrafficReport[];
  readonly timeline: readonly TimelineEntry[];
  readonly topology: TopologyReport;
  /** Null where no probe was sent. */
  readonly lossOverTime: LossOverTime | null;
}

/** Who took part, in the order a reader wants them. */
export interface TopologyReport {
  readonly edge: string;
  readonly circuits: readonly { readonly name: string; readonly vbr: string }[];
  readonly ecr: string;
}

/** Bucket i holds what was sent in [fromMs + i·bucketMs, fromMs + (i+1)·bucketMs). */
export interface LossOverTime {
  /** From the drill's zero, as `TimelineEntry.atMs`. */
  readonly fromMs: number;
  readonly bucketMs: number;
  readonly directions: readonly {
    readonly direction: "to-cloud" | "to-edge";
    readonly sent: readonly number[];
    readonly lost: readonly number[];
  }[];
}

/** What one fault did, in milliseconds; null where it did not happen or could not be measured. */
export interface FaultReport {
  readonly fault: string;
  readonly circuit: string | null;
  readonly atMs: number;
  /** Fault → session down at the edge, and what noticed it. */
  readonly detectionMs: number | null;
  readonly detectedBy: "bfd" | "link" | "hold-timer" | "bgp" | null;
  /** Detection → last FIB change it caused at the edge. */
  readonly convergenceMs: number | null;
  /** Fault → the cloud's routers stopped using the circuit. */
  readonly cloudConvergenceMs: number | null;
  readonly lost: Readonly<Record<"toCloud" | "toEdge", LossReport>>;
}

export interface LossReport {
  readonly sent: number;
  readonly lost: number;
  /** Longest time any flow went without a packet arriving, beyond the probe interval. */
  readonly longestGapMs: number;
}

export interface CheckReport {
  readonly check: string;
  readonly status: "pass" | "fail" | "inconclusive";
  readonly expected: string;
  readonly observed: string;
}

export interface TrafficReport extends LossReport {
  readonly direction: "to-cloud" | "to-edge";
  readonly flows: number;
}

export interface TimelineEntry {
  /** From the drill's zero: the moment every session was up. */
  readonly atMs: number;
  readonly lane: "drill" | "edge" | "cloud";
  readonly actor: string;
  readonly event: string;
  readonly text: string;
}
