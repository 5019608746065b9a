import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type DecodedLine, decodeJson, fixture, sharedData } from "../../support/decode-run.ts";

interface Vector {
  readonly id: string;
  readonly expect: {
    readonly acceptable: readonly string[];
    readonly error?: { readonly code: number };
  };
}

/** Vectors we answer otherwise, and the clause that speaks against what they expect. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "bgpkit-parser-c7c9df7423":
    "RFC 7313 §5: a ROUTE-REFRESH of subtype 1 whose body is not four octets is answered with 7/1",
};

/** What is wrong with the answer, where something is. */
function complaint(vector: Vector, answers: readonly DecodedLine[]): string | undefined {
  const [answer] = answers;
  if (answer === undefined || answers.length !== 1) return `${answers.length} answers`;
  const { action, code, error } = answer;
  if (error !== undefined) return `not read: ${error}`;
  const { acceptable, error: notification } = vector.expect;
  if (action === undefined || !acceptable.includes(action)) {
    return `${action} instead of ${acceptable.join(" or ")}: ${answer.why}`;
  }
  const isOtherCode = notification !== undefined && code !== notification.code;
  return action === "session_reset" && isOtherCode
    ? `NOTIFICATION ${code} instead of ${notification.code}`
    : undefined;
}

const folder = sharedData("vectors") ?? "";
/** Said loudly: without the data this file proves little. */
const skip = folder === "" && "there is no ../shared/data/vectors beside the project";

t.test("the wire vectors of other implementations", { skip }, async (t) => {
  let count = 0;
  const excepted = new Set<string>();
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith(".jsonl"))) {
    const file = join(folder, name);
    const vectors = readFileSync(file, "utf8").trim().split("\n");
    const { lines } = await decodeJson({ inputs: [file] });
    for (const [index, text] of vectors.entries()) {
      const vector: Vector = JSON.parse(text);
      const answers = lines.filter((line) => (line.place ?? line).line === index + 1);
      const wrong = complaint(vector, answers);
      count += 1;
      if (wrong !== undefined && EXCEPTIONS[vector.id] !== undefined) excepted.add(vector.id);
      else if (wrong !== undefined) t.fail(`${vector.id}: ${wrong}`);
    }
  }
  t.equal(count, 520);
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
