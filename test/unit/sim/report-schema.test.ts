/** The published schema is the schema, and it refuses what is no report. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { drillReportJsonSchema } from "../../../src/sim/report/schema.ts";
import { aFullReport, aReport } from "../../support/drill-report.ts";
import { schemaFaults } from "../../support/report-schema.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");

t.test("docs/drill-report.v1.schema.json is what `causeway drill schema` prints", async (t) => {
  const published = readFileSync(join(root, "docs", "drill-report.v1.schema.json"), "utf8");
  t.same(JSON.parse(published), JSON.parse(JSON.stringify(drillReportJsonSchema())));
});

t.test("a report fits; a missing, a wrong and an unknown field do not", async (t) => {
  t.same(schemaFaults(aReport()), [], "of the first v1");
  t.same(schemaFaults(aFullReport()), [], "of today's");
  const { seed: _, ...seedless } = aReport();
  t.match(schemaFaults(seedless), [/required property 'seed'/]);
  t.match(schemaFaults({ ...aReport(), verdict: "MAYBE" }), [/\/verdict/]);
  t.match(schemaFaults({ ...aReport(), colour: "red" }), [/additional properties.*colour/]);
});
