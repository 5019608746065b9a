/**
 * `npm test`: installs and builds what is missing, then runs lint and every test, and ends with one
 * line, `N passed, N failed, N skipped`. Arguments name test files (of `dist/test`) to run instead.
 * As root on Debian it installs the routers the interop tests speak to.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, root, run } from "./ensure.mjs";

const PEERS = [
  { program: "/usr/lib/frr/bgpd", package: "frr" },
  { program: "/usr/sbin/bird", package: "bird2" },
  { program: "/usr/bin/gobgpd", package: "gobgpd" },
  { program: "/usr/bin/promtool", package: "prometheus" },
  { program: "/usr/sbin/ip", package: "iproute2" },
  { program: "/usr/bin/chromium", package: "chromium" },
];

/** What opens a lab, plays in namespaces or binds ports. */
const REAL = /\b(LoopbackLab|NamespaceLab|skipWithoutNetns|freePort)\b/;
const TAP = join(root, "node_modules", "tap", "dist", "esm", "run.mjs");

ensureInstalled();
ensureBuilt();
ensurePeers();
ensureTap();
run(process.execPath, [join(root, "node_modules", "@biomejs", "biome", "bin", "biome"), "check"]);
const named = process.argv.slice(2);
const files = named.length > 0 ? named : testFiles(join(root, "dist", "test"));
const outcomes = [
  await runTap(
    files.filter((file) => !isRealTime(file)),
    2,
  ),
  await runTap(files.filter(isRealTime), 1),
];
const total = (name) => outcomes.reduce((sum, outcome) => sum + outcome[name], 0);
console.log(`${total("passed")} passed, ${total("failed")} failed, ${total("skipped")} skipped`);
process.exitCode = total("failed") === 0 && total("passed") > 0 ? 0 : 1;

/**
 * What keeps real time (sockets, kernels, other routers) runs alone; the rest side by side. Of the
 * simulator that is what names a lab, namespaces or a free port, of the platform what is not the virtual one.
 */
function isRealTime(file) {
  if (/\/(interop|e2e)\//.test(file)) return true;
  if (file.includes("/platform/") && !file.includes("/unit/")) return !file.includes("/virtual-");
  return (
    file.includes("/sim/") && !file.includes("/unit/") && REAL.test(readFileSync(file, "utf8"))
  );
}

/** Tests whose source is gone are left behind in dist by the compiler; those do not count. */
function testFiles(directory) {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".test.js"))
    .filter((name) => existsSync(join(root, "test", name.replace(/\.js$/, ".ts"))))
    .sort()
    .map((name) => join("dist", "test", name));
}

function ensurePeers() {
  const missing = PEERS.filter((peer) => !existsSync(peer.program));
  if (missing.length === 0) return;
  const names = missing.map((peer) => peer.package);
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    console.error(`causeway: without ${names.join(", ")} some tests are skipped`);
    return;
  }
  console.error(`causeway: installing ${names.join(", ")} for the tests`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  spawnSync("apt-get", ["update", "-qq"], { env, stdio: "ignore" });
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...names];
  const outcome = spawnSync("apt-get", install, { env, encoding: "utf8" });
  if (outcome.status !== 0) {
    console.error(`causeway: apt-get could not install them:\n${outcome.stderr}`);
    return;
  }
  // The packages start their services; the tests run daemons of their own in namespaces.
  for (const service of ["frr", "bird", "gobgpd", "prometheus", "prometheus-node-exporter"]) {
    spawnSync("service", [service, "stop"], { stdio: "ignore" });
  }
}

/** tap rebuilds itself where .taprc changes its plugins; the run that notices would fail. */
function ensureTap() {
  const stamp = join(root, "node_modules", ".causeway-tap");
  if (existsSync(stamp)) return;
  run(process.execPath, [TAP, "build"]);
  writeFileSync(stamp, "");
}

/** Shows tap's output as it comes; the counts of its closing line, a crash counting as a failure. */
function runTap(list, jobs) {
  if (list.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const child = spawn(process.execPath, [TAP, "--reporter=tap", `--jobs=${jobs}`, ...list], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let tail = "";
  let partial = "";
  child.stdout.on("data", (chunk) => {
    partial += chunk;
    const lines = partial.split("\n");
    partial = lines.pop() ?? "";
    for (const line of lines) {
      if (isWorthShowing(line)) console.log(line);
      if (line.startsWith("# {")) tail = line;
    }
  });
  return new Promise((resolve) => {
    child.on("close", (code) => {
      const count = (name) => Number(new RegExp(`${name}: (\\d+)`).exec(tail)?.[1] ?? 0);
      const [passed, failed, skipped] = [count("pass"), count("fail"), count("skip")];
      resolve({ passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped });
    });
  });
}

/** File results, skips and everything about a failure; not the tens of thousands of passes. */
function isWorthShowing(line) {
  return (
    /^(ok|not ok)\b/.test(line) || !/^\s*(ok\b|1\.\.|# Subtest|$)/.test(line) || /# SKIP/.test(line)
  );
}
