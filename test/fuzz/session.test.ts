import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { concatBytes, toHex } from "../../src/core/bytes.ts";
import { remoteOpen } from "../support/bgp-session.ts";
import { generate } from "./generate.ts";
import { broken } from "./run.ts";
import { fuzzOne, Soak, saved, vectorsOf } from "./session-fuzz.ts";
import { shrink } from "./shrink.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const CASES = 100;

t.test("what was found once stays mended", async (t) => {
  for (const { name, finding } of saved(root)) t.equal(broken(finding.case), undefined, name);
});

t.test("a hostile peer: no exception, no hang, nothing its neighbour notices", async (t) => {
  const vectors = vectorsOf(root);
  t.ok(vectors.length > 100, "the corpus is there");
  const levels = new Map<string, number>();
  for (let seed = 1; seed <= CASES; seed += 1) {
    const { level } = generate(seed, vectors);
    levels.set(level, (levels.get(level) ?? 0) + 1);
    const finding = fuzzOne(seed, vectors);
    if (finding !== undefined) t.fail(`${finding.fault}: ${JSON.stringify(finding.case)}`);
  }
  t.same([...levels.keys()].sort(), ["bfd-octets", "bgp-octets", "session"]);
});

t.test("the hostile corpus, row by row, to an Established session and in pieces", async (t) => {
  const greeting = toHex(concatBytes([encodeOpen(remoteOpen()), encodeKeepalive()]));
  for (const [row, vector] of vectorsOf(root).entries()) {
    const hex = toHex(vector);
    const pieces = hex.match(/.{1,14}/g) ?? [];
    const whole = {
      ...({ level: "session", variant: row % 16 } as const),
      steps: [
        ...[{ do: "accept" } as const, { do: "say", hex: greeting } as const],
        ...pieces.map((piece) => ({ do: "say", hex: piece }) as const),
        { do: "say", hex: hex.repeat(3) } as const,
      ],
    };
    const fault = broken(whole);
    if (fault !== undefined) t.fail(`row ${row}: ${fault}`);
  }
  t.pass("all of it");
});

t.test("one router endures case after case", async (t) => {
  const soak = new Soak();
  for (let seed = 1; seed <= 300; seed += 1) {
    const finding = soak.play(seed, []);
    if (finding !== undefined) t.fail(`${finding.fault}: ${JSON.stringify(finding.case)}`);
  }
  t.pass("to the end");
});

t.test("a seed is a case, and its case is data", async (t) => {
  const vectors = vectorsOf(root);
  for (let seed = 1; seed <= 20; seed += 1) {
    const whole = generate(seed, vectors);
    t.same(generate(seed, vectors), whole);
    t.same(JSON.parse(JSON.stringify(whole)), whole);
  }
});

t.test("shrinking: the least that still fails, and nothing of what does not", async (t) => {
  const sound = generate(3, []);
  t.same(
    shrink(sound, () => false),
    sound,
  );
  const whole = {
    ...({ level: "session", variant: 0 } as const),
    steps: [{ do: "accept" }, { do: "say", hex: "00ff01aa02" }, { do: "stall" }] as const,
  };
  const small = shrink(whole, (candidate) => JSON.stringify(candidate).includes("aa"));
  t.same(small, { ...whole, steps: [{ do: "say", hex: "aa" }] });
});
