/**
 * Installs and builds what is missing, with Node built-ins only: the two commands of the README run
 * on a fresh clone. Nothing is done again while nothing changed: the dependencies are stamped with
 * the lock file's hash, and the compiler keeps its own build state.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old: Causeway needs 20.19 or newer`);
}

/** Runs a step; its output is shown only where it fails, or always with `show`. */
export function run(command, args, { show = false, env = {} } = {}) {
  const outcome = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: show ? "inherit" : "pipe",
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  if (outcome.status === 0) return;
  if (!show) process.stderr.write(`${outcome.stdout ?? ""}${outcome.stderr ?? ""}`);
  fail(`"${command} ${args.join(" ")}" failed${outcome.error ? `: ${outcome.error.message}` : ""}`);
}

export function ensureInstalled() {
  const lock = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  const stamp = join(root, "node_modules", ".causeway-lock");
  const wanted = `${lock.digest("hex")} node-abi-${process.versions.modules}\n`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  if (!existsSync(stamp) && existsSync(join(root, "node_modules", "typescript"))) {
    // Installed by hand or by another script: trust it once the compiler is there.
    writeFileSync(stamp, wanted);
    return;
  }
  console.error("causeway: installing dependencies (npm ci)");
  run("npm", ["ci", "--no-audit", "--no-fund"]);
  writeFileSync(stamp, wanted);
}

export function ensureBuilt() {
  mkdirSync(join(root, "dist"), { recursive: true });
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-b"]);
}

function fail(sentence) {
  process.stderr.write(`causeway: ${sentence}\n`);
  process.exit(1);
}
