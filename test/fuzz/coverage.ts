/**
 * `npm run fuzz -- --coverage N`: plays N cases and prints what of the protocol cores none of them
 * executed. It is for people: what shows up here is a gap in the grammar of the fuzzer.
 */
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const CORES = /dist\/src\/((?:bgp\/(?:wire|fsm|speaker|rib)|bfd\/\w+)\/.*)$/;
/** Shorter pieces are operators and the like. */
const PIECE_CHARS_MIN = 30;
const PIECE_CHARS_SHOWN = 90;

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
// Imported only now: what was compiled before is not counted by block.
const { fuzzOne, vectorsOf } = await import("./session-fuzz.ts");
const vectors = vectorsOf(root);
const cases = Number(process.argv[2]);
for (let seed = 1; seed <= cases; seed += 1) {
  const finding = fuzzOne(seed, vectors);
  if (finding !== undefined) console.log(`seed ${seed}: ${finding.fault}`);
}
const { result } = await session.post("Profiler.takePreciseCoverage");
for (const script of result) report(script);

function report({ url, functions }: Script): void {
  const [, name] = CORES.exec(url) ?? [];
  if (name === undefined) return;
  const text = readFileSync(fileURLToPath(url), "utf8");
  const isRun = new Uint8Array(text.length).fill(1);
  const ranges = functions.flatMap((one) => one.ranges);
  // Outer ranges first, so that inner ones have the last word.
  const width = ({ startOffset, endOffset }: Range) => endOffset - startOffset;
  for (const range of [...ranges].sort((a, b) => width(b) - width(a))) {
    isRun.fill(range.count > 0 ? 1 : 0, range.startOffset, range.endOffset);
  }
  const share = isRun.reduce((sum, run) => sum + run, 0) / text.length;
  console.log(`${(100 * share).toFixed(1).padStart(5)} % ${name}`);
  for (const piece of unrun(text, isRun)) console.log(`         ${piece}`);
}

function* unrun(text: string, isRun: Uint8Array): Generator<string> {
  for (let at = isRun.indexOf(0); at >= 0; ) {
    const next = isRun.indexOf(1, at);
    const end = next < 0 ? text.length : next;
    const piece = text.slice(at, end).replace(/\s+/g, " ").trim();
    if (piece.length >= PIECE_CHARS_MIN) yield piece.slice(0, PIECE_CHARS_SHOWN);
    at = isRun.indexOf(0, end);
  }
}
