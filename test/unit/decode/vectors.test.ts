import { readFileSync } from "node:fs";
import t from "tap";
import { type DecodedLine, decodeJson, fixture, sharedData } from "../../support/decode-run.ts";
import {
  complaint,
  EXCEPTIONS,
  VECTOR_COUNT,
  vectorFiles,
  vectorsOf,
} from "../../support/vectors.ts";

const folder = sharedData("vectors") ?? "";
/** Said loudly: without the data this file proves little. */
const skip = folder === "" && "there is no ../shared/data/vectors beside the project";

t.test("the wire vectors of other implementations", { skip }, async (t) => {
  let count = 0;
  const excepted = new Set<string>();
  for (const file of vectorFiles(folder)) {
    const { lines } = await decodeJson({ inputs: [file] });
    for (const [index, vector] of vectorsOf(file).entries()) {
      const answers = lines.filter((line) => (line.place ?? line).line === index + 1);
      const wrong = complaint(vector, answers);
      count += 1;
      if (wrong !== undefined && EXCEPTIONS[vector.id] !== undefined) excepted.add(vector.id);
      else if (wrong !== undefined) t.fail(`${vector.id}: ${wrong}`);
    }
  }
  t.equal(count, VECTOR_COUNT);
  t.same([...excepted], Object.keys(EXCEPTIONS), "an exception nobody needs is none");
});

interface HostileRow {
  readonly id: string;
  readonly row: number;
  readonly clause: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

t.test("the nastiest inputs, each with its clause", async (t) => {
  const file = fixture("wire/hostile.jsonl");
  const rows = readFileSync(file, "utf8").trim().split("\n");
  const { lines, exitCode } = await decodeJson({ inputs: [file] });
  t.equal(exitCode, 0);
  t.equal(lines.length, rows.length);
  for (const [index, text] of rows.entries()) {
    const { id, row, clause, expect }: HostileRow = JSON.parse(text);
    const answer: DecodedLine = lines[index] ?? {};
    t.match({ ...answer, id }, { ...expect, id }, `${clause}, row ${row}: ${id}`);
  }
});
