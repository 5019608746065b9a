/** `npm start`: the rehearsal. Installs and builds what is missing, then runs the first drill live. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, root } from "./ensure.mjs";

ensureInstalled();
ensureBuilt();
const drill = join(root, "fixtures", "drills", "two-circuits.yaml");
const args = ["drill", "run", drill, "--mode", "lab", ...process.argv.slice(2)];
const outcome = spawnSync(process.execPath, [join(root, "bin", "causeway"), ...args], {
  stdio: "inherit",
});
process.exitCode = outcome.status ?? 1;
