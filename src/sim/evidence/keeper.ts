/**
 * What a lab keeps for an evidence folder beside the records: captures of the lines, the edge's BGP
 * messages, and its RIB at the moments it was asked for.
 */
import type { LineCapture } from "./line-capture.ts";
import { MrtWriter } from "./mrt.ts";

export interface RibSample {
  readonly atUs: number;
  readonly file: MrtWriter;
}

export class EvidenceKeeper {
  readonly captures: readonly LineCapture[];
  /** Undefined where the lab does not hear them. */
  readonly messages: MrtWriter | undefined;
  readonly ribs: RibSample[] = [];
  readonly #dump: ((file: MrtWriter) => number) | undefined;

  /** `dump` writes the RIB as it is and answers when that was, on the lab's clock. */
  constructor(parts: {
    readonly captures: readonly LineCapture[];
    readonly messages?: MrtWriter;
    readonly dump?: (file: MrtWriter) => number;
  }) {
    this.captures = parts.captures;
    this.messages = parts.messages;
    this.#dump = parts.dump;
  }

  sampleRib(): void {
    if (this.#dump === undefined) return;
    const file = new MrtWriter();
    this.ribs.push({ file, atUs: this.#dump(file) });
  }
}
