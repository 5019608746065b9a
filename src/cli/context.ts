import { ApiClient } from "./client.ts";
import { CliError, ExitCode } from "./exit.ts";

/** A Node stream, or whatever takes text. */
export interface TextSink {
  write(text: string): unknown;
  once?(event: "drain", listener: () => void): unknown;
}

/** Where a command reads and writes; tests give their own. */
export interface Streams {
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Answers. */
  readonly stdout: TextSink;
  /** Sentences for people. */
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Options every command has. */
export interface GlobalOptions {
  readonly output: "table" | "json";
  readonly socket: string;
}

export const SOCKET_PATH = "/run/causeway/edge.sock";

/** What a command gets besides its own arguments. */
export class Context {
  readonly streams: Streams;
  /** What the process ends with; commands that judge set it. */
  exitCode: ExitCode = ExitCode.Ok;

  constructor(streams: Streams) {
    this.streams = streams;
  }

  client(options: GlobalOptions): ApiClient {
    return new ApiClient(options.socket);
  }

  /** JSON as it came, or the table drawn from it. */
  print<Answer>(options: GlobalOptions, answer: Answer, draw: (answer: Answer) => string): void {
    const text = options.output === "json" ? JSON.stringify(answer, null, 2) : draw(answer);
    this.streams.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }
}

export function parseOutput(text: string): "table" | "json" {
  if (text === "table" || text === "json") return text;
  throw new CliError(ExitCode.Usage, `-o takes table or json, not "${text}"`);
}
