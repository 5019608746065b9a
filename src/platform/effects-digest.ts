/**
 * A number for what a machine answered, to be kept beside its input: a replay that gives the same
 * number gave the same effects, down to the octets. Integer arithmetic only, so that every engine
 * agrees; fields that are undefined count as absent, as they do in JSON.
 */
export function digestEffects(effects: readonly unknown[]): string {
  state = START;
  take(effects);
  return (state >>> 0).toString(16).padStart(8, "0");
}

/** One digest is taken at a time, so its state need not be passed through every call. */
let state = 0;
const START = 0x811c9dc5 | 0;

function word(value: number): void {
  const next = Math.imul(state ^ value, 0x01000193);
  state = next ^ (next >>> 15);
}

function take(value: unknown): void {
  switch (typeof value) {
    case "number":
      number(value);
      break;
    case "string":
      text(value);
      break;
    case "boolean":
      word(value ? Tag.True : Tag.False);
      break;
    case "bigint":
      text(String(value));
      break;
    case "object":
      if (value === null) word(Tag.Null);
      else object(value);
      break;
    default: // undefined where a list holds it; a function is no data
      word(Tag.Nothing);
  }
}

function object(value: object): void {
  if (value instanceof Uint8Array) octets(value);
  else if (value instanceof Uint32Array || value instanceof Uint16Array) {
    word(Tag.Column);
    words(value);
  } else if (Array.isArray(value)) list(Tag.List, value.length, value);
  else if (value instanceof Map) list(Tag.Map, value.size, value);
  else if (value instanceof Set) list(Tag.Set, value.size, value);
  else {
    word(Tag.Object);
    for (const [key, field] of Object.entries(value)) {
      if (field === undefined) continue;
      text(key);
      take(field);
    }
  }
}

function list(tag: number, length: number, items: Iterable<unknown>): void {
  word(tag);
  word(length);
  for (const item of items) take(item);
}

function number(value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    word(Tag.Integer);
    word(value);
    return;
  }
  REAL[0] = value;
  word(Tag.Real);
  word(WORDS[0] ?? 0);
  word(WORDS[1] ?? 0);
}

function text(value: string): void {
  word(Tag.Text);
  word(value.length);
  for (let index = 0; index < value.length; index += 1) word(value.charCodeAt(index));
}

function octets(value: Uint8Array): void {
  word(Tag.Octets);
  const whole = value.length & ~3;
  let sum = state;
  for (let index = 0; index < whole; index += 4) {
    const four =
      (value[index] ?? 0) |
      ((value[index + 1] ?? 0) << 8) |
      ((value[index + 2] ?? 0) << 16) |
      ((value[index + 3] ?? 0) << 24);
    sum = Math.imul(sum ^ four, 0x01000193);
    sum ^= sum >>> 15;
  }
  state = sum;
  for (let index = whole; index < value.length; index += 1) word(value[index] ?? 0);
  word(value.length);
}

function words(column: Uint32Array | Uint16Array): void {
  let sum = state;
  for (let index = 0; index < column.length; index += 1) {
    sum = Math.imul(sum ^ (column[index] ?? 0), 0x01000193);
    sum ^= sum >>> 15;
  }
  state = sum;
  word(column.length);
}

const REAL = new Float64Array(1);
const WORDS = new Int32Array(REAL.buffer);

const Tag = {
  Nothing: 1,
  Null: 2,
  False: 3,
  True: 4,
  Integer: 5,
  Real: 6,
  Text: 7,
  Octets: 8,
  Column: 9,
  List: 10,
  Map: 11,
  Set: 12,
  Object: 13,
} as const;
