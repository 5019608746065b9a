import type { Micros } from "../core/time.ts";

/** What a recorder keeps within its room, in the order it came. */
export interface RecorderRing<Entry extends { readonly octets: number }> {
  /** Before anything is done with the input that `push` brings. */
  ready(at: Micros): void;
  push(entry: Entry): void;
  entries(): readonly Entry[];
  readonly droppedCount: number;
  /** What the machine was before the first entry, where something was dropped and that is known. */
  readonly base: Checkpoint | undefined;
}

export interface Checkpoint {
  readonly at: Micros;
  /** The machine as plain data. */
  readonly state: unknown;
}

/** The oldest entries go, one by one: what is left begins anywhere. */
export class PlainRing<Entry extends { readonly octets: number }> implements RecorderRing<Entry> {
  readonly base = undefined;
  readonly #octetsMax: number;
  #entries: Entry[] = [];
  /** Entries before it are gone; they are cut off in batches. */
  #head = 0;
  #octets = 0;
  #droppedCount = 0;

  constructor(octetsMax: number) {
    this.#octetsMax = octetsMax;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  ready(): void {}

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#octets += entry.octets;
    while (this.#octets > this.#octetsMax && this.#head < this.#entries.length) {
      this.#octets -= this.#entries[this.#head]?.octets ?? 0;
      this.#head += 1;
      this.#droppedCount += 1;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  entries(): readonly Entry[] {
    return this.#entries.slice(this.#head);
  }
}

/**
 * Two halves, each begun by what the machine then was. Where the younger one is full the elder goes
 * as a whole: what is left always begins at the very beginning or at a checkpoint.
 */
export class CheckpointRing<Entry extends { readonly octets: number }>
  implements RecorderRing<Entry>
{
  readonly #half: number;
  readonly #save: () => unknown;
  #elder: Half<Entry> | undefined;
  #younger: Half<Entry> = { base: undefined, entries: [], octets: 0 };
  #droppedCount = 0;

  constructor(octetsMax: number, save: () => unknown) {
    this.#half = octetsMax / 2;
    this.#save = save;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  get base(): Checkpoint | undefined {
    return (this.#elder ?? this.#younger).base;
  }

  ready(at: Micros): void {
    if (this.#younger.octets < this.#half) return;
    this.#droppedCount += this.#elder?.entries.length ?? 0;
    this.#elder = this.#younger;
    this.#younger = { base: { at, state: this.#save() }, entries: [], octets: 0 };
  }

  push(entry: Entry): void {
    this.#younger.entries.push(entry);
    this.#younger.octets += entry.octets;
  }

  entries(): readonly Entry[] {
    return [...(this.#elder?.entries ?? []), ...this.#younger.entries];
  }
}

interface Half<Entry> {
  readonly base: Checkpoint | undefined;
  readonly entries: Entry[];
  octets: number;
}
