import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { Afi } from "../../core/address.ts";
import type { Log } from "../../core/log.ts";
import type { Micros } from "../../core/time.ts";
import type { KernelRoute, RouteBatch, RouteGroup, RouteResult, Routes } from "../contract.ts";
import { KernelFib, type KernelFibOptions } from "./kernel-fib.ts";
import type { Netns } from "./netns.ts";
import { type DumpedRoutes, toKernelRoutes } from "./route-dump.ts";
import {
  FLUSH_SEQ,
  type FromRoutesThread,
  type RoutesThreadData,
  type ToRoutesThread,
} from "./routes-messages.ts";

export interface ThreadRoutesParts {
  readonly netns: Netns;
  /** Where the thread finds the namespace itself. */
  readonly place: string | undefined;
  readonly options: KernelFibOptions;
  readonly resolve: Routes["resolve"];
  readonly now: () => Micros;
  readonly log: Log;
}

/**
 * Kernel routes in a thread of their own (`routes-worker.ts`): here is only the mail. Bulk goes
 * over as columns and dumps come back as such; a failover's groups overtake them there. A thread
 * that dies takes the program along: its supervisor starts it again, and the routes are adopted.
 */
export class ThreadRoutes implements Routes {
  readonly kind = "kernel";
  readonly resolve: Routes["resolve"];
  readonly #parts: ThreadRoutesParts;
  readonly #port: MessagePort;
  readonly #gate = new Int32Array(new SharedArrayBuffer(4));
  readonly #results = new Map<number, (result: RouteResult) => void>();
  readonly #dumps = new Map<number, (dumped: DumpedRoutes) => void>();
  #lastSeq = FLUSH_SEQ;
  #isGone = false;

  constructor(parts: ThreadRoutesParts) {
    new KernelFib(parts.netns, parts.options).close(); // throws here, not in the thread
    this.#parts = parts;
    this.resolve = parts.resolve;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const { place: netns, options } = parts;
    const data: RoutesThreadData = { netns, options, port: port2, gate: this.#gate };
    const file = new URL("./routes-worker.js", import.meta.url);
    const worker = new Worker(file, { workerData: data, transferList: [port2] });
    worker.on("error", (error) => {
      throw error;
    });
    worker.on("exit", () => {
      this.#isGone = true;
    });
    worker.unref();
    port1.on("message", (message: FromRoutesThread) => this.#hear(message));
    port1.unref();
  }

  setGroups(groups: readonly RouteGroup[], done: (result: RouteResult) => void): void {
    this.#ask({ kind: "set", seq: this.#expect(done), groups });
  }

  removeGroups(ids: readonly number[], done: (result: RouteResult) => void): void {
    this.#ask({ kind: "remove", seq: this.#expect(done), ids });
  }

  apply(batch: RouteBatch, done: (result: RouteResult) => void): void {
    const { afi, count } = batch;
    const addresses = batch.addresses.slice(0, count * (afi === Afi.Ipv4 ? 4 : 16));
    const lengths = batch.lengths.slice(0, count);
    const groups = batch.groups.slice(0, count);
    const own = { afi, count, addresses, lengths, groups };
    const transfer = [addresses, lengths, groups].map(({ buffer }) => buffer as ArrayBuffer);
    this.#port.postMessage({ kind: "apply", seq: this.#expect(done), batch: own }, transfer);
  }

  dump(done: (routes: readonly KernelRoute[]) => void): void {
    this.#lastSeq += 1;
    this.#port.ref();
    this.#dumps.set(this.#lastSeq, (dumped) => {
      const steps = toKernelRoutes(dumped, this.#parts.options);
      const convert = (): void => {
        const step = steps.next();
        if (step.done === true) done(step.value);
        else setImmediate(convert);
      };
      convert();
    });
    this.#ask({ kind: "dump", seq: this.#lastSeq });
  }

  /** Stands still until the thread is done with it; what it had queued is dropped, unanswered. */
  flush(): RouteResult {
    if (this.#isGone) return this.#flushHere();
    Atomics.store(this.#gate, 0, 0);
    this.#ask({ kind: "flush" });
    if (Atomics.wait(this.#gate, 0, 0, FLUSH_MS_MAX) === "timed-out") return this.#flushHere();
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return this.#flushHere();
      const message = received.message as FromRoutesThread;
      if (message.kind === "result" && message.seq === FLUSH_SEQ) return message.result;
      setImmediate(() => this.#hear(message));
    }
  }

  close(): void {
    this.#results.clear();
    this.#dumps.clear();
    this.#isGone = true;
    this.#ask({ kind: "close" });
    this.#port.close();
  }

  /** The thread is gone or stuck: its work is in the kernel, where any thread may undo it. */
  #flushHere(): RouteResult {
    const startedAt = this.#parts.now();
    const fib = new KernelFib(this.#parts.netns, this.#parts.options);
    try {
      const { applied, failures } = fib.flush();
      return { applied, failures, tookUs: this.#parts.now() - startedAt };
    } finally {
      fib.close();
    }
  }

  #expect(done: (result: RouteResult) => void): number {
    this.#lastSeq += 1;
    this.#results.set(this.#lastSeq, done);
    this.#port.ref(); // the process waits for answers, and for nothing else here
    return this.#lastSeq;
  }

  #ask(message: ToRoutesThread): void {
    this.#port.postMessage(message);
  }

  #hear(message: FromRoutesThread): void {
    if (message.kind === "log") {
      this.#parts.log.write(message.entry, message.at);
      return;
    }
    const onResult = this.#results.get(message.seq);
    const onDump = this.#dumps.get(message.seq);
    this.#results.delete(message.seq);
    this.#dumps.delete(message.seq);
    if (this.#results.size + this.#dumps.size === 0) this.#port.unref();
    if (message.kind === "result") onResult?.(message.result);
    else onDump?.(message.dumped);
  }
}

const FLUSH_MS_MAX = 60_000;
