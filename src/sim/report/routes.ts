/** Forwarding tables at three moments held against each other, and who carried which flow. */
import type { Direction, FlowCircuits } from "../lab/lab.ts";
import { EDGE_TABLE, type RouteChange } from "../lab/watch/route-history.ts";
import { type Phases, type Table, tableAt } from "./phases.ts";
import type { RouteReport, RoutesReport, ShareReport } from "./report.ts";

/** Rows and names beyond this are counted, not listed. */
const ROWS_MAX = 200;

export function reportRoutes(changes: readonly RouteChange[], phases: Phases): RoutesReport {
  const nodes = new Set([EDGE_TABLE, ...changes.map(({ node }) => node)]);
  const rows = [...nodes].flatMap((node) => compare(node, changes, phases));
  const isQuiet = (row: RouteReport) => row.change === "unchanged" && row.isRestored;
  const told = [...rows.filter((row) => !isQuiet(row)), ...rows.filter(isQuiet)];
  const atEdge = rows.filter((row) => row.node === "edge" && row.baseline.length > 0);
  return {
    total: rows.length,
    rows: told.slice(0, ROWS_MAX),
    redundant: prefixesOf(atEdge.filter(hasSecondWay)),
    nonRedundant: prefixesOf(atEdge.filter((row) => !hasSecondWay(row))),
  };
}

function compare(node: string, changes: readonly RouteChange[], phases: Phases): RouteReport[] {
  const at = (us: number) => tableAt(changes, node, us);
  const baseline = at(phases.baselineUs);
  const during = phases.duringUs === undefined ? undefined : at(phases.duringUs);
  const after = at(phases.endUs);
  const of =
    node === EDGE_TABLE ? ({ node: "edge" } as const) : ({ node: "ecr", router: node } as const);
  const prefixes = new Set([...baseline.keys(), ...(during?.keys() ?? []), ...after.keys()]);
  return [...prefixes]
    .map((prefix) => {
      const via = (table: Table) => table.get(prefix) ?? [];
      const [was, then, is] = [via(baseline), during && via(during), via(after)];
      const change = changeOf(was, then ?? was);
      const isRestored = was.join() === is.join();
      return { ...of, prefix, baseline: was, during: then ?? null, after: is, change, isRestored };
    })
    .filter(
      ({ baseline, during, after }) => baseline.length + after.length + (during?.length ?? 0),
    );
}

function changeOf(was: readonly string[], is: readonly string[]): RouteReport["change"] {
  if (was.join() === is.join()) return "unchanged";
  if (was.length === 0) return "appeared";
  return is.length === 0 ? "lost" : "moved";
}

/** Two in use at once, or another one that was taken. */
const hasSecondWay = ({ baseline, during, after }: RouteReport): boolean =>
  new Set([...baseline, ...(during ?? []), ...after]).size > 1;

const prefixesOf = (rows: readonly RouteReport[]) => ({
  count: rows.length,
  prefixes: rows.slice(0, ROWS_MAX).map((row) => row.prefix),
});

/** Which circuit each flow left by, asked at one moment. */
export interface FlowSample {
  readonly atUs: number;
  readonly circuits: FlowCircuits;
}

/** Flows by circuit: at the baseline, while the tables were worst, and at the end. */
export function reportShares(
  samples: readonly FlowSample[],
  phases: Phases,
): readonly ShareReport[] {
  const { baseline, during, after } = momentsOf(samples, phases);
  if (baseline === undefined || after === undefined) return [];
  return (["to-cloud", "to-edge"] as const).flatMap((direction: Direction) => {
    const asked = [baseline, during, after].map((sample) => sample?.circuits[direction]);
    const circuits = [...new Set(asked.flatMap((flows) => flows ?? []))];
    return circuits.sort(nullLast).map((circuit) => {
      const [was, then, is] = asked.map((flows) => flows?.filter((one) => one === circuit).length);
      const flows = { baseline: was ?? 0, during: then ?? null, after: is ?? 0 };
      return { direction, circuit, flows };
    });
  });
}

/** Of samples that were taken only where a table had changed: those of the three moments. */
export function momentsOf<Sample extends { readonly atUs: number }>(
  samples: readonly Sample[],
  { baselineUs, duringUs, afterFromUs, hasMoved }: Phases,
): Readonly<Record<"baseline" | "during" | "after", Sample | undefined>> {
  const baseline = samples.findLast((sample) => sample.atUs <= baselineUs) ?? samples[0];
  const isDuring = ({ atUs }: Sample) =>
    atUs >= (duringUs ?? 0) && (afterFromUs === undefined || atUs < afterFromUs);
  const worst = hasMoved ? samples.find(isDuring) : baseline;
  const during = duringUs === undefined ? undefined : worst;
  return { baseline, during, after: samples.at(-1) };
}

const nullLast = (one: string | null, other: string | null): number =>
  one === other ? 0 : one === null ? 1 : other === null ? -1 : one < other ? -1 : 1;
