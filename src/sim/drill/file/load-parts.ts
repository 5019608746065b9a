/**
 * The edge and the cloud of a drill: each a file of its own, spelled out in the drill, or those of
 * a topology that has a name. Wherever a text comes from, what is wrong with it is told at the
 * place its author can change.
 */
import type { ConfigProblem, Document, Path } from "../../../agent/config/document.ts";
import { isTopologyName, topology } from "../../cloud/config/topologies.ts";
import type { FileAccess } from "./load.ts";
import type { DrillFile } from "./schema.ts";

export type PartName = "edge" | "cloud";

export interface Part {
  /** For messages and for the report. */
  readonly name: string;
  /** Where it stands on its own; undefined where no file holds it. */
  readonly file: string | undefined;
  readonly text: string;
  /** A problem with its text, at the place the author can change. */
  place(problem: ConfigProblem): ConfigProblem;
}

/** The drill that names other files, and how to get at them. */
export interface Whence {
  readonly file: string;
  readonly document: Document;
  readonly files: FileAccess;
}

/** The part, or the problem that there is none. */
export function findPart(which: PartName, source: DrillFile, whence: Whence): Part | ConfigProblem {
  const { document } = whence;
  const written = source[which];
  if (written !== undefined) return readPart(written, [which], `${which} of the drill`, whence);
  const name = source.topology;
  if (name === undefined || !isTopologyName(name)) {
    const message = `a drill needs "${which}", or a "topology" that has one`;
    return document.at([], { severity: "error", code: "D102", message });
  }
  const place = (problem: ConfigProblem) => document.at(["topology"], problem);
  return { name: `topology ${name}`, file: undefined, text: topology(name)[which], place };
}

/** What stands at `path` of a drill: the name of a file, or what would stand in one. */
export function readPart(
  written: string | object,
  path: Path,
  title: string,
  { file, document, files }: Whence,
): Part | ConfigProblem {
  if (typeof written === "string") {
    const name = files.resolve(file, written);
    const found = files.read(name);
    if ("text" in found) return { name: written, file: name, text: found.text, place: same };
    const message = `cannot read ${name}: ${found.error}`;
    return document.at(path, { severity: "error", code: "D101", message });
  }
  // JSON is YAML: what stands in the drill reads like a file of its own.
  const place = (problem: ConfigProblem) =>
    document.at([...path, ...pathOf(problem.path)], problem);
  return { name: title, file: undefined, text: JSON.stringify(written), place };
}

/** Hosts that the prefixes of a named topology cover. */
export const trafficOf = (name: string | undefined) =>
  name !== undefined && isTopologyName(name) ? topology(name).traffic : undefined;

const same = (problem: ConfigProblem): ConfigProblem => problem;

/** Back from `circuits[0].bfd` to keys and indices. */
function pathOf(text: string): Path {
  return [...text.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([word, index]) =>
    index === undefined ? word : Number(index),
  );
}
