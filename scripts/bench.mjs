/** `npm run bench [NAME …]`: builds, then runs the benchmarks one after the other, each in a process. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, root } from "./ensure.mjs";

ensureInstalled();
ensureBuilt();
const wanted = process.argv.slice(2);
const names = readdirSync(join(root, "bench"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -3))
  .filter((name) => wanted.length === 0 || wanted.includes(name));
for (const name of names) {
  const file = join(root, "dist", "bench", `${name}.js`);
  if (!existsSync(file)) continue;
  console.log(`# ${name}`);
  const outcome = spawnSync(process.execPath, ["--expose-gc", file], { stdio: "inherit" });
  if (outcome.status !== 0) process.exitCode = 1;
}
