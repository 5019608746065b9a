import { workerData } from "node:worker_threads";
import { unreachable } from "../../core/assert.ts";
import type { RouteResult } from "../contract.ts";
import { LinuxClock } from "./clock.ts";
import { KernelRoutes } from "./kernel-routes.ts";
import { LinuxLinks } from "./links.ts";
import { Netns } from "./netns.ts";
import {
  FLUSH_SEQ,
  type FromRoutesThread,
  type RoutesThreadData,
  type ToRoutesThread,
} from "./routes-messages.ts";

/**
 * The thread behind `thread-routes.ts`: kernel routes as in any loop, only that this loop is nobody
 * else's. Between two sends it looks at its mail, so a group that must move waits for one of them
 * at most.
 */
const { netns: place, options, port, gate } = workerData as RoutesThreadData;
const tell = (message: FromRoutesThread): void => port.postMessage(message);
const answer = (seq: number, result: RouteResult): void => tell({ kind: "result", seq, result });

const netns = new Netns(place);
const clock = new LinuxClock();
const links = new LinuxLinks(netns);
const routes = new KernelRoutes({
  netns,
  place,
  options,
  links,
  resolve: () => undefined,
  now: () => clock.now(),
  log: { write: (entry, at) => tell({ kind: "log", entry, at }) },
});

port.on("message", (message: ToRoutesThread) => {
  switch (message.kind) {
    case "set":
      routes.setGroups(message.groups, (result) => answer(message.seq, result));
      return;
    case "remove":
      routes.removeGroups(message.ids, (result) => answer(message.seq, result));
      return;
    case "apply":
      routes.apply(message.batch, (result) => answer(message.seq, result));
      return;
    case "dump":
      routes.dumpColumns((dumped) => tell({ kind: "dumped", seq: message.seq, dumped }));
      return;
    case "flush":
      answer(FLUSH_SEQ, routes.flush());
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      return;
    case "close":
      for (const part of [routes, links, netns, port]) part.close();
      return;
    default:
      unreachable(message);
  }
});
