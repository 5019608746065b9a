import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { concatBytes, EMPTY } from "../../core/bytes.ts";
import { bunzip2 } from "./bunzip2.ts";

/**
 * The octets of a file or of standard input (`-`), unpacked as they come in where they are gzip or
 * bzip2. Throws Node's errors of files and of zlib, and `Bzip2Error`, at the place they stand for.
 */
export async function* openStream(
  source: string,
  stdin: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const packed = source === "-" ? stdin : createReadStream(source);
  const iterator = packed[Symbol.asyncIterator]();
  let head: Uint8Array = EMPTY;
  while (head.length < MAGIC_OCTETS) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = concatBytes([head, next.value]);
  }
  const octets = chainOf(head, iterator);
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(octets);
  else if (head[0] === 0x42 && head[1] === 0x5a && head[2] === 0x68) yield* bunzip2(octets);
  else yield* octets;
}

function gunzip(octets: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const unpacker = createGunzip();
  // What goes wrong on either side comes out of the unpacker, too.
  pipeline(Readable.from(octets), unpacker, () => {});
  return unpacker;
}

async function* chainOf(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    yield next.value;
  }
}

const MAGIC_OCTETS = 3;
