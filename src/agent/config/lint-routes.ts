import { coversPrefix, formatPrefix, overlaps } from "../../core/prefix.ts";
import { MARTIAN_PREFIXES } from "./built-in-policies.ts";
import {
  type AnnounceDraft,
  budgetLimitOf,
  type Draft,
  type SessionDraft,
  sessionsOf,
} from "./draft.ts";
import { type Problems, sentence } from "./problem.ts";
import { prefixOf } from "./units.ts";

/** What is announced, whether it fits, and whether anything passes at all. */
export function lintRoutes(draft: Draft, problems: Problems): void {
  const isTowardsCloud = draft.circuits.some(({ profile }) => profile.name === "alibaba-vbr");
  const seen = new Map<string, number>();
  for (const [index, own] of draft.announce.entries()) {
    const at = [...own.path, "prefix"];
    const earlier = seen.get(own.text);
    if (earlier !== undefined) problems.report("E308", at, `${own.text} is announced twice`);
    seen.set(own.text, index);
    lintDestination(own, isTowardsCloud, problems);
    lintLinkOverlap(own, draft, problems);
  }
  for (const session of sessionsOf(draft)) {
    lintPolicies(session, problems);
    lintBudget(session, draft, problems);
  }
  if (draft.isWhole) lintAnnouncing(draft, problems);
}

function lintDestination(own: AnnounceDraft, isTowardsCloud: boolean, problems: Problems): void {
  const at = [...own.path, "prefix"];
  if (own.prefix.length === 0) {
    const message = sentence(
      `${own.text} draws all traffic of the cloud to this site; announce what is here`,
    );
    problems.report("W312", at, message);
    return;
  }
  const martian = MARTIANS.find((range) => overlaps(range, own.prefix));
  if (martian !== undefined) {
    const message = sentence(
      `${own.text} overlaps ${formatPrefix(martian)}, which is no destination for`,
      "routes",
    );
    problems.report("E309", at, message);
  }
  if (isTowardsCloud && overlaps(SERVICE_RANGE, own.prefix)) {
    const message = `${own.text} overlaps 100.64.0.0/10, the range of the cloud's services`;
    problems.report("E307", at, message);
  }
}

function lintLinkOverlap(own: AnnounceDraft, draft: Draft, problems: Problems): void {
  if (own.prefix.length === 0) return;
  for (const circuit of draft.circuits) {
    for (const { local } of circuit.links) {
      if (!overlaps(own.prefix, local.subnet)) continue;
      if (own.coversLinks && coversPrefix(own.prefix, local.subnet)) continue;
      const link = `${formatPrefix(local.subnet)}, the link subnet of "${circuit.source.name}"`;
      const message = coversPrefix(own.prefix, local.subnet)
        ? `${own.text} covers ${link}; where that is meant, write coversLinks: true beside it`
        : `${own.text} lies inside ${link}`;
      problems.report("E306", [...own.path, "prefix"], message);
    }
  }
}

/** RFC 8212 §2: nothing passes without a policy, which is safe, silent, and rarely meant. */
function lintPolicies(session: SessionDraft, problems: Problems): void {
  for (const [key, names, code] of [
    ["import", session.importNames, "W304"],
    ["export", session.exportNames, "W305"],
  ] as const) {
    if (names.length > 0) continue;
    const flow = key === "import" ? "accepted from" : "announced to";
    const name = session.circuit ?? session.name;
    const message = `"${name}" has no ${key} policy, so no route is ${flow} it (RFC 8212)`;
    problems.report(code, [...session.path, key], message);
  }
}

/** The plan where not everything fits: what goes, in the order in which it goes. */
function lintBudget(session: SessionDraft, draft: Draft, problems: Problems): void {
  const limit = budgetLimitOf(session);
  if (limit === undefined || !session.exportNames.includes("announce-own")) return;
  const carried = draft.announce.filter(({ prefix }) => {
    return session.families.includes(familyOf(prefix));
  });
  const own = [...new Map(carried.map((one) => [one.text, one])).values()];
  if (own.length <= limit) return;
  const losers = [...own].sort(compareRank).slice(limit).reverse();
  const shown = losers.slice(0, SHOWN_MAX).map(({ text, rank }) => `${text} (rank ${rank})`);
  const more = losers.length > SHOWN_MAX ? ` and ${losers.length - SHOWN_MAX} more` : "";
  const plan = `${own.length} prefixes for the budget of ${limit} of "${session.name}"`;
  const { budget } = session.source;
  if (typeof budget === "object" && budget.excess === "refuse") {
    const message = `${plan}, which refuses any excess: ${shown.join(", ")}${more}`;
    problems.report("E311", [...session.path, "budget"], message, "key");
  } else {
    const at = budget === undefined ? ["announce"] : [...session.path, "budget"];
    const message = `${plan}; not announced will be ${shown.join(", ")}${more}`;
    problems.report("W310", at, message, "key");
  }
}

function lintAnnouncing(draft: Draft, problems: Problems): void {
  const sessions = sessionsOf(draft);
  const announcers = sessions.filter(({ exportNames }) => exportNames.includes("announce-own"));
  if (announcers.length > 0 && draft.announce.length === 0) {
    const names = announcers.map(({ name }) => `"${name}"`).join(", ");
    const message = `announce is empty, so the cloud learns no way here by ${names}`;
    const at = draft.file.announce === undefined ? (announcers[0]?.path ?? []) : ["announce"];
    problems.report("W317", at, message, "key");
  }
  for (const own of draft.announce) {
    const family = familyOf(own.prefix);
    if (sessions.some(({ families }) => families.includes(family))) continue;
    const name = family === "ipv4" ? "IPv4" : "IPv6";
    problems.report("W314", own.path, `no session carries ${name}, so ${own.text} goes nowhere`);
  }
}

const familyOf = ({ address }: AnnounceDraft["prefix"]): "ipv4" | "ipv6" =>
  address.length === 4 ? "ipv4" : "ipv6";

/** As the speaker ranks: low first, ties in the order of prefixes. */
function compareRank(a: AnnounceDraft, b: AnnounceDraft): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  for (const [index, octet] of a.prefix.address.entries()) {
    const other = b.prefix.address[index] ?? 0;
    if (octet !== other) return octet - other;
  }
  return a.prefix.length - b.prefix.length;
}

const SERVICE_RANGE = prefixOf("100.64.0.0/10");
const MARTIANS = MARTIAN_PREFIXES.map(prefixOf);
const SHOWN_MAX = 5;
