import { parentPort, workerData } from "node:worker_threads";
import { assert, unreachable } from "../../core/assert.ts";
import { createLinuxHost } from "../../platform/linux/host.ts";
import { raiseThreadToRealtime } from "../../platform/linux/sys.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { BfdRuntime } from "./runtime.ts";
import type { WorkerBfdOptions } from "./worker-engine.ts";

/**
 * The thread behind `worker-engine.ts`: a host of its own, the runtime, and the mail between them
 * and the agent. An exception ends the thread; the agent hears of it and decides.
 */
/** Above every ordinary process, below the kernel's own threads. */
const REAL_TIME_PRIORITY = 10;

const port = parentPort;
assert(port !== null, "worker.ts runs in a worker thread");
const tell = (message: FromWorker): void => port.postMessage(message);

const options = workerData as WorkerBfdOptions;
const host = createLinuxHost({
  ...options,
  log: { write: (entry) => tell({ kind: "log", entry }) },
});
const runtime = new BfdRuntime(host, {
  state: (change) => tell({ kind: "state", change }),
  log: (entry) => tell({ kind: "log", entry }),
});

const isRealTime = raiseThreadToRealtime(REAL_TIME_PRIORITY);
tell({
  kind: "log",
  entry: {
    level: isRealTime ? "info" : "warn",
    event: "bfd.worker.started",
    fields: isRealTime
      ? { scheduling: "SCHED_FIFO", priority: REAL_TIME_PRIORITY }
      : { scheduling: "SCHED_OTHER", advice: "grant CAP_SYS_NICE or LimitRTPRIO=10" },
  },
});

port.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "configure":
      runtime.configure(message.sessions);
      return;
    case "admin":
      runtime.admin(message.input);
      return;
    case "snapshot":
      tell({ kind: "snapshot", id: message.id, sessions: runtime.view() });
      return;
    case "stop":
      runtime.stop(() => {
        tell({ kind: "stopped" });
        host.close();
        port.close();
      });
      return;
    default:
      unreachable(message);
  }
});
