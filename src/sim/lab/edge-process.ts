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
import { mirrorFib } from "./fib-mirror.ts";
import { openLabApi } from "./lab-api.ts";

export interface EdgeOrder {
  readonly configFile: string;
  readonly netns: string;
  readonly seed: number;
  /** Where the edge's API listens, for a lab that is kept. */
  readonly socketPath: string | undefined;
}

export type EdgeReport =
  | { readonly kind: "started" }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "journal"; readonly entry: JournalEntry }
  | { readonly kind: "routes"; readonly table: readonly (readonly [string, readonly string[]])[] };

const tell = (report: EdgeReport): void => {
  if (process.connected) process.send?.(report);
};

process.once("message", async (order) => {
  try {
    await run(order as EdgeOrder);
    tell({ kind: "started" });
  } catch (cause) {
    tell({ kind: "failed", text: cause instanceof Error ? cause.message : String(cause) });
    process.disconnect();
  }
});

async function run(order: EdgeOrder): Promise<void> {
  const config = read(order.configFile);
  const quiet = { write: () => undefined };
  const host = createLinuxHost({
    name: config.name,
    netns: order.netns,
    log: quiet,
    seed: order.seed,
    routes: { ...config.fib, kind: "kernel" },
  });
  const agent = new Agent({
    host,
    config,
    startBfd: startWorkerBfdEngine({ name: config.name, netns: order.netns }),
  });
  agent.journal.subscribe((entry) => tell({ kind: "journal", entry }));
  mirrorFib(config, host.routes, agent.journal, (table) =>
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
}

/** The drill has read the file already; here it must be the same again, less its API. */
function read(file: string): EdgeConfig {
  const { config, problems } = loadEdgeConfig(file, readFileSync(file, "utf8"));
  if (config === undefined) throw new Error(`${file}: ${problems[0]?.message ?? "unreadable"}`);
  return { ...config, api: { listen: undefined, socketPath: undefined } };
}
