/**
 * Runs what a live agent's BFD thread recorded through the same code again. A recording that lost
 * its beginning begins with what the sessions then were, so it can always be played.
 */
import { type BfdMemory, BfdSessions } from "../../bfd/index.ts";
import type { BfdEffect, BfdInput } from "../../bfd/sessions/contract.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { seededRng } from "../../core/rng.ts";
import type { Recording } from "../../platform/replay.ts";
import { type MachineReplay, replayMachine } from "./machine-replay.ts";

export function replayBfd(
  recording: Recording<BfdInput>,
): Result<MachineReplay<BfdInput, BfdEffect>, string> {
  const { checkpoint, seed, droppedCount } = recording;
  const keyed = recording.inputs.some(
    ({ input }) =>
      input !== "alarm" &&
      input.kind === "configure" &&
      input.sessions.some(({ auth }) => auth !== undefined),
  );
  const memory = checkpoint as BfdMemory | undefined;
  if (keyed || memory?.sessions.some(({ memory }) => memory.config.auth !== undefined) === true) {
    return err("a session in it is authenticated, and keys are in no recording");
  }
  if (memory !== undefined) return ok(replayMachine(BfdSessions.resumed(memory), recording));
  if (seed === undefined || droppedCount > 0) {
    return err("it does not say where its random numbers came from, so no replay can be the same");
  }
  return ok(replayMachine(new BfdSessions({ rng: seededRng(seed) }), recording));
}
