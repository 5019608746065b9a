/** `drill list`, `check`, `explain` and `faults`: read, and nothing played. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { FAULT_KINDS } from "../../src/sim/drill/faults/faults.ts";
import { checkDrills, explainDrill, listDrills, listFaults } from "../../src/sim/inspect.ts";
import { whyNotInNamespaces } from "../../src/sim/lab/namespaces/namespace-faults.ts";
import { DRILLS } from "../support/drills.ts";

function streams() {
  const texts = { out: "", err: "" };
  return {
    texts,
    out: (text: string) => {
      texts.out += text;
    },
    err: (text: string) => {
      texts.err += text;
    },
  };
}

t.test("list: the shipped drills, each with its sentence", async (t) => {
  const to = streams();
  const { rows, exit } = listDrills([], to);
  t.equal(exit, 0);
  t.equal(rows.length, readdirSync(DRILLS).filter((name) => name.endsWith(".yaml")).length);
  t.match(
    rows.find(({ drill }) => drill === "two-circuits"),
    { steps: 7, description: /cut silently/ },
  );
  t.equal(to.texts.err, "", "warnings are for check");
});

t.test("check: a line for what is sound, line and column for what is not", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-check-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const bad = join(folder, "bad.yaml");
  writeFileSync(bad, "drill: bad\ndescription: x\nseed: 1\ntopology: optimal\nsteps: []\n");
  writeFileSync(join(folder, "notes.txt"), "no drill");
  const to = streams();
  t.equal(checkDrills([join(DRILLS, "two-circuits.yaml"), folder], to), 2);
  t.match(to.texts.out, /two-circuits\.yaml: drill two-circuits is sound, 7 steps\n$/);
  t.match(to.texts.err, /bad\.yaml:4:\d+: error .*topology/);
  t.notMatch(to.texts.err, /notes/);
  const missing = streams();
  t.equal(checkDrills([join(folder, "none.yaml")], missing), 2);
  t.match(missing.texts.err, /cannot read/);
});

t.test("explain: steps, stop conditions and limits in words", async (t) => {
  const to = streams();
  t.equal(explainDrill(join(DRILLS, "overlapping-tests.yaml"), to), 0);
  t.match(to.texts.out, /at 1000 ms {2}a failover-test job for circuit-1\n/);
  t.match(to.texts.out, /broken off where\n {2}every circuit is down\n/);
  const plain = streams();
  t.equal(explainDrill(join(DRILLS, "clock-steps.yaml"), plain), 0);
  t.match(plain.texts.out, /not in a lab of namespaces\n {2}step \d+ cannot set a clock/);
  const routers = streams();
  t.equal(explainDrill(join(DRILLS, "two-routers.yaml"), routers), 0);
  t.match(routers.texts.out, /not in a lab of namespaces\n {2}it cannot add second-router: /);
  const limits = streams();
  t.equal(explainDrill(join(DRILLS, "two-circuits.yaml"), limits), 0);
  t.match(limits.texts.out, /budgets\n {2}detection at most 950 ms\n/);
});

t.test("where no namespace can be made, no kernel is blamed for it", (t) => {
  const path = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = path;
  });
  process.env.PATH = "";
  const reason = whyNotInNamespaces({ do: "police-icmp", perSec: 1 });
  t.equal(reason, "limit pings to a rate: no namespace can be made");
  t.end();
});

t.test("faults: every one, with its keys", async (t) => {
  const rows = listFaults();
  t.same(
    rows.map(({ fault }) => fault),
    FAULT_KINDS,
  );
  t.match(
    rows.find(({ fault }) => fault === "kill"),
    { of: "edge", keys: "[down: 300ms]" },
  );
  t.match(rows.find(({ fault }) => fault === "send-cease")?.keys, /subcode: 1…10/);
});
