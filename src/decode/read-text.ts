import { isBlank, readHex } from "./read-hex.ts";
import { readJsonLine } from "./read-json.ts";
import { RecordingReader } from "./read-recording.ts";
import type { Input, Place, Told } from "./record.ts";

/**
 * Records of a text: a line that begins with a brace is one of JSON, the lines in between are
 * paragraphs of hex, each one record, parted by blank lines. A first line that is the head of a
 * recording makes all of it one.
 */
export async function* readText(
  chunks: AsyncIterable<Uint8Array>,
  place: Place,
  told: Told,
): AsyncGenerator<Input> {
  let paragraph: string[] = [];
  let number = 0;
  let recording: RecordingReader | undefined;
  const flush = function* (): Generator<Input> {
    const hex = paragraph.join("\n");
    const line = number - paragraph.length + 1;
    paragraph = [];
    if (!isBlank(hex)) yield readHex(hex, { ...place, line }, told);
  };
  for await (const text of linesOf(chunks)) {
    const isJson = text.trimStart().startsWith("{");
    if (isJson || text.trim() === "") yield* flush();
    number += 1;
    if (number === 1 && RecordingReader.isHead(text)) recording = new RecordingReader(told);
    else if (recording !== undefined && isJson) {
      yield* recording.line(text, { ...place, line: number });
    } else if (isJson) yield readJsonLine(text, { ...place, line: number }, told);
    else if (text.trim() !== "") paragraph.push(text);
  }
  yield* flush();
}

/** Whole lines without their ends; the last one needs none. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let tail: string[] = [];
  for await (const chunk of chunks) {
    const [first = "", ...rest] = decoder.decode(chunk, { stream: true }).split("\n");
    tail.push(first);
    if (rest.length === 0) continue;
    yield tail.join("");
    tail = [rest.pop() ?? ""];
    yield* rest;
  }
  const last = tail.join("") + decoder.decode();
  if (last !== "") yield last;
}
