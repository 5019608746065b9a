import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SpeakerInput } from "../bgp/speaker/inputs.ts";
import type { Recorder } from "../platform/recorder.ts";

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

/** Writes the last inputs for a replay; the path, or undefined where there is no place for it. */
export function writeRecording(
  directory: string | undefined,
  recorder: Recorder<SpeakerInput>,
): string | undefined {
  if (directory === undefined) return undefined;
  const stamp = new Date().toISOString().replaceAll(":", "");
  const path = join(directory, `speaker-${stamp}.jsonl`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    writeFileSync(path, recorder.text(), { mode: 0o640 });
  } catch (error) {
    if (error instanceof Error && "errno" in error) return undefined;
    throw error;
  }
  return path;
}

export function reportCrash(
  stderr: { write(text: string): unknown },
  error: Error,
  recording: string | undefined,
): void {
  const where = recording === undefined ? "" : `; the last inputs are in ${recording}`;
  stderr.write(`causeway: a bug of ours ended the agent${where}\n${error.stack ?? error}\n`);
}
