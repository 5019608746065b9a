/** The note from one run to the next (`restart.ts`), as a file in the state directory. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseRestartNote, type RestartNote } from "./restart.ts";

const NAME = "restart.json";

/** Written whole or not at all; a sentence where it was not. */
export function leaveNote(directory: string | undefined, note: RestartNote): string | undefined {
  if (directory === undefined) {
    return "no stateDirectory: the next start cannot tell its peers that it is a restart";
  }
  const path = join(directory, NAME);
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(note)}\n`, { mode: 0o640 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    if (!(error instanceof Error && "errno" in error)) throw error;
    return `the next start cannot tell its peers that it is a restart: ${error.message}`;
  }
  return undefined;
}

/** Read once: whatever becomes of this run, the next one has a note of its own or none. */
export function takeNote(directory: string | undefined): RestartNote | undefined {
  if (directory === undefined) return undefined;
  const path = join(directory, NAME);
  try {
    const text = readFileSync(path, "utf8");
    rmSync(path);
    return parseRestartNote(text);
  } catch (error) {
    // There is none, or it cannot be read or removed: then this is no restart.
    if (error instanceof Error && "errno" in error) return undefined;
    throw error;
  }
}
