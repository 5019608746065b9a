/**
 * The edge of a namespace lab: the shipped agent in a process of its own, on a Linux host inside
 * the edge's namespace, with its BFD in a worker as in production. Its journal and its kernel table
 * go to the lab by the process channel; it lives exactly as long as that channel.
 */
import { readFileSync } from "node:fs";
import { Agent } from "../../../agent/agent.ts";
import { startWorkerBfdEngine } from "../../../agent/bfd/worker-engine.ts";
import type { EdgeConfig } from "../../../agent/config/edge-config.ts";
import { loadEdgeConfig } from "../../../agent/config/load.ts";
import type { FailbackNote } from "../../../agent/failback/note.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import { firstError, reloadConfig } from "../../../agent/reload-config.ts";
import type { RestartNote } from "../../../agent/restart.ts";
import type { Clock } from "../../../platform/contract.ts";
import { createLinuxHost } from "../../../platform/linux/host.ts";
import { BgpLog, lateObserver } from "../../evidence/bgp-log.ts";
import type { MrtSink } from "../../evidence/mrt.ts";
import { dumpRib } from "../../evidence/rib-dump.ts";
import { judgeReload, withAnnounced, withoutAnnounced, withoutApi } from "../edge-faults.ts";
import { openLabApi } from "../lab-api.ts";
import { mirrorFib } from "../watch/fib-mirror.ts";
import { type UpdateOffence, type UpdateRules, watchUpdates } from "../watch/update-watch.ts";

export interface EdgeOrder {
  readonly configFile: string;
  /** What stands in it, where a drill has changed that since. */
  readonly configText?: string;
  readonly netns: string;
  readonly seed: number;
  /** What its UPDATEs may say, where somebody asks. */
  readonly rules: UpdateRules | undefined;
  /** Every BGP message is told, as an MRT record. */
  readonly isObserved?: boolean;
  /** Where the edge's API listens, for a lab that is kept. */
  readonly socketPath: string | undefined;
  /** Of the process before, where it left to be started again. */
  readonly restarted?: RestartNote | undefined;
  /** Of any process before: its state directory. */
  readonly failback?: FailbackNote | undefined;
}

/** To an edge that runs. */
export type EdgeCommand =
  | { readonly kind: "withdraw-own" | "announce-own"; readonly prefix: string }
  /** Another file, as after SIGHUP; `answer` is what the drill says the edge must make of it. */
  | {
      readonly kind: "reload";
      readonly name: string;
      readonly text: string;
      readonly answer: "accepted" | "refused";
    }
  /** Its RIB as it is now, answered as `rib` with the same number. */
  | { readonly kind: "dump-rib"; readonly number: number }
  /** What SIGQUIT asks of a daemon: leave to be started again. */
  | { readonly kind: "leave" };

export type EdgeReport =
  | { readonly kind: "started" }
  | { readonly kind: "failed"; readonly text: string }
  /** A command was not answered as the drill says. */
  | { readonly kind: "disobeyed"; readonly text: string }
  | { readonly kind: "left"; readonly note: RestartNote | undefined }
  | { readonly kind: "failback"; readonly note: FailbackNote }
  | { readonly kind: "journal"; readonly entry: JournalEntry }
  | { readonly kind: "offence"; readonly offence: UpdateOffence }
  /** MRT records: one of a message or a state, or all of a dump. Base64. */
  | { readonly kind: "bgp"; readonly record: string }
  | { readonly kind: "rib"; readonly number: number; readonly records: readonly string[] }
  | { readonly kind: "routes"; readonly table: readonly (readonly [string, readonly string[]])[] };

/** As the file has it. */
let config: EdgeConfig | undefined;

const tell = (report: EdgeReport): void => {
  // The lab may be gone before this process hears of it: its channel says so.
  if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
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
  const own = read(order);
  config = own;
  const quiet = { write: () => undefined };
  const plain = createLinuxHost({
    name: own.name,
    netns: order.netns,
    log: quiet,
    seed: order.seed,
    routes: { ...own.fib, kind: "kernel" },
  });
  const { host, see } = watchUpdates(plain, order.rules, (offence) =>
    tell({ kind: "offence", offence }),
  );
  const messages: MrtSink = {
    append: (record) => tell({ kind: "bgp", record: base64(record) }),
  };
  const observer = lateObserver(
    () => new BgpLog(agent.view.speaker, messages, epochUs(plain.clock)),
  );
  const agent: Agent = new Agent({
    host,
    config: own,
    ...(order.isObserved === true ? { observer } : {}),
    startBfd: startWorkerBfdEngine({ name: own.name, netns: order.netns }),
    restarted: order.restarted,
    failbackNotes: {
      read: () => order.failback,
      write: (note) => {
        tell({ kind: "failback", note });
        return undefined;
      },
    },
  });
  see(agent.view);
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

function obey(agent: Agent, command: EdgeCommand): void {
  if (command.kind === "reload") reload(agent, command);
  else if (command.kind === "dump-rib") dumpRibOf(agent, command.number);
  else if (command.kind === "leave") {
    agent.restart("upgrade", (note) => tell({ kind: "left", note }));
  } else change(agent, command);
}

function reload(agent: Agent, command: Extract<EdgeCommand, { readonly kind: "reload" }>): void {
  const { name, text, answer } = command;
  const { config: loaded, problems } = loadEdgeConfig(name, text);
  const own = loaded && withoutApi(loaded);
  const refusal = reloadConfig(agent, { config: own, text: firstError(problems) });
  if (own !== undefined && refusal === undefined) config = own;
  try {
    judgeReload({ edge: { name }, answer }, refusal);
  } catch (cause) {
    tell({ kind: "disobeyed", text: cause instanceof Error ? cause.message : String(cause) });
  }
}

function change(
  agent: Agent,
  { kind, prefix }: Exclude<EdgeCommand, { readonly kind: "reload" | "leave" | "dump-rib" }>,
): void {
  const file = config;
  if (file === undefined) return;
  const change = kind === "withdraw-own" ? withoutAnnounced(prefix) : withAnnounced(prefix, file);
  agent.reload(change(agent.view.config));
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");

/** What makes a stamp of the host's clock one of the wall's. */
const epochUs = (clock: Clock): number => Date.now() * 1000 - clock.now();

function dumpRibOf(agent: Agent, number: number): void {
  const records: string[] = [];
  const { speaker, config } = agent.view;
  const parts = { speaker, viewName: config.name };
  dumpRib(parts, Date.now() * 1000, { append: (record) => records.push(base64(record)) });
  tell({ kind: "rib", number, records });
}

/** The drill has read the file already; here it must be the same again, less its API. */
function read({ configFile, configText }: EdgeOrder): EdgeConfig {
  const text = configText ?? readFileSync(configFile, "utf8");
  const { config: own, problems } = loadEdgeConfig(configFile, text);
  if (own === undefined) throw new Error(firstError(problems));
  return withoutApi(own);
}
