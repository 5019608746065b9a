/**
 * A campaign as one HTML page that needs neither network nor script: a map each of verdicts,
 * longest gaps, loss and detection, the first axis down, the others across, every cell with its
 * figure, so that colour only helps. Where there is one axis or none, seeds go across.
 */
import { escapeMarkup as text } from "../report/page/escape.ts";
import { STYLE } from "../report/page/style.ts";
import { axesOf } from "./campaign.ts";
import type { RunResult } from "./result.ts";
import {
  failureText,
  msOr,
  percent,
  resultsBy,
  type Summary,
  summaryText,
  type Tally,
  tally,
} from "./summary.ts";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'";

/** More columns of single seeds than this are no picture; one column holds them all then. */
const SEED_COLUMNS_MAX = 24;

/** As many are seen without scrolling. */
const COLUMNS_SEEN = 6;

export function formatHeatMap(summary: Summary): string {
  const { campaign, results, failures, version } = summary;
  const { failed, unsure } = tally(results);
  const verdict = failed > 0 ? "FAIL" : unsure > 0 ? "INCONCLUSIVE" : "PASS";
  const grid = gridOf(summary);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(`${verdict} ${campaign.name}`)} – campaign</title>
<link rel="icon" href="data:,">
<style>${STYLE}${HEAT_STYLE}</style>
</head>
<body>
<h1>${text(campaign.name)}</h1>
<p class="soft">${text(campaign.description)}</p>
<div class="verdict ${verdict}"><strong>${verdict}</strong>
<span>${text(summaryText(summary))}</span></div>
${MAPS.map((map) => drawMap(grid, map)).join("\n")}
${failures.length > 0 ? "<h2>Failures, made as small as they go</h2>" : ""}
${failures.map((failure) => `<pre>${text(failureText(failure))}</pre>`).join("\n")}
<p class="facts">${text(campaign.base.file)}; causeway ${text(version)}; every cell is the worst
of its runs</p>
</body>
</html>
`;
}

interface Grid {
  readonly corner: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  at(row: string, column: string): Tally | undefined;
}

function gridOf({ campaign, results }: Summary): Grid {
  const [down, ...across] = axesOf(campaign);
  const hasSeeds = across.length === 0 && campaign.seeds.length <= SEED_COLUMNS_MAX;
  const rowOf = ({ axes }: RunResult) => (down === undefined ? campaign.name : axes[down[0]]) ?? "";
  const columnOf = ({ axes, seed }: RunResult) => {
    if (across.length > 0) return across.map(([name]) => `${name} ${axes[name]}`).join(", ");
    return hasSeeds ? `seed ${seed}` : `${campaign.seeds.length} seeds`;
  };
  const cells = resultsBy(results, (result) => `${rowOf(result)}\n${columnOf(result)}`);
  const tallies = new Map([...cells].map(([key, group]) => [key, tally(group)]));
  return upright({
    corner: [down?.[0] ?? "", ...across.map(([name]) => name)].join(" × "),
    rows: [...new Set(results.map(rowOf))],
    columns: [...new Set(results.map(columnOf))],
    at: (row, column) => tallies.get(`${row}\n${column}`),
  });
}

/** A page is scrolled down more gladly than across. */
function upright(grid: Grid): Grid {
  if (grid.columns.length <= Math.max(grid.rows.length, COLUMNS_SEEN)) return grid;
  const at = (row: string, column: string) => grid.at(column, row);
  return { ...grid, rows: grid.columns, columns: grid.rows, at };
}

interface HeatMap {
  readonly title: string;
  /** What a cell says. */
  label(tally: Tally): string;
  /** How hot it is, from 0, which is well. Shades are shares of the hottest cell. */
  heat(tally: Tally): number;
  /** Cells are hot by themselves, not in comparison. */
  readonly isAbsolute?: boolean;
}

const MAPS: readonly HeatMap[] = [
  {
    title: "Verdicts: passed of played",
    label: ({ passed, runs }) => `${passed}/${runs}`,
    heat: ({ passed, runs }) => 1 - passed / runs,
    isAbsolute: true,
  },
  {
    title: "Longest gap of one flow",
    label: ({ longestGapMs }) => msOr(longestGapMs),
    heat: ({ longestGapMs }) => longestGapMs ?? 0,
  },
  {
    title: "Probes lost",
    label: percent,
    heat: ({ sent, lost }) => (sent === 0 ? 0 : lost / sent),
  },
  {
    title: "Detection",
    label: ({ detectionMs }) => msOr(detectionMs),
    heat: ({ detectionMs }) => detectionMs ?? 0,
  },
];

function drawMap(grid: Grid, { title, label, heat, isAbsolute }: HeatMap): string {
  const tallies = grid.rows.flatMap((row) =>
    grid.columns.flatMap((column) => grid.at(row, column) ?? []),
  );
  const hottest = isAbsolute === true ? 1 : Math.max(...tallies.map(heat), Number.MIN_VALUE);
  const cell = (row: string, column: string) => {
    const found = grid.at(row, column);
    if (found === undefined) return `<td class="number soft">–</td>`;
    // Anything that failed is seen, however small its share.
    const share = heat(found) / hottest;
    const shade = share === 0 ? 0 : Math.max(1, Math.ceil(share * SHADES));
    return `<td class="number heat${shade}">${text(label(found))}</td>`;
  };
  const head = grid.columns.map((column) => `<th class="number">${text(column)}</th>`).join("");
  const rows = grid.rows.map(
    (row) =>
      `<tr><th>${text(row)}</th>${grid.columns.map((column) => cell(row, column)).join("")}</tr>`,
  );
  return `<h2>${text(title)}</h2>
<div class="scroll"><table class="heat"><tr><th>${text(grid.corner)}</th>${head}</tr>
${rows.join("\n")}</table></div>`;
}

const SHADES = 5;
const HEAT_STYLE = `
table.heat { width: auto; } table.heat td { border: 1px solid var(--line);
  text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
table.heat th { white-space: nowrap; }
.heat0 { background: color-mix(in srgb, var(--pass) 16%, var(--page)); }
${[1, 2, 3, 4, 5]
  .map(
    (shade) =>
      `.heat${shade} { background: color-mix(in srgb, var(--fail) ${shade * 11}%, var(--page)); }`,
  )
  .join("\n")}
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem; overflow-x: auto; }
`;
