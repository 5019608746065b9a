/**
 * Makes a failing run smaller: delta debugging (Zeller's ddmin) over its faults, until none of them
 * can be left out without losing the failure. It is the same failure where a check of the same kind
 * fails; another failure on the way is not followed.
 *
 * Of generated faults any may go, because the claims follow from those that are left. In a drill
 * with steps of its own the claims stay as they are written, so where a claim failed the last deed
 * on each circuit before it stays too: the claim is about the state these left.
 */
import { type Campaign, type DrillFiles, type Variant, variantOf, withSteps } from "./campaign.ts";
import { type Fault, faultsText, type StepData } from "./faults.ts";
import { dataOf } from "./overlay.ts";

/** A run's faults as parts, and how to play some of them. */
export interface Scenario {
  readonly count: number;
  /** Parts that must stay. */
  readonly pinned: ReadonlySet<number>;
  files(parts: readonly number[]): DrillFiles;
  text(parts: readonly number[]): string;
}

/** `check`: the name of the check that failed. */
export function scenarioOf(campaign: Campaign, variant: Variant, check: string): Scenario {
  const { faults, values } = variant;
  if (faults !== undefined) {
    const chosen = (parts: readonly number[]): readonly Fault[] =>
      faults.filter((_, index) => parts.includes(index));
    return {
      count: faults.length,
      pinned: new Set(),
      files: (parts) => variantOf(campaign, chosen(parts), values).files,
      text: (parts) => faultsText(chosen(parts)),
    };
  }
  return scriptedScenario(variant.files, check);
}

function scriptedScenario(files: DrillFiles, check: string): Scenario {
  const data = dataOf(files.text) as { readonly steps?: readonly StepData[] } | null;
  const steps = data?.steps ?? [];
  const deeds = steps.flatMap((step, index) => (step.do === "expect" ? [] : [index]));
  const isLeft = (index: number, parts: readonly number[]) =>
    steps[index]?.do === "expect" || parts.some((part) => deeds[part] === index);
  const isClaim = !/^always | (of|during) "/.test(check);
  return {
    count: deeds.length,
    pinned: isClaim ? lastDeeds(deeds.map((index) => steps[index] ?? {})) : new Set(),
    files: (parts) =>
      withSteps(
        files,
        steps.filter((_, index) => isLeft(index, parts)),
      ),
    text: (parts) =>
      parts
        .map((part) => steps[deeds[part] ?? -1] ?? {})
        .map(({ do: what, at, circuit, prefix }) => `${what} ${circuit ?? prefix ?? ""} at ${at}`)
        .join(", "),
  };
}

/** The last deed on each circuit or prefix. */
function lastDeeds(deeds: readonly StepData[]): ReadonlySet<number> {
  const last = new Map<unknown, number>();
  for (const [index, { circuit, prefix }] of deeds.entries()) last.set(circuit ?? prefix, index);
  return new Set(last.values());
}

/** What kind of failure a check's name speaks of, whichever fault it is told of. */
export const failureOf = (check: string): string => check.replace(/ (of|during) ".*$/s, "");

export interface Shrunk {
  readonly parts: readonly number[];
  readonly triedCount: number;
}

/** The fewest parts with which `fails`; all of them fail already. */
export async function shrink(
  { count, pinned }: Pick<Scenario, "count" | "pinned">,
  fails: (parts: readonly number[]) => Promise<boolean>,
): Promise<Shrunk> {
  let triedCount = 0;
  const withPinned = (loose: readonly number[]) =>
    [...pinned, ...loose].sort((one, other) => one - other);
  const failsWith = async (loose: readonly number[]) => {
    triedCount += 1;
    return fails(withPinned(loose));
  };
  let left = Array.from({ length: count }, (_, part) => part).filter((part) => !pinned.has(part));
  let pieces = 2;
  if (left.length > 0 && (await failsWith([]))) left = [];
  while (left.length > 1) {
    const found = await smaller(left, pieces, failsWith);
    if (found !== undefined) {
      left = found.left;
      pieces = Math.max(found.isComplement ? pieces - 1 : 2, 2);
    } else if (pieces < left.length) {
      pieces = Math.min(left.length, pieces * 2);
    } else break;
  }
  return { parts: withPinned(left), triedCount };
}

/** A piece of `left` that fails alone, or what is left without one. */
async function smaller(
  left: readonly number[],
  pieces: number,
  fails: (parts: readonly number[]) => Promise<boolean>,
): Promise<{ readonly left: number[]; readonly isComplement: boolean } | undefined> {
  const size = Math.ceil(left.length / pieces);
  const starts = Array.from({ length: Math.ceil(left.length / size) }, (_, at) => at * size);
  for (const start of starts) {
    const piece = left.slice(start, start + size);
    if (await fails(piece)) return { left: piece, isComplement: false };
  }
  if (starts.length <= 2) return undefined; // complements of halves are halves
  for (const start of starts) {
    const rest = [...left.slice(0, start), ...left.slice(start + size)];
    if (await fails(rest)) return { left: rest, isComplement: true };
  }
  return undefined;
}
