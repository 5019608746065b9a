import type { Draft } from "./draft.ts";
import { lintBfd } from "./lint-bfd.ts";
import { lintFailover } from "./lint-failover.ts";
import { lintLinks } from "./lint-links.ts";
import { lintRoutes } from "./lint-routes.ts";
import { lintSessions } from "./lint-sessions.ts";
import { type Problems, sentence } from "./problem.ts";
import { isLoopback, parseEndpoint } from "./units.ts";

/**
 * Everything a shape cannot say: what the parts of a file mean together, to the other end, and on
 * the day a circuit dies. What refers to something that may have been left out for its own faults
 * is judged only where the file is whole.
 */
export function lint(draft: Draft, problems: Problems): void {
  lintSessions(draft, problems);
  lintBfd(draft, problems);
  lintLinks(draft, problems);
  lintRoutes(draft, problems);
  if (draft.isWhole) lintFailover(draft, problems);
  lintApi(draft, problems);
}

function lintApi(draft: Draft, problems: Problems): void {
  const listen = draft.file.api?.listen;
  const endpoint = listen === undefined ? undefined : parseEndpoint(listen);
  if (endpoint === undefined || isLoopback(endpoint.address)) return;
  const message = sentence(
    `the API on ${listen} is open to whoever reaches it; 127.0.0.1 keeps it on this`,
    "host",
  );
  problems.report("W601", ["api", "listen"], message);
}
