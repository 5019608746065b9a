import { type ConfigProblem, readDocument } from "../../../agent/config/document.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import { buildCloudConfig } from "./build.ts";
import { lintFailoverGroups, lintFeatures } from "./lint-groups.ts";
import { lintIpv6 } from "./lint-ipv6.ts";
import { lintLines } from "./lint-lines.ts";
import { lintNames } from "./lint-names.ts";
import { lintPeerings } from "./lint-peerings.ts";
import { lintQuotas } from "./lint-quotas.ts";
import { lintRoutes } from "./lint-routes.ts";
import { type CloudFile, CloudSchema } from "./schema.ts";

export interface CloudLoad {
  readonly config: CloudConfig | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** The cloud's file, `file` being its name for messages. All problems, not the first. */
export function loadCloud(file: string, text: string): CloudLoad {
  const document = readDocument(file, text, CloudSchema);
  if (document.value === undefined) return { config: undefined, problems: document.problems };
  const source = document.value as CloudFile;
  const problems: ConfigProblem[] = [];
  const error = (path: readonly (string | number)[], code: string, message: string) => {
    problems.push(document.at(path, { severity: "error", code, message }));
  };
  lintNames(source, error);
  lintLines(source, error);
  lintIpv6(source, error);
  lintFailoverGroups(source, error);
  lintFeatures(source, error);
  lintQuotas(source, error);
  lintRoutes(source, error);
  lintPeerings(source, error);
  if (problems.length > 0) {
    problems.sort((a, b) => a.line - b.line || a.column - b.column);
    return { config: undefined, problems };
  }
  return { config: buildCloudConfig(source), problems };
}
