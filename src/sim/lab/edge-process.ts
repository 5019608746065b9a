/**
 * The edge of a namespace lab: the shipped agent in a process of its own, on a Linux host inside
 * the
 * edge's namespace, with its BFD in a worker as in production. Its journal and its kernel table go
 * to
 * the lab by the process channel; it lives exactly as long as that channel.
 */
import { readFileSync } from "node:fs";
import { Agent } from "../../agent/agent.ts";
import { startWorkerBfdEngine } from "../../agent/bfd/worker-engine.ts";
import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import { loadEdgeConfig } from "../../agent/config/load.ts";
import type { JournalEntry } from "../../agent/journal.ts";
import { createLinuxHost } from "../../platform/linux/host.ts";
import { withAnnounced, withoutAnnounced } from "./edge-faults.ts";
import { mirrorFib } from "./fib-mirror.ts";
import { openLabApi } from "./lab-api.ts";

export interface EdgeOrder {
  readonly configFile: string;
  readonly netns: string;
  readonly seed: number;
  /** Where the edge's API listens, for a lab that is kept. */
  readonly socketPath: string | undefined;
}

/** To an edge that runs. */
export type EdgeCommand = {
  readonly kind: "withdraw-own" | "announce-own";
  readonly prefix: string;
};

export type EdgeReport =
  | { readonly kind: "started" }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "journal"; readonly entry: JournalEntry }
  | { readonly kind: "routes"; readonly table: readonly (readonly [string, readonly string[]])[] };

/** As the file has it. */
let config: EdgeConfig | undefined;

const tell = (report: EdgeReport): void => {
  if (process.connected) process.send?.(report);
};

process.once("message", async (order) => {
  try {
    const agent = await run(order as EdgeOrder);
    process.on("message", (command) => obey(agent, command as EdgeCommand));
    tell({ kind: "started" });
  } catch (cause) {
    tell({ kind: "failed", text: cause instanceof Error ? cause.message : String(cause) });
    process.disconnect();
  }
});

async function run(order: EdgeOrder): Promise<Agent> {
  const own = read(order.configFile);
  config = own;
  const quiet = { write: () => undefined };
  const host = createLinuxHost({
    name: own.name,
    netns: order.netns,
    log: quiet,
    seed: order.seed,
    routes: { ...own.fib, kind: "kernel" },
  });
  const agent = new Agent({
    host,
    config: own,
    startBfd: startWorkerBfdEngine({ name: own.name, netns: order.netns }),
  });
  agent.journal.subscribe((entry) => tell({ kind: "journal", entry }));
  mirrorFib(own, host.routes, agent.journal, (table) =>
    tell({ kind: "routes", table: [...table] }),
  );
  agent.start();
  const api =
    order.socketPath === undefined ? undefined : await openLabApi(agent, order.socketPath);
  process.once("disconnect", () => {
    void api?.close();
    agent.stop("lab ends", () => process.exit(0));
    setTimeout(() => process.exit(0), 2000).unref();
  });
  return agent;
}

function obey(agent: Agent, { kind, prefix }: EdgeCommand): void {
  const file = config;
  if (file === undefined) return;
  const change = kind === "withdraw-own" ? withoutAnnounced(prefix) : withAnnounced(prefix, file);
  agent.reload(change(agent.view.config));
}

/** The drill has read the file already; here it must be the same again, less its API. */
function read(file: string): EdgeConfig {
  const { config, problems } = loadEdgeConfig(file, readFileSync(file, "utf8"));
  if (config === undefined) throw new Error(`${file}: ${problems[0]?.message ?? "unreadable"}`);
  return { ...config, api: { listen: undefined, socketPath: undefined } };
}
