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

/** The same with everything that v1 gained since. */
export function aFullReport(change: Partial<DrillReport> = {}): DrillReport {
  const report = aReport();
  const [traffic] = report.traffic;
  const loss = { sent: 100, lost: 50, longestGapMs: 51 };
  const quietLoss = { sent: 10, lost: 0, longestGapMs: 0 };
  const recovery = { flows: 1, p50Ms: 60, p99Ms: 61, maxMs: 61 };
  const quiet = { sent: 100, lost: 0, longestGapMs: 0, delay: { p50Ms: 1.4, p99Ms: 1.5 } };
  const phases = { before: quiet, during: { ...loss, delay: null }, after: quiet };
  const up = { circuit: "circuit-1", fault: null, bfd: "up", bgp: "up" } as const;
  const down = { ...up, fault: "cut circuit-1", bfd: "down", bgp: "down" } as const;
  const route = { lane: "edge", actor: "edge", event: "fib.routes.changed" } as const;
  return {
    ...report,
    commit: "0123456789ab",
    configHash: "0".repeat(64),
    sources: [{ what: "drill", file: "a-drill.yaml", sha256: "0".repeat(64) }],
    endedAt: "2026-01-01T00:00:00.300Z",
    faults: report.faults.map((fault) => ({
      ...fault,
      recovery: { toCloud: recovery, toEdge: null },
      routeChanges: 1,
    })),
    checks: [
      ...report.checks,
      {
        ...{ check: 'detection of "cut circuit-1"', status: "pass", expected: "at most 95 ms" },
        ...{ observed: "50 ms", value: 50, limit: 95, margin: 45, unit: "ms" },
      },
    ],
    traffic: traffic === undefined ? [] : [{ ...traffic, phases }],
    flows: [{ direction: "to-cloud", flow: 0, ...loss, phases }],
    timeline: [
      ...report.timeline.slice(0, 1),
      { ...route, atMs: -0.5, text: "10.64.0.0/16: via circuit-1" },
      ...report.timeline.slice(1),
      { ...route, atMs: 151.2, text: "10.64.0.0/16: no way" },
    ],
    topology: { ...report.topology, states: { baseline: [up], during: [down], after: [up] } },
    phases: {
      ...{ duringFromMs: 100, afterFromMs: 200 },
      ...{ baselineAtMs: 100, duringAtMs: 151.2, afterAtMs: 300 },
    },
    routes: {
      total: 1,
      rows: [
        {
          ...{ node: "edge", prefix: "10.64.0.0/16", change: "lost", isRestored: true },
          ...{ baseline: ["circuit-1"], during: [], after: ["circuit-1"] },
        },
      ],
      redundant: { count: 0, prefixes: [] },
      nonRedundant: { count: 1, prefixes: ["10.64.0.0/16"] },
    },
    repairs: [
      {
        ...{ repair: "restore circuit-1", circuit: "circuit-1", atMs: 180, restoredMs: 20 },
        lost: { toCloud: quietLoss, toEdge: quietLoss },
      },
    ],
    links: [
      {
        ...{ circuit: "circuit-1", direction: "to-cloud", capacityBps: 1e9 },
        ...{ beforeBps: 6e8, peakBps: 1.2e9, peakAtMs: 151.2, overMs: 90 },
      },
    ],
    shares: [
      { direction: "to-cloud", circuit: "circuit-1", flows: { baseline: 1, during: 0, after: 1 } },
      { direction: "to-cloud", circuit: null, flows: { baseline: 0, during: 1, after: 0 } },
    ],
    ...change,
  };
}
