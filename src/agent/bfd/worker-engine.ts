import { Worker } from "node:worker_threads";
import type { BfdSessionView } from "../../bfd/sessions/contract.ts";
import type { BfdEngine, BfdEngineHandler, RecordingPiece, StartBfdEngine } from "./engine.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
// The native library must be the main thread's too: one that only a worker loaded is unmapped with
// the worker, and a process that exits under a running worker would then call into nothing.
import "../../platform/linux/sys.ts";

/** What a worker is started with; plain data. */
export interface WorkerBfdOptions {
  /** Name of the host, for its error texts. */
  readonly name: string;
  /** A named network namespace (`ip netns`) to live in, where it is not the agent's own. */
  readonly netns?: string;
}

/**
 * BFD in a thread of its own with its own sockets and clock (design §3), so that neither a table
 * load nor a collection in the main thread delays a packet; at real-time priority where that is
 * permitted. Only messages cross. A worker that dies is reported once by `failed`; what it carried
 * is unknown then, and the engine answers with nothing. Starting another one is the owner's
 * decision.
 */
export function startWorkerBfdEngine(
  options: WorkerBfdOptions,
  entry: URL = new URL("./worker.js", import.meta.url),
): StartBfdEngine {
  return (handler) =>
    new WorkerEngine(new Worker(entry, { workerData: options, resourceLimits: FRUGAL }), handler);
}

/** Sessions allocate next to nothing: a young generation of the usual size is never filled. */
const FRUGAL = { maxYoungGenerationSizeMb: 2 };

class WorkerEngine implements BfdEngine {
  readonly #worker: Worker;
  readonly #handler: BfdEngineHandler;
  readonly #snapshots = new Map<number, (sessions: readonly BfdSessionView[]) => void>();
  readonly #recordings = new Map<number, RecordingPiece>();
  #lastId = 0;
  #stopping: { readonly done: () => void; readonly limit: NodeJS.Timeout } | undefined;
  #isGone = false;

  constructor(worker: Worker, handler: BfdEngineHandler) {
    this.#worker = worker;
    this.#handler = handler;
    worker.on("message", (message: FromWorker) => this.#told(message));
    worker.on("error", (error) => this.#gone(`the BFD worker failed: ${textOf(error)}`));
    worker.on("messageerror", (error) => this.#gone(`the BFD worker garbled: ${textOf(error)}`));
    worker.on("exit", (code) => this.#gone(`the BFD worker ended with code ${code}`));
  }

  configure(sessions: Parameters<BfdEngine["configure"]>[0]): void {
    this.#post({ kind: "configure", sessions });
  }

  admin(input: Parameters<BfdEngine["admin"]>[0]): void {
    this.#post({ kind: "admin", input });
  }

  protect(table: Parameters<BfdEngine["protect"]>[0]): void {
    this.#post({ kind: "protect", table });
  }

  snapshot(done: (sessions: readonly BfdSessionView[]) => void): void {
    if (this.#isGone) {
      queueMicrotask(() => done([]));
      return;
    }
    this.#lastId += 1;
    this.#snapshots.set(this.#lastId, done);
    this.#post({ kind: "snapshot", id: this.#lastId });
  }

  record(told: RecordingPiece): void {
    if (this.#isGone) {
      queueMicrotask(() => told("", true));
      return;
    }
    this.#lastId += 1;
    this.#recordings.set(this.#lastId, told);
    this.#post({ kind: "record", id: this.#lastId });
  }

  stop(done: () => void): void {
    if (this.#isGone) {
      queueMicrotask(done);
      return;
    }
    const limit = setTimeout(() => this.#gone("the BFD worker did not stop"), STOP_LIMIT_MS);
    this.#stopping = { done, limit };
    this.#post({ kind: "stop" });
  }

  #post(message: ToWorker): void {
    if (!this.#isGone) this.#worker.postMessage(message);
  }

  #told(message: FromWorker): void {
    if (this.#isGone) return;
    switch (message.kind) {
      case "state":
        this.#handler.state(message.change, message.exit);
        return;
      case "log":
        this.#handler.log(message.entry);
        return;
      case "snapshot": {
        const done = this.#snapshots.get(message.id);
        this.#snapshots.delete(message.id);
        done?.(message.sessions);
        return;
      }
      case "recording":
        this.#recordings.get(message.id)?.(message.text, message.isLast);
        if (message.isLast) this.#recordings.delete(message.id);
        return;
      case "stopped":
        // It ends by itself: a thread that is terminated in a native call takes the process along.
        this.#worker.unref();
        this.#ended("stopped");
    }
  }

  #gone(why: string): void {
    if (this.#isGone) return;
    void this.#worker.terminate();
    this.#ended(why);
  }

  /** The end, expected or not; everybody who still waits is answered. */
  #ended(why: string): void {
    this.#isGone = true;
    for (const done of this.#snapshots.values()) done([]);
    this.#snapshots.clear();
    for (const told of this.#recordings.values()) told("", true);
    this.#recordings.clear();
    if (this.#stopping === undefined) {
      this.#handler.failed(why);
      return;
    }
    clearTimeout(this.#stopping.limit);
    this.#stopping.done();
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The worker's own limit for saying AdminDown, and what its last messages may take. */
const STOP_LIMIT_MS = 5_000;
