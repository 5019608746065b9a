import { createReadStream } from "node:fs";
import { gunzipSync } from "node:zlib";
import { concatBytes } from "../core/bytes.ts";
import { isCapture } from "./capture/pcap.ts";
import { readCaptureFile } from "./read-capture.ts";
import { sessionOf } from "./read-json.ts";
import { readText } from "./read-text.ts";
import type { Input, Place, Told } from "./record.ts";

/**
 * The records of a file or of standard input, whatever kind it is: its first octets tell. Text is
 * read as it comes in, captures whole.
 */
export async function* readSource(
  source: string,
  told: Told,
  stdin: AsyncIterable<Uint8Array>,
): AsyncGenerator<Input> {
  const place = { source };
  try {
    const octets = source === "-" ? stdin : createReadStream(source);
    yield* readOctets(octets, place, told);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    yield { place, error: `cannot be read: ${error.message}` };
  }
}

async function* readOctets(
  chunks: AsyncIterable<Uint8Array>,
  place: Place,
  told: Told,
): AsyncGenerator<Input> {
  const iterator = chunks[Symbol.asyncIterator]();
  const head = await readHead(iterator);
  if (head.length === 0) {
    yield { place, error: "nothing in it" };
  } else if (head[0] === 0x1f && head[1] === 0x8b) {
    const unpacked = unpack(await readAll(head, iterator));
    if (unpacked === undefined) yield { place, error: "damaged gzip" };
    else yield* readOctets(oneChunk(unpacked), place, told);
  } else if (isCapture(head)) {
    yield* readCaptureFile(await readAll(head, iterator), place, sessionOf(told));
  } else {
    yield* readText(chainOf(head, iterator), place, told);
  }
}

/** Enough octets to tell the kind, fewer only where there are no more. */
async function readHead(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < HEAD_OCTETS) {
    const chunk = await take(iterator);
    if (chunk === undefined) break;
    head = concatBytes([head, chunk]);
  }
  return head;
}

async function readAll(head: Uint8Array, iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const parts = [head];
  for (let chunk = await take(iterator); chunk !== undefined; chunk = await take(iterator)) {
    parts.push(chunk);
  }
  return concatBytes(parts);
}

async function take(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const next = await iterator.next();
  return next.done === true ? undefined : next.value;
}

async function* chainOf(
  head: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield head;
  for (let chunk = await take(iterator); chunk !== undefined; chunk = await take(iterator)) {
    yield chunk;
  }
}

async function* oneChunk(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

function unpack(octets: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(octets, { maxOutputLength: UNPACKED_OCTETS_MAX });
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Node's own errors, of files and of zlib, carry a code. */
export const isSystemError = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error && "code" in error && typeof error.code === "string";

const HEAD_OCTETS = 64;
const UNPACKED_OCTETS_MAX = 2 ** 31;
