/** How far a campaign is: a bar that moves on a terminal, a line each tenth elsewhere. */
import { performance } from "node:perf_hooks";
import type { RunResult } from "./result.ts";

export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A bar is not drawn again before this time. */
const REDRAW_MS = 100;
const BAR_COLUMNS = 30;

export class Progress {
  readonly #stream: ProgressStream;
  readonly #total: number;
  readonly #before: number;
  readonly #startMs = performance.now();
  #done: number;
  #failed = 0;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #tenths: number;

  /** `before`: runs that were there already. */
  constructor(stream: ProgressStream, total: number, before: number) {
    this.#stream = stream;
    this.#total = total;
    this.#before = before;
    this.#done = before;
    this.#tenths = this.#tenthsDone();
  }

  ended(result: RunResult): void {
    this.#done += 1;
    if (result.verdict !== "PASS") this.#failed += 1;
    if (this.#stream.isTTY === true) this.#redraw();
    else if (this.#tenthsDone() > this.#tenths) {
      this.#tenths = this.#tenthsDone();
      this.#stream.write(`${this.#words()}\n`);
    }
  }

  /** Leaves the terminal's line to what comes next. */
  close(): void {
    if (this.#stream.isTTY === true) this.#stream.write(`\r\u001b[K${this.#words()}\n`);
  }

  #redraw(): void {
    const now = performance.now();
    if (now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    const full = Math.round((BAR_COLUMNS * this.#done) / Math.max(1, this.#total));
    const bar = `[${"#".repeat(full)}${"·".repeat(Math.max(0, BAR_COLUMNS - full))}] `;
    const columns = Math.max(20, (this.#stream.columns ?? 80) - 1);
    this.#stream.write(`\r\u001b[K${`${bar}${this.#words()}`.slice(0, columns)}`);
  }

  #words(): string {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const rate = seconds > 0 ? (this.#done - this.#before) / seconds : 0;
    const left = rate > 0 ? Math.ceil((this.#total - this.#done) / rate) : undefined;
    const eta = left === undefined || left === 0 ? "" : `, ${left} s left`;
    const bad = this.#failed === 0 ? "" : `, ${this.#failed} not passed`;
    return `${this.#done} of ${this.#total}${bad}, ${rate.toFixed(0)}/s${eta}`;
  }

  #tenthsDone(): number {
    return Math.floor((10 * this.#done) / Math.max(1, this.#total));
  }
}
