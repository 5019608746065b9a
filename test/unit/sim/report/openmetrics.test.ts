/** Figures of reports as metrics, and round trips out of pairs of probes. */
import { execFileSync } from "node:child_process";
import t from "tap";
import type { ProbeColumns } from "../../../../src/sim/lab/lab.ts";
import { formatOpenMetrics } from "../../../../src/sim/report/formats/openmetrics.ts";
import { reportRoundTrips } from "../../../../src/sim/report/round-trips.ts";
import { aReport } from "../../../support/drill-report.ts";
import { noPromtool } from "../../../support/promtool.ts";

const roundTrips = {
  ...{ count: 3, sumMs: 9, flows: [] },
  phases: { before: { p50Ms: 3, p99Ms: 4 }, during: null, after: null },
  histogram: [
    { upToMs: 2.5, count: 1 },
    { upToMs: 4, count: 2 },
  ],
};

t.test("each figure once, with the drill, its mode and its seed", async (t) => {
  const report = aReport({ drill: 'a "b"\\c', score: 87.5, roundTrips });
  const reports = [aReport({ drill: 'a "b"\\c', verdict: "FAIL" }), report];
  const text = formatOpenMetrics(reports, 1_800_000_000_400);
  const own = 'drill="a \\"b\\"\\\\c",mode="virtual",seed="1"';
  const ofCut = 'number="1",fault="cut circuit-1",circuit="circuit-1"';
  const lines = text.split("\n");
  for (const line of [
    `causeway_drill_last_run_timestamp_seconds{${own}} 1800000000`,
    `causeway_drill_verdict{${own},verdict="PASS"} 1`,
    `causeway_drill_verdict{${own},verdict="FAIL"} 0`,
    `causeway_drill_score_ratio{${own}} 0.875`,
    `causeway_drill_checks{${own},status="pass"} 1`,
    `causeway_drill_detection_seconds{${own},${ofCut}} 0.05`,
    `causeway_drill_probes_lost{${own},direction="to-cloud"} 50`,
    `causeway_drill_round_trip_seconds_bucket{${own},le="0.0025"} 1`,
    `causeway_drill_round_trip_seconds_bucket{${own},le="0.004"} 3`,
    `causeway_drill_round_trip_seconds_bucket{${own},le="+Inf"} 3`,
    `causeway_drill_round_trip_seconds_sum{${own}} 0.009`,
  ]) {
    t.equal(lines.filter((one) => one === line).length, 1, line);
  }
  t.equal(lines.at(-2), "# EOF");
});

t.test("promtool finds nothing to say", { skip: noPromtool }, async (t) => {
  const input = formatOpenMetrics([aReport({ score: 100, roundTrips }), aReport({ seed: 2 })]);
  t.equal(execFileSync("promtool", ["check", "metrics"], { input, encoding: "utf8" }), "");
});

t.test("a round trip is a pair of probes of one instant that both arrived", async (t) => {
  const columns = (tookUs: readonly number[]): ProbeColumns => ({
    count: tookUs.length,
    flow: Uint16Array.from(tookUs, (_, row) => row % 2),
    sentUs: Float64Array.from(tookUs, (_, row) => 1_000 + row * 1_000),
    arrivedUs: Float64Array.from(tookUs, (took, row) =>
      took === 0 ? 0 : 1_000 + row * 1_000 + took,
    ),
  });
  const directions = {
    "to-cloud": columns([1_000, 1_000, 2_000, 0, 3_000, 90]),
    "to-edge": columns([1_500, 0, 2_000, 1_000, 3_000, 10]),
  };
  const phases = {
    duringFromUs: 3_000,
    afterFromUs: 5_000,
    baselineUs: 0,
    endUs: 9_000,
    hasMoved: true,
  };
  const found = reportRoundTrips({ flows: 2, directions }, { ...phases, duringUs: undefined });
  t.match(found, {
    ...{ count: 4, sumMs: 12.6 },
    phases: {
      before: { p50Ms: 2.5, p99Ms: 2.5 },
      during: { p50Ms: 4, p99Ms: 4 },
      after: { p50Ms: 0.1, p99Ms: 6 },
    },
    histogram: [{ upToMs: 0.1, count: 1 }],
  });
  t.same(found?.flows[1]?.phases, {
    before: null,
    during: null,
    after: { p50Ms: 0.1, p99Ms: 0.1 },
  });
  const histogram = found?.histogram ?? [];
  t.equal(
    histogram.reduce((sum, one) => sum + one.count, 0),
    4,
  );
  for (const took of [2.5, 4, 6]) {
    const bucket = histogram.find(({ upToMs }) => upToMs >= took);
    t.ok(bucket !== undefined && bucket.upToMs < took * 1.1, `${took} ms`);
  }
  const none = { "to-cloud": columns([0]), "to-edge": columns([1]) };
  t.equal(
    reportRoundTrips({ flows: 1, directions: none }, { ...phases, duringUs: undefined }),
    undefined,
  );
});
