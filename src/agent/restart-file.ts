/** The note from one run to the next (`restart.ts`), as a file in the state directory. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseRestartNote, type RestartNote } from "./restart.ts";
import { readState, writeState } from "./state-file.ts";

const NAME = "restart.json";

/** Written whole or not at all; a sentence where it was not. */
export function leaveNote(directory: string | undefined, note: RestartNote): string | undefined {
  const failure = directory === undefined ? "no stateDirectory" : writeState(directory, NAME, note);
  return failure && `the next start cannot tell its peers that it is a restart: ${failure}`;
}

/** Read once: whatever becomes of this run, the next one has a note of its own or none. */
export function takeNote(directory: string | undefined): RestartNote | undefined {
  if (directory === undefined) return undefined;
  const found = readState(directory, NAME);
  try {
    rmSync(join(directory, NAME), { force: true });
  } catch (error) {
    // One that cannot be removed would be taken for the next run's: then this is no restart.
    if (error instanceof Error && "errno" in error) return undefined;
    throw error;
  }
  return parseRestartNote(found);
}
