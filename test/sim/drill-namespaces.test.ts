/**
 * Every fault that docs/drills.md says a lab of namespaces can do is done in one, with the kernel's
 * routes, the daemon's process and real packets: two drills that string them together.
 */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { loadDrill } from "../../src/sim/drill/file/load.ts";
import { runDrill } from "../../src/sim/drill/runner.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { formatReport } from "../../src/sim/report/formats/text.ts";
import { playPatiently } from "../support/patience.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const NAMES = ["faults-of-the-line", "faults-of-the-edge"];
const skip = whyNoNamespaces() ?? false;

t.setTimeout(300_000);

function load(name: string): { readonly drill: Drill; readonly edgeText: string } {
  const file = join(root, "fixtures", "lab", "drills", `${name}.yaml`);
  const { drill, problems, edgeText } = loadDrill(file, readFileSync(file, "utf8"), {
    resolve: (from, other) => resolve(dirname(from), other),
    read: (other) => ({ text: readFileSync(other, "utf8") }),
  });
  if (drill === undefined) throw new Error(JSON.stringify(problems));
  return { drill, edgeText };
}

const play = (drill: Drill, lab: Lab) =>
  runDrill(drill, lab, {
    version: "test",
    startedAt: "2026-01-01T00:00:00.000Z",
    progress: () => undefined,
    traceHash: () => null,
  });

/** Faults with a plain check mark in the column N. */
function promised(): readonly string[] {
  const rows = readFileSync(join(root, "docs", "drills.md"), "utf8").split("\n");
  const from = rows.findIndex((row) => row.startsWith("| step | keys, with defaults"));
  const table = rows.slice(from + 2);
  return table.slice(0, table.indexOf("")).flatMap((row) => {
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [names = "", isPromised] = [cells[1], cells.at(-3) === "✓"];
    return isPromised ? [...names.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "") : [];
  });
}

t.test("the two drills do every fault that namespaces are said to do", async (t) => {
  const steps = NAMES.flatMap((name) => load(name).drill.steps);
  const done = new Set<string>(steps.map((step) => step.do));
  // A flap is taken apart into cuts and repairs when the file is read.
  const texts = NAMES.map((name) =>
    readFileSync(join(root, "fixtures", "lab", "drills", `${name}.yaml`), "utf8"),
  ).join("\n");
  const missing = promised().filter((name) => !done.has(name) && !texts.includes(`do: ${name},`));
  t.ok(promised().length > 25, "the table was found");
  t.same(missing, [], "add a step to one of fixtures/lab/drills, or take the mark away");
});

for (const name of NAMES) {
  t.test(`${name} in virtual time`, async (t) => {
    const { drill } = load(name);
    const report = await play(drill, new VirtualLab(drill));
    t.equal(report.verdict, "PASS", report.because);
  });

  t.test(`${name} in a lab of namespaces`, { skip }, async (t) => {
    const { drill, edgeText } = load(name);
    const folder = t.testdir({ "edge.yaml": edgeText });
    const edgeFile = join(folder, "edge.yaml");
    const report = await playPatiently(t, () => play(drill, new NamespaceLab(drill, edgeFile)));
    t.equal(report.verdict, "PASS", report.because);
    if (report.verdict !== "PASS") t.comment(formatReport(report));
  });
}
