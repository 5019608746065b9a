import { HEADER_OCTETS } from "../bgp/wire/header.ts";
import { toHex } from "../core/bytes.ts";
import { dissect } from "./dissect.ts";
import { readHex } from "./read-hex.ts";
import { readSource } from "./read-source.ts";
import type { DecodeRecord, Facts, Input, Told, Unreadable } from "./record.ts";
import { formatRecord, formatUnreadable } from "./text.ts";
import { judge, type Verdict } from "./verdict.ts";

/**
 * `causeway decode`: octets in, what they say and what a receiver does about them out. Readers
 * (`read-*.ts`) turn a source into records, one after another; `verdict.ts` judges a record with
 * the codec the daemon runs on, `dissect.ts` shows what is in it, `text.ts` makes that readable.
 * What cannot be read at all is a line of its own with its place, and the rest is still read.
 */
export interface DecodeArgs extends Told {
  /** Files, or `-` for standard input: JSON lines, hex text, pcap or pcapng, each also gzipped. */
  readonly inputs: readonly string[];
  /** Octets in hexadecimal, given in place of a file. */
  readonly hex?: readonly string[];
  readonly output: "text" | "json";
}

export interface DecodeIo {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

/** A Node stream, or whatever takes text. */
export interface TextSink {
  write(text: string): unknown;
  once?(event: "drain" | "close" | "error", listener: (error?: unknown) => void): unknown;
  off?(event: "drain" | "close", listener: () => void): unknown;
}

/** 0: all was read; 1: something could not be read; 2: there was nothing to read. */
export async function runDecode(args: DecodeArgs, io: DecodeIo): Promise<0 | 1 | 2> {
  const hex = args.hex ?? [];
  if (args.inputs.length === 0 && hex.length === 0) {
    await emit(io.stderr, "decode: give a file, `-`, or octets with --hex\n");
    return 2;
  }
  const run = new Run(args, io.stdout);
  // A reader that has seen enough (`| head`) is no fault of ours.
  io.stdout.once?.("error", () => run.stop());
  for (const [index, text] of hex.entries()) {
    await run.take(readHex(text, { source: "--hex", argument: index + 1 }, args));
  }
  for (const source of args.inputs) {
    for await (const input of readSource(source, args, io.stdin)) {
      await run.take(input);
      if (run.isStopped) return run.exitCode;
    }
  }
  return run.exitCode;
}

/** Writes what comes in and remembers whether all of it could be read. */
class Run {
  exitCode: 0 | 1 = 0;
  /** Nobody listens any more. */
  isStopped = false;
  readonly #args: DecodeArgs;
  readonly #stdout: TextSink;

  constructor(args: DecodeArgs, stdout: TextSink) {
    this.#args = args;
    this.#stdout = stdout;
  }

  stop(): void {
    this.isStopped = true;
  }

  async take(input: Input): Promise<void> {
    if ("error" in input) {
      await this.#unreadable(input);
      return;
    }
    const isStream = input.encoding === "message";
    let left = input.octets;
    for (let index = 0; index === 0 || left.length > 0; index += 1) {
      const isPart = index > 0 || messageOctets(left) < left.length;
      const place = isStream && isPart ? { ...input.place, index } : input.place;
      const record = {
        ...input,
        place,
        octets: isStream ? left.subarray(0, messageOctets(left)) : left,
      };
      const verdict = judge(record);
      if (verdict === undefined) {
        await this.#unreadable({
          place,
          error: "the octets end inside a message",
          hex: toHex(left),
        });
        return;
      }
      await this.#write(record, verdict);
      if (!isStream || verdict.action === "session_reset") return;
      left = left.subarray(record.octets.length);
    }
  }

  async #write(record: DecodeRecord, verdict: Verdict): Promise<void> {
    const message = dissect(record, verdict.context);
    if (this.#args.output === "text") {
      await emit(this.#stdout, formatRecord(record.place, verdict, message));
      return;
    }
    const line = { ...verdict, context: contextFacts(verdict), ...record.place, message };
    await emit(this.#stdout, `${JSON.stringify(line)}\n`);
  }

  async #unreadable(input: Unreadable): Promise<void> {
    this.exitCode = 1;
    const { error, place, hex } = input;
    const text =
      this.#args.output === "json"
        ? `${JSON.stringify({ error, place, ...(hex === undefined ? {} : { hex }) })}\n`
        : formatUnreadable(input);
    await emit(this.#stdout, text);
  }
}

/** Octets of the first message, or all there are where no length can be told. */
function messageOctets(octets: Uint8Array): number {
  const length = ((octets[16] ?? 0) << 8) | (octets[17] ?? 0);
  return length < HEADER_OCTETS ? octets.length : Math.min(length, octets.length);
}

/** What the record was read with, as far as anybody could have told otherwise. */
function contextFacts({ context }: Verdict): Facts | undefined {
  if (context === undefined) return undefined;
  const { as4, session, peerAs, addPath } = context;
  return {
    as4,
    session,
    ...(peerAs === undefined ? {} : { peerAs }),
    ...(addPath.length === 0 ? {} : { addPath: addPath.map(({ afi, safi }) => [afi, safi]) }),
  };
}

/** Waits where the reader of a pipe is slower than we are. */
export function emit(sink: TextSink, text: string): Promise<void> | undefined {
  if (sink.write(text) !== false || sink.once === undefined) return undefined;
  return new Promise((resolve) => {
    const goOn = () => {
      sink.off?.("drain", goOn);
      sink.off?.("close", goOn);
      resolve();
    };
    sink.once?.("drain", goOn);
    sink.once?.("close", goOn);
  });
}
