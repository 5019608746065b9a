/**
 * The network at one moment: the edge, each circuit with its VBR, the cloud's routers. A line in
 * use is thick, one that stands by is thin, one that is broken or without a session is dashed and
 * has a cross; sessions and shares of the flows are written on it.
 */

import type { CircuitState, DrillReport } from "../report.ts";
import { type RouterReport, routersOf } from "../routers.ts";
import { escapeMarkup } from "./escape.ts";

/** Circuits drawn; more than a page can show are counted. */
const CIRCUITS_MAX = 6;
const ROW = 62;
const TOP = 10;
const EDGE = { x: 5, width: 64 } as const;
const VBR = { x: 206, width: 58 } as const;
const ROUTER = { x: 291, width: 64 } as const;
const WIDTH = 360;

export type Moment = "baseline" | "during" | "after";

export function drawTopology(report: DrillReport, moment: Moment, label: string): string {
  const states = report.topology.states?.[moment] ?? [];
  const circuits = chosen(report, states);
  const height = Math.max(1, circuits.length) * ROW;
  const middle = TOP + height / 2;
  const routers = placed(report, circuits.length);
  const rows = circuits.map((circuit, index) =>
    drawCircuit(report, circuit, { moment, y: TOP + index * ROW + ROW / 2, routers }),
  );
  const missing = report.topology.circuits.length - circuits.length;
  const more =
    missing > 0
      ? `<text class="lane" x="${WIDTH / 2}" y="${TOP + height + 12}" text-anchor="middle">` +
        `and ${missing} more circuits</text>`
      : "";
  const nodes =
    drawNode({ ...EDGE, y: middle, height: height - 14 }, report.topology.edge) +
    routers.map((router) => drawNode({ ...ROUTER, ...router }, router.name)).join("");
  const box = `0 0 ${WIDTH} ${TOP + height + (missing > 0 ? 20 : 8)}`;
  return (
    `<svg class="topology" viewBox="${box}" role="img" aria-label="${escapeMarkup(label)}">` +
    `${rows.join("")}${nodes}${more}</svg>`
  );
}

/** Where a router's box is. */
type Placed = RouterReport & { readonly y: number; readonly height: number };

/** One below the other, as high as all circuits together. */
function placed({ topology }: DrillReport, rows: number): readonly Placed[] {
  const routers = routersOf(topology);
  const share = (Math.max(1, rows) * ROW) / routers.length;
  return routers.map((router, index) => {
    return { ...router, y: TOP + (index + 0.5) * share, height: Math.max(16, share - 14) };
  });
}

interface Circuit {
  readonly name: string;
  readonly vbr: string;
  readonly state: CircuitState | undefined;
}

/** Those with something to tell first, in the topology's order. */
function chosen(
  { topology, faults }: DrillReport,
  states: readonly CircuitState[],
): readonly Circuit[] {
  const touched = new Set(faults.map((fault) => fault.circuit));
  const all = topology.circuits.map(({ name, vbr }) => {
    return { name, vbr, state: states.find((state) => state.circuit === name) };
  });
  const lively = all.filter(({ name }) => touched.has(name));
  const shown = [...lively, ...all.filter((one) => !lively.includes(one))].slice(0, CIRCUITS_MAX);
  return all.filter((one) => shown.includes(one));
}

function drawCircuit(
  report: DrillReport,
  { name, vbr, state }: Circuit,
  place: { readonly moment: Moment; readonly y: number; readonly routers: readonly Placed[] },
): string {
  const { moment, y, routers } = place;
  const flows = (direction: "to-cloud" | "to-edge") => shareOf(report, name, direction, moment);
  const [out, back] = [flows("to-cloud"), flows("to-edge")];
  const isDown = state !== undefined && (state.bgp === "down" || state.bfd === "down");
  const isBroken = isDown || (state?.fault ?? null) !== null;
  const isUsed = (out?.flows ?? 0) + (back?.flows ?? 0) > 0;
  const kind = isBroken ? "broken" : isUsed ? "used" : "idle";
  const [from, to] = [EDGE.x + EDGE.width, VBR.x];
  const line = `<line class="way ${kind}" x1="${from}" y1="${y}" x2="${to}" y2="${y}"/>`;
  const x = (from + to) / 2;
  const cross = isBroken ? `<path class="cross" d="M${x - 6} ${y - 6}l12 12m0 -12l-12 12"/>` : "";
  const inner = routers
    .filter(({ circuits }) => circuits.includes(name))
    .map((router) => {
      const end = Math.min(Math.max(y, router.y - router.height / 2), router.y + router.height / 2);
      const use = isUsed && !isDown ? "used" : "idle";
      return `<path class="way ${use}" d="M${VBR.x + VBR.width} ${y}L${ROUTER.x} ${end}"/>`;
    })
    .join("");
  const shares = [
    out === undefined ? "" : `→ ${out.flows} of ${out.all}`,
    back === undefined ? "" : `← ${back.flows} of ${back.all}`,
  ];
  const words = state === undefined ? "" : stateWords(state);
  const fault = state?.fault ?? null;
  const title = `${name}: ${words}${fault === null ? "" : `; ${fault}`}`;
  return (
    `<g><title>${escapeMarkup(title)}</title>` +
    `${line}${inner}${cross}` +
    `<text class="actor" x="${x}" y="${y - 10}" text-anchor="middle">${escapeMarkup(name)}</text>` +
    `<text class="lane${isDown ? " bad" : ""}" x="${x}" y="${y + 17}" text-anchor="middle">` +
    `${words}</text>` +
    `<text class="lane" x="${x}" y="${y + 30}" text-anchor="middle">${shares.join("  ")}</text>` +
    `${drawNode({ ...VBR, y, height: 30 }, vbr)}</g>`
  );
}

const stateWords = ({ bfd, bgp }: CircuitState): string =>
  bfd === "none"
    ? `BGP ${bgp}, no BFD`
    : bfd === bgp
      ? `BFD, BGP ${bgp}`
      : `BFD ${bfd}, BGP ${bgp}`;

function shareOf(
  { shares }: DrillReport,
  circuit: string,
  direction: "to-cloud" | "to-edge",
  moment: Moment,
): { readonly flows: number; readonly all: number } | undefined {
  const rows = shares?.filter((row) => row.direction === direction) ?? [];
  if (rows.length === 0 || rows.some((row) => row.flows[moment] === null)) return undefined;
  const flows = rows.find((row) => row.circuit === circuit)?.flows[moment] ?? 0;
  return { flows, all: rows.reduce((sum, row) => sum + (row.flows[moment] ?? 0), 0) };
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawNode({ x, y, width, height }: Box, name: string): string {
  const short = name.length > 9 ? `${name.slice(0, 8)}…` : name;
  return (
    `<rect class="node" x="${x}" y="${y - height / 2}" width="${width}" ` +
    `height="${height}" rx="6"/>` +
    `<text class="actor" x="${x + width / 2}" y="${y + 4}" text-anchor="middle">` +
    `<title>${escapeMarkup(name)}</title>${escapeMarkup(short)}</text>`
  );
}
