/** Fleets: many edges in one world, a region lost; who had a way there notices, nobody else does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { type Fleet, loadFleet } from "../../src/sim/fleet/fleet.ts";
import { runFleet } from "../../src/sim/fleet/main.ts";
import { formatFleet, reportFleet } from "../../src/sim/fleet/report.ts";
import { playFleet } from "../../src/sim/fleet/run.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const FILE = join(root, "fixtures", "fleets", "region-lost.yaml");
const TEXT = readFileSync(FILE, "utf8");

function fleetOf(change: Partial<Fleet>): Fleet {
  const { fleet, problems } = loadFleet(FILE, TEXT);
  if (fleet === undefined) throw new Error(JSON.stringify(problems));
  return { ...fleet, ...change };
}

function play(fleet: Fleet) {
  const figures = playFleet(fleet, () => undefined);
  return { figures, report: reportFleet(fleet, figures, "test") };
}

t.test(
  "a region is lost: half of the edges leave it in time, the others notice nothing",
  async (t) => {
    const { figures, report } = play(fleetOf({ edges: 12 }));
    t.equal(report.verdict, "PASS", formatFleet(report));
    t.match(report, {
      agents: 12 + 24 + 4,
      touched: { edges: 6 },
      untouched: { edges: 6, lost: 0 },
    });
    const touched = figures.edges.filter(({ isTouched }) => isTouched);
    t.ok(
      touched.every(({ detectionMs }) => detectionMs !== null && detectionMs > 500),
      "detection takes the detection time, not less",
    );
    t.ok(
      touched.some(({ lost }) => lost > 0),
      "and costs something",
    );
    t.ok(touched.every(({ downs }) => downs === 1));
    t.ok((report.touched.lost ?? 0) < report.touched.sent / 10);
    t.equal(play(fleetOf({ edges: 12 })).report.traceHash, report.traceHash, "and repeats");
    t.not(play(fleetOf({ edges: 12, seed: 2 })).report.traceHash, report.traceHash);
  },
);

t.test("work grows with the edges and no faster", async (t) => {
  const events = (edges: number) => play(fleetOf({ edges })).figures.events;
  const [few, many] = [events(8), events(32)];
  t.ok(many < 4.2 * few, `${few} events for 8 edges, ${many} for 32`);
});

t.test("an edge whose only circuit goes loses everything: the budget says so", async (t) => {
  const budgets = {
    detectionUsMax: undefined,
    convergenceUsMax: undefined,
    outageUsMax: 1_100_000,
  };
  const { report } = play(fleetOf({ edges: 4, circuits: 1, budgets }));
  t.equal(report.verdict, "FAIL");
  t.equal(report.because, "outage at most 1100 ms: above it: 1 edges, edge-2 first");
  t.match(report.untouched, { edges: 3, lost: 0 });
});

t.test("fleet run: text, JSON, exit codes, and what a file has wrong", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "causeway-fleet-"));
  t.teardown(() => rmSync(home, { recursive: true }));
  const run = (text: string, output: "text" | "json" = "text", edges?: number) => {
    const file = join(home, "fleet.yaml");
    writeFileSync(file, text);
    let out = "";
    const say = (words: string) => {
      out += words;
    };
    const streams = { out: say, err: say };
    const order = { file, version: "test", seed: undefined, edges, output, isQuiet: true };
    return { code: runFleet(order, streams), out };
  };
  const text = run(TEXT, "text", 4);
  t.equal(text.code, 0, text.out);
  t.match(text.out, /PASS: 2 of 4 edges left the region, at worst detection \d+ ms/);
  const json = run(TEXT, "json", 2);
  t.match(JSON.parse(json.out), { schema: "causeway.fleet.report/v1", verdict: "PASS" });
  const wrong = run(TEXT.replace("circuits: 2", "circuits: 7").replace("region: 2", "region: 9"));
  t.equal(wrong.code, 2);
  t.match(wrong.out, /fleet\.yaml:9:11: error T101: 7 circuits need as many regions, there are 4/);
  t.match(wrong.out, /fleet\.yaml:12:17: error T101: there is no region 9; they are 1 to 4/);
  t.equal(run("fleet: x\n").code, 2);
});
