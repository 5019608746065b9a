import { lossesOf } from "./capacity.ts";
import type { CircuitConfig, EdgeConfig } from "./config/edge-config.ts";
import type { Events } from "./event-journal.ts";

/** How the edge stands to the loss of one more circuit. */
export interface CapacityView {
  /** `failover.load`. */
  readonly loadBps: number;
  /** The circuit whose loss would hurt most; undefined where none is up. */
  readonly lost: string | undefined;
  /** What the others would carry then. */
  readonly leftBps: number;
  readonly isEnough: boolean;
}

/**
 * Says it before it happens: with the circuits that are up now, the loss of one more would leave
 * too little for the load. The file as a whole is the lint's to judge (W412); here a warning is due
 * where it was enough before.
 */
export class CapacityWatch {
  readonly #events: Events;
  #view: CapacityView | undefined;
  #wasEnough = false;
  #hasWarned = false;

  constructor(events: Events) {
    this.#events = events;
  }

  /** Undefined where the file does not say the load, or the capacity of every circuit. */
  get view(): CapacityView | undefined {
    return this.#view;
  }

  /** `up`: the circuits that could carry traffic now. */
  judge({ failover, circuits }: CapacityConfig, up: readonly CircuitConfig[]): void {
    this.#view = viewOf(failover, circuits, up);
    if (this.#view === undefined) return;
    const { isEnough, lost, leftBps, loadBps } = this.#view;
    if (isEnough && this.#hasWarned) {
      this.#events.emit("info", "circuit.capacity.enough", { leftBps, loadBps });
    } else if (!isEnough && this.#wasEnough) {
      this.#events.emit("warn", "circuit.capacity.short", { lost, leftBps, loadBps });
      this.#hasWarned = true;
    }
    if (isEnough) this.#hasWarned = false;
    this.#wasEnough = isEnough;
  }
}

type CapacityConfig = Pick<EdgeConfig, "failover" | "circuits">;

function viewOf(
  { mode, order, loadBps }: EdgeConfig["failover"],
  all: readonly CircuitConfig[],
  up: readonly CircuitConfig[],
): CapacityView | undefined {
  if (loadBps === undefined || all.some((circuit) => circuit.capacityBps === undefined)) {
    return undefined;
  }
  const lines = [...up]
    .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
    .map(({ name, weight, capacityBps = 0 }) => ({ name, weight, capacityBps }));
  const losses = lossesOf(mode, lines);
  const leftBps = losses.length === 0 ? 0 : Math.min(...losses.map((loss) => loss.leftBps));
  const lost = losses.find((loss) => loss.leftBps === leftBps)?.lost;
  return { loadBps, lost, leftBps, isEnough: leftBps >= loadBps };
}
