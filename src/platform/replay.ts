import type { Machine } from "../core/machine.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Micros, micros } from "../core/time.ts";
import { digestEffects } from "./effects-digest.ts";
import { RECORDING_VERSION } from "./recorder.ts";
import { fromTaggedJson, opaqueIn, toTaggedJson } from "./tagged-json.ts";

export interface Recording<Input> {
  readonly machine: string;
  /** Inputs lost before the first kept one; a replay then begins in the middle. */
  readonly droppedCount: number;
  /** Where the machine's random numbers came from, if that was recorded. */
  readonly seed?: number;
  /** What the machine was before the first input, where inputs were lost and that is known. */
  readonly checkpoint?: unknown;
  readonly inputs: readonly RecordedInput<Input>[];
}

export interface RecordedInput<Input> {
  readonly at: Micros;
  readonly input: Input | "alarm";
  /** Digest of what the machine answered; undefined where it did not come to an answer. */
  readonly effects?: string;
}

export interface RecordingFault {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** What a machine answered to one input. */
export interface ReplayStep<Input, Effect> {
  readonly at: Micros;
  readonly input: Input | "alarm";
  readonly effects: readonly Effect[];
  /** Of the effects, as `RecordedInput.effects`. */
  readonly digest: string;
}

/**
 * Reads a recording. Its inputs are what `RecorderOptions.represent` wrote, where there was one
 * (`restoreInputs`); an input that holds anything but data is a fault.
 */
export function parseRecording<Input>(text: string): Result<Recording<Input>, RecordingFault> {
  const inputs: RecordedInput<Input>[] = [];
  let head: Omit<Recording<Input>, "inputs"> | undefined;
  let checkpoint: unknown;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const fault = (words: string) => err({ line: index + 1, text: words });
    const parsed = fromTaggedJson(line)?.value;
    if (typeof parsed !== "object" || parsed === null) return fault("this is no JSON object");
    if (head === undefined) {
      const found = headOf(parsed);
      if (found === undefined) return fault("this is not the head of a recording of version 1");
      head = found;
      continue;
    }
    const { at, input, effects, ...rest } = parsed as Readonly<Record<string, unknown>>;
    if (rest.checkpoint !== undefined && inputs.length === 0) {
      checkpoint = rest.checkpoint;
      continue;
    }
    if (typeof at !== "number" || input === undefined)
      return fault("an input has `at` and `input`");
    const opaque = opaqueIn(input);
    if (opaque !== undefined) return fault(`the input holds a ${opaque}, which is no data`);
    inputs.push({
      at: micros(at),
      input: input as Input | "alarm",
      ...(typeof effects === "string" ? { effects } : {}),
    });
  }
  if (head === undefined) return err({ line: 1, text: "the recording is empty" });
  return ok({ ...head, ...(checkpoint !== undefined && { checkpoint }), inputs });
}

/** The recording with inputs that are the machine's again, of what stood for them in the text. */
export function restoreInputs<Input>(
  recording: Recording<unknown>,
  restore: (represented: unknown) => Input,
): Recording<Input> {
  const inputs = recording.inputs.map(
    ({ at, input, effects }): RecordedInput<Input> => ({
      at,
      input: input === "alarm" ? input : restore(input),
      ...(effects !== undefined && { effects }),
    }),
  );
  return { ...recording, inputs };
}

/** Gives a machine the recorded inputs at the recorded instants; returns what it answered. */
export function replay<Input, Effect>(
  machine: Machine<Input, Effect>,
  recording: Recording<Input>,
): ReplayStep<Input, Effect>[] {
  return recording.inputs.map(({ at, input }) => {
    const effects: Effect[] = [];
    if (input === "alarm") machine.expire(at, effects);
    else machine.handle(input, at, effects);
    // Octets may lie in a buffer that the next answer is written into.
    return { at, input, effects, digest: digestEffects(effects) };
  });
}

/** One line a step, effects only: the golden text a replay is compared with. */
export function formatEffects<Input, Effect>(steps: readonly ReplayStep<Input, Effect>[]): string {
  return steps.map(({ at, effects }) => `${toTaggedJson({ at, effects })}\n`).join("");
}

function headOf(value: object): Omit<Recording<never>, "inputs"> | undefined {
  const { recording, version, dropped, seed } = value as Readonly<Record<string, unknown>>;
  if (typeof recording !== "string" || version !== RECORDING_VERSION) return undefined;
  return {
    machine: recording,
    droppedCount: typeof dropped === "number" ? dropped : 0,
    ...(typeof seed === "number" ? { seed } : {}),
  };
}
