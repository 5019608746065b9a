import type { Micros } from "../core/time.ts";
import { digestEffects } from "./effects-digest.ts";
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
}

/**
 * Keeps the last inputs of a machine in memory, to be written when something went wrong: the input
 * log of a machine is all that is needed to repeat its run elsewhere (`replay.ts`). It observes the
 * driver of the machine. Recording copies octets and keeps references to the rest, which
 * machines never change; text is made only when it is asked for.
 *
 * The first line is a head, `{"recording":"speaker","version":1,"dropped":0}`; every other one an
 * input, `{"at":µs,"input":…,"effects":"0123abcd"}`, in the order they were handled. `effects` is
 * the digest of what the machine answered; an input that ended the process has none.
 */
export class Recorder<Input> {
  readonly #options: RecorderOptions<Input>;
  readonly #pinned: Entry<Input>[] = [];
  #ring: Entry<Input>[] = [];
  /** Entries of the ring before it are gone; they are cut off in batches. */
  #head = 0;
  #octets = 0;
  #last: Entry<Input> | undefined;
  #sequence = 0;
  #droppedCount = 0;

  constructor(options: RecorderOptions<Input>) {
    this.#options = options;
  }

  /** Inputs dropped for want of room: a recording without them starts in the middle. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Inputs kept. */
  get count(): number {
    return this.#pinned.length + this.#ring.length - this.#head;
  }

  readonly observe = (input: Input | "alarm", at: Micros): void => {
    const { isPinned } = this.#options;
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
    this.#octets += octets;
    this.#shrink();
  };

  /** What the machine answered to the input observed last, before any of it is performed. */
  readonly answered = (effects: readonly unknown[]): void => {
    if (this.#last !== undefined) this.#last.effects = digestEffects(effects);
  };

  /** The recording, line by line. */
  *lines(): Generator<string> {
    const { machine, represent, seed } = this.#options;
    const dropped = this.#droppedCount;
    const drawn = seed === undefined ? {} : { seed };
    yield toTaggedJson({ recording: machine, version: RECORDING_VERSION, dropped, ...drawn });
    const entries = [...this.#pinned, ...this.#ring.slice(this.#head)];
    for (const { at, input, effects } of entries.sort((a, b) => a.sequence - b.sequence)) {
      const shown = input === "alarm" || represent === undefined ? input : represent(input);
      yield toTaggedJson({ at, input: shown, effects });
    }
  }

  text(): string {
    return `${[...this.lines()].join("\n")}\n`;
  }

  #shrink(): void {
    while (this.#octets > this.#options.octetsMax && this.#head < this.#ring.length) {
      this.#octets -= this.#ring[this.#head]?.octets ?? 0;
      this.#head += 1;
      this.#droppedCount += 1;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#ring.length) {
      this.#ring = this.#ring.slice(this.#head);
      this.#head = 0;
    }
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
