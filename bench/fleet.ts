/**
 * What a fleet costs: the shipped region-lost drill with 25 to 400 edges, each in this one process,
 * so memory is the largest one's and the first pays for compiling. Time is the processor's: a busy
 * machine counts less. The last column is held against n log n: where it does not grow, neither
 * does the cost grow faster.
 *
 *   node dist/bench/fleet.js [EDGES …]
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadFleet } from "../src/sim/fleet/fleet.ts";
import { playFleet } from "../src/sim/fleet/run.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const file = join(root, "fixtures", "fleets", "region-lost.yaml");
const { fleet } = loadFleet(file, readFileSync(file, "utf8"));
if (fleet === undefined) throw new Error(`${file} cannot be read`);

const asked = process.argv.slice(2).map(Number);
for (const edges of asked.length > 0 ? asked : [25, 50, 100, 200, 400]) {
  const wall = process.hrtime.bigint();
  const processor = process.cpuUsage();
  const { events, agents, virtualMs } = playFleet({ ...fleet, edges }, () => undefined);
  const { user, system } = process.cpuUsage(processor);
  const wallSec = Number(process.hrtime.bigint() - wall) / 1e9;
  const mb = process.resourceUsage().maxRSS / 1024;
  const processorSec = (user + system) / 1e6;
  const share = (processorSec * 1e3) / (edges * Math.log2(edges));
  console.log(
    `${String(edges).padStart(4)} edges, ${String(agents).padStart(4)} agents`,
    `${(virtualMs / 1000).toFixed(0).padStart(4)} s virtual`,
    `${(events / 1e6).toFixed(2).padStart(7)} M events`,
    `${wallSec.toFixed(1).padStart(7)} s wall`,
    `${processorSec.toFixed(1).padStart(7)} s processor`,
    `${mb.toFixed(0).padStart(6)} MB`,
    `${share.toFixed(1).padStart(6)} ms / n log₂ n`,
  );
}
