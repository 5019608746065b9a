import { at } from "../../core/assert.ts";
import { err, ok, type Result } from "../../core/result.ts";

/**
 * AS_PATH patterns: the regular expressions of router configurations, over the text form of a path
 * (`45104 64512 {65001,65002}`). Accepted are digits, `.`, `[0-9]` and `[^0-9]`, `( | )`, `* + ?`,
 * `{m,n}`, the anchors `^ $`, and `_`, which is either end of the path or one separator. A pattern
 * without anchors may match anywhere.
 *
 * They are compiled to a nondeterministic automaton and run on all its states at once, so that
 * matching takes at most (length of path × size of pattern) steps whatever the pattern: there is no
 * backtracking a peer could provoke.
 */
export class AsPathPattern {
  readonly source: string;
  readonly #program: readonly Instruction[];
  #current: Uint16Array;
  #next: Uint16Array;
  readonly #stack: Uint16Array;
  /** The step at which a state was last reached; saves clearing a set for each character. */
  readonly #reachedAt: Float64Array;
  #step = 0;

  private constructor(source: string, program: readonly Instruction[]) {
    this.source = source;
    this.#program = program;
    this.#current = new Uint16Array(program.length);
    this.#next = new Uint16Array(program.length);
    this.#stack = new Uint16Array(program.length * 2 + 2);
    this.#reachedAt = new Float64Array(program.length);
  }

  /** The pattern, or one sentence about what is wrong with it. */
  static compile(source: string): Result<AsPathPattern, string> {
    if (source.length > PATTERN_LENGTH_MAX) {
      return err(`the pattern is longer than ${PATTERN_LENGTH_MAX} characters`);
    }
    const parser = new Parser(source);
    const tree = parser.parse();
    if (tree === undefined) return err(parser.fault);
    if (sizeOf(tree) > INSTRUCTIONS_MAX) return err("the pattern repeats too much");
    const program: Instruction[] = [];
    emit(tree, program);
    program.push({ op: "match" });
    return ok(new AsPathPattern(source, program));
  }

  matches(path: string): boolean {
    let count = 0;
    for (let position = 0; ; position += 1) {
      this.#step += 1;
      const grown = this.#follow(count, position, path.length);
      if (grown === MATCHED) return true;
      if (position === path.length) return false;
      const bit = symbolBit(path.charCodeAt(position));
      count = 0;
      for (let index = 0; index < grown; index += 1) {
        const state = at(this.#current, index);
        const instruction = at(this.#program, state);
        if (instruction.op === "symbol" && (instruction.set & bit) !== 0) {
          this.#next[count] = state + 1;
          count += 1;
        }
      }
      [this.#current, this.#next] = [this.#next, this.#current];
    }
  }

  /**
   * Replaces the `count` states in `#current` by the states that wait for a symbol, following all
   * that leads on without one; a match may also begin here. Answers their number, or MATCHED.
   */
  #follow(count: number, position: number, end: number): number {
    const seeds = this.#next;
    seeds.set(this.#current.subarray(0, count));
    let grown = 0;
    for (let index = count; index >= 0; index -= 1) {
      let depth = 1;
      this.#stack[0] = index === count ? 0 : at(seeds, index);
      while (depth > 0) {
        depth -= 1;
        const state = at(this.#stack, depth);
        if (this.#reachedAt[state] === this.#step) continue;
        this.#reachedAt[state] = this.#step;
        const instruction = at(this.#program, state);
        switch (instruction.op) {
          case "match":
            return MATCHED;
          case "symbol":
            this.#current[grown] = state;
            grown += 1;
            break;
          case "start":
          case "end":
            if (position === (instruction.op === "start" ? 0 : end)) {
              this.#stack[depth] = state + 1;
              depth += 1;
            }
            break;
          case "jump":
            this.#stack[depth] = instruction.to;
            depth += 1;
            break;
          case "split":
            this.#stack[depth] = instruction.to;
            this.#stack[depth + 1] = state + 1;
            depth += 2;
        }
      }
    }
    return grown;
  }
}

/** One state; where nothing else is said it leads to the one behind it. */
type Instruction =
  | { readonly op: "symbol"; readonly set: number }
  | { readonly op: "start" | "end" | "match" }
  | { readonly op: "jump" | "split"; readonly to: number };

type Node =
  | { readonly kind: "symbol"; readonly set: number }
  | { readonly kind: "start" | "end" }
  | { readonly kind: "sequence" | "choice"; readonly of: readonly Node[] }
  | { readonly kind: "repeat"; readonly of: Node; readonly min: number; readonly max: number };

function sizeOf(node: Node): number {
  switch (node.kind) {
    case "sequence":
      return node.of.reduce((sum, part) => sum + sizeOf(part), 0);
    case "choice":
      return node.of.reduce((sum, part) => sum + sizeOf(part) + 2, 0);
    case "repeat":
      return (
        (sizeOf(node.of) + 2) * Math.max(1, Number.isFinite(node.max) ? node.max : node.min + 1)
      );
    default:
      return 1;
  }
}

function emit(node: Node, program: Instruction[]): void {
  switch (node.kind) {
    case "symbol":
      program.push({ op: "symbol", set: node.set });
      return;
    case "start":
    case "end":
      program.push({ op: node.kind });
      return;
    case "sequence":
      for (const part of node.of) emit(part, program);
      return;
    case "choice":
      emitChoice(node.of, program);
      return;
    case "repeat":
      emitRepeat(node, program);
  }
}

function emitChoice(parts: readonly Node[], program: Instruction[]): void {
  const jumps: number[] = [];
  parts.forEach((part, index) => {
    const split = program.length;
    const isLast = index === parts.length - 1;
    if (!isLast) program.push({ op: "split", to: 0 });
    emit(part, program);
    if (isLast) return;
    jumps.push(program.length);
    program.push({ op: "jump", to: 0 });
    program[split] = { op: "split", to: program.length };
  });
  for (const jump of jumps) program[jump] = { op: "jump", to: program.length };
}

function emitRepeat(node: Node & { readonly kind: "repeat" }, program: Instruction[]): void {
  for (let count = 0; count < node.min; count += 1) emit(node.of, program);
  if (node.max === UNBOUNDED) {
    const split = program.length;
    program.push({ op: "split", to: 0 });
    emit(node.of, program);
    program.push({ op: "jump", to: split });
    program[split] = { op: "split", to: program.length };
    return;
  }
  const splits: number[] = [];
  for (let count = node.min; count < node.max; count += 1) {
    splits.push(program.length);
    program.push({ op: "split", to: 0 });
    emit(node.of, program);
  }
  for (const split of splits) program[split] = { op: "split", to: program.length };
}

/** Recursive descent; the depth is bounded by the length of the pattern. */
class Parser {
  readonly #text: string;
  #position = 0;
  fault = "";

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Node | undefined {
    const tree = this.#choice();
    if (this.fault === "" && this.#position < this.#text.length) this.#fail(`")" opens nowhere`);
    return this.fault === "" ? tree : undefined;
  }

  #choice(): Node {
    const of = [this.#sequence()];
    while (this.#take("|")) of.push(this.#sequence());
    return of.length === 1 ? at(of, 0) : { kind: "choice", of };
  }

  #sequence(): Node {
    const of: Node[] = [];
    while (this.fault === "" && this.#position < this.#text.length && !this.#isAt("|", ")")) {
      of.push(this.#repeated(this.#atom()));
    }
    return { kind: "sequence", of };
  }

  #repeated(atom: Node): Node {
    let node = atom;
    while (this.fault === "") {
      if (this.#take("*")) node = { kind: "repeat", of: node, min: 0, max: UNBOUNDED };
      else if (this.#take("+")) node = { kind: "repeat", of: node, min: 1, max: UNBOUNDED };
      else if (this.#take("?")) node = { kind: "repeat", of: node, min: 0, max: 1 };
      else if (this.#isAt("{")) node = this.#counted(node);
      else break;
    }
    return node;
  }

  #counted(of: Node): Node {
    const found = /^\{(\d{1,3})(,(\d{1,3})?)?\}/.exec(this.#text.slice(this.#position));
    if (found === null)
      return this.#fail(`"{" begins a count like {2} or {1,3}; write \\{ for a set`);
    this.#position += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : Number(found[3] ?? UNBOUNDED);
    if (max < min) return this.#fail(`${found[0]} counts backwards`);
    return { kind: "repeat", of, min, max };
  }

  #atom(): Node {
    const character = this.#text.charAt(this.#position);
    this.#position += 1;
    switch (character) {
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case "_":
        return BOUNDARY;
      case ".":
        return { kind: "symbol", set: ANY };
      case "(":
        return this.#group();
      case "[":
        return this.#set();
      case "\\":
        return this.#literal(this.#text.charAt(this.#position++));
      case "*":
      case "+":
      case "?":
      case "{":
        return this.#fail(`"${character}" has nothing to repeat`);
      default:
        return this.#literal(character);
    }
  }

  #group(): Node {
    const inner = this.#choice();
    if (this.fault === "" && !this.#take(")")) return this.#fail(`"(" is never closed`);
    return inner;
  }

  #set(): Node {
    const isNegated = this.#take("^");
    let set = 0;
    while (!this.#take("]")) {
      const from = this.#text.charAt(this.#position++);
      if (from === "") return this.#fail(`"[" is never closed`);
      const first = this.#symbol(from);
      if (this.#isAt("-") && this.#text.charAt(this.#position + 1) !== "]") {
        const to = this.#text.charAt(this.#position + 1);
        this.#position += 2;
        if (!/^\d\d$/.test(from + to) || to < from)
          return this.#fail(`[${from}-${to}] is no range`);
        for (let digit = Number(from); digit <= Number(to); digit += 1) set |= 1 << digit;
      } else {
        set |= first;
      }
      if (this.fault !== "") break;
    }
    if (set === 0) this.#fail(`"[]" is empty`);
    return { kind: "symbol", set: isNegated ? ANY & ~set : set };
  }

  #literal(character: string): Node {
    return { kind: "symbol", set: this.#symbol(character) };
  }

  #symbol(character: string): number {
    const bit = character === "" ? 0 : symbolBit(character.charCodeAt(0));
    if (bit === 0) {
      this.#fail(character === "" ? "it ends in a backslash" : `"${character}" is in no AS_PATH`);
    }
    return bit;
  }

  #isAt(...characters: readonly string[]): boolean {
    return characters.includes(this.#text.charAt(this.#position));
  }

  #take(character: string): boolean {
    const isThere = this.#isAt(character);
    if (isThere) this.#position += 1;
    return isThere;
  }

  #fail(because: string): Node {
    if (this.fault === "") this.fault = because;
    return { kind: "sequence", of: [] };
  }
}

const PATTERN_LENGTH_MAX = 255;
const INSTRUCTIONS_MAX = 4096;
const MATCHED = -1;
const UNBOUNDED = Number.POSITIVE_INFINITY;

/** All that the text of an AS_PATH is made of; a set of them is a mask of 16 bits. */
const ALPHABET = "0123456789 ,{}()";
const ANY = 0xffff;
const SEPARATORS = 0xfc00;

const BOUNDARY: Node = {
  kind: "choice",
  of: [{ kind: "start" }, { kind: "symbol", set: SEPARATORS }, { kind: "end" }],
};

const SYMBOL_BITS = Uint16Array.from({ length: 128 }, (_, code) => {
  const index = ALPHABET.indexOf(String.fromCharCode(code));
  return index < 0 ? 0 : 1 << index;
});

const symbolBit = (code: number): number => SYMBOL_BITS[code] ?? 0;
