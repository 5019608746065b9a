import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type DecodeArgs, runDecode } from "../../src/decode/decode.ts";

/** A line of `-o json`, or an unreadable one. */
export interface DecodedLine {
  readonly action?: string;
  readonly code?: number | null;
  readonly subcode?: number | null;
  readonly dataHex?: string | null;
  readonly why?: string | null;
  readonly message?: Record<string, unknown>;
  readonly error?: string;
  readonly hex?: string;
  readonly place?: Readonly<Record<string, string | number>>;
  readonly [place: string]: unknown;
}

/** `causeway decode` on these arguments: what it wrote and how it ended. */
export async function decodeText(args: DecodeArgs, stdin: readonly string[] = []) {
  const written = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[name] += text;
      return true;
    },
  });
  const chunks = (async function* () {
    for (const chunk of stdin) yield new TextEncoder().encode(chunk);
  })();
  const io = { stdin: chunks, stdout: sink("stdout"), stderr: sink("stderr") };
  const exitCode = await runDecode(args, io);
  return { ...written, exitCode };
}

export async function decodeJson(args: Omit<DecodeArgs, "output">, stdin: readonly string[] = []) {
  const { stdout, exitCode } = await decodeText({ ...args, output: "json" }, stdin);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { exitCode, lines: lines.map((line): DecodedLine => JSON.parse(line)) };
}

const root = new URL("../../..", import.meta.url);

export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, root));

/** A folder of the real data beside the project, undefined where there is none. */
export function sharedData(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../shared/data/${name}`, root));
  return existsSync(path) ? path : undefined;
}
