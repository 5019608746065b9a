/**
 * `npm run fuzz [-- --minutes N --seed S]`: what a hostile peer may send, for 5 minutes or N, from
 * a drawn seed or S. Findings are shrunk, kept in `fixtures/fuzz` and played by `npm test`.
 * With `--coverage N` it plays the cases 1 to N and prints what of the code none of them reached.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt, ensureInstalled, root } from "./ensure.mjs";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: "-" },
    coverage: { type: "string" },
  },
});
const { minutes, seed, coverage } = values;
const isSeed = seed === "-" || /^\d+$/.test(seed);
if (!(Number(minutes) > 0) || !isSeed || !/^\d+$/.test(coverage ?? "1")) {
  console.error("usage: npm run fuzz [-- --minutes N --seed S | --coverage N]");
  process.exit(2);
}
ensureInstalled();
ensureBuilt();
const folder = join(root, "dist", "test", "fuzz");
const run = [join(folder, "main.js"), minutes, seed];
const program = coverage === undefined ? run : [join(folder, "coverage.js"), coverage];
const args = ["--expose-gc", "--enable-source-maps", ...program];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
process.exitCode = status ?? 1;
