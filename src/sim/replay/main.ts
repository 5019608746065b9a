/** What `causeway replay` does, apart from reading its arguments. */
import { readFileSync } from "node:fs";
import { formatProblem } from "../../agent/config/document.ts";
import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import { rehearsalEnvironment } from "../../agent/config/environment.ts";
import { readEdgeConfig } from "../../agent/read-config.ts";
import { DIAG_TEXT } from "../../bfd/index.ts";
import type { BfdEffect, BfdInput } from "../../bfd/sessions/contract.ts";
import type { SpeakerEffect } from "../../bgp/speaker/effects.ts";
import type { SpeakerInput } from "../../bgp/speaker/inputs.ts";
import { AppError } from "../../core/app-error.ts";
import { err, type Result } from "../../core/result.ts";
import { parseRecording } from "../../platform/replay.ts";
import { toTaggedJson } from "../../platform/tagged-json.ts";
import { signed } from "../report/units.ts";
import { replayBfd } from "./bfd-replay.ts";
import type { MachineReplay } from "./machine-replay.ts";
import { replaySpeaker } from "./speaker-replay.ts";

/** 0 the same, 1 cannot be said, 2 usage or file, 4 it differs. */
export const ReplayExit = { Same: 0, Unsure: 1, Usage: 2, Differs: 4 } as const;
export type ReplayExit = (typeof ReplayExit)[keyof typeof ReplayExit];

export interface ReplayOrder {
  readonly file: string;
  readonly configFile: string | undefined;
  readonly output: "text" | "json";
  /** Every effect of every step is shown, not only what an operator would have seen. */
  readonly isVerbose: boolean;
}

type Input = SpeakerInput | BfdInput;
type Effect = SpeakerEffect | BfdEffect;
type Replayed = MachineReplay<Input, Effect>;

interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export function runReplay(order: ReplayOrder, streams: Streams): ReplayExit {
  const text = readText(order.file);
  const config = order.configFile === undefined ? {} : readConfig(order.configFile);
  for (const trouble of [text, config]) {
    if ("trouble" in trouble) streams.err(`causeway: ${trouble.trouble}\n`);
  }
  if ("trouble" in text || "trouble" in config) return ReplayExit.Usage;
  const replayed = replayText(text.text, config.config);
  if (!replayed.ok) {
    streams.err(`causeway: ${order.file}: ${replayed.fault}\n`);
    return ReplayExit.Usage;
  }
  const verdict = judge(replayed.value);
  if (order.output === "json") streams.out(`${JSON.stringify(toJson(replayed.value, verdict))}\n`);
  else tell(replayed.value, verdict, order, streams);
  return verdict.exit;
}

function replayText(text: string, config: EdgeConfig | undefined): Result<Replayed, string> {
  const parsed = parseRecording<never>(text);
  if (!parsed.ok) return err(`line ${parsed.fault.line}: ${parsed.fault.text}`);
  const recording = parsed.value;
  if (recording.machine === "speaker") return replaySpeaker(recording, config);
  if (recording.machine === "bfd") return replayBfd(recording);
  return err(`it is of a "${recording.machine}", and only speakers and BFD can be replayed`);
}

type OrTrouble<Found> = Found | { readonly trouble: string };

function readText(file: string): OrTrouble<{ readonly text: string }> {
  try {
    return { text: readFileSync(file, "utf8") };
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    return { trouble: `the recording ${file} cannot be read: ${cause.message}` };
  }
}

/** Secrets are in no recording and decide nothing in it: every one is taken as given. */
function readConfig(file: string): OrTrouble<{ readonly config?: EdgeConfig }> {
  try {
    const { config, problems } = readEdgeConfig(file, rehearsalEnvironment);
    if (config !== undefined) return { config };
    const first = problems.find(({ severity }) => severity === "error");
    return { trouble: first === undefined ? `${file} cannot be used` : formatProblem(first) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { trouble: error.message };
  }
}

interface Verdict {
  readonly exit: ReplayExit;
  readonly word: "SAME" | "DIFFERS" | "INCONCLUSIVE";
  readonly because: string;
}

function judge({ recording, sameCount, unansweredCount, differsAt }: Replayed): Verdict {
  const { droppedCount, inputs, checkpoint } = recording;
  if (droppedCount > 0 && checkpoint === undefined) {
    const because =
      `the recording begins in the middle: ${droppedCount} inputs before it were dropped, ` +
      `and what they led to is not in it`;
    return { exit: ReplayExit.Unsure, word: "INCONCLUSIVE", because };
  }
  if (differsAt !== undefined) {
    const because = `input ${differsAt + 1} of ${inputs.length} was answered otherwise`;
    return { exit: ReplayExit.Differs, word: "DIFFERS", because };
  }
  if (sameCount === 0) {
    const because = "the recording holds no answer to compare with";
    return { exit: ReplayExit.Unsure, word: "INCONCLUSIVE", because };
  }
  const last =
    unansweredCount === 0 ? "" : `; ${unansweredCount} had no answer when it was recorded`;
  const because = `${sameCount} of ${inputs.length} inputs were answered as they were${last}`;
  return { exit: ReplayExit.Same, word: "SAME", because };
}

function tell(
  replayed: Replayed,
  verdict: Verdict,
  { file, isVerbose }: ReplayOrder,
  { out }: Streams,
): void {
  const { recording, steps, differsAt } = replayed;
  const { inputs, seed } = recording;
  const [first, last] = [inputs[0]?.at ?? 0, inputs.at(-1)?.at ?? 0];
  out(`replay ${file}: ${inputs.length} inputs over ${((last - first) / 1e6).toFixed(1)} s, `);
  out(`seed ${seed ?? "unknown"}\n`);
  for (const { at, effects } of steps) {
    for (const effect of effects) {
      const line = isVerbose ? toTaggedJson(effect) : newsOf(effect);
      if (line !== undefined) out(`  ${signed((at - first) / 1000).padStart(14)}  ${line}\n`);
    }
  }
  const step = differsAt === undefined ? undefined : steps[differsAt];
  if (step !== undefined && differsAt !== undefined) {
    out(`first difference: input ${differsAt + 1} at ${signed((step.at - first) / 1000)}, `);
    out(`${inputText(step.input)}\n`);
    out(`  recorded answer ${inputs[differsAt]?.effects}, now ${step.digest}:\n`);
    for (const effect of step.effects) out(`    ${toTaggedJson(effect)}\n`);
    if (step.effects.length === 0) out("    nothing\n");
  }
  out(`${verdict.word}: ${verdict.because}\n`);
}

/** What an operator would have seen of it. */
function newsOf(effect: Effect): string | undefined {
  if (effect.kind === "state") {
    const { session, from, to, diag, remoteState, isSuspectSelf } = effect;
    const late = isSuspectSelf ? "; we were late ourselves" : "";
    const why = DIAG_TEXT[diag] ?? `diagnostic ${diag}`;
    return `${session} ${from} → ${to}: ${why}, the peer last said ${remoteState}${late}`;
  }
  if (effect.kind === "session") {
    return `${effect.peer} ${effect.from} → ${effect.to}: ${effect.text}`;
  }
  if (effect.kind === "log" && effect.level !== "debug") {
    return `${effect.event} ${JSON.stringify(effect.fields)}`;
  }
  return undefined;
}

function inputText(input: Input | "alarm"): string {
  if (input === "alarm") return "a timer";
  if ("remoteAddress" in input) return `${input.kind} of ${input.remoteAddress}`;
  const about = "peer" in input ? input.peer : "connection" in input ? input.connection : "";
  return `${input.kind} ${about}`.trimEnd();
}

function toJson(replayed: Replayed, { word, because }: Verdict) {
  const { recording, steps, sameCount, unansweredCount, differsAt } = replayed;
  const step = differsAt === undefined ? undefined : steps[differsAt];
  return {
    schema: "causeway.replay/v1",
    verdict: word,
    because,
    inputs: recording.inputs.length,
    dropped: recording.droppedCount,
    same: sameCount,
    unanswered: unansweredCount,
    firstDifference:
      step === undefined || differsAt === undefined
        ? null
        : {
            input: differsAt + 1,
            at: step.at,
            what: inputText(step.input),
            recorded: recording.inputs[differsAt]?.effects ?? null,
            now: step.digest,
          },
  };
}
