import type { Code } from "./codes.ts";

/** Keys and indices from the top of the file. */
export type Path = readonly (string | number)[];

/** One thing wrong with a file, and where. */
export interface ConfigProblem {
  readonly severity: "error" | "warning";
  /** `E101`, `W204`: explained in docs/codes.md. */
  readonly code: string;
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** `circuits[0].bfd.interval`; empty for the whole file. */
  readonly path: string;
  /** One sentence with the value and what is allowed, without a full stop. */
  readonly message: string;
}

/** Counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface PlaceFinder {
  /** Of a value, or of the key it stands behind; the nearest thing above where there is none. */
  placeOf(path: Path, of: "key" | "value"): Place;
  /** A comment at the line, or the one above, says `causeway: allow CODE`. */
  isAllowed(code: string, line: number): boolean;
}

/** Collects what is wrong, each place and code once, in the order of the file. */
export class Problems {
  readonly #file: string;
  readonly #places: PlaceFinder;
  readonly #found = new Map<string, ConfigProblem>();

  constructor(file: string, places: PlaceFinder) {
    this.#file = file;
    this.#places = places;
  }

  report(code: Code, path: Path, message: string, of: "key" | "value" = "value"): void {
    this.#add({ ...this.#places.placeOf(path, of), code, path: formatPath(path), message });
  }

  reportAt(code: Code, place: Place, message: string): void {
    this.#add({ ...place, code, path: "", message });
  }

  get hasErrors(): boolean {
    return [...this.#found.values()].some((problem) => problem.severity === "error");
  }

  sorted(): readonly ConfigProblem[] {
    return [...this.#found.values()].sort(
      (a, b) => a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1),
    );
  }

  #add(found: Omit<ConfigProblem, "file" | "severity">): void {
    const { line, column, code, message } = found;
    const severity = code.startsWith("E") ? "error" : "warning";
    if (severity === "warning" && this.#places.isAllowed(code, line)) return;
    const key = `${line}:${column}:${code}:${message}`;
    if (!this.#found.has(key)) this.#found.set(key, { severity, file: this.#file, ...found });
  }
}

/** As compilers write it, so that editors can jump there. */
export const formatProblem = (problem: ConfigProblem): string => {
  const { file, line, column, severity, code, message } = problem;
  return `${file}:${line}:${column}: ${severity} ${code}: ${message}`;
};

/** One line a problem. */
export const formatProblems = (problems: readonly ConfigProblem[]): string =>
  problems.map((problem) => `${formatProblem(problem)}\n`).join("");

/** `circuits[0].bfd.interval` */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

/** One sentence out of pieces that fit on a line of source. */
export const sentence = (...pieces: readonly string[]): string => pieces.join(" ");

/** A value as a sentence shows it: short, on one line, never a structure. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const text = JSON.stringify(value);
    return text.length > 64 ? `${text.slice(0, 60)}…"` : text;
  }
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a mapping" : String(value);
}

/** ` (did you mean "x"?)` where one of `known` is near, else nothing. */
export function suggest(text: string, known: readonly string[]): string {
  const wanted = text.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.min(3, Math.floor(text.length / 2))) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === undefined ? "" : ` (did you mean "${best}"?)`;
}

/** Insertions, deletions and replacements from one to the other; long texts are simply far. */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 3) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
