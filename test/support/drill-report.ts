import type { DrillReport } from "../../src/sim/report/report.ts";

/** A small report that passed; tests change what they are about. */
export function aReport(change: Partial<DrillReport> = {}): DrillReport {
  const lost = { sent: 100, lost: 50, longestGapMs: 51 };
  return {
    schema: "causeway.drill.report/v1",
    drill: "a-drill",
    description: "circuit 1 is cut",
    mode: "virtual",
    substrate: "virtual time",
    seed: 1,
    version: "test",
    startedAt: "2026-01-01T00:00:00.000Z",
    durationMs: 300,
    traceHash: "0123456789abcdef",
    verdict: "PASS",
    because: "all 1 checks hold",
    faults: [
      {
        fault: "cut circuit-1",
        circuit: "circuit-1",
        atMs: 100,
        detectionMs: 50,
        detectedBy: "bfd",
        convergenceMs: 1,
        cloudConvergenceMs: 40,
        lost: { toCloud: lost, toEdge: { ...lost, lost: 0, longestGapMs: 0 } },
      },
    ],
    checks: [{ check: "circuit-1 is down", status: "pass", expected: "1 s", observed: "50 ms" }],
    traffic: [{ direction: "to-cloud", flows: 1, ...lost }],
    timeline: [
      { atMs: -1, lane: "edge", actor: "edge", event: "bfd.session.up", text: "circuit-1" },
      { atMs: 100, lane: "drill", actor: "drill", event: "fault", text: "cut circuit-1" },
      { atMs: 150, lane: "edge", actor: "edge", event: "bfd.session.down", text: "circuit-1" },
      { atMs: 151, lane: "edge", actor: "edge", event: "fib.circuit.left", text: "circuit-1" },
    ],
    topology: {
      edge: "edge-1",
      circuits: [{ name: "circuit-1", vbr: "vbr-1" }],
      ecr: "ecr-1",
    },
    lossOverTime: {
      fromMs: -100,
      bucketMs: 100,
      directions: [
        { direction: "to-cloud", sent: [100, 100, 100], lost: [0, 0, 50] },
        { direction: "to-edge", sent: [100, 100, 100], lost: [0, 0, 0] },
      ],
    },
    ...change,
  };
}
