/**
 * Files that a drill gives to an edge that runs. One that is to be accepted must be sound and fit
 * into the lab that the drill's edge made; one that is to be refused must give a reason for it.
 */
import type { ConfigProblem, Path } from "../../../agent/config/document.ts";
import type { CircuitConfig, EdgeConfig } from "../../../agent/config/edge-config.ts";
import { loadEdgeConfig } from "../../../agent/config/load.ts";
import { compareConfigs } from "../../../agent/reload.ts";
import { firstError } from "../../../agent/reload-config.ts";
import { readPart, type Whence } from "./load-parts.ts";
import type { EdgeFile } from "./parameters.ts";

export interface Reload {
  readonly edge: EdgeFile;
  readonly problems: readonly ConfigProblem[];
}

/** `path` is the step's; `first`: what the edge begins with, as far as it could be read. */
export function readReload(
  written: string | object,
  { path, isRefused }: { readonly path: Path; readonly isRefused: boolean },
  first: EdgeConfig | undefined,
  whence: Whence,
): Reload {
  const at = [...path, "edge"];
  const error = (message: string) =>
    whence.document.at(at, { severity: "error", code: "D103", message });
  const part = readPart(written, at, "another edge", whence);
  if (!("text" in part)) {
    const unread = { name: "", text: "", config: undefined, problem: part.message, touches: [] };
    return { edge: unread, problems: [part] };
  }
  const { config, problems } = loadEdgeConfig(part.file ?? part.name, part.text);
  const edge: EdgeFile = {
    ...{ name: part.name, text: part.text, config, problem: firstError(problems) },
    touches: config && first ? touchedCircuits(first, config) : [],
  };
  if (isRefused) {
    const isSound = config !== undefined;
    const found = isSound ? [error(`${part.name} has no error, so nobody refuses it`)] : [];
    return { edge, problems: found };
  }
  const unfit = config && first ? unfitCircuits(first, config) : [];
  return { edge, problems: [...problems.map((one) => part.place(one)), ...unfit.map(error)] };
}

/** Those it does without, or has otherwise: their sessions may end. */
function touchedCircuits(before: EdgeConfig, after: EdgeConfig): readonly string[] {
  const { removed, reset } = compareConfigs(before, after);
  const ending = [...removed, ...reset];
  const isTouched = (circuit: CircuitConfig) => {
    const now = after.circuits.find(({ name }) => name === circuit.name);
    const isOther = JSON.stringify(now) !== JSON.stringify(circuit);
    return isOther || circuit.sessions.some(({ name }) => ending.includes(name));
  };
  return before.circuits.filter(isTouched).map(({ name }) => name);
}

/** The lab has the interfaces of the first file, and no others. */
function unfitCircuits(before: EdgeConfig, after: EdgeConfig): readonly string[] {
  return after.circuits.flatMap((circuit: CircuitConfig) => {
    const known = before.circuits.find(({ name }) => name === circuit.name);
    if (known === undefined) {
      const names = before.circuits.map(({ name }) => name).join(", ");
      return [`circuit "${circuit.name}" is not in this lab; the drill's edge has ${names}`];
    }
    if (known.device === circuit.device) return [];
    return [`${circuit.name}: the lab has it at ${known.device}, not at ${circuit.device}`];
  });
}
