/**
 * Probes of a namespace lab, in a thread of their own: a busy cloud or a report being drawn must
 * not read as loss. One file is both sides; the worker opens its sockets inside the namespaces.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createLinuxHost, type LinuxHost } from "../../../platform/linux/host.ts";
import type { Traffic } from "../../drill/drill.ts";
import type { ProbeRecord } from "../lab.ts";
import { type FlowFates, ProbePair } from "../probes.ts";

export interface ProbePlace {
  readonly traffic: Traffic;
  /** The network namespace of every address. */
  readonly namespaces: ReadonlyMap<string, string>;
}

export interface ProbeWorker {
  start(): void;
  /** As the probes say by now. */
  readonly fates: FlowFates;
  /** Stops sending, waits for what is under way, answers with every probe. */
  finish(settleUs: number): Promise<ProbeRecord>;
  close(): Promise<void>;
}

type Order =
  | { readonly kind: "start" }
  | { readonly kind: "finish"; readonly settleUs: number }
  | { readonly kind: "close" };
type Answer =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "record"; readonly record: ProbeRecord };

const CLOSE_MS_MAX = 2000;
const IS_PROBE_THREAD = !isMainThread && workerData?.role === "causeway-probes";

export async function startProbeWorker(place: ProbePlace): Promise<ProbeWorker> {
  const shared = () => new Uint8Array(new SharedArrayBuffer(place.traffic.flows));
  const fates: FlowFates = { "to-cloud": shared(), "to-edge": shared() };
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { role: "causeway-probes", place, fates },
  });
  const answer = (wanted: Answer["kind"]): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const heard = (message: Answer) => {
        if (message.kind !== wanted && message.kind !== "failed") return;
        worker.off("message", heard);
        if (message.kind === "failed") reject(new Error(`probes: ${message.text}`));
        else resolve(message);
      };
      worker.on("message", heard);
      worker.once("error", reject);
    });
  await answer("ready");
  const order = (message: Order): void => worker.postMessage(message);
  return {
    fates,
    start: () => order({ kind: "start" }),
    async finish(settleUs) {
      const record = answer("record");
      order({ kind: "finish", settleUs });
      const message = await record;
      if (message.kind !== "record") throw new Error("probes: no record");
      return message.record;
    },
    /** The thread gives its sockets back and ends by itself: a terminated one may crash koffi. */
    async close() {
      const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
      order({ kind: "close" });
      const timer = setTimeout(() => void worker.terminate(), CLOSE_MS_MAX);
      await ended;
      clearTimeout(timer);
    },
  };
}

function serve(place: ProbePlace, fates: FlowFates): void {
  const quiet = { write: () => undefined };
  const hosts = new Map<string, LinuxHost>();
  const pair = new ProbePair(place.traffic, (address) => {
    const netns = place.namespaces.get(address) ?? "";
    const known = hosts.get(netns);
    if (known !== undefined) return known;
    const made = createLinuxHost({ name: netns, netns, log: quiet, seed: 1 });
    hosts.set(netns, made);
    return made;
  });
  pair.showFates(fates);
  const tell = (message: Answer): void => parentPort?.postMessage(message);
  parentPort?.on("message", (order: Order) => {
    if (order.kind === "start") pair.start();
    else if (order.kind === "close") {
      pair.close();
      for (const host of hosts.values()) host.close();
      parentPort?.close();
    } else {
      pair.stopSending();
      setTimeout(() => tell({ kind: "record", record: pair.record() }), order.settleUs / 1000);
    }
  });
  tell({ kind: "ready" });
}

if (IS_PROBE_THREAD) {
  try {
    serve(workerData.place as ProbePlace, workerData.fates as FlowFates);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    parentPort?.postMessage({ kind: "failed", text } satisfies Answer);
  }
}
