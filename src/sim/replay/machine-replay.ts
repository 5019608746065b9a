/**
 * A recording played again by the machine it is of: the same inputs at the same instants, and so
 * the same answers, or there is a first one that differs.
 */
import type { Machine } from "../../core/machine.ts";
import { type Recording, type ReplayStep, replay } from "../../platform/replay.ts";

export interface MachineReplay<Input, Effect> {
  readonly recording: Recording<Input>;
  readonly steps: readonly ReplayStep<Input, Effect>[];
  /** Answers that were recorded and are the same again. */
  readonly sameCount: number;
  /** Inputs without a recorded answer: the last one, where it ended the process. */
  readonly unansweredCount: number;
  /** Index of the first step whose answer is another one. */
  readonly differsAt: number | undefined;
}

export function replayMachine<Input, Effect>(
  machine: Machine<Input, Effect>,
  recording: Recording<Input>,
): MachineReplay<Input, Effect> {
  const steps = replay(machine, recording);
  let sameCount = 0;
  let unansweredCount = 0;
  let differsAt: number | undefined;
  for (const [index, { effects }] of recording.inputs.entries()) {
    if (effects === undefined) unansweredCount += 1;
    else if (effects === steps[index]?.digest) sameCount += 1;
    else differsAt ??= index;
  }
  return { recording, steps, sameCount, unansweredCount, differsAt };
}
