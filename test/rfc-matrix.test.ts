import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

t.test("docs/rfc-matrix.md is what the tree says, and every MUST has its test", async (t) => {
  const script = join(root, "scripts", "rfc-matrix.mjs");
  const outcome = spawnSync(process.execPath, [script, "--stdout"], {
    encoding: "utf8",
    maxBuffer: 16 << 20,
  });
  t.equal(outcome.stderr, "", "each MUST clause that we implement has a test");
  t.equal(outcome.status, 0);
  const committed = readFileSync(join(root, "docs", "rfc-matrix.md"), "utf8").split("\n");
  const generated = outcome.stdout.split("\n");
  t.ok(generated.length > 100, "the page is not empty");
  t.same(
    generated.filter((line) => !committed.includes(line)),
    [],
    "lines the page lacks: npm run rfc-matrix",
  );
  t.same(
    committed.filter((line) => !generated.includes(line)),
    [],
    "lines it should not have: npm run rfc-matrix",
  );
  t.equal(generated.length, committed.length);
});
