import { accessSync, constants, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SpeakerInput } from "../bgp/speaker/inputs.ts";
import { PlatformError } from "../core/app-error.ts";
import type { Recording } from "./recording.ts";

/** Compiled policies have no text of their own: the recording names them. */
export function representInput(input: SpeakerInput): unknown {
  if (input.kind !== "configure") return input;
  const peers = input.config.peers.map((peer) => ({
    ...peer,
    importPolicy: peer.importPolicy.name,
    exportPolicy: peer.exportPolicy.name,
  }));
  return { ...input, config: { ...input.config, peers } };
}

/** Made where it is missing; PlatformError where nothing can be written into it. */
export function prepareStateDirectory(directory: string | undefined): void {
  if (directory === undefined) return;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (!(cause instanceof Error && "errno" in cause)) throw cause;
    const message = `nothing can be written into stateDirectory ${directory}: ${cause.message}`;
    throw new PlatformError("PLATFORM_STATE_DIRECTORY", message, { cause });
  }
}

/**
 * Writes the last inputs of a machine for a replay; nothing of a file that could not be written
 * whole stays, nor more files than `RECORDINGS_MAX`: a fault that comes back must not fill the
 * disk.
 */
export function writeRecording(
  directory: string | undefined,
  machine: RecordedMachine,
  text: () => string,
): Recording {
  if (directory === undefined) return {};
  const stamp = new Date().toISOString().replaceAll(":", "");
  const path = join(directory, `${machine}-${stamp}.jsonl`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    writeFileSync(path, text(), { mode: 0o640 });
    for (const name of recordingsIn(directory, machine).slice(0, -RECORDINGS_MAX)) {
      discard(join(directory, name));
    }
  } catch (error) {
    if (!(error instanceof Error && "errno" in error)) throw error;
    discard(path);
    return { failure: `the recording could not be written: ${error.message}` };
  }
  return { path };
}

export type RecordedMachine = "speaker" | "bfd";

/** Oldest first: their names are the time they were written. */
const recordingsIn = (directory: string, machine: RecordedMachine): readonly string[] =>
  readdirSync(directory)
    .filter((name) => new RegExp(`^${machine}-\\d.*\\.jsonl$`).test(name))
    .sort();

/** Of one machine in one state directory. */
export const RECORDINGS_MAX = 10;

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What could not be written may not be removable either.
  }
}

export function reportCrash(
  stderr: { write(text: string): unknown },
  error: Error,
  { path, failure }: Recording,
): void {
  const inPath = path === undefined ? "" : `; the last inputs are in ${path}`;
  const where = failure === undefined ? inPath : `; ${failure}`;
  stderr.write(`causeway: a bug of ours ended the agent${where}\n${error.stack ?? error}\n`);
}
