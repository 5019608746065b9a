/**
 * Every fault that docs/drills.md says a lab of namespaces can do is done in one, with the kernel's
 * routes, the daemon's process and real packets: two drills that string them together.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { DRILLS, load, passes, play, shippedText } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";

const NAMES = ["faults-of-the-line", "faults-of-the-edge"];
const fileOf = (name: string) => `../lab/drills/${name}.yaml`;
const skip = whyNoNamespaces() ?? false;

t.setTimeout(300_000);

/** Faults with a plain check mark in the column N. */
function promised(): readonly string[] {
  const rows = readFileSync(join(DRILLS, "../../docs/drills.md"), "utf8").split("\n");
  const from = rows.findIndex((row) => row.startsWith("| step | keys, with defaults"));
  const table = rows.slice(from + 2);
  return table.slice(0, table.indexOf("")).flatMap((row) => {
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [names = "", isPromised] = [cells[1], cells.at(-3) === "✓"];
    return isPromised ? [...names.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "") : [];
  });
}

t.test("the two drills do every fault that namespaces are said to do", async (t) => {
  const steps = NAMES.flatMap((name) => load(fileOf(name)).drill.steps);
  const done = new Set<string>(steps.map((step) => step.do));
  // A flap is taken apart into cuts and repairs when the file is read.
  const texts = NAMES.map((name) => shippedText(fileOf(name))).join("\n");
  const missing = promised().filter((name) => !done.has(name) && !texts.includes(`do: ${name},`));
  t.ok(promised().length > 25, "the table was found");
  t.same(missing, [], "add a step to one of fixtures/lab/drills, or take the mark away");
});

for (const name of NAMES) {
  t.test(`${name} in virtual time`, async (t) => {
    const { drill } = load(fileOf(name));
    const report = await play(drill, new VirtualLab(drill));
    passes(t, report);
  });

  t.test(`${name} in a lab of namespaces`, { skip }, async (t) => {
    const { drill, edgeText } = load(fileOf(name));
    const folder = t.testdir({ "edge.yaml": edgeText });
    const edgeFile = join(folder, "edge.yaml");
    const report = await playPatiently(t, () => play(drill, new NamespaceLab(drill, edgeFile)));
    passes(t, report);
  });
}
