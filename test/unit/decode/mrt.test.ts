import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import t, { type Test } from "tap";
import { run } from "../../../src/cli/main.ts";
import { concatBytes } from "../../../src/core/bytes.ts";
import { Bzip2Error, bunzip2 } from "../../../src/decode/mrt/bunzip2.ts";
import { type MrtArgs, runMrt } from "../../../src/decode/mrt/mrt.ts";
import { isMrtType, typeName } from "../../../src/decode/mrt/types.ts";
import { fixture, sharedData } from "../../support/decode-run.ts";
import { octets } from "../../support/wire-octets.ts";

/** A row of fixtures/mrt/records.jsonl: octets written by hand and what is to be made of them. */
interface Row {
  readonly id: string;
  readonly clause: string;
  readonly hex: string;
  /** As `bgpdump -m` prints them, where it reads the record. */
  readonly lines: readonly string[];
  readonly errors: readonly string[];
  /** Of the first objects of the JSON output. */
  readonly facts?: readonly object[];
}

const ROWS: readonly Row[] = readFileSync(fixture("mrt/records.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

async function* streamOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** `causeway decode --mrt` on these arguments: what it wrote and how it ended. */
async function decode(args: MrtArgs, stdin: AsyncIterable<Uint8Array> = streamOf()) {
  const written = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[name] += text;
      return true;
    },
  });
  const exitCode = await runMrt(args, { stdin, stdout: sink("stdout"), stderr: sink("stderr") });
  return { ...written, exitCode };
}

const decodeOctets = (...chunks: readonly Uint8Array[]) =>
  decode({ inputs: ["-"], output: "text" }, streamOf(...chunks));

async function decodeFacts(content: Uint8Array) {
  const { stdout } = await decode({ inputs: ["-"], output: "json" }, streamOf(content));
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Complaints without the name of the source, and the count at the end. */
function complaintsOf(stderr: string): { errors: readonly string[]; count: string | undefined } {
  const lines = stderr.trimEnd().split("\n");
  const count = lines.pop();
  return { errors: lines.map((line) => line.replace(/^- /, "")), count };
}

for (const row of ROWS) {
  t.test(`${row.clause} ${row.id}`, async (t) => {
    const content = octets(row.hex);
    const { stdout, stderr, exitCode } = await decodeOctets(content);
    t.same(stdout.split("\n").slice(0, -1), row.lines);
    const { errors, count } = complaintsOf(stderr);
    t.same(errors, row.errors);
    t.match(count, `, ${errors.length} errors`);
    t.equal(exitCode, errors.length === 0 ? 0 : 1);
    const facts = await decodeFacts(content);
    t.match(facts.slice(0, row.facts?.length ?? 0), row.facts ?? []);
    const end = facts.at(-1);
    t.match(end, { version: 1, source: "-", kind: "end", errorCount: errors.length });
    const complaints = facts.filter(({ kind }) => kind === "error");
    t.same(
      complaints.map(({ offset, error }) => `offset ${offset}: ${error}`),
      row.errors,
    );
  });
}

t.test("a stream comes in pieces of any size", async (t) => {
  const content = concatBytes(ROWS.filter(({ errors }) => errors.length === 0).map(octetsOf));
  const whole = await decodeOctets(content);
  for (const size of [1, 7, 64]) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < content.length; at += size) pieces.push(content.subarray(at, at + size));
    t.same(await decodeOctets(...pieces), whole, `pieces of ${size}`);
  }
  t.match(whole, { exitCode: 0 });
});

const octetsOf = ({ hex }: Row): Uint8Array => octets(hex);

t.test("truncation at every offset is a complaint and never an exception", async (t) => {
  let runs = 0;
  for (const row of ROWS) {
    const content = octetsOf(row);
    const [whole] = content.length < 12 ? [undefined] : [readHead(content)];
    for (let length = 0; length < content.length; length += 1) {
      const file = await decodeOctets(content.subarray(0, length));
      const isCut = length > 0 && length < (whole?.end ?? 0);
      if (isCut && file.exitCode !== 1) t.fail(`${row.id}: a file of ${length} octets`);
      // The same octets as a whole record: what is cut then are its fields.
      const isBody = whole !== undefined && length >= 12 && length < whole.end;
      if (isBody) await decodeFacts(withLength(content.subarray(0, length)));
      if (isBody) await decodeOctets(withLength(content.subarray(0, length)));
      runs += 1;
    }
  }
  t.ok(runs > 5000, `${runs} lengths`);
});

/** Where the first record ends. */
function readHead(content: Uint8Array): { readonly end: number } {
  const view = new DataView(content.buffer, content.byteOffset);
  return { end: Math.min(12 + view.getUint32(8), content.length) };
}

/** A record whose header says how long it is. */
function withLength(record: Uint8Array): Uint8Array {
  const copy = record.slice();
  new DataView(copy.buffer).setUint32(8, copy.length - 12);
  return copy;
}

t.test("any octet turned over is read or refused", async (t) => {
  for (const row of ROWS) {
    const content = octetsOf(row);
    for (let at = 0; at < content.length; at += 1) {
      const copy = content.slice();
      copy[at] = (copy[at] ?? 0) ^ 0xff;
      const { stderr } = await decodeOctets(copy);
      if (!/ errors\n$/.test(stderr)) t.fail(`${row.id}: octet ${at}`);
    }
  }
  t.pass("every one");
});

t.test("records of arbitrary octets are read to the end", async (t) => {
  const types = [5, 12, 13, 16, 17].flatMap((type) =>
    Array.from({ length: 14 }, (_, subtype) => ({ type, subtype })),
  );
  const body = fc.uint8Array({ maxLength: 200 });
  const good = octetsOf(rowOf("message-as4"));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...types), body, async ({ type, subtype }, body) => {
      // Behind a table of peers, so that paths are read too.
      const peers = octetsOf(rowOf("peer-index-table"));
      const record = recordOf(type, subtype, body);
      const { stdout, stderr } = await decodeOctets(peers, record, good);
      const isSound = type !== 17 || body.length >= 4;
      if (isSound) t.ok(stdout.endsWith(`${rowOf("message-as4").lines[0]}\n`), stderr);
      await decodeFacts(concatBytes([peers, record]));
    }),
    { numRuns: 300 },
  );
});

function rowOf(id: string): Row {
  const row = ROWS.find((row) => row.id === id);
  if (row === undefined) throw new Error(`no row ${id}`);
  return row;
}

function recordOf(type: number, subtype: number, body: Uint8Array): Uint8Array {
  const record = concatBytes([new Uint8Array(12), body]);
  const view = new DataView(record.buffer);
  view.setUint32(0, 1_700_000_000);
  view.setUint16(4, type);
  view.setUint16(6, subtype);
  view.setUint32(8, body.length);
  return record;
}

t.test("a table of any size is printed while it is read", async (t) => {
  const record = octetsOf(rowOf("table-dump-ipv4"));
  const chunk = concatBytes(Array.from({ length: 1000 }, () => record));
  const lineOctets = (rowOf("table-dump-ipv4").lines[0]?.length ?? 0) + 1;
  let written = 0;
  const aheadOctets: number[] = [];
  const stdin = (async function* () {
    for (let index = 0; index < 100; index += 1) {
      aheadOctets.push(index * chunk.length - (written / lineOctets) * record.length);
      yield chunk;
    }
  })();
  const stdout = {
    write: (text: string) => {
      written += text.length;
      return true;
    },
  };
  const stderr = { write: () => true };
  t.equal(await runMrt({ inputs: ["-"], output: "text" }, { stdin, stdout, stderr }), 0);
  t.equal(written / lineOctets, 100_000);
  const atMost = 3 * chunk.length;
  t.ok(Math.max(...aheadOctets) < atMost, `at most ${atMost} octets are read ahead of the lines`);
});

t.test("a reader that has seen enough ends it", async (t) => {
  const record = octetsOf(rowOf("table-dump-ipv4"));
  const content = concatBytes(Array.from({ length: 5000 }, () => record));
  let isGone = false;
  let onError: (() => void) | undefined;
  let writes = 0;
  const stdout = {
    write: () => {
      writes += 1;
      isGone = true;
      onError?.();
      return true;
    },
    once: (event: string, listener: () => void) => {
      if (event === "error") onError = listener;
    },
  };
  const stderr = { write: () => t.fail("nothing to say") };
  const stdin = streamOf(content);
  const args = { inputs: ["-", "/no/such/file"], output: "text" } as const;
  t.equal(await runMrt(args, { stdin, stdout, stderr }), 0);
  t.ok(isGone);
  t.equal(writes, 1);
});

const folder = mkdtempSync(join(tmpdir(), "causeway-mrt-"));
t.teardown(() => rmSync(folder, { recursive: true }));

t.test("inputs: plain, gzip, bzip2, damaged, missing, none", async (t) => {
  const content = octetsOf(rowOf("message-as4"));
  const line = `${rowOf("message-as4").lines[0]}\n`;
  const plain = join(folder, "plain.mrt");
  const packed = join(folder, "packed.gz");
  const cut = join(folder, "cut.gz");
  writeFileSync(plain, content);
  writeFileSync(packed, Buffer.concat([gzipSync(content), gzipSync(content)]));
  writeFileSync(cut, gzipSync(content).subarray(0, -9));
  const whole = await decode({ inputs: [plain, packed], output: "text" });
  t.match(whole, { exitCode: 0, stdout: line.repeat(3) });
  t.equal(
    whole.stderr,
    `${plain}: 1 records (1 BGP4MP/MESSAGE_AS4), 0 errors\n` +
      `${packed}: 2 records (2 BGP4MP/MESSAGE_AS4), 0 errors\n`,
  );
  const broken = await decode({ inputs: [cut, "/no/such/file", plain], output: "text" });
  t.equal(broken.exitCode, 1);
  t.match(broken.stdout, line);
  t.match(broken.stderr, /cut\.gz: cannot be read: unexpected end of file\n/);
  t.match(broken.stderr, /\/no\/such\/file: cannot be read: ENOENT/);
  const nothing = await decode({ inputs: [], output: "text" });
  t.match(nothing, { exitCode: 2, stderr: /takes a file/ });
  const text = await decodeOctets(Buffer.from("this is no MRT, whatever its name says\n"));
  t.match(text, { exitCode: 1, stdout: "", stderr: /no record header .* 39 octets left out/ });
  const archive = await decodeOctets(readFileSync(fixture("mrt/runs.bz2")));
  t.match(archive, { exitCode: 1, stdout: "", stderr: /no record header/ });
});

t.test("the command line: causeway decode --mrt", async (t) => {
  const path = join(folder, "cli.mrt");
  writeFileSync(path, octetsOf(rowOf("extended-time")));
  const runCli = async (words: readonly string[]) => {
    let stdout = "";
    const sink = (text: string) => {
      stdout += text;
      return true;
    };
    const streams = { stdin: streamOf(), stdout: { write: sink }, stderr: { write: () => true } };
    return { exitCode: await run(words, { ...streams, env: {} }), stdout };
  };
  const text = await runCli(["decode", "--mrt", path]);
  t.same(text, { exitCode: 0, stdout: `${rowOf("extended-time").lines.join("\n")}\n` });
  const json = await runCli(["decode", "--mrt", path, "-o", "json"]);
  t.equal(json.exitCode, 0);
  t.equal(json.stdout.trim().split("\n").length, 3);
  for (const words of [["--hex", "00"], ["--no-as4"], ["--as4"], ["--session", "ibgp"]]) {
    const { exitCode, stdout } = await runCli(["decode", "--mrt", path, ...words]);
    t.same({ exitCode, stdout }, { exitCode: 2, stdout: "" }, words.join(" "));
  }
});

t.test("a slow reader is waited for, and nothing is left listening", async (t) => {
  const record = octetsOf(rowOf("table-dump-ipv4"));
  const chunk = concatBytes(Array.from({ length: 1000 }, () => record));
  const stdin = streamOf(...Array.from({ length: 20 }, () => chunk));
  const slow = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => setImmediate(done),
  });
  const stderr = { write: () => true };
  const args = { inputs: ["-"], output: "text" } as const;
  t.equal(await runMrt(args, { stdin, stdout: slow, stderr }), 0);
  t.equal(slow.listenerCount("drain"), 0);
  t.ok(slow.listenerCount("close") <= 1, "as many as the stream has by itself");
});

/** What fixtures/mrt/runs.bz2 holds before its second and third stream. */
function runs(): Uint8Array {
  const parts: Uint8Array[] = [];
  let state = 1;
  for (let index = 0; index < 60_000; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    parts.push(new Uint8Array(1 + ((state >> 20) % 7)).fill((state >> 16) & 1));
    if (index % 20_000 === 0) parts.push(new Uint8Array(70_000).fill(0x2a));
  }
  return concatBytes(parts);
}

async function unpack(packed: Uint8Array, size = 1000): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < packed.length; at += size) pieces.push(packed.subarray(at, at + size));
  const parts: Uint8Array[] = [];
  for await (const part of bunzip2(streamOf(...pieces))) parts.push(part);
  return concatBytes(parts);
}

t.test("bzip2: several blocks, several streams, runs, nothing at all", async (t) => {
  const packed = readFileSync(fixture("mrt/runs.bz2"));
  const expected = concatBytes([runs(), Buffer.from("the second stream")]);
  t.ok(Buffer.compare(await unpack(packed), expected) === 0);
  t.ok(Buffer.compare(await unpack(packed, 1), expected) === 0, "octet by octet");
  t.equal((await unpack(octets("425a6839177245385090 00000000"))).length, 0);
});

t.test("bzip2: what is damaged is refused, and nothing else is thrown", async (t) => {
  // `the second stream`, the last one of the file.
  const file = readFileSync(fixture("mrt/runs.bz2"));
  const small = file.subarray(file.lastIndexOf("BZh9"));
  t.equal(Buffer.from(await unpack(small)).toString(), "the second stream");
  for (let at = 0; at < small.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const copy = Uint8Array.from(small);
      copy[at] = (copy[at] ?? 0) ^ (1 << bit);
      // Bits behind the end and tables nothing chooses may be anything.
      const result = await unpack(copy).then(textOf, textOf);
      const isRight = result === "the second stream" || result === "damaged";
      if (!isRight) t.fail(`octet ${at} bit ${bit}: ${result}`);
    }
    const cut = await unpack(small.subarray(0, at)).then(textOf, textOf);
    if (cut !== (at === 0 ? "" : "damaged")) t.fail(`${at} octets: ${cut}`);
  }
  t.pass("every bit and every length");
});

function textOf(result: unknown): string {
  if (result instanceof Uint8Array) return Buffer.from(result).toString();
  return result instanceof Bzip2Error ? "damaged" : String(result);
}

t.test("types: numbers nobody named stay numbers", async (t) => {
  t.equal(typeName(16, 99), "BGP4MP/99");
  t.equal(typeName(99, 1), "99/1");
  t.notOk(isMrtType(0));
});

const data = sharedData("mrt") ?? "";
/** Said loudly: without the data this file proves less. */
const skip = data === "" && "there is no ../shared/data/mrt beside the project";

interface IndexLine {
  readonly file: string;
  readonly records: number;
  readonly by_type: Readonly<Record<string, number>>;
  readonly expect?: string;
}

const indexLines = (): readonly IndexLine[] =>
  readFileSync(join(data, "INDEX.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Subtypes the index has no name for. */
const INDEX_NAMES: Readonly<Record<string, string>> = {
  "16/9": "BGP4MP/MESSAGE_AS4_ADDPATH",
  "5/1": "BGP/UPDATE",
  "5/3": "BGP/STATE_CHANGE",
  "5/5": "BGP/OPEN",
  "5/6": "BGP/NOTIFY",
  "5/7": "BGP/KEEPALIVE",
};

/** Octets behind the last whole prefix of a message; `bgpdump` says nothing about them. */
const DAMAGED: Readonly<Record<string, number>> = {
  "updates.nlri_mask_trailing_bits.gz": 1,
  "mrtparse-bird_bgp": 6,
};

/**
 * Of what `bgpdump -m` 1.6.2 prints for files without expected text: the beginning of its SHA-256.
 * Left out are withdrawals of the type BGP, where it prints the peer's address for the prefix's;
 * host bits it leaves in a prefix are cleared, as in the text it expects of itself.
 */
const BGPDUMP_HASHES: Readonly<Record<string, string>> = {
  "gobgpdump-arch0.mrt.gz": "9c6f2783dad56d5b",
  "gobgpdump-arch2.mrt.gz": "dd41a4533413a87c",
  "mrtparse-bird-mrtdump_bgp": "f3565f70aca00d21",
  "mrtparse-bird6-mrtdump_bgp": "c1e364c632826956",
  "mrtparse-bird6-mrtdump_rib": "ceff2c2fa8a42bb1",
  "mrtparse-bird_bgp": "1cb9f1d72991c096",
  "mrtparse-openbgpd_bgp": "218c091b3699c2f4",
  "mrtparse-openbgpd_rib_table-v2": "8082bc18f837cbc9",
  "rib.20080501.0644.slice.gz": "3c9c2777250aa798",
  "rib.20140523.0600.slice.gz": "70a572a932ec0310",
  "routeviews.route-views.jinx.updates.1427846400.bz2": "e2001c336a3e1058",
  "rrc00-updates.19991214.1621.gz": "e1f1ddc36f8e3411",
  "rrc00-updates.20000102.2014.gz": "7aeaf5088129ec5e",
  "rrc01-updates.20001104.0124.gz": "6885be98409933fd",
  "rrc15-updates.20100227.1600.gz": "a58a92b6d0bde5e1",
  "updates.20190101.0000.part.gz": "79398214ecd9dbd9",
  "updates.20260222.1530.part.gz": "1e4484041f40cb7c",
};

t.test("data: every record is counted, every line is bgpdump's", { skip }, async (t) => {
  const lines = indexLines();
  const files = readdirSync(data).filter((name) => !/^INDEX|\.txt\.gz$/.test(name));
  t.equal(lines.length, files.length);
  for (const { file, records, by_type: byType, expect } of lines) {
    const { stdout, stderr } = await decode({ inputs: [join(data, file)], output: "text" });
    const counts = Object.entries(byType).map(([type, n]) => `${n} ${INDEX_NAMES[type] ?? type}`);
    const { count } = complaintsOf(stderr);
    const [, recordCount, types = "", errors] =
      /: (\d+) records \((.*)\), (\d+) errors$/.exec(count ?? "") ?? [];
    t.equal(Number(recordCount), records, file);
    t.same(types.split(", ").sort(), counts.sort(), file);
    t.equal(Number(errors), DAMAGED[file] ?? 0, file);
    if (expect !== undefined) sameLines(t, stdout, join(data, expect));
    else t.equal(hashOf(stdout.replace(/^BGP\|\d+\|W\|.*\n/gm, "")), BGPDUMP_HASHES[file], file);
  }
});

t.test("data: a whole table as it went over the wire", { skip }, async (t) => {
  const path = join(sharedData("tables") ?? "", "transfer-2015-one-peer.sample");
  const { stdout } = await decode({ inputs: [`${path}.mrt.gz`], output: "text" });
  sameLines(t, stdout, `${path}.bgpdump.txt.gz`);
});

/** Names the first line that differs. */
function sameLines(t: Test, ours: string, expectation: string): void {
  const expected = gunzipSync(readFileSync(expectation)).toString("latin1");
  if (ours === expected) {
    t.pass(expectation);
    return;
  }
  const theirs = expected.split("\n");
  const at = ours.split("\n").findIndex((line, index) => line !== theirs[index]);
  t.equal(ours.split("\n")[at], theirs[at], `${expectation} line ${at + 1}`);
}

const hashOf = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 16);
