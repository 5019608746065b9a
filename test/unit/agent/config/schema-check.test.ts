/** The quick look that most files pass is no laxer than the judge who says what is wrong. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FormatRegistry, type TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { Ajv } from "ajv";
import t from "tap";
import { parse } from "yaml";
import "../../../../src/agent/config/schema-check.ts";
import { edgeFileSchema } from "../../../../src/agent/config/schema.ts";
import { CampaignSchema } from "../../../../src/sim/campaign/schema.ts";
import { CloudSchema } from "../../../../src/sim/cloud/file/schema.ts";
import { DrillSchema } from "../../../../src/sim/drill/file/schema.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), ..."../../../../..".split("/"));
const SHIPPED: readonly [TSchema, ...string[]][] = [
  [edgeFileSchema, "agent", "edge.yaml"],
  [CloudSchema, "cloud", "full.yaml"],
  [DrillSchema, "drills", "two-circuits.yaml"],
  [DrillSchema, "drills", "vendor-load-balancing.yaml"],
  [CampaignSchema, "campaigns", "every-failure.yaml"],
];
/** What stands where something else should: every kind of value, and words that look like others. */
const ODD = [null, true, 0, -1, 1.5, 1e9, "", "on", "x".repeat(200), "300ms", "😀", [], [1], {}];

for (const [schema, ...path] of SHIPPED) {
  t.test(`${path.join("/")}, each value replaced`, async (t) => {
    const judge = ajv();
    t.ok(judge.validateSchema(schema), "the schema is one");
    const validate = judge.compile(schema);
    const data: unknown = parse(readFileSync(join(root, "fixtures", ...path), "utf8"));
    t.ok(Value.Check(schema, data), "passes at once");
    let refused = 0;
    for (const change of changes(data)) {
      const undo = change();
      const [isQuick, isSound] = [Value.Check(schema, data), validate(data)];
      if (isQuick && !isSound) t.fail("accepted", { data, errors: validate.errors });
      if (!isSound) refused += 1;
      undo();
    }
    t.ok(refused > 100, `${refused} refused`);
  });
}

function ajv(): Ajv {
  const made = new Ajv({ allowUnionTypes: true });
  for (const keyword of ["code", "isSecret"]) made.addKeyword({ keyword });
  for (const [name, accepts] of FormatRegistry.Entries()) {
    made.addFormat(name, { validate: accepts });
  }
  return made;
}

/** Each puts one odd value or key somewhere and answers how to take it back. */
function* changes(data: unknown): Generator<() => () => void> {
  if (typeof data !== "object" || data === null) return;
  const place = data as Record<string, unknown>;
  for (const [key, value] of Object.entries(place)) {
    for (const odd of ODD) yield () => put(place, key, odd);
    yield () => put(place, key, undefined);
    yield* changes(value);
  }
  if (!Array.isArray(data)) yield () => put(place, "unheard of", 1);
}

function put(place: Record<string, unknown>, key: string, value: unknown): () => void {
  const had = Object.hasOwn(place, key);
  const before = place[key];
  if (value === undefined) delete place[key];
  else place[key] = value;
  return () => {
    if (had) place[key] = before;
    else delete place[key];
  };
}
