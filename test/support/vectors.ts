import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DecodedLine } from "./decode-run.ts";

/** Wire vectors of other implementations: what may be made of each, and its NOTIFICATION. */
export interface Vector {
  readonly id: string;
  readonly expect: {
    readonly acceptable: readonly string[];
    readonly error?: { readonly code: number; readonly subcode?: number };
  };
}

/** Vectors we answer otherwise, and the clause that speaks against what they expect. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  "bgpkit-parser-c7c9df7423":
    "RFC 7313 §5: a ROUTE-REFRESH of subtype 1 whose body is not four octets is answered with 7/1",
};

export const VECTOR_COUNT = 520;

export const vectorFiles = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((entry) => entry.endsWith(".jsonl"))
    .map((name) => join(folder, name));

export const vectorsOf = (file: string): readonly Vector[] =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** What is wrong with the answers to one vector, where something is. */
export function complaint(vector: Vector, answers: readonly DecodedLine[]): string | undefined {
  const [answer] = answers;
  if (answer === undefined || answers.length !== 1) return `${answers.length} answers`;
  const { action, code, subcode, error } = answer;
  if (error !== undefined) return `not read: ${error}`;
  const { acceptable, error: notification } = vector.expect;
  if (action === undefined || !acceptable.includes(action)) {
    return `${action} instead of ${acceptable.join(" or ")}: ${answer.why}`;
  }
  if (notification === undefined || action !== "session_reset") return undefined;
  const isOther =
    code !== notification.code || subcode !== (notification.subcode ?? subcode ?? undefined);
  if (!isOther) return undefined;
  return `NOTIFICATION ${code}/${subcode} instead of ${notification.code}/${notification.subcode}`;
}
