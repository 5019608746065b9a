import type { Draft } from "./draft.ts";
import type { Problems } from "./problem.ts";

/** Everything a shape cannot say: what the parts of a file mean together. */
export function lint(_draft: Draft, _problems: Problems): void {}
