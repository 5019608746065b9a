/**
 * `causeway decode` as it is shipped, a process with files: all wire vectors of other
 * implementations in one run, and each MRT file that has its text beside it.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { type DecodedLine, sharedData } from "../support/decode-run.ts";
import { complaint, EXCEPTIONS, VECTOR_COUNT, vectorFiles, vectorsOf } from "../support/vectors.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const OUTPUT_OCTETS_MAX = 256 << 20;

/** As from a shell: what the test runner loads into its children is not for the program. */
function causeway(...words: readonly string[]) {
  const program = [process.execPath, join(root, "bin", "causeway")];
  const { status, stdout, stderr } = spawnSync(
    "/usr/bin/env",
    ["-u", "NODE_OPTIONS", ...program, ...words],
    { maxBuffer: OUTPUT_OCTETS_MAX },
  );
  return { status, stdout: stdout.toString("latin1"), stderr: stderr.toString() };
}

const vectors = sharedData("vectors") ?? "";
const mrt = sharedData("mrt") ?? "";
/** Said loudly: without the data this file proves nothing. */
const skip = (vectors === "" || mrt === "") && "there is no ../shared/data beside the project";

t.test("the program: every vector acceptable, NOTIFICATION codes agree", { skip }, async (t) => {
  const files = vectorFiles(vectors);
  const { status, stdout, stderr } = causeway("decode", "-o", "json", ...files);
  t.equal(status, 0, stderr);
  const answers = new Map<string, DecodedLine[]>();
  for (const text of stdout.trim().split("\n")) {
    const line: DecodedLine = JSON.parse(text);
    const { source, line: number } = line.place ?? line;
    const key = `${source}:${number}`;
    answers.set(key, [...(answers.get(key) ?? []), line]);
  }
  let count = 0;
  const excepted: string[] = [];
  for (const file of files) {
    for (const [index, vector] of vectorsOf(file).entries()) {
      count += 1;
      const wrong = complaint(vector, answers.get(`${file}:${index + 1}`) ?? []);
      if (wrong === undefined) continue;
      if (EXCEPTIONS[vector.id] === undefined) t.fail(`${vector.id}: ${wrong}`);
      else excepted.push(vector.id);
    }
  }
  t.equal(count, VECTOR_COUNT);
  t.same(excepted, Object.keys(EXCEPTIONS));
});

t.test("the program: MRT files as their text, line for line", { skip }, async (t) => {
  const texts = readdirSync(mrt).filter((name) => name.endsWith(".bgpdump.txt.gz"));
  t.ok(texts.length >= 4, `${texts.length} files with their text`);
  for (const name of texts) {
    const file = join(mrt, name.replace(".bgpdump.txt.gz", ""));
    const { stdout } = causeway("decode", "--mrt", file);
    const expected = gunzipSync(readFileSync(join(mrt, name))).toString("latin1");
    t.ok(stdout === expected, `${name}: ${expected.split("\n").length - 1} lines`);
  }
});
