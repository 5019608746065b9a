/** The files `drill run` writes and `drill diff` reads, with their exit codes. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { diffDrills } from "../../src/sim/diff.ts";
import { type DrillOrder, runDrills } from "../../src/sim/main.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";
import { DRILLS } from "../support/drills.ts";
import { schemaFaults } from "../support/report-schema.ts";

const drill = (name: string): string => join(DRILLS, `${name}.yaml`);

function streams(): { out: (text: string) => void; err: (text: string) => void; all: string[] } {
  const all: string[] = [];
  const push = (text: string) => void all.push(text);
  return { out: push, err: push, all };
}

const order = (
  names: readonly string[],
  write: DrillOrder["write"],
  evidence?: string,
): DrillOrder => ({
  files: names.map(drill),
  mode: "virtual",
  seed: undefined,
  evidence,
  output: "json",
  version: "test",
  isQuiet: true,
  isKept: false,
  write,
});

t.test("of several drills each that passed is a line, with the hash that repeats", async (t) => {
  const run = async (change: Partial<DrillOrder>) => {
    const heard = streams();
    const names = ["carrier-seen", "upgrade-graceful", "graceful-but-dead"];
    await runDrills({ ...order(names, {}), output: "text", ...change }, heard);
    return heard.all.join("");
  };
  const brief = await run({});
  t.match(brief, /^PASS +carrier-seen +detection .* convergence .* lost .*; trace [0-9a-f]{16}$/m);
  t.match(brief, /\n3 drills: 3 passed, 0 failed, 0 inconclusive\n$/);
  t.notMatch(brief, /^timeline$/m);
  t.equal(brief.match(/warning W208/g)?.length, 2, "two lines of one file, not of two drills");
  t.equal(await run({}), brief);
  t.match(await run({ isFull: true }), /^timeline$/m);
});

t.test("run writes every format, diff compares two runs", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-reports-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  const names = ["carrier-seen", "vpc-withdrawn"];
  const write = {
    html: at("r.html"),
    markdown: at("r.md"),
    junit: at("r.xml"),
    json: at("a.json"),
    csv: at("r.csv"),
  };
  t.equal(await runDrills(order(names, write), streams()), 0);
  t.match(readFileSync(write.html, "utf8"), /2 of 2 drills passed/);
  t.match(readFileSync(write.markdown, "utf8"), /# ✅ vpc-withdrawn: PASS/);
  t.match(readFileSync(write.csv, "utf8"), /^drill,mode,seed,t_rel_us,lane,actor,event,text\r\n/);
  t.equal(readFileSync(write.junit, "utf8").match(/<testsuite /g)?.length, 2);
  t.equal(await runDrills(order(names, { json: at("b.json") }), streams()), 0);
  t.equal(readFileSync(at("b.json"), "utf8"), readFileSync(at("a.json"), "utf8"));

  const compare = (before: string, after: string) => {
    const heard = streams();
    const files = { before: at(before), after: at(after) };
    const code = diffDrills({ ...files, tolerancePercent: 10, output: "text" }, heard);
    return { code, text: heard.all.join("") };
  };
  t.same(compare("a.json", "b.json"), { code: 0, text: "2 drills compared: nothing changed\n" });
  t.equal(await runDrills(order(["carrier-seen"], { json: at("c.json") }), streams()), 0);
  t.match(compare("a.json", "c.json"), { code: 4, text: /vpc-withdrawn.*not there/ });
  t.match(compare("a.json", "r.md"), { code: 2, text: /no causeway.drill.report\/v1/ });
  t.match(compare("a.json", "missing.json"), { code: 2, text: /cannot read/ });
});

t.test("evidence: every lost probe, and a folder that cannot be made", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-evidence-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const kept = join(folder, "new", "kept");
  const json = join(folder, "r.json");
  t.equal(await runDrills(order(["carrier-seen"], { json }, kept), streams()), 0);
  const report: DrillReport = JSON.parse(readFileSync(json, "utf8"));
  t.same(schemaFaults(report), []);
  const probes = readFileSync(join(kept, "carrier-seen.probes.csv"), "utf8").split("\n");
  const lost = probes.filter((line) => line.endsWith(",")).length;
  t.equal(
    lost,
    report.traffic.reduce((sum, row) => sum + row.lost, 0),
    "every lost probe, and no other",
  );
  const heard = streams();
  const blocked = join(json, "below-a-file");
  t.equal(await runDrills(order(["vpc-withdrawn"], {}, blocked), heard), 1);
  t.match(heard.all.join(""), /cannot keep the evidence/);
});

t.test("a report that cannot be written is said, after the drills were run", async (t) => {
  const heard = streams();
  const write = { html: join(tmpdir(), "causeway-no-such-folder", "r.html") };
  t.equal(await runDrills(order(["vpc-withdrawn"], write), heard), 1);
  t.match(heard.all.join(""), /"verdict":"PASS"/);
  t.match(heard.all.join(""), /cannot write .*r.html/);
});

t.test("a lab that was to be kept and is not leaves no folder behind", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-reports-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [program, file] = [join(DRILLS, "../../bin/causeway"), drill("two-routers")];
  // Not played in a lab, and its evidence cannot be kept: there is a file in place of the folder.
  const words = ["drill", "run", "--mode", "lab", "--keep", "--evidence", program, file];
  // What the test runner loads into its children is not for the program.
  const env = ["-u", "NODE_OPTIONS", `TMPDIR=${folder}`, process.execPath];
  const run = spawnSync("/usr/bin/env", [...env, program, ...words], { encoding: "utf8" });
  t.equal(run.status, 1);
  t.match(run.stderr, /drill two-routers: cannot keep the evidence/);
  t.same(readdirSync(folder), []);
  t.end();
});
