/**
 * What faults have put off. Some of it makes things worse, some of it mends them; a drill that is
 * broken off drops the first and does the second at once.
 */
export class Pending {
  readonly #afterUs: (delayUs: number, run: () => void) => void;
  readonly #mending = new Set<() => void>();
  /** Counts the rollbacks: what was put off before one is not done after it. */
  #epoch = 0;

  constructor(afterUs: (delayUs: number, run: () => void) => void) {
    this.#afterUs = afterUs;
  }

  worsen(delayUs: number, run: () => void): void {
    const epoch = this.#epoch;
    this.#afterUs(delayUs, () => {
      if (epoch === this.#epoch) run();
    });
  }

  mend(delayUs: number, run: () => void): void {
    this.#mending.add(run);
    this.#afterUs(delayUs, () => {
      if (this.#mending.delete(run)) run();
    });
  }

  /** What nothing but a rollback undoes. */
  mendAtLast(run: () => void): void {
    this.#mending.add(run);
  }

  rollback(): void {
    this.#epoch += 1;
    const all = [...this.#mending];
    this.#mending.clear();
    for (const run of all) run();
  }
}
