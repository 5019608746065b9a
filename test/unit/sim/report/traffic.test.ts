/** Probes by flow and phase, and many flows cut down to the worst. */
import t from "tap";
import type { ProbeColumns } from "../../../../src/sim/lab/lab.ts";
import { reportTraffic } from "../../../../src/sim/report/traffic.ts";

/** One probe a millisecond, flows in turn; `delayUs` 0 is lost. */
function columns(count: number, flows: number, delayUs: (row: number) => number): ProbeColumns {
  const rows = Array.from({ length: count }, (_, row) => row);
  const sentUs = Float64Array.from(rows, (row) => 1000 + row * 1000);
  return {
    count,
    flow: Uint16Array.from(rows, (row) => row % flows),
    sentUs,
    arrivedUs: Float64Array.from(rows, (row) => {
      const delay = delayUs(row);
      return delay === 0 ? 0 : (sentUs[row] ?? 0) + delay;
    }),
  };
}

const PHASES = { duringFromUs: 31_000, afterFromUs: 71_000 };
const MOMENTS = { baselineUs: 31_000, duringUs: 40_000, endUs: 101_000, hasMoved: true };

t.test("each phase has its own loss and delay", async (t) => {
  const toCloud = columns(100, 2, (row) => (row < 30 ? 1000 : row < 70 ? (row % 2) * 2000 : 3000));
  const probes = {
    flows: 2,
    directions: { "to-cloud": toCloud, "to-edge": columns(100, 2, () => 500) },
  };
  const { traffic, flows } = reportTraffic(probes, { ...PHASES, ...MOMENTS });
  const [row] = traffic;
  t.match(row, { sent: 100, lost: 20, longestGapMs: 42 });
  t.match(row?.phases?.before, { sent: 30, lost: 0, delay: { p50Ms: 1, p99Ms: 1 } });
  t.match(row?.phases?.during, { sent: 40, lost: 20, delay: { p50Ms: 2, p99Ms: 2 } });
  t.match(row?.phases?.after, { sent: 30, lost: 0, delay: { p50Ms: 3, p99Ms: 3 } });
  t.equal(flows.length, 4);
  t.match(flows[0], {
    direction: "to-cloud",
    flow: 0,
    lost: 20,
    phases: { during: { delay: null } },
  });
  t.match(flows[1], { direction: "to-cloud", flow: 1, lost: 0 });
});

t.test("without a fault all is before; of many flows the worst are told", async (t) => {
  const many = columns(600, 200, (row) => (row % 200 === 150 ? 0 : 1000));
  const probes = { flows: 200, directions: { "to-cloud": many, "to-edge": many } };
  const none = { duringFromUs: undefined, afterFromUs: undefined, duringUs: undefined };
  const { traffic, flows } = reportTraffic(probes, { ...MOMENTS, ...none });
  t.match(traffic[0]?.phases, { before: { sent: 600, lost: 3 }, during: null, after: null });
  const numbers = flows.filter((flow) => flow.direction === "to-cloud").map(({ flow }) => flow);
  t.equal(numbers.length, 64);
  t.ok(numbers.includes(150));
  t.same(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
});
