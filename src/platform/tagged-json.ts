import { fromHex, toHex } from "../core/bytes.ts";

/**
 * JSON for the plain data machines exchange. What JSON has no word for comes as an object with one
 * tag: octets `{"$hex":"0a01"}`, maps `{"$map":[[k,v]]}`, sets `{"$set":[v]}`, wide integers
 * `{"$bigint":"1"}`, columns `{"$u32":[1]}`, numbers JSON lacks `{"$number":"Infinity"}`. Objects
 * that are no data (functions, instances of classes) become `{"$opaque":"Name"}`: whoever records
 * them replaces them first by something that can come back.
 */
export function toTaggedJson(value: unknown): string {
  return JSON.stringify(tagged(value));
}

/** The value, undefined where the text is no tagged JSON. Opaque values come back as `Opaque`. */
export function fromTaggedJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: untagged(JSON.parse(text)) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Stands where a recorded value was no data. */
export class Opaque {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The name of the first value that was no data, wherever it is inside; undefined where all is. */
export function opaqueIn(value: unknown): string | undefined {
  if (value instanceof Opaque) return value.name;
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return undefined;
  const parts = value instanceof Map ? [...value.keys(), ...value.values()] : Object.values(value);
  for (const part of value instanceof Set ? value : parts) {
    const found = opaqueIn(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

function tagged(value: unknown): unknown {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: numberText(value) };
    case "bigint":
      return { $bigint: String(value) };
    case "function":
    case "symbol":
      return { $opaque: typeof value };
    case "object":
      return value === null ? null : taggedObject(value);
    default:
      return value;
  }
}

function taggedObject(value: object): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => (item === undefined ? { $undefined: true } : tagged(item)));
  }
  if (value instanceof Uint8Array) return { $hex: toHex(value) };
  if (value instanceof Uint16Array) return { $u16: [...value] };
  if (value instanceof Uint32Array) return { $u32: [...value] };
  if (value instanceof Map) {
    return { $map: [...value].map(([key, item]) => [tagged(key), tagged(item)]) };
  }
  if (value instanceof Set) return { $set: [...value].map(tagged) };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return { $opaque: value.constructor.name };
  }
  const entries = Object.entries(value);
  const isTag = entries.length === 1 && entries[0]?.[0].startsWith("$") === true;
  const data = entries.map(([key, item]) => [key, tagged(item)] as const);
  return isTag ? { $object: data } : Object.fromEntries(data);
}

function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && first[0].startsWith("$")) {
    return fromTag(first[0], first[1]);
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, untagged(item)]));
}

function fromTag(tag: string, value: unknown): unknown {
  const list = Array.isArray(value) ? value : [];
  switch (tag) {
    case "$hex": {
      const octets = fromHex(String(value));
      if (octets === undefined) throw new SyntaxError("$hex holds no octets");
      return octets;
    }
    case "$u16":
      return Uint16Array.from(list.map(Number));
    case "$u32":
      return Uint32Array.from(list.map(Number));
    case "$map":
      return new Map(list.map(pairOf));
    case "$set":
      return new Set(list.map(untagged));
    case "$object":
      return Object.fromEntries(list.map(pairOf));
    case "$bigint":
      return BigInt(String(value));
    case "$number":
      return Number(value);
    case "$undefined":
      return undefined;
    case "$opaque":
      return new Opaque(String(value));
    default:
      throw new SyntaxError(`${tag} is no tag`);
  }
}

function pairOf(pair: unknown): [string, unknown] {
  const [key, item] = Array.isArray(pair) ? pair : [];
  // Keys of maps may be anything; only those of objects must be text, and theirs always are.
  return [untagged(key) as string, untagged(item)];
}

const numberText = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));
