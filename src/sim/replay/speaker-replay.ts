/**
 * Runs the recorded inputs of a live agent's speaker through the same code again: the same random
 * numbers, the same instants, and so the same answers, or there is a first one that differs.
 * Compiled policies are in no recording, only their names; they come from the configuration the
 * agent ran on.
 */
import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import { buildSpeakerConfig } from "../../agent/speaker-config.ts";
import { ACCEPT_ALL, REJECT_ALL } from "../../bgp/policy/chain.ts";
import type { Policy } from "../../bgp/policy/policy.ts";
import type { SpeakerConfig } from "../../bgp/speaker/config.ts";
import type { SpeakerEffect } from "../../bgp/speaker/effects.ts";
import type { SpeakerInput } from "../../bgp/speaker/inputs.ts";
import { Speaker } from "../../bgp/speaker/speaker.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { seededRng } from "../../core/rng.ts";
import { type Recording, restoreInputs } from "../../platform/replay.ts";
import { type MachineReplay, replayMachine } from "./machine-replay.ts";

/** `config`: undefined where only policies that are built in were in use. */
export function replaySpeaker(
  recorded: Recording<unknown>,
  config: EdgeConfig | undefined,
): Result<MachineReplay<SpeakerInput, SpeakerEffect>, string> {
  const policies = new Policies(config);
  const recording = restoreInputs(recorded, (input) => policies.restore(input));
  if (recording.seed === undefined) {
    return err("it does not say where its random numbers came from, so no replay can be the same");
  }
  const [missing] = policies.missing;
  if (missing !== undefined) {
    const where =
      config === undefined ? "give the agent's file with --config" : "it is another file";
    return err(`the policy "${missing}" is not in the configuration; ${where}`);
  }
  return ok(replayMachine(new Speaker({ rng: seededRng(recording.seed) }), recording));
}

/** Gives the policies of a configuration back to inputs that only name them. */
class Policies {
  readonly #ofPeers = new Map<string, Policy>();
  readonly #byName = new Map<string, Policy>(
    [ACCEPT_ALL, REJECT_ALL].map((policy) => [policy.name, policy]),
  );
  readonly missing: string[] = [];

  constructor(config: EdgeConfig | undefined) {
    for (const peer of config === undefined ? [] : buildSpeakerConfig(config).peers) {
      for (const policy of [peer.importPolicy, peer.exportPolicy]) {
        this.#ofPeers.set(`${peer.name}\n${policy.name}`, policy);
        this.#byName.set(policy.name, policy);
      }
    }
  }

  restore(represented: unknown): SpeakerInput {
    const input = represented as SpeakerInput;
    if (input.kind !== "configure") return input;
    const peers = input.config.peers.map((peer) => ({
      ...peer,
      importPolicy: this.#named(peer.name, peer.importPolicy),
      exportPolicy: this.#named(peer.name, peer.exportPolicy),
    }));
    const config: SpeakerConfig = { ...input.config, peers };
    return { ...input, config };
  }

  #named(peer: string, policy: unknown): Policy {
    const name = String(policy);
    const found = this.#ofPeers.get(`${peer}\n${name}`) ?? this.#byName.get(name);
    if (found === undefined) this.missing.push(name);
    // With a policy missing nothing is replayed at all.
    return found ?? REJECT_ALL;
  }
}
