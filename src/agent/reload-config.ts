/**
 * What a new configuration file does to an agent that runs: SIGHUP of the daemon and the `reload`
 * of a drill go the same way.
 */
import { PlatformError } from "../core/app-error.ts";
import type { Agent } from "./agent.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import type { ConfigProblem } from "./config/problem.ts";

/** A file that was read: its configuration, or the first error in one sentence. */
export interface ReadConfig {
  readonly config: EdgeConfig | undefined;
  readonly text: string;
}

/** A file with errors changes nothing, and says so. Answers with the reason; undefined: taken. */
export function reloadConfig(agent: Agent, { config, text }: ReadConfig): string | undefined {
  if (config === undefined) {
    agent.reloadFailed(`nothing changed: ${text}`);
    return text;
  }
  try {
    agent.reload(config);
    return undefined;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return error.message;
  }
}

/** The first error with its place; empty where there is none. */
export function firstError(problems: readonly ConfigProblem[]): string {
  const first = problems.find((problem) => problem.severity === "error");
  return first ? `${first.file}:${first.line}:${first.column}: ${first.message}` : "";
}
