/**
 * Predicted against measured: the same drills in virtual time and in a lab of namespaces, with the
 * same file. Detection and convergence must agree within 20 % or 20 ms, whichever is more, and
 * what the machine itself was late meanwhile, as the report says.
 *
 * When BFD detects depends on where in an interval the line was cut, which no two runs share. So
 * what is compared is the silence, from the last packet heard to Down; the detection from the fault
 * must lie in the band that follows from the intervals. Of six runs in the lab one must agree.
 */
import t from "tap";
import type { Drill } from "../../src/sim/drill/drill.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import type { FaultReport } from "../../src/sim/report/report.ts";
import { load, play } from "../support/drills.ts";

const SHARE = 0.2;
const SLACK_MS = 20;
const RUNS_MAX = 6;

async function firstFault(drill: Drill, lab: Lab): Promise<FaultReport> {
  const { faults, because } = await play(drill, lab);
  const [fault] = faults;
  if (fault === undefined) throw new Error(`${drill.name}: ${because}`);
  return fault;
}

type Figure = number | null | undefined;

/** What is between them, or nothing where they agree. */
function gap(name: string, predicted: Figure, measured: Figure, lateMs: number): readonly string[] {
  if (predicted === null || predicted === undefined) return [`${name} was not predicted`];
  if (measured === null || measured === undefined) return [`${name} was not measured`];
  const allowed = Math.max(SLACK_MS, SHARE * predicted) + lateMs;
  if (Math.abs(measured - predicted) <= allowed) return [];
  return [`${name}: predicted ${predicted} ms, measured ${measured} ms`];
}

/** From the fault BFD may detect after M - 1 intervals at the least, and M at the most. */
function bandOf({ edge }: Drill): { readonly minMs: number; readonly maxMs: number } {
  const bfd = edge.circuits[0]?.sessions[0]?.bfd;
  if (bfd === undefined) throw new Error("this drill has BFD");
  const intervalMs = bfd.requiredMinRxIntervalUs / 1000;
  return { minMs: (bfd.detectMult - 1) * intervalMs, maxMs: bfd.detectMult * intervalMs };
}

function disagreements(
  drill: Drill,
  predicted: FaultReport,
  measured: FaultReport,
  lateMs: number,
): readonly string[] {
  if (measured.detectedBy !== predicted.detectedBy) {
    return [`predicted to be seen by ${predicted.detectedBy}, seen by ${measured.detectedBy}`];
  }
  const between = (name: "convergenceMs" | "detectionMs" | "silenceMs") =>
    gap(name, predicted[name], measured[name], lateMs);
  const convergence = between("convergenceMs");
  if (predicted.detectedBy !== "bfd") return [...between("detectionMs"), ...convergence];
  const { minMs, maxMs } = bandOf(drill);
  const isIn = ({ detectionMs }: FaultReport, fromMs: number) =>
    detectionMs !== null && detectionMs >= fromMs && detectionMs <= maxMs * (1 + SHARE) + lateMs;
  // A sender that is late itself makes detection early, as seen from the fault.
  const outside = [
    ...(isIn(predicted, minMs) ? [] : [`${predicted.detectionMs} ms is not in the band`]),
    ...(isIn(measured, 0) ? [] : [`${measured.detectionMs} ms is above the band`]),
  ];
  return [...outside, ...between("silenceMs"), ...convergence];
}

t.setTimeout(600_000);

for (const name of ["two-circuits", "carrier-seen", "vbr-restart-graceful"]) {
  t.test(
    `${name}: the lab measures what virtual time predicted`,
    { skip: whyNoNamespaces() ?? false },
    async (t) => {
      const { drill, edgeFile } = load(`${name}.yaml`);
      const predicted = await firstFault(drill, new VirtualLab(drill));
      let found: readonly string[] = ["never played"];
      for (let run = 0; run < RUNS_MAX && found.length > 0; run += 1) {
        const measured = await firstFault(drill, new NamespaceLab(drill, edgeFile));
        const { lateMs = 0 } = measured;
        found = disagreements(drill, predicted, measured, lateMs);
        const [p, m] = [predicted, measured].map(({ detectionMs, silenceMs, convergenceMs }) =>
          [detectionMs, silenceMs, convergenceMs].join(" / "),
        );
        const late = `the machine ${lateMs.toFixed(1)} late`;
        t.comment(
          `detection / silence / convergence in ms: predicted ${p}, measured ${m}, ${late}`,
        );
      }
      t.same(found, []);
    },
  );
}
