/**
 * What virtual time predicted against what a lab measured, fault by fault. Detection and
 * convergence must agree; loss and the cloud's side are told beside them, because they follow from
 * where in its interval a BFD packet was when the line died. So does detection by BFD, seen from
 * the fault: what is predicted is the time from the last packet to Down, and the measured run says
 * how long before its fault that packet was. The virtual run's own figure stands beside it.
 */
import { alignRows, differenceText } from "./formats/align.ts";
import type { DrillReport, FaultReport } from "./report.ts";
import { ms } from "./units.ts";

export interface PredictionRow {
  readonly drill: string;
  readonly fault: string;
  readonly figure: string;
  readonly predicted: string;
  readonly measured: string;
  readonly difference: string;
  /** Null where it is not judged. */
  readonly agrees: boolean | null;
}

/** Whichever of the two is more, and what the lab's machine was late meanwhile. */
const TOLERANCE = 0.2;
const FLOOR_MS = 20;

interface Figure {
  readonly name: string;
  readonly isJudged: boolean;
  /** Of the measured run, and of the virtual one where nothing else is said. */
  of(fault: FaultReport): number | null;
  predict?(predicted: FaultReport, measured: FaultReport | undefined): number | null;
}

const FIGURES: readonly Figure[] = [
  {
    name: "detection",
    isJudged: true,
    of: (fault) => fault.detectionMs,
    predict: (predicted, measured) => detectionAsCut(predicted, measured) ?? predicted.detectionMs,
  },
  {
    name: "… cut as in virtual time",
    isJudged: false,
    of: ({ detectedBy, detectionMs }) => (detectedBy === "bfd" ? detectionMs : null),
  },
  { name: "convergence", isJudged: true, of: (fault) => fault.convergenceMs },
  { name: "cloud left", isJudged: false, of: (fault) => fault.cloudConvergenceMs },
  {
    name: "longest silence",
    isJudged: false,
    of: ({ lost }) => Math.max(lost.toCloud.longestGapMs, lost.toEdge.longestGapMs),
  },
];

/** Of a line cut at the measured run's moment of the interval; null where BFD saw neither. */
function detectionAsCut(predicted: FaultReport, measured: FaultReport | undefined): number | null {
  const silenceMs = predicted.silenceMs ?? null;
  const heardMs = measured?.silenceMs ?? null;
  const detectionMs = measured?.detectionMs ?? null;
  const isBfd = predicted.detectedBy === "bfd" && measured?.detectedBy === "bfd";
  if (!isBfd || silenceMs === null || heardMs === null || detectionMs === null) return null;
  return silenceMs - (heardMs - detectionMs);
}

export function comparePrediction(
  predicted: DrillReport,
  measured: DrillReport,
  tolerance: number | undefined,
): readonly PredictionRow[] {
  const { drill } = predicted;
  const verdict = {
    ...{ drill, fault: "", figure: "verdict" },
    predicted: predicted.verdict,
    measured: measured.verdict,
    difference: "",
    agrees: predicted.verdict === measured.verdict,
  };
  const figures = predicted.faults.flatMap((fault, index) => {
    const other = measured.faults[index];
    return FIGURES.flatMap((figure) => compareFigure(drill, figure, [fault, other], tolerance));
  });
  return [verdict, ...figures];
}

function compareFigure(
  drill: string,
  { name, isJudged, of, predict }: Figure,
  [predicted, measured]: readonly [FaultReport, FaultReport | undefined],
  tolerance: number | undefined,
): PredictionRow[] {
  const was = predict === undefined ? of(predicted) : predict(predicted, measured);
  const is = measured === undefined ? null : of(measured);
  if (was === null && is === null) return [];
  const by = was === null || is === null ? undefined : is - was;
  const lateMs = measured?.lateMs ?? 0;
  const limit = Math.max(FLOOR_MS, (tolerance ?? TOLERANCE) * (was ?? 0)) + lateMs;
  const agrees = by !== undefined && Math.abs(by) <= limit;
  const row = { drill, fault: predicted.fault, figure: name };
  return [
    {
      ...row,
      predicted: was === null ? "none" : ms(was),
      measured: is === null ? "none" : ms(is),
      difference: differenceText(was, is, ms),
      agrees: isJudged ? agrees : null,
    },
  ];
}

const VERDICTS = { true: "agrees", false: "DIFFERS" } as const;

export const formatPredictions = {
  table(rows: readonly PredictionRow[]): string {
    const head = ["drill", "fault", "", "predicted", "measured", "difference", ""];
    const cells = rows.map((row, index) => {
      const last = rows[index - 1];
      const drill = last?.drill === row.drill ? "" : row.drill;
      const fault = last?.fault === row.fault && drill === "" ? "" : row.fault;
      const word = row.agrees === null ? "" : VERDICTS[`${row.agrees}`];
      return [drill, fault, row.figure, row.predicted, row.measured, row.difference, word];
    });
    return alignRows([head, ...cells]);
  },
  total(rows: readonly PredictionRow[]): string {
    const judged = rows.filter((row) => row.agrees !== null);
    const agreed = judged.filter((row) => row.agrees === true).length;
    return agreed === judged.length
      ? "measured as predicted"
      : `${judged.length - agreed} of ${judged.length} figures are not as predicted`;
  },
};
