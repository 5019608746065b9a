import { AppError } from "./app-error.ts";

/** A bug of ours: shared state no longer keeps its promise. Nothing peers send may cause one. */
export class InvariantError extends AppError {
  override readonly name = "InvariantError";

  constructor(claim: string) {
    super("INTERNAL_INVARIANT", `broken invariant: ${claim}`);
  }
}

export function assert(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new InvariantError(claim);
}

/** Closes a `switch` over a union: the compiler proves it is never reached. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected value ${String(value)}`);
}

/** The element of a typed array (or array) at `index`, which the caller knows to exist. */
export function at<Item>(items: { readonly [index: number]: Item }, index: number): Item {
  const item = items[index];
  if (item === undefined) throw new InvariantError(`index ${index} is in range`);
  return item;
}
