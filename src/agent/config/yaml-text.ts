import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import type { Code } from "./codes.ts";
import type { Path, Place, PlaceFinder } from "./problem.ts";

export interface YamlFault {
  readonly code: Code;
  readonly place: Place;
  readonly message: string;
}

/** A YAML text as plain data, with the way back from data to lines and columns. */
export interface YamlText extends PlaceFinder {
  /** Undefined where the text gave no data at all. */
  readonly data: unknown;
  readonly faults: readonly YamlFault[];
}

/** Total: whatever the text, it answers data, faults, or both. */
export function readYaml(text: string): YamlText {
  const allowed = allowedCodes(text);
  const excess = findExcess(text);
  if (excess !== undefined) return failed(excess, allowed);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    resolveKnownTags: false,
    logLevel: "error",
  });
  const finder = new NodeFinder(document, lines, allowed);
  const faults = [...document.errors, ...document.warnings].map((error): YamlFault => {
    const place = finder.placeAt(error.pos[0]);
    if (error.code === "TAG_RESOLVE_FAILED") return { code: "E001", place, message: TAG };
    if (error.code !== "DUPLICATE_KEY") {
      return { code: "E001", place, message: flat(error.message) };
    }
    const key = /^["']?([^"':\s]+)/.exec(text.slice(error.pos[0]))?.[1] ?? "";
    return { code: "E002", place, message: `key "${key}" is given twice in one mapping` };
  });
  faults.push(...unresolvedAliases(document, finder));
  const isReadable = !faults.some((fault) => fault.code === "E001");
  const data = isReadable ? toData(document, faults) : undefined;
  return {
    data,
    faults,
    placeOf: (path, of) => finder.placeOf(path, of),
    isAllowed: (code, line) => finder.isAllowed(code, line),
  };
}

class NodeFinder implements PlaceFinder {
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #allowed: ReadonlyMap<number, string>;

  constructor(document: Document, lines: LineCounter, allowed: ReadonlyMap<number, string>) {
    this.#document = document;
    this.#lines = lines;
    this.#allowed = allowed;
  }

  placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  placeOf(path: Path, of: "key" | "value"): Place {
    let node: unknown = this.#document.contents;
    let offset = offsetOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document);
      const isLast = depth === path.length - 1;
      if (isMap(node)) {
        const pair = node.items.find((item) => keyOf(item) === String(step));
        if (pair === undefined) break;
        const keyOffset = offsetOf(pair.key);
        const valueOffset = offsetOf(pair.value);
        offset = (isLast && of === "key" ? keyOffset : (valueOffset ?? keyOffset)) ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        offset = offsetOf(node) ?? offset;
      } else break;
    }
    return this.placeAt(offset);
  }

  isAllowed(code: string, line: number): boolean {
    return isAllowedBy(this.#allowed, code, line);
  }
}

function keyOf(pair: Pair<unknown, unknown>): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

/** An empty value has no octets of its own and stands where its key does. */
function offsetOf(node: unknown): number | undefined {
  if (!isNode(node) || !node.range) return undefined;
  const [start, end] = node.range;
  return end === start && isScalar(node) && node.source === "" ? undefined : start;
}

function unresolvedAliases(document: Document, finder: NodeFinder): YamlFault[] {
  const faults: YamlFault[] = [];
  visit(document, {
    Alias: (_, alias) => {
      const place = finder.placeAt(alias.range?.[0] ?? 0);
      if (alias.resolve(document) === undefined) {
        faults.push({ code: "E001", place, message: NO_ANCHOR });
      }
    },
  });
  return faults;
}

/** Aliases that expand without end are the one thing that is found only by expanding. */
function toData(document: Document<Node>, faults: YamlFault[]): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    faults.push({ code: "E008", place: TOP, message: "its aliases expand too far" });
    return undefined;
  }
}

/**
 * The parser works recursively and builds patterns from indentation, so that nesting of many
 * thousands would end the process: what no configuration needs is refused before it is read.
 */
function findExcess(text: string): YamlFault | undefined {
  if (text.length > TEXT_LENGTH_MAX) {
    return {
      code: "E008",
      place: TOP,
      message: `the file is longer than ${TEXT_LENGTH_MAX} octets`,
    };
  }
  let depth = 0;
  for (const [index, line] of text.split(/\r\n?|\n/).entries()) {
    const lead = /^(?:[ \t]|[-?:](?=[ \t]))*/.exec(line)?.[0].length ?? 0;
    let deepest = depth;
    for (const character of line) {
      if (character === "[" || character === "{") depth += 1;
      else if ((character === "]" || character === "}") && depth > 0) depth -= 1;
      deepest = Math.max(deepest, depth);
    }
    if (lead > INDENTATION_MAX || deepest > NESTING_MAX) {
      return { code: "E008", place: { line: index + 1, column: 1 }, message: "nested too deeply" };
    }
  }
  return undefined;
}

function failed(fault: YamlFault, allowed: ReadonlyMap<number, string>): YamlText {
  return {
    data: undefined,
    faults: [fault],
    placeOf: () => TOP,
    isAllowed: (code, line) => isAllowedBy(allowed, code, line),
  };
}

/** Line → the codes its comment allows. */
function allowedCodes(text: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const [index, line] of text.split(/\r\n?|\n/).entries()) {
    const codes = /#.*\bcauseway:\s*allow\s+(W[W0-9, ]+)/.exec(line)?.[1];
    if (codes !== undefined) found.set(index + 1, codes);
  }
  return found;
}

const isAllowedBy = (allowed: ReadonlyMap<number, string>, code: string, line: number): boolean =>
  [line, line - 1].some((at) => allowed.get(at)?.includes(code) === true);

const flat = (message: string): string => message.replaceAll(/\s+/g, " ");

/** Neither says what stands there: it may be a key that nobody put into quotes. */
const NO_ANCHOR = "an alias refers to no anchor above it; text that begins with * needs quotes";
const TAG = "tags are not supported; text that begins with ! needs quotes";
const TOP: Place = { line: 1, column: 1 };
const TEXT_LENGTH_MAX = 1_000_000;
const NESTING_MAX = 100;
const INDENTATION_MAX = 200;
