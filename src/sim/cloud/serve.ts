/**
 * `causeway cloud`: the cloud on this machine's own sockets, for a router under test beside it.
 * Each
 * VBR listens on its gateway address; the sessions inside the cloud run over loopback; nothing is
 * forwarded, so its routes stay in memory. Commands on standard input break things.
 */
import { createInterface } from "node:readline";
import { startInlineBfdEngine } from "../../agent/bfd/inline-engine.ts";
import { PlatformError } from "../../core/app-error.ts";
import { createLinuxHost, type LinuxHost } from "../../platform/linux/host.ts";
import { Cloud, type CloudEntry } from "./cloud.ts";
import type { CloudConfig } from "./config/cloud-config.ts";
import type { WireEnd } from "./network.ts";

/** 127.77.0.0/16 carries what runs inside the cloud. */
const INNER_NET = "127.77";
const INNER_PORT = 17_179;
const HELP = `commands: withdraw PREFIX, announce PREFIX, stop NODE, start VBR,
routes NAME [all] (of a transit router, VPC, VBR or ECR; all: with those not in force), help`;

/** Resolves when a signal or the end of standard input's `quit` ended it and all has been said. */
export async function serveCloud(config: CloudConfig, tell: (line: string) => void): Promise<void> {
  if (config.vbrs.some(({ ipv6 }) => ipv6 !== undefined)) {
    const message = "a cloud on this machine's sockets has no IPv6 inside; a drill has";
    throw new PlatformError("PLATFORM_IPV6_UNSUPPORTED", message);
  }
  const hosts = new Map<string, LinuxHost>();
  const host = (node: string): LinuxHost => {
    const known = hosts.get(node);
    if (known !== undefined) return known;
    const quiet = { write: () => undefined };
    const made = createLinuxHost({ name: node, log: quiet, routes: { kind: "virtual" } });
    hosts.set(node, made);
    return made;
  };
  const cloud = new Cloud(config, {
    plan: {
      fib: "virtual",
      innerPort: INNER_PORT,
      end: ({ address }: WireEnd) => ({ address: innerAddress(address), device: undefined }),
    },
    host,
    startBfd: (node) => startInlineBfdEngine(host(node)),
  });
  const watch = setInterval(narrator(cloud, tell), 50);
  try {
    cloud.start();
    for (const vbr of config.vbrs) tell(`${vbr.name} listens on ${vbr.local} port ${vbr.port}`);
    await untilEnd(config, cloud, tell);
    await new Promise<void>((done) => {
      cloud.stop("cloud shuts down", done);
    });
  } finally {
    clearInterval(watch);
    for (const one of hosts.values()) one.close();
  }
}

/** 10.253.x.y of the cloud's own wires as an address of this machine's loopback. */
const innerAddress = (address: string): string => address.replace(/^10\.253\./, `${INNER_NET}.`);

/** Tells what is new in the journals each time it is called. */
function narrator(cloud: Cloud, tell: (line: string) => void): () => void {
  let told = 0;
  return () => {
    const entries = cloud.journal();
    for (; told < entries.length; told += 1) {
      const entry = entries[told];
      if (entry !== undefined && entry.level !== "debug") tell(lineOf(entry));
    }
  };
}

function lineOf(entry: CloudEntry): string {
  const fields = Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const at = new Date(entry.wallMs).toISOString();
  return [at, entry.node, entry.event, ...fields].join(" ");
}

function untilEnd(config: CloudConfig, cloud: Cloud, tell: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const input = createInterface({ input: process.stdin });
    const end = () => {
      input.close();
      process.stdin.destroy(); // a pipe that stays open would keep the process
      process.off("SIGINT", end).off("SIGTERM", end);
      resolve();
    };
    process.once("SIGINT", end).once("SIGTERM", end);
    input.on("line", (line) => {
      const [verb, what = "", all] = line.trim().split(/\s+/);
      const vbr = config.vbrs.find((one) => one.name === what);
      if (verb === "quit") end();
      else if (verb === "withdraw" && what !== "") cloud.withdraw(what);
      else if (verb === "announce" && what !== "") cloud.announce(what);
      else if (verb === "stop") cloud.stopNode(what, "stopped", () => tell(`${what} stopped`));
      else if (verb === "start" && vbr !== undefined) cloud.startVbr(vbr);
      else if (verb === "routes") tellRoutes(cloud, what, all === "all", tell);
      else if (verb !== "") tell(HELP);
    });
  });
}

/** As the vendor lists them: those in force, unless every state is asked for. */
function tellRoutes(
  cloud: Cloud,
  name: string,
  isAll: boolean,
  tell: (line: string) => void,
): void {
  const { transitRouters, vpcs, routers } = cloud.view();
  const tables = [...vpcs.map((vpc) => ({ name: vpc.name, routes: vpc.table })), ...routers];
  const known = [...transitRouters, ...tables].map((one) => one.name);
  if (!known.includes(name)) tell(`no table "${name}"; known are ${known.join(", ")}`);
  const row = (words: readonly string[], isActive: boolean, reason: string | undefined) => {
    if (!isActive && !isAll) return;
    tell([...words, ...(reason === undefined ? [] : [`(${reason})`])].join(" "));
  };
  for (const table of transitRouters.find((one) => one.name === name)?.tables ?? []) {
    for (const { prefix, type, nextHop, status, reason } of table.routes) {
      row([table.name, prefix, type, nextHop, status], status === "Active", reason);
    }
  }
  for (const { prefix, type, nextHops, isActive, reason } of tables.find((one) => one.name === name)
    ?.routes ?? []) {
    const hops = nextHops.length === 0 ? "blackhole" : nextHops.join(",");
    row([name, prefix, type, hops, isActive ? "Active" : "Inactive"], isActive, reason);
  }
}
