/** Every shipped drill passes in virtual time and repeats to the last digit. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { formatHtml } from "../../src/sim/report/page/html.ts";
import { DRILLS, load, passes, play } from "../support/drills.ts";
import { noPromtool } from "../support/promtool.ts";
import { schemaFaults } from "../support/report-schema.ts";

/** Those that need a program beside Causeway are in folders of their own. */
const names = readdirSync(DRILLS, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".yaml"));

t.setTimeout(300_000);

t.test("each drill says what it teaches, and is called as its file", async (t) => {
  t.ok(names.length >= 10);
  for (const name of names) {
    t.match(readFileSync(join(DRILLS, name), "utf8"), /^# .{20}/, name);
    t.equal(`${load(name).drill.name}.yaml`, basename(name));
  }
});

t.test("each of the field incidents is named by the comment of a drill", async (t) => {
  const comments = names.map((name) => {
    const [comment = ""] = readFileSync(join(DRILLS, name), "utf8").split("\ndrill:");
    return comment;
  });
  for (let number = 1; number <= 18; number += 1) {
    const isNamed = (comment: string) => new RegExp(`^#.*\\bF${number}\\b`, "m").test(comment);
    t.ok(comments.some(isNamed), `F${number} of docs/testing.md`);
  }
});

for (const name of names) {
  const skip = name.startsWith("alerts") && noPromtool;
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
