import type { Micros } from "../core/time.ts";
import { digestEffects } from "./effects-digest.ts";
import { CheckpointRing, PlainRing, type RecorderRing } from "./recorder-ring.ts";
import { toTaggedJson } from "./tagged-json.ts";

export interface RecorderOptions<Input> {
  /** `speaker`, `bfd`: written in the head of the recording. */
  readonly machine: string;
  /** What its random numbers came from: a replay that draws others meets other deadlines. */
  readonly seed?: number;
  /** What is kept at most, estimated; the oldest inputs go first. */
  readonly octetsMax: number;
  /** Inputs that are never dropped, because nothing can be replayed without them. */
  readonly isPinned?: (input: Input) => boolean;
  /**
   * What is written for an input, where the input itself will not do: it holds a secret, or
   * compiled objects (a configuration is recorded as the text it was built from).
   */
  readonly represent?: (input: Input) => unknown;
  /**
   * The machine as plain data, where it can say that: a recording can then be replayed however
   * much went before it. Asked for between inputs.
   */
  readonly checkpoint?: () => unknown;
}

/**
 * Keeps the last inputs of a machine in memory, to be written when something went wrong: the input
 * log of a machine is all that is needed to repeat its run elsewhere (`replay.ts`). It observes the
 * driver of the machine. Recording copies octets and keeps references to the rest, which
 * machines never change; text is made only when it is asked for.
 *
 * The first line is a head, `{"recording":"speaker","version":1,"dropped":0}`; every other one an
 * input, `{"at":µs,"input":…,"effects":"0123abcd"}`, in the order they were handled. `effects` is
 * the digest of what the machine answered; an input that ended the process has none. Behind the
 * head of one that lost its beginning stands what the machine then was, where that is known:
 * `{"at":µs,"checkpoint":…}`.
 */
export class Recorder<Input> {
  readonly #options: RecorderOptions<Input>;
  readonly #pinned: Entry<Input>[] = [];
  readonly #ring: RecorderRing<Entry<Input>>;
  #last: Entry<Input> | undefined;
  #sequence = 0;

  constructor(options: RecorderOptions<Input>) {
    const { checkpoint, octetsMax } = options;
    this.#options = options;
    this.#ring =
      checkpoint === undefined
        ? new PlainRing(octetsMax)
        : new CheckpointRing(octetsMax, checkpoint);
  }

  /** Inputs dropped for want of room: a recording without them starts in the middle. */
  get droppedCount(): number {
    return this.#ring.droppedCount;
  }

  /** Inputs kept. */
  get count(): number {
    return this.#pinned.length + this.#ring.entries().length;
  }

  readonly observe = (input: Input | "alarm", at: Micros): void => {
    const { isPinned } = this.#options;
    this.#ring.ready(at);
    const kept = input === "alarm" ? input : copyOf(input);
    const octets = ENTRY_OCTETS + octetsOf(kept);
    const entry: Entry<Input> = { at, input: kept, octets, sequence: this.#sequence };
    this.#last = entry;
    this.#sequence += 1;
    if (input !== "alarm" && isPinned?.(input) === true) {
      this.#pinned.push(entry);
      return;
    }
    this.#ring.push(entry);
  };

  /** What the machine answered to the input observed last, before any of it is performed. */
  readonly answered = (effects: readonly unknown[]): void => {
    if (this.#last !== undefined) this.#last.effects = digestEffects(effects);
  };

  /** The recording, line by line, as it is when the first of them is taken. */
  *lines(): Generator<string> {
    const { machine, represent, seed } = this.#options;
    const { droppedCount: dropped, base } = this.#ring;
    const entries = [...this.#pinned, ...this.#ring.entries()];
    const drawn = seed === undefined ? {} : { seed };
    yield toTaggedJson({ recording: machine, version: RECORDING_VERSION, dropped, ...drawn });
    if (base !== undefined) yield toTaggedJson({ at: base.at, checkpoint: base.state });
    for (const { at, input, effects } of entries.sort((a, b) => a.sequence - b.sequence)) {
      const shown = input === "alarm" || represent === undefined ? input : represent(input);
      yield toTaggedJson({ at, input: shown, effects });
    }
  }

  text(): string {
    return `${[...this.lines()].join("\n")}\n`;
  }
}

export const RECORDING_VERSION = 1;

interface Entry<Input> {
  readonly at: Micros;
  readonly input: Input | "alarm";
  readonly octets: number;
  readonly sequence: number;
  effects?: string;
}

/** The input with octets of its own; they may be a buffer the host is about to fill again. */
function copyOf<Input>(input: Input): Input {
  if (typeof input !== "object" || input === null) return input;
  const owned: Record<string, Uint8Array> = {};
  for (const [key, value] of Object.entries(input)) {
    if (value instanceof Uint8Array) owned[key] = value.slice();
  }
  return { ...input, ...owned };
}

function octetsOf(input: unknown): number {
  if (typeof input !== "object" || input === null) return 0;
  let octets = 0;
  for (const value of Object.values(input)) {
    if (value instanceof Uint8Array) octets += value.length;
    else if (typeof value === "string") octets += value.length;
  }
  return octets;
}

/** What an entry costs beside its octets, roughly. */
const ENTRY_OCTETS = 160;
