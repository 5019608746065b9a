/** Values put into YAML files at paths, with comments and order left alone. */
import { type Document, isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";

export type Value = string | number | boolean;

/** Where in which of a drill's three files, as `edge.circuits.*.bfd.interval`. */
export interface ConfigPath {
  readonly file: "drill" | "edge" | "cloud";
  readonly keys: readonly string[];
}

export function parsePath(text: string): ConfigPath {
  const [file = "drill", ...keys] = text.split(".");
  return { file: file === "edge" || file === "cloud" ? file : "drill", keys };
}

/**
 * The text with `value` at every place the keys lead to: `*` is every item, a number an item's
 * position, a name the item of that name. The last key may be new; undefined where they lead
 * nowhere.
 */
export function withValue(
  text: string,
  keys: readonly string[],
  value: unknown,
): string | undefined {
  const document = parseDocument(text);
  const last = keys.at(-1) ?? "";
  let count = 0;
  for (const owner of descend(document.contents, keys.slice(0, -1))) {
    for (const key of keysIn(owner, last)) {
      if (isMap(owner) || isSeq(owner)) {
        owner.set(key, document.createNode(value));
        count += 1;
      }
    }
  }
  return count === 0 ? undefined : document.toString({ lineWidth: 0 });
}

/** A file with one of its top keys replaced by plain data. */
export function withTop(text: string, values: Readonly<Record<string, unknown>>): string {
  const document: Document = parseDocument(text);
  for (const [key, value] of Object.entries(values)) document.set(key, document.createNode(value));
  return document.toString({ lineWidth: 0 });
}

/** A file as plain data. */
export const dataOf = (text: string): unknown => parseDocument(text).toJS();

function descend(from: Node | null, keys: readonly string[]): readonly Node[] {
  let nodes: readonly (Node | null)[] = [from];
  for (const key of keys) {
    nodes = nodes.flatMap((node) =>
      keysIn(node, key).map((at) => (isMap(node) || isSeq(node) ? childOf(node, at) : null)),
    );
  }
  return nodes.filter((node) => node !== null);
}

function childOf(node: Extract<Node, { get: unknown }>, key: string | number): Node | null {
  const child: unknown = node.get(key, true);
  return isMap(child) || isSeq(child) ? child : null;
}

/** What a written key means in this map or list; nothing where it means nothing. */
function keysIn(node: Node | null, key: string): readonly (string | number)[] {
  if (isSeq(node)) {
    if (key === "*") return node.items.map((_, index) => index);
    if (/^\d+$/.test(key)) return Number(key) < node.items.length ? [Number(key)] : [];
    const named = node.items.findIndex((item) => NAMES.some((of) => nameIn(item, of) === key));
    return named < 0 ? [] : [named];
  }
  if (!isMap(node)) return [];
  if (key !== "*") return [key];
  return node.items.map((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key));
}

/** Items are named by one of these keys. */
const NAMES = ["name", "circuit"] as const;

const nameIn = (item: unknown, key: string): unknown => (isMap(item) ? item.get(key) : undefined);
