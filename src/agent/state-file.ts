/** Small notes in the state directory, from one run of the agent to the next, as JSON. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Written whole or not at all; what the system says where it was not. */
export function writeState(directory: string, name: string, value: unknown): string | undefined {
  const path = join(directory, name);
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o640 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    if (!(error instanceof Error && "errno" in error)) throw error;
    return error.message;
  }
  return undefined;
}

/** Undefined where there is no such note, or nothing that could be read. */
export function readState(directory: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(directory, name), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && "errno" in error)) {
      return undefined;
    }
    throw error;
  }
}
