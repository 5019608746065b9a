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
  readonly messages: MrtWriter;
  readonly ribs: RibSample[] = [];
  readonly #dump: (file: MrtWriter) => number;

  /** `dump` writes the RIB as it is and answers when that was, on the lab's clock. */
  constructor(parts: {
    readonly captures: readonly LineCapture[];
    readonly messages: MrtWriter;
    readonly dump: (file: MrtWriter) => number;
  }) {
    this.captures = parts.captures;
    this.messages = parts.messages;
    this.#dump = parts.dump;
  }

  sampleRib(): void {
    const file = new MrtWriter();
    this.ribs.push({ file, atUs: this.#dump(file) });
  }
}
