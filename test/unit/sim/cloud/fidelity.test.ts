/** `docs/fidelity.md` against the model's own data, and every row against the test it names. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { KNOB_DEFAULTS, QUOTA_DEFAULTS } from "../../../../src/sim/cloud/config/knobs.ts";
import { BGP_ROWS } from "../../../../src/sim/cloud/fidelity/bgp-rows.ts";
import { formatFidelity, SOURCES } from "../../../../src/sim/cloud/fidelity/fidelity.ts";
import { LINE_ROWS } from "../../../../src/sim/cloud/fidelity/line-rows.ts";
import { PEERING_ROWS } from "../../../../src/sim/cloud/fidelity/peering-rows.ts";
import { ROUTE_ROWS } from "../../../../src/sim/cloud/fidelity/route-rows.ts";
import { SURVIVAL_ROWS } from "../../../../src/sim/cloud/fidelity/survival-rows.ts";
import { TRANSIT_ROWS } from "../../../../src/sim/cloud/fidelity/transit-rows.ts";
import { VPC_ROWS } from "../../../../src/sim/cloud/fidelity/vpc-rows.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..", "..");
const ROWS = [
  ...LINE_ROWS,
  ...BGP_ROWS,
  ...SURVIVAL_ROWS,
  ...ROUTE_ROWS,
  ...TRANSIT_ROWS,
  ...VPC_ROWS,
  ...PEERING_ROWS,
];

t.test("fidelity: docs/fidelity.md prints the rows", async (t) => {
  const file = join(root, "docs", "fidelity.md");
  const page = readFileSync(file, "utf8");
  const [before] = page.split("<!-- table -->\n");
  const sources = Object.entries(SOURCES).map(([key, text]) => `| ${key} | ${text} |`);
  const table = [
    formatFidelity(ROWS),
    "",
    "### Sources",
    "",
    "| key | what |",
    "|---|---|",
    ...sources,
  ].join("\n");
  const wanted = `${before}<!-- table -->\n${table}\n<!-- /table -->\n`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(file, wanted);
  t.equal(page, wanted, "run this test with UPDATE_DOCS=1 after changing a row");
});

t.test("fidelity: every knob and every quota has its row", async (t) => {
  t.same(ROWS.flatMap(({ knob }) => knob ?? []).toSorted(), Object.keys(KNOB_DEFAULTS).toSorted());
  t.same(
    ROWS.flatMap(({ quota }) => quota ?? []).toSorted(),
    Object.keys(QUOTA_DEFAULTS).toSorted(),
  );
});

t.test("fidelity: what is modelled names a test that exists, what is not names none", async (t) => {
  for (const row of ROWS) {
    if (row.isModelled === "no") {
      t.equal(row.test, undefined, `${row.behaviour}: a test of what is not there`);
      continue;
    }
    const [file, title] = row.test ?? ["", ""];
    if (file === "") {
      t.fail(`${row.behaviour}: no test`);
      continue;
    }
    const text = readFileSync(join(root, "test", file), "utf8");
    t.ok(text.includes(`"${title}`), `${row.behaviour}: ${file} has "${title}"`);
  }
});

/** Assumptions that no knob turns, and why not. */
const UNTURNED: Readonly<Record<string, string>> = {
  "ADD-PATH, LLGR, TCP-AO: not offered": "the agent has none of them",
  "no echo, no demand mode, no authentication": "the agent has no echo; a VBR has no key to set",
  "a route's source is the attachment it came into the CEN by: the ECR, not its VBRs":
    "routes keep one source",
  "a static route that waits is Standby, a learnt one that lost is Candidate": "names only",
  "a region is lost whole": "a deed, which a drill does or does not",
  "events of ports, health checks and jobs; the vendor's names are not known": "names only",
};

t.test("fidelity: what is assumed can be turned, by a knob or a key of the file", async (t) => {
  const told = new Set<string>();
  for (const { behaviour, grade, isModelled, knob, key } of ROWS) {
    if (grade !== "assumed" || isModelled === "no" || knob !== undefined) continue;
    if (key !== undefined && !key.startsWith("do: ")) continue;
    t.ok(UNTURNED[behaviour] !== undefined, `${behaviour}: assumed, and nothing turns it`);
    told.add(behaviour);
  }
  t.same([...told].toSorted(), Object.keys(UNTURNED).toSorted(), "and no other is excused");
});

t.test("fidelity: the test of a knob turns it", async (t) => {
  for (const { knob, test } of ROWS) {
    if (knob === undefined) continue;
    const key = knob.replace(/Us$/, "");
    const [file = ""] = test ?? [];
    const text = readFileSync(join(root, "test", file), "utf8");
    const body = text.replaceAll(/t\.test\(\s*"[^"]*"/g, ""); // a title may begin with the key
    t.match(body, new RegExp(`\\b${key}: `), `${file} has a file with ${key}`);
  }
});

t.test("fidelity: sources are known, and what has none is assumed", async (t) => {
  for (const { behaviour, source, grade } of ROWS) {
    const keys = source === "" ? [] : source.split(", ");
    for (const key of keys) t.ok(SOURCES[key] !== undefined, `${behaviour}: ${key}`);
    if (grade === "assumed") t.same(keys, [], `${behaviour}: assumed has no source`);
    else t.ok(keys.length > 0, `${behaviour}: ${grade} has a source`);
  }
});
