import { MrtType } from "../../bgp/wire/mrt-codes.ts";
import { type DecodeIo, emit } from "../decode.ts";
import { isSystemError } from "../read-source.ts";
import { decodeBgp4mp, decodeOldBgp } from "./bgp4mp.ts";
import { bgpdumpLines } from "./bgpdump-text.ts";
import type { Entry } from "./entry.ts";
import { entryFacts, JSON_VERSION } from "./json.ts";
import { openStream } from "./open-stream.ts";
import { type MrtRecord, readRecords } from "./record-reader.ts";
import { decodeTableDump, TableDumpV2 } from "./table-dump.ts";
import { typeName } from "./types.ts";

/**
 * `causeway decode --mrt`: what route collectors and routers recorded (MRT, RFC 6396, RFC 8050),
 * as the lines of `bgpdump -m` or as JSON.
 *
 *   open-stream.ts    file → octets, unpacked        record-reader.ts  octets → records
 *   bgp4mp.ts         messages and state changes     table-dump.ts     tables of both versions
 *   bgpdump-text.ts   entry → lines, by way of       json.ts           entry → object
 *                     update-routes.ts,              types.ts          numbers and their names
 *                     route-attributes.ts,           bunzip2.ts        bzip2, which Node lacks
 *                     address-text.ts
 *
 * A record at a time is held, whatever the size of the file. What cannot be read is one complaint
 * with its place, and reading goes on behind it. Octets are read by the codec of `bgp/wire`; it is
 * not asked to judge what goes into a line, because a dump shows what a receiver would discard.
 */
export interface MrtArgs {
  /** Files, or `-` for standard input, each plain, gzip or bzip2. */
  readonly inputs: readonly string[];
  readonly output: "text" | "json";
}

/** 0: all was read; 1: something could not be read; 2: there was nothing to read. */
export async function runMrt(args: MrtArgs, io: DecodeIo): Promise<0 | 1 | 2> {
  if (args.inputs.length === 0) {
    await emit(io.stderr, "decode: --mrt takes a file or `-`\n");
    return 2;
  }
  let exitCode: 0 | 1 = 0;
  let isStopped = false;
  // A reader that has seen enough (`| head`) is no fault of ours.
  io.stdout.once?.("error", () => {
    isStopped = true;
  });
  for (const source of args.inputs) {
    const file = new MrtFile(source, args.output, io);
    await file.read(() => isStopped);
    if (file.errorCount > 0) exitCode = 1;
    if (isStopped) break;
  }
  return exitCode;
}

/** What a record says; tables of peers are remembered for the records behind them. */
export class RecordDecoder {
  readonly #tables = new TableDumpV2();

  decode(record: MrtRecord): readonly Entry[] {
    switch (record.type) {
      case MrtType.Bgp4mp:
      case MrtType.Bgp4mpEt:
        return decodeBgp4mp(record);
      case MrtType.TableDumpV2:
        return this.#tables.decode(record);
      case MrtType.TableDump:
        return decodeTableDump(record);
      case MrtType.Bgp:
        return decodeOldBgp(record);
      default:
        return [{ kind: "unread", octets: record.body }];
    }
  }
}

class MrtFile {
  errorCount = 0;
  #recordCount = 0;
  readonly #countByType = new Map<string, number>();
  readonly #source: string;
  readonly #output: "text" | "json";
  readonly #io: DecodeIo;
  /** Text not written yet, by where it goes. */
  #pending = { stdout: "", stderr: "" };

  constructor(source: string, output: "text" | "json", io: DecodeIo) {
    this.#source = source;
    this.#output = output;
    this.#io = io;
  }

  async read(isStopped: () => boolean): Promise<void> {
    const decoder = new RecordDecoder();
    try {
      for await (const item of readRecords(openStream(this.#source, this.#io.stdin))) {
        if ("error" in item) this.#complain(item.offset, item.error);
        else this.#write(item, decoder);
        if (this.#isFull()) await this.#flush();
        if (isStopped()) return;
      }
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#complain(undefined, `cannot be read: ${error.message}`);
    }
    this.#finish();
    await this.#flush();
  }

  #write(record: MrtRecord, decoder: RecordDecoder): void {
    const type = typeName(record.type, record.subtype);
    this.#recordCount += 1;
    this.#countByType.set(type, (this.#countByType.get(type) ?? 0) + 1);
    for (const entry of decoder.decode(record)) {
      const { text, faults } = bgpdumpLines(entry, record);
      if (this.#output === "text") this.#pending.stdout += text;
      else if (entry.kind !== "broken") this.#writeJson(record.offset, entryFacts(entry, record));
      for (const fault of faults) this.#complain(record.offset, fault);
    }
  }

  #complain(offset: number | undefined, error: string): void {
    this.errorCount += 1;
    if (this.#output === "json") {
      this.#writeJson(offset, { kind: "error", error });
      return;
    }
    const place = offset === undefined ? this.#source : `${this.#source} offset ${offset}`;
    this.#pending.stderr += `${place}: ${error}\n`;
  }

  #writeJson(offset: number | undefined, facts: object): void {
    const place = offset === undefined ? {} : { offset };
    const line = { version: JSON_VERSION, source: this.#source, ...place, ...facts };
    this.#pending.stdout += `${JSON.stringify(line)}\n`;
  }

  #finish(): void {
    const [recordCount, errorCount] = [this.#recordCount, this.errorCount];
    if (this.#output === "json") {
      const byType = Object.fromEntries(this.#countByType);
      this.#writeJson(undefined, { kind: "end", recordCount, errorCount, byType });
      return;
    }
    const counts = Array.from(this.#countByType, ([type, count]) => `${count} ${type}`);
    const types = counts.length === 0 ? "" : ` (${counts.join(", ")})`;
    const line = `${this.#source}: ${recordCount} records${types}, ${errorCount} errors\n`;
    this.#pending.stderr += line;
  }

  #isFull(): boolean {
    return this.#pending.stdout.length + this.#pending.stderr.length >= PENDING_MAX;
  }

  async #flush(): Promise<void> {
    const { stdout, stderr } = this.#pending;
    this.#pending = { stdout: "", stderr: "" };
    if (stdout !== "") await emit(this.#io.stdout, stdout);
    if (stderr !== "") await emit(this.#io.stderr, stderr);
  }
}

const PENDING_MAX = 1 << 16;
