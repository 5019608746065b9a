/** Short hands for terms of the policy language, as the cloud's routers use them. */
import type { MatchSource, SetSource, TermSource } from "../../../bgp/policy/source.ts";

export const ACCEPT: TermSource = { term: "rest", action: "accept" };

export const reject = (term: string, match: MatchSource): TermSource => {
  return { term, match, action: "reject" };
};

export const change = (term: string, set: SetSource, match?: MatchSource): TermSource => {
  return { term, set, ...(match !== undefined && { match }) };
};

/** The prefix itself and all that it covers. */
export const within = (prefix: string) => ({
  permit: prefix,
  le: prefix.includes(":") ? 128 : 32,
});
