/**
 * From the text of a configuration file to the configuration the agent runs on, or to everything
 * that is wrong with it. In steps, each on the result of the one before: YAML with positions
 * (`yaml-text.ts`), the shape (`schema.ts`, `schema-check.ts`), texts read and defaults filled in
 * (`draft.ts`, `profiles.ts`), meaning (`lint.ts`, `policies.ts`), secrets (`secrets.ts`), result
 * (`build.ts`).
 *
 * What holds: no content of a file makes this throw; every problem has a line, a column and a code
 * of `codes.ts`; there is a configuration exactly where there is no error; a secret is in no
 * message.
 */
import { buildConfig } from "./build.ts";
import { openDocument } from "./document.ts";
import { draftOf } from "./draft.ts";
import type { EdgeConfig } from "./edge-config.ts";
import { type ConfigEnvironment, processEnvironment } from "./environment.ts";
import { lint } from "./lint.ts";
import { readPolicies } from "./policies.ts";
import type { ConfigProblem, Problems } from "./problem.ts";
import { soundParts } from "./prune.ts";
import { SecretReader } from "./secrets.ts";

export interface LoadedConfig {
  /** Undefined where any problem is an error. */
  readonly config?: EdgeConfig;
  /** All of them, in the order of the file. */
  readonly problems: readonly ConfigProblem[];
}

/** `file` is only its name, for the problems. */
export function loadEdgeConfig(
  file: string,
  text: string,
  environment: ConfigEnvironment = processEnvironment,
): LoadedConfig {
  const { yaml, problems } = openDocument(file, text);
  const config = yaml.data === undefined ? undefined : read(yaml.data, environment, problems);
  if (problems.hasErrors || config === undefined) return { problems: problems.sorted() };
  return { config, problems: problems.sorted() };
}

function read(
  data: unknown,
  environment: ConfigEnvironment,
  problems: Problems,
): EdgeConfig | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    problems.report("E007", [], "the file holds no mapping; it begins with a key such as router:");
    return undefined;
  }
  const sound = soundParts(data, problems);
  if (sound === undefined) return undefined;
  const draft = draftOf(sound);
  const policies = readPolicies(draft, problems);
  lint(draft, problems);
  const isPlaintextAllowed = draft.file.allowPlaintextSecrets ?? false;
  return buildConfig(draft, policies, new SecretReader(environment, isPlaintextAllowed, problems));
}
