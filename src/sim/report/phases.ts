/**
 * A drill in three phases, read from the forwarding tables rather than from the plan: before the
 * first fault, during it, and after both tables were again what they had been and stayed so.
 */
import type { RouteChange } from "../lab/watch/route-history.ts";
import type { Evidence } from "./measure.ts";

/** Moments on the lab's clock. */
export interface Phases {
  /** The first fault; undefined where there was none. */
  readonly duringFromUs: number | undefined;
  /** When forwarding was the baseline's again for good. */
  readonly afterFromUs: number | undefined;
  /** Just before the first deed. */
  readonly baselineUs: number;
  /** When the tables were worst, for a while that counts; else just before the next deed. */
  readonly duringUs: number | undefined;
  /** Whether a table followed the fault at all. */
  readonly hasMoved: boolean;
  readonly endUs: number;
}

/** What was done, and when it was over. */
type Played = Pick<Evidence, "deeds" | "endUs">;

/** A table at one moment: circuits by prefix. */
export type Table = ReadonlyMap<string, readonly string[]>;

/** A state that lasted less than this share of the longest one is a passage, not a state. */
const PASSAGE = 0.1;

export function findPhases(evidence: Played, changes: readonly RouteChange[]): Phases {
  const { deeds, endUs } = evidence;
  const fault = deeds.find((deed) => deed.kind === "fault");
  const baselineUs = fault?.begunUs ?? deeds[0]?.begunUs ?? endUs;
  if (fault === undefined) {
    const never = { duringFromUs: undefined, afterFromUs: undefined, duringUs: undefined };
    return { ...never, hasMoved: false, baselineUs, endUs };
  }
  const states = statesAfter(changes, baselineUs, endUs);
  const moved = worst(states);
  const nextDeed = deeds[deeds.indexOf(fault) + 1];
  return {
    duringFromUs: fault.atUs,
    afterFromUs: recoveredAt(evidence, states),
    baselineUs,
    duringUs: moved?.fromUs ?? (nextDeed?.begunUs ?? endUs) - 1,
    hasMoved: moved !== undefined,
    endUs,
  };
}

/** The table of a node after everything that happened up to and including a moment. */
export function tableAt(changes: readonly RouteChange[], node: string, atUs: number): Table {
  const table = new Map<string, readonly string[]>();
  for (const change of changes) {
    if (change.at > atUs) break;
    if (change.node === node) table.set(change.prefix, change.via);
  }
  return table;
}

interface State {
  readonly fromUs: number;
  readonly untilUs: number;
  /** Prefixes that are not as at the baseline. */
  readonly differences: number;
  /** Ways more or, below 0, fewer than at the baseline, all prefixes together. */
  readonly ways: number;
}

/** One state from each moment of change to the next, the first from the baseline. */
function statesAfter(
  changes: readonly RouteChange[],
  baselineUs: number,
  endUs: number,
): readonly State[] {
  const baseline = new Map<string, readonly string[]>();
  const now = new Map<string, number>();
  const states: State[] = [];
  let [fromUs, ways] = [baselineUs, 0];
  const close = (untilUs: number) => {
    if (untilUs > fromUs) states.push({ fromUs, untilUs, differences: now.size, ways });
    fromUs = untilUs;
  };
  for (const change of changes) {
    const key = `${change.node} ${change.prefix}`;
    if (change.at <= baselineUs) {
      baseline.set(key, change.via);
      continue;
    }
    close(change.at);
    const before = baseline.get(key) ?? [];
    ways -= now.get(key) ?? 0;
    now.delete(key);
    if (before.join() === change.via.join()) continue;
    now.set(key, change.via.length - before.length);
    ways += change.via.length - before.length;
  }
  close(endUs);
  return states;
}

/** Of the states that differ and last, the one with the fewest ways; of equal ones the longest. */
function worst(states: readonly State[]): State | undefined {
  const lasted = (state: State) => state.untilUs - state.fromUs;
  const changed = states.filter((state) => state.differences > 0);
  const longestUs = Math.max(0, ...changed.map(lasted));
  return changed
    .filter((state) => lasted(state) >= PASSAGE * longestUs)
    .sort((one, other) => one.ways - other.ways || lasted(other) - lasted(one))[0];
}

/**
 * The end must look like the baseline. A fault that nobody repaired and no table followed is not
 * over because the tables never moved.
 */
function recoveredAt({ deeds }: Played, states: readonly State[]): number | undefined {
  const last = states.at(-1);
  const lastDeed = deeds.at(-1);
  if (last === undefined || lastDeed === undefined || last.differences > 0) return undefined;
  const hasMoved = last.fromUs > lastDeed.atUs;
  if (!hasMoved && lastDeed.kind === "fault") return undefined;
  return Math.max(last.fromUs, lastDeed.atUs);
}
