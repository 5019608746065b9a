/**
 * The fuzzer: cases by number, from a seed. What is broken is shrunk and kept as JSON in
 * `fixtures/fuzz`, where a test plays it ever after.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex } from "../../src/core/bytes.ts";
import type { FuzzCase, Step } from "./case.ts";
import { generate } from "./generate.ts";
import { Rig } from "./rig.ts";
import { broken } from "./run.ts";
import { shrink } from "./shrink.ts";

export interface Finding {
  readonly seed: number;
  /** One sentence, or a stack. */
  readonly fault: string;
  readonly case: FuzzCase;
}

export function fuzzOne(seed: number, vectors: readonly Uint8Array[]): Finding | undefined {
  const whole = generate(seed, vectors);
  const fault = broken(whole);
  if (fault === undefined) return undefined;
  const small = shrink(whole);
  return { seed, fault: broken(small) ?? fault, case: small };
}

/**
 * One router that outlives its cases: what it keeps of each of them would show in the heap, and
 * what one case prepares for the next would show at all.
 */
export class Soak {
  readonly #rig = new Rig(SOAK_VARIANT);
  #steps: Step[] = [];

  /** Plays the cases of its own configuration, and passes over the others. */
  play(seed: number, vectors: readonly Uint8Array[]): Finding | undefined {
    const whole = generate(seed, vectors);
    if (whole.level !== "session" || whole.variant !== SOAK_VARIANT) return undefined;
    this.#steps = [...this.#steps, ...whole.steps].slice(-SOAK_STEPS_KEPT);
    try {
      for (const step of whole.steps) this.#rig.play(step);
      return undefined;
    } catch (error) {
      const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const steps = this.#steps;
      return { seed, fault, case: { level: "session", variant: SOAK_VARIANT, steps } };
    }
  }
}

/** Neither passive nor limited: it takes whatever comes. */
const SOAK_VARIANT = 0;
const SOAK_STEPS_KEPT = 2000;

/** Whole messages of the hostile corpus. */
export function vectorsOf(root: string): Uint8Array[] {
  const text = readFileSync(join(root, "fixtures", "wire", "hostile.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => fromHex(JSON.parse(line).hex) ?? new Uint8Array(0));
}

export function save(root: string, finding: Finding): string {
  const file = join(root, "fixtures", "fuzz", `seed-${finding.seed}.json`);
  const { seed, fault } = finding;
  const firstLine = fault.split("\n")[0] ?? "";
  const saved = { seed, fault: firstLine, case: finding.case };
  writeFileSync(file, `${JSON.stringify(saved, undefined, 2)}\n`);
  return file;
}

/** What was found once, by name. */
export function saved(root: string): { readonly name: string; readonly finding: Finding }[] {
  const folder = join(root, "fixtures", "fuzz");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => ({ name, finding: JSON.parse(readFileSync(join(folder, name), "utf8")) }));
}
