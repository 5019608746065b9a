import { parentPort, workerData } from "node:worker_threads";
import { assert, unreachable } from "../../core/assert.ts";
import type { GroupsSite, RouteGroup } from "../../platform/contract.ts";
import { createGroupMover, type GroupMover } from "../../platform/linux/group-mover.ts";
import { createLinuxHost } from "../../platform/linux/host.ts";
import { raiseThreadToRealtime } from "../../platform/linux/sys.ts";
import { Exits, type PathExit } from "./exits.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { BfdRuntime, type BfdRuntimeHandler } from "./runtime.ts";
import type { WorkerBfdOptions } from "./worker-engine.ts";

/**
 * The thread behind `worker-engine.ts`: a host of its own, the runtime, and the mail between them
 * and the agent. An exception ends the thread; the agent hears of it and decides.
 */
/** Above every ordinary process, below the kernel's own threads. */
const REAL_TIME_PRIORITY = 10;

/** Some ten minutes of two circuits at 300 ms, at least half of it always there. */
const RECORDING_OCTETS_MAX = 2 << 20;

/** What may be written of a recording before packets are looked after again. */
const RECORDED_LINES_A_TURN = 100;

const port = parentPort;
assert(port !== null, "worker.ts runs in a worker thread");
const tell = (message: FromWorker): void => port.postMessage(message);

const options = workerData as WorkerBfdOptions;
const host = createLinuxHost({
  ...options,
  log: { write: (entry) => tell({ kind: "log", entry }) },
});
const exits = new Exits();
let mover: GroupMover | undefined;
let moverSite = "";

const handler: BfdRuntimeHandler = {
  state: (change) => {
    const groups = exits.changed(change);
    if (groups.length === 0 || mover === undefined) tell({ kind: "state", change });
    else tell({ kind: "state", change, exit: moved(mover, groups) });
  },
  log: (entry) => tell({ kind: "log", entry }),
};
const runtime = new BfdRuntime(host, handler, { recordingOctetsMax: RECORDING_OCTETS_MAX });

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
    case "protect":
      exits.use(message.table.groups);
      useSite(message.table.site);
      return;
    case "snapshot":
      tell({ kind: "snapshot", id: message.id, sessions: runtime.view() });
      return;
    case "record":
      tellRecording(message.id, runtime.recording());
      return;
    case "stop":
      runtime.stop(() => {
        // Last: whoever hears it may end the process, and with it this thread in a native call.
        mover?.close();
        host.close();
        tell({ kind: "stopped" });
        port.close();
      });
      return;
    default:
      unreachable(message);
  }
});

/** In pieces: packets and timers go between them. */
function tellRecording(id: number, lines: Iterator<string>): void {
  let text = "";
  for (let count = 0; count < RECORDED_LINES_A_TURN; count += 1) {
    const { done, value } = lines.next();
    if (done === true) {
      tell({ kind: "recording", id, text, isLast: true });
      return;
    }
    text += `${value}\n`;
  }
  tell({ kind: "recording", id, text, isLast: false });
  setImmediate(() => tellRecording(id, lines));
}

function useSite(site: GroupsSite): void {
  const named = JSON.stringify(site);
  if (named === moverSite) return;
  mover?.close();
  mover = createGroupMover(site);
  moverSite = named;
}

function moved(by: GroupMover, groups: readonly RouteGroup[]): PathExit {
  const failures = by.setGroups(groups);
  return { groups: groups.length, failures: failures.length, at: host.clock.now() };
}
