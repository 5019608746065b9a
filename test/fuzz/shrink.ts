/** Delta debugging: the smallest case that is still broken, found within a budget of attempts. */
import { type FuzzCase, partsOf, type Step, withParts } from "./case.ts";
import { broken } from "./run.ts";

const ATTEMPTS = 3000;

export function shrink(
  failing: FuzzCase,
  fails = (candidate: FuzzCase) => broken(candidate) !== undefined,
): FuzzCase {
  const budget = { left: ATTEMPTS };
  const isBroken = (candidate: FuzzCase) => {
    budget.left -= 1;
    return budget.left >= 0 && fails(candidate);
  };
  let whole = withParts(
    failing,
    smaller(partsOf(failing), (parts) => isBroken(withParts(failing, parts))),
  );
  for (let index = 0; index < partsOf(whole).length; index += 1) {
    const hex = hexOf(partsOf(whole)[index]);
    if (hex === undefined) continue;
    const replaced = (octets: readonly string[]) => replacing(whole, index, octets.join(""));
    const octets = hex.match(/../g) ?? [];
    whole = replaced(smaller(octets, (rest) => isBroken(replaced(rest))));
  }
  return whole;
}

/** Leaves out ever smaller pieces while what is left fails. */
function smaller<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => boolean,
): readonly Item[] {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < kept.length; ) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (fails(without)) kept = without;
      else at += size;
    }
  }
  return kept;
}

const hexOf = (part: Step | string | undefined): string | undefined => {
  if (typeof part === "string") return part;
  return part?.do === "say" || part?.do === "bfd" ? part.hex : undefined;
};

function replacing(whole: FuzzCase, index: number, hex: string): FuzzCase {
  const parts = partsOf(whole).map((part, at) => {
    if (at !== index) return part;
    return typeof part === "string" ? hex : { ...part, hex };
  });
  return withParts(whole, parts);
}
