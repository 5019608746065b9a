/**
 * `npm run fuzz [-- --minutes N --seed S]`: what a hostile peer may send, for 5 minutes or N, from
 * a drawn seed or S. Findings are shrunk, kept in `fixtures/fuzz` and played by `npm test`.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt, ensureInstalled, root } from "./ensure.mjs";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, seed: { type: "string", default: "-" } },
});
if (!(Number(values.minutes) > 0) || (values.seed !== "-" && !/^\d+$/.test(values.seed))) {
  console.error("usage: npm run fuzz [-- --minutes N --seed S]");
  process.exit(2);
}
ensureInstalled();
ensureBuilt();
const main = join(root, "dist", "test", "fuzz", "main.js");
const args = ["--expose-gc", "--enable-source-maps", main, values.minutes, values.seed];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
process.exitCode = status ?? 1;
