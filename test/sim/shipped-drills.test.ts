/** Every shipped drill passes in virtual time and repeats to the last digit; some in a lab. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { promtool } from "../../src/sim/alerts/engine.ts";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { type FileAccess, loadDrill } from "../../src/sim/drill/load.ts";
import { runDrill } from "../../src/sim/drill/runner.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual-lab.ts";
import { formatHtml } from "../../src/sim/report/html.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";
import { formatReport } from "../../src/sim/report/text.ts";
import { playPatiently } from "../support/patience.ts";
import { noPromtool } from "../support/promtool.ts";
import { schemaFaults } from "../support/report-schema.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const folder = join(root, "fixtures", "drills");
const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

const files: FileAccess = {
  resolve: (from, name) => resolve(dirname(from), name),
  read: (file) => ({ text: readFileSync(file, "utf8") }),
};

function load(name: string): { drill: Drill; edgeFile: string } {
  const file = join(folder, name);
  const { drill, problems, edgeFile } = loadDrill(file, readFileSync(file, "utf8"), files);
  if (drill === undefined) throw new Error(JSON.stringify(problems));
  return { drill, edgeFile };
}

const play = (drill: Drill, lab: Lab): Promise<DrillReport> =>
  runDrill(drill, lab, {
    version: "test",
    startedAt: "2026-01-01T00:00:00.000Z",
    progress: () => undefined,
    rulesEngine: promtool,
    traceHash: () => (lab instanceof VirtualLab ? lab.traceHash : null),
  });

function passes(t: Test, report: DrillReport): void {
  t.equal(report.verdict, "PASS", `${report.drill}: ${report.because}`);
  if (report.verdict !== "PASS") t.comment(formatReport(report));
}

t.setTimeout(300_000);

t.test("each drill says what it teaches, and is called as its file", async (t) => {
  t.ok(names.length >= 10);
  for (const name of names) {
    t.match(readFileSync(join(folder, name), "utf8"), /^# .{20}/, name);
    t.equal(`${load(name).drill.name}.yaml`, name);
  }
});

for (const name of names) {
  const skip = name.startsWith("alert-") && noPromtool;
  t.test(`${name} in virtual time, twice`, { skip }, async (t) => {
    const { drill } = load(name);
    const first = await play(drill, new VirtualLab(drill));
    passes(t, first);
    t.same(schemaFaults(first), [], "as the published schema says");
    t.match(first.traceHash, /^[0-9a-f]{16}$/);
    const again = await play(drill, new VirtualLab(drill));
    t.equal(again.traceHash, first.traceHash);
    t.equal(JSON.stringify(again), JSON.stringify(first), "the same report to the last digit");
    t.notMatch(formatHtml([first]), /NaN|Infinity|undefined/);
  });
}

const inLab = ["standby-takes-over.yaml", "vbr-restart-graceful.yaml", "vpc-withdrawn.yaml"];
for (const name of inLab) {
  t.test(`${name} in a lab of namespaces`, { skip: whyNoNamespaces() ?? false }, async (t) => {
    const { drill, edgeFile } = load(name);
    const inLab = () => play(drill, new NamespaceLab(drill, edgeFile));
    passes(t, await playPatiently(t, inLab));
  });
}
