import type { PathAttributes } from "../wire/message.ts";
import { type Action, apply, needsFamily } from "./action.ts";
import { type Condition, holds, looksAtPeer, looksAtPrefix } from "./condition.ts";
import type { PolicyRoute } from "./policy.ts";

/** One rung of a policy: where all of `match` holds, `actions` run in order, then `end` decides. */
export interface Term {
  /** `policy/term`, the name of the decision for `explain` and the log. */
  readonly by: string;
  readonly match: readonly Condition[];
  readonly actions: readonly Action[];
  readonly end: "accept" | "reject" | "next-term" | "next-policy";
}

export function matches(term: Term, route: PolicyRoute, attributes: PathAttributes): boolean {
  for (const condition of term.match) {
    if (!holds(condition, route, attributes)) return false;
  }
  return true;
}

export function change(term: Term, route: PolicyRoute, before: PathAttributes): PathAttributes {
  let attributes = before;
  for (const action of term.actions) attributes = apply(action, attributes, route);
  return attributes;
}

export const termLooksAtPeer = (term: Term): boolean => term.match.some(looksAtPeer);

export const termLooksAtPrefix = (term: Term): boolean =>
  term.match.some(looksAtPrefix) || term.actions.some(needsFamily);
