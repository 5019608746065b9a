/** Campaigns end to end: the same results however they are played, and nothing lost by a kill. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import type { RunResult } from "../../src/sim/campaign/result.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
/** The command as a person runs it: what tap puts before every program of Node is not in it. */
const CAUSEWAY = ["-u", "NODE_OPTIONS", process.execPath, join(root, "bin", "causeway")] as const;
const DRILL = join(root, "fixtures", "drills", "two-circuits.yaml");

const SMALL = `
campaign: small
description: two kinds of fault on two circuits, two seeds
drill: ${DRILL}
set:
  drill.traffic.interval: 10ms
  drill.budgets: {}
seeds: { from: 1, count: 2 }
faults:
  kinds: [{ do: cut }, { do: shut-port }]
  watch: 1s
  repair: false
`;

/** Four faults, of which the last two leave no way; the budget does not forgive that. */
const PLANTED = `
drill: planted
description: circuit 1 comes and goes, then both are down for a moment
seed: 7
edge: ${join(root, "fixtures", "lab", "edge.yaml")}
cloud: ${join(root, "fixtures", "lab", "cloud.yaml")}
traffic: { idc: 10.1.0.10, vpc: 10.64.0.10, flows: 4, interval: 10ms }
steps:
  - { at: 1s, do: cut, circuit: circuit-1 }
  - { at: 3s, do: restore, circuit: circuit-1 }
  - { do: expect, session: circuit-1, is: up, within: 20s }
  - { at: 30s, do: shut-port, circuit: circuit-2 }
  - { at: 30s, do: cut, circuit: circuit-1 }
  - { at: 33s, do: restore, circuit: circuit-2 }
  - { do: expect, session: circuit-2, is: up, within: 20s }
budgets: { outage: 2500ms }
`;

function folder(t: Test): string {
  const made = mkdtempSync(join(tmpdir(), "causeway-campaign-"));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function campaignIn(home: string, text: string): string {
  const file = join(home, "campaign.yaml");
  writeFileSync(file, text);
  return file;
}

function causeway(...args: readonly string[]) {
  const done = spawnSync("/usr/bin/env", [...CAUSEWAY, ...args], { encoding: "utf8", cwd: root });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

function resultsOf(file: string): readonly RunResult[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const results = lines.map((line): RunResult => JSON.parse(line));
  return results.sort((a, b) => a.index - b.index);
}

const timeless = (results: readonly RunResult[]) => results.map((one) => ({ ...one, wallMs: 0 }));

t.test(
  "one thread and two give the same results, and two shards the same as one run",
  async (t) => {
    const home = folder(t);
    const file = campaignIn(home, SMALL);
    const run = (name: string, ...args: readonly string[]) =>
      causeway("campaign", "run", file, "--out", join(home, name), ...args);
    const one = run("one", "--parallel", "1");
    t.equal(one.code, 0, one.err);
    t.match(one.err, /campaign small: 8 runs: 4 variants, 2 seeds, 1 threads/);
    t.match(one.err, /8 of 8/, "progress comes in lines where there is no terminal");
    t.match(one.out, /small: 8 of 8 passed, 0 failed/);
    t.equal(run("two", "--parallel", "2", "-q").code, 0);
    t.equal(run("shards", "--shard", "1/2", "--parallel", "1").code, 0);
    t.equal(run("shards", "--shard", "2/2", "--parallel", "1").code, 0);
    const whole = timeless(resultsOf(join(home, "one", "results.jsonl")));
    t.equal(new Set(whole.map(({ traceHash }) => traceHash)).size, 8, "every run is another one");
    t.same(timeless(resultsOf(join(home, "two", "results.jsonl"))), whole);
    const shards = ["1of2", "2of2"].flatMap((name) =>
      timeless(resultsOf(join(home, "shards", `results-${name}.jsonl`))),
    );
    t.same(
      shards.sort((a, b) => a.index - b.index),
      whole,
    );
    const report = causeway("campaign", "report", file, "--out", join(home, "shards"));
    t.equal(report.code, 0, "the report puts the shards together");
    t.match(report.out, /8 of 8 passed/);
    const page = readFileSync(join(home, "one", "heat-map.html"), "utf8");
    t.notMatch(page, /<script|https?:/, "the page runs and fetches nothing");
    t.match(page, /<th>cut circuit-1<\/th><td class="number heat0">1\/1<\/td>/);
    t.match(
      readFileSync(join(home, "one", "summary.md"), "utf8"),
      /\| shut-port circuit-2 \| 2 \| 2/,
    );
  },
);

t.test(
  "a campaign that was killed goes on where it stopped, and mends its last line",
  async (t) => {
    const home = folder(t);
    const file = campaignIn(home, SMALL.replace("count: 2", "count: 4"));
    const out = join(home, "out");
    const results = join(out, "results.jsonl");
    const args = ["campaign", "run", file, "--out", out, "--parallel", "1"];
    const victim = spawn("/usr/bin/env", [...CAUSEWAY, ...args], { cwd: root, stdio: "ignore" });
    await untilLines(results, 3, victim);
    victim.kill("SIGKILL");
    await new Promise((resolve) => victim.once("exit", resolve));
    const before = readFileSync(results, "utf8");
    const whole = before.slice(0, before.lastIndexOf("\n") + 1);
    t.ok(whole.split("\n").length > 3 && whole.split("\n").length <= 16, "it died on the way");
    appendFileSync(results, '{"schema":"causeway.campaign.result/v1","ind');
    const again = causeway(...args);
    t.equal(again.code, 0, again.err);
    t.match(again.err, /are there already, a torn last line of \d+ octets cut off/);
    const after = readFileSync(results, "utf8");
    t.ok(after.startsWith(whole), "what was there stayed");
    t.equal(new Set(resultsOf(results).map(({ id }) => id)).size, 16, "every run is there");
    t.equal(after.trimEnd().split("\n").length, 16, "and none is there twice");
    const third = causeway(...args);
    t.match(third.err, /16 are there already/);
    t.equal(readFileSync(results, "utf8"), after, "a third time there is nothing to do");
    appendFileSync(results, "no result\n");
    const refused = causeway(...args);
    t.equal(refused.code, 1);
    t.match(refused.err, /results\.jsonl:17:1 is no result of a campaign/);
  },
);

t.test("a failure is made smaller, and one line repeats it to the last octet", async (t) => {
  const home = folder(t);
  writeFileSync(join(home, "planted.yaml"), PLANTED);
  const text = "campaign: planted\ndescription: one run that fails\ndrill: planted.yaml\n";
  const file = campaignIn(home, text);
  const out = join(home, "out");
  const run = causeway("campaign", "run", file, "--out", out, "--parallel", "2");
  t.equal(run.code, 4, run.err);
  t.match(run.out, /3 of 5 faults are enough/);
  const [, drill = "", seed = ""] = /drill run (\S+) --seed (\d+)/.exec(run.out) ?? [];
  const repeated = causeway("drill", "run", drill, "--seed", seed, "-o", "json", "-q");
  t.equal(repeated.code, 4);
  const report = JSON.parse(repeated.out);
  t.match(report.because, /outage of/);
  t.equal(report.seed, 7);
  const again = causeway("drill", "run", drill, "--seed", seed, "-o", "json", "-q");
  t.equal(JSON.parse(again.out).traceHash, report.traceHash);
});

t.test("what fails repeats with the hash of the campaign's line", async (t) => {
  const home = folder(t);
  const budgets = "budgets: { outage: 300ms }\n  edge.circuits.*.bfd.multiplier: 4";
  const file = campaignIn(home, SMALL.replace("budgets: {}", budgets));
  const out = join(home, "out");
  const run = causeway("campaign", "run", file, "--out", out, "--fail-fast", "--parallel", "1");
  t.equal(run.code, 4, run.err);
  const results = resultsOf(join(out, "results.jsonl"));
  t.ok(results.length < 8, "it ended early");
  const failed = results.find(({ verdict }) => verdict === "FAIL");
  t.match(failed?.because, /outage of "cut circuit-1/);
  const [, drill = "", seed = ""] = /drill run (\S+) --seed (\d+)/.exec(run.out) ?? [];
  const repeated = causeway("drill", "run", drill, "--seed", seed, "-o", "json", "-q");
  t.equal(JSON.parse(repeated.out).traceHash, failed?.traceHash);
});

t.test(
  "what a campaign's file has wrong is said at its line, all of it, before a run",
  async (t) => {
    const home = folder(t);
    const file = campaignIn(
      home,
      SMALL.replace("{ do: shut-port }", "{ do: fly }, { do: cut, at: 1s }").replace(
        "seeds: { from: 1, count: 2 }",
        "  edge.circus.*.bfd: 1\nseeds: [1, 1]",
      ),
    );
    const first = causeway("campaign", "run", file, "--out", join(home, "out"));
    t.equal(first.code, 2);
    t.match(first.err, /campaign\.yaml:8:22: error K102: edge\.circus\.\*\.bfd leads nowhere/);
    writeFileSync(file, readFileSync(file, "utf8").replace(/ {2}edge\.circus.*\n/, ""));
    const second = causeway("campaign", "run", file, "--out", join(home, "out"));
    t.equal(second.code, 2);
    t.match(second.err, /campaign\.yaml:8:8: error K102: a seed occurs twice/);
    t.match(second.err, /campaign\.yaml:10:24: error K102: fly circuit-1: steps\[0\]\.do is "fly"/);
    t.match(second.err, /campaign\.yaml:10:37: error K102: a kind of fault says what happens/);
    t.notOk(existsSync(join(home, "out", "results.jsonl")));
  },
);

t.test("the shipped campaigns can be read", async (t) => {
  const home = folder(t);
  mkdirSync(join(home, "out"));
  for (const name of ["every-failure", "bfd-sweep", "what-nobody-says"]) {
    const file = join(root, "fixtures", "campaigns", `${name}.yaml`);
    const report = causeway("campaign", "report", file, "--out", join(home, "out"));
    t.equal(report.code, 1, `${name}: nothing is played yet`);
    t.match(report.out, /0 of \d+ passed, 0 failed, \d+ not played/);
  }
});

/** Looks at the file as often as the process lets it; ends where the process does. */
async function untilLines(file: string, count: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    if (existsSync(file) && readFileSync(file, "utf8").split("\n").length > count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

t.test(
  "the shipped failures of the edge itself, by a relative path as a person types it",
  async (t) => {
    const home = folder(t);
    const file = join("fixtures", "campaigns", "edge-failures.yaml");
    const run = causeway("campaign", "run", file, "-q", "--out", home);
    t.equal(run.code, 0, run.err);
    t.match(run.out, /edge-failures: 48 of 48 passed/);
    const axes = resultsOf(join(home, "results.jsonl")).map((result) => result.axes.faults);
    t.ok(axes.includes("kill the edge 1s"));
    t.ok(axes.includes("cut circuit-1 + freeze the edge 2s"));
    t.ok(
      axes.includes("starve the edge 2s 90% + upgrade the edge 1s") === false,
      "one edge, one fault",
    );
  },
);
