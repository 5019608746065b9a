/** What a region's loss was to a fleet: schema `causeway.fleet.report/v1`, verdict, text. */
import { ms } from "../report/units.ts";
import type { Fleet } from "./fleet.ts";
import type { EdgeFigures, FleetFigures } from "./run.ts";

export interface FleetReport {
  readonly schema: "causeway.fleet.report/v1";
  readonly fleet: string;
  readonly description: string;
  readonly seed: number;
  readonly version: string;
  readonly regions: number;
  readonly circuits: number;
  readonly agents: number;
  readonly traceHash: string;
  readonly durationMs: number;
  readonly setupMs: number;
  readonly verdict: "PASS" | "FAIL" | "INCONCLUSIVE";
  readonly because: string;
  /** Over the edges with a circuit into the lost region. */
  readonly touched: GroupReport;
  /** Over all others. */
  readonly untouched: GroupReport;
  readonly checks: readonly {
    readonly check: string;
    readonly isHeld: boolean;
    readonly observed: string;
  }[];
  readonly edges: readonly EdgeFigures[];
}

export interface GroupReport {
  readonly edges: number;
  readonly sent: number;
  readonly lost: number;
  readonly detectionMs: Spread | null;
  readonly convergenceMs: Spread | null;
  readonly longestGapMs: Spread | null;
  readonly backMs: Spread | null;
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function reportFleet(fleet: Fleet, figures: FleetFigures, version: string): FleetReport {
  const { edges, isReady, setupMs, agents, virtualMs, traceHash } = figures;
  const touched = groupOf(edges.filter(({ isTouched }) => isTouched));
  const untouched = groupOf(edges.filter(({ isTouched }) => !isTouched));
  const checks = isReady ? checksOf(fleet, edges) : [];
  const broken = checks.find(({ isHeld }) => !isHeld);
  return {
    schema: "causeway.fleet.report/v1",
    fleet: fleet.name,
    description: fleet.description,
    ...{ seed: fleet.seed, version, regions: fleet.regions, circuits: fleet.circuits, agents },
    ...{ traceHash, durationMs: virtualMs, setupMs },
    verdict: isReady ? (broken === undefined ? "PASS" : "FAIL") : "INCONCLUSIVE",
    because: isReady
      ? broken === undefined
        ? `${touched.edges} of ${edges.length} edges left the region, ${spreadText(touched)}`
        : `${broken.check}: ${broken.observed}`
      : "not every session came up",
    ...{ touched, untouched, checks, edges },
  };
}

function checksOf(fleet: Fleet, edges: readonly EdgeFigures[]): FleetReport["checks"] {
  const { budgets } = fleet;
  const touched = edges.filter(({ isTouched }) => isTouched);
  const none = (check: string, wrong: readonly EdgeFigures[], what: string) => {
    const [first] = wrong;
    const observed = first === undefined ? "none" : `${wrong.length} edges, ${first.edge} first`;
    return { check, isHeld: first === undefined, observed: `${what}: ${observed}` };
  };
  const isAbove = (value: number | null, maxUs: number | undefined) =>
    maxUs !== undefined && (value === null || value * 1000 > maxUs);
  const others = edges.filter(({ isTouched }) => !isTouched);
  const noisy = others.filter(({ downs, lost }) => downs > 0 || lost > 0);
  const stuck = touched.filter(({ backMs }) => backMs === null);
  const slow = (name: "detection" | "convergence" | "outage", maxUs: number | undefined) => {
    const of = { detection: "detectionMs", convergence: "convergenceMs", outage: "longestGapMs" };
    const key = of[name] as "detectionMs" | "convergenceMs" | "longestGapMs";
    if (maxUs === undefined) return [];
    const wrong = touched.filter((edge) => isAbove(edge[key], maxUs));
    return [none(`${name} at most ${ms(maxUs / 1000)}`, wrong, "above it")];
  };
  return [
    none("edges without a circuit into the region notice nothing", noisy, "noticed"),
    none("every session comes back with the region", stuck, "not back"),
    ...slow("detection", budgets.detectionUsMax),
    ...slow("convergence", budgets.convergenceUsMax),
    ...slow("outage", budgets.outageUsMax),
  ];
}

function groupOf(edges: readonly EdgeFigures[]): GroupReport {
  return {
    edges: edges.length,
    sent: edges.reduce((sum, { sent }) => sum + sent, 0),
    lost: edges.reduce((sum, { lost }) => sum + lost, 0),
    detectionMs: spreadOf(edges.map(({ detectionMs }) => detectionMs)),
    convergenceMs: spreadOf(edges.map(({ convergenceMs }) => convergenceMs)),
    longestGapMs: spreadOf(edges.map(({ longestGapMs }) => longestGapMs)),
    backMs: spreadOf(edges.map(({ backMs }) => backMs)),
  };
}

function spreadOf(values: readonly (number | null)[]): Spread | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return sorted.length === 0 ? null : { p50: at(0.5), p99: at(0.99), max: at(1) };
}

const worst = (spread: Spread | null): string => (spread === null ? "none" : ms(spread.max));

const spreadText = ({ detectionMs, convergenceMs, longestGapMs, sent, lost }: GroupReport) =>
  `at worst detection ${worst(detectionMs)}, convergence ${worst(convergenceMs)}, ` +
  `longest gap ${worst(longestGapMs)}; ${lost} of ${sent} round trips lost`;

export function formatFleet(report: FleetReport): string {
  const { touched, untouched } = report;
  const row = (name: string, spread: Spread | null) =>
    `  ${name.padEnd(14)}${spread === null ? "none" : columns(spread)}`;
  const lines = [
    `fleet ${report.fleet}: ${report.description}`,
    `  ${report.edges.length} edges × ${report.circuits} circuits, ${report.regions} regions, ` +
      `${report.agents} agents; seed ${report.seed}; trace ${report.traceHash}`,
    "",
    `${touched.edges} edges with a circuit into the lost region` +
      "            p50         p99         max",
    row("detection", touched.detectionMs),
    row("convergence", touched.convergenceMs),
    row("longest gap", touched.longestGapMs),
    row("back", touched.backMs),
    `  lost          ${touched.lost} of ${touched.sent} round trips`,
    `${untouched.edges} edges without one`,
    `  lost          ${untouched.lost} of ${untouched.sent} round trips`,
    "",
    "checks",
    ...report.checks.map(
      ({ check, isHeld, observed }) => `  ${isHeld ? "ok  " : "FAIL"} ${check}: ${observed}`,
    ),
    "",
    `${report.verdict}: ${report.because}`,
  ];
  return `${lines.join("\n")}\n`;
}

const columns = ({ p50, p99, max }: Spread): string =>
  [p50, p99, max]
    .map((value) => ms(value).padStart(12))
    .join("")
    .padStart(66);
