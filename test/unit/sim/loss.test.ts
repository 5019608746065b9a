import fc from "fast-check";
import t from "tap";
import type { ProbeColumns } from "../../../src/sim/lab/lab.ts";
import { lossBetween } from "../../../src/sim/report/loss.ts";

/** One probe a millisecond, the flows in turn; `lost` says which rows never arrived. */
function probes(count: number, flows: number, lost: (row: number) => boolean): ProbeColumns {
  const rows = Array.from({ length: count }, (_, row) => row);
  return {
    count,
    flow: Uint16Array.from(rows, (row) => row % flows),
    sentUs: Float64Array.from(rows, (row) => 1_000_000 + row * 1000),
    arrivedUs: Float64Array.from(rows, (row) => (lost(row) ? 0 : 1_000_500 + row * 1000)),
  };
}

const ALL = [0, Number.POSITIVE_INFINITY] as const;

t.test("a gap is the time between two packets of one flow that did arrive", async (t) => {
  const whole = lossBetween(
    probes(100, 1, () => false),
    1,
    ...ALL,
  );
  t.same(whole, { sent: 100, lost: 0, longestGapMs: 0, gaps: 0 });
  const hole = lossBetween(
    probes(100, 1, (row) => row >= 40 && row < 50),
    1,
    ...ALL,
  );
  t.same(hole, { sent: 100, lost: 10, longestGapMs: 11, gaps: 1 });
  const holes = lossBetween(
    probes(100, 2, (row) => row % 20 < 4 || row >= 96),
    2,
    ...ALL,
  );
  t.equal(holes.gaps, 12, "five of each flow, and the end");
});

t.test("one dark flow of four is found although the others arrive", async (t) => {
  const dark = lossBetween(
    probes(400, 4, (row) => row % 4 === 2 && row >= 100),
    4,
    ...ALL,
  );
  t.equal(dark.lost, 75);
  t.equal(dark.longestGapMs, 300, "silent to the end: from its last arrival to its last sending");
});

t.test("only the window counts, but a gap may have begun before it", async (t) => {
  const columns = probes(100, 1, (row) => row >= 40 && row < 60);
  const half = lossBetween(columns, 1, 1_050_000, 1_080_000);
  t.same(half, { sent: 30, lost: 10, longestGapMs: 21, gaps: 1 });
});

t.test("lost is what was sent and did not arrive, whatever the pattern", async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 200 }),
      fc.integer({ min: 1, max: 5 }),
      (gone, flows) => {
        const loss = lossBetween(
          probes(gone.length, flows, (row) => gone[row] ?? false),
          flows,
          ...ALL,
        );
        const lost = gone.filter(Boolean).length;
        return (
          loss.sent === gone.length &&
          loss.lost === lost &&
          (loss.gaps ?? 0) <= lost &&
          lost > 0 === (loss.gaps !== 0) &&
          (lost > 0 || loss.longestGapMs === 0)
        );
      },
    ),
  );
  t.pass();
});
