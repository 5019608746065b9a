import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Problem } from "../agent/api/schemas.ts";
import { CliError, ExitCode } from "./exit.ts";

const CONNECT_MS_MAX = 2_000;

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Asks the agent over its Unix socket; every failure is one sentence and an exit code. */
export class ApiClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** The JSON of a GET; the caller knows the shape, the version is checked. */
  async get<Answer extends { readonly schema: string }>(
    schema: Answer["schema"],
    path: string,
    query: Query = {},
  ): Promise<Answer> {
    return await this.#ask(schema, "GET", path, query);
  }

  /** The JSON of an order. */
  async order<Answer extends { readonly schema: string }>(
    schema: Answer["schema"],
    path: string,
  ): Promise<Answer> {
    return await this.#ask(schema, "POST", path, {});
  }

  async #ask<Answer extends { readonly schema: string }>(
    schema: Answer["schema"],
    method: "GET" | "POST",
    path: string,
    query: Query,
  ): Promise<Answer> {
    const response = await this.#open(method, path, query, {});
    const answer: unknown = JSON.parse(await readAll(response));
    const status = response.statusCode ?? 500;
    if (isOfSchema<Answer>(answer, schema)) return answer;
    if (isOfSchema<Problem>(answer, "causeway.problem/v1")) throw problemError(status, answer);
    const message = `the agent answers with another version of ${schema}: update the older of both`;
    throw new CliError(ExitCode.Failed, message);
  }

  /** Server-sent events, one `data` at a time, until the agent or the caller ends it. */
  async *follow(path: string, query: Query): AsyncGenerator<unknown> {
    const response = await this.#open("GET", path, query, { accept: "text/event-stream" });
    let rest = "";
    for await (const chunk of chunksOf(response)) {
      rest += chunk;
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const isEntry = /^id: /m.test(block);
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (isEntry && data !== undefined) yield JSON.parse(data);
      }
    }
  }

  #open(
    method: "GET" | "POST",
    path: string,
    query: Query,
    headers: Readonly<Record<string, string>>,
  ): Promise<IncomingMessage> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, String(value));
    }
    const target = search.size === 0 ? path : `${path}?${search}`;
    return new Promise((resolve, reject) => {
      const asked: ClientRequest = request({
        ...{ socketPath: this.#socketPath, method, path: target, headers: { ...headers } },
      });
      const timer = setTimeout(() => asked.destroy(new Error("timeout")), CONNECT_MS_MAX);
      asked.once("response", (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      asked.once("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(new CliError(ExitCode.Unreachable, this.#whyNot(error)));
      });
      asked.end();
    });
  }

  #whyNot(error: NodeJS.ErrnoException): string {
    const socket = this.#socketPath;
    if (error.code === "EACCES") return `no permission to talk to ${socket}: try with sudo`;
    const why = error.message === "timeout" ? "it is there but silent" : "is the agent running?";
    const hint = "--socket or CAUSEWAY_SOCKET name another";
    return `no causeway agent answers on ${socket}: ${why} (${hint})`;
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of chunksOf(response)) text += chunk;
  return text;
}

/** The text of an answer; one that is cut off means that the agent is gone. */
async function* chunksOf(response: IncomingMessage): AsyncGenerator<string> {
  try {
    for await (const chunk of response.setEncoding("utf8")) yield chunk;
  } catch (cause) {
    if (!isCutOff(cause)) throw cause;
    throw new CliError(ExitCode.Unreachable, "the agent ended in the middle of its answer");
  }
}

const isCutOff = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ECONNRESET";

const isOfSchema = <Answer extends { readonly schema: string }>(
  answer: unknown,
  schema: Answer["schema"],
): answer is Answer =>
  typeof answer === "object" && answer !== null && "schema" in answer && answer.schema === schema;

function problemError(status: number, { message, nearest = [] }: Problem): CliError {
  const hint = nearest.length === 0 ? "" : `; did you mean ${nearest.join(" or ")}?`;
  if (status === 404) return new CliError(ExitCode.NotFound, message + hint);
  return new CliError(status === 400 ? ExitCode.Usage : ExitCode.Failed, message + hint);
}
