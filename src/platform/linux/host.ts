import { randomInt } from "node:crypto";
import type { Log } from "../../core/log.ts";
import { seededRng } from "../../core/rng.ts";
import type { Host, Routes } from "../contract.ts";
import { LinuxClock } from "./clock.ts";
import { type EchoProbe, LinuxEcho } from "./echo.ts";
import type { KernelFibOptions } from "./kernel-fib.ts";
import { KernelRoutes } from "./kernel-routes.ts";
import { LinuxLinks } from "./links.ts";
import { MemoryRoutes } from "./memory-routes.ts";
import { Netns } from "./netns.ts";
import { Resolver } from "./resolve.ts";
import { LinuxTcp } from "./tcp.ts";
import { ThreadRoutes } from "./thread-routes.ts";
import { LinuxUdp } from "./udp.ts";

/**
 * The host a daemon runs on: real sockets, real time, the kernel's interfaces and routes, in one
 * network namespace. It is cheap until used: nothing is opened before the first call that needs it,
 * so a worker thread takes a host of its own for nothing but a clock and a UDP socket. A process
 * may have several, in different namespaces.
 *
 * What the kernel does not let us do is a PlatformError with a sentence of advice (`errors.ts`).
 * Native calls are in `sys.ts` alone.
 */
export interface LinuxHostOptions {
  readonly name: string;
  /** Name under /run/netns, or path; the one of the calling thread where it is left out. */
  readonly netns?: string;
  readonly log: Log;
  /** For a repeatable run; otherwise random. */
  readonly seed?: number;
  readonly routes?: RoutesOptions;
}

export type RoutesOptions =
  /**
   * Kernel routes; throws PLATFORM_PERMISSION where the process may not change them. In a thread of
   * their own a large table does not hold up this one: one send can block for half a second.
   */
  | ({ readonly kind: "kernel"; readonly isThreaded?: boolean } & KernelFibOptions)
  /** Routes are kept in memory only; the default. */
  | { readonly kind: "virtual" };

export interface LinuxHost extends Host {
  /** An ICMP echo; throws PLATFORM_PERMISSION where the process may open no raw socket. */
  ping(probe: EchoProbe, done: (isAnswered: boolean) => void): void;
  /** Ends sockets, alarms and watches; kernel routes stay (`routes.flush` takes them out). */
  close(): void;
}

export function createLinuxHost(options: LinuxHostOptions): LinuxHost {
  const netns = new Netns(options.netns);
  const clock = new LinuxClock();
  const tcp = new LinuxTcp(netns);
  const udp = new LinuxUdp(netns, clock);
  const echo = new LinuxEcho(netns, clock);
  const links = new LinuxLinks(netns);
  const resolver = new Resolver(netns);
  const parts: { close(): void }[] = [echo, clock, tcp, udp, links, resolver, netns];
  const close = (): void => {
    for (const part of parts.splice(0)) part.close();
  };
  try {
    const routes = openRoutes(options, { netns, clock, links, resolver });
    parts.unshift(routes);
    return {
      name: options.name,
      clock,
      wallClock: { nowMs: () => Date.now() },
      rng: seededRng(options.seed ?? randomInt(-(2 ** 31), 2 ** 31)),
      log: options.log,
      ...{ tcp, udp, routes, links, close },
      ping: (probe, done) => echo.ping(probe, done),
    };
  } catch (error) {
    close();
    throw error;
  }
}

function openRoutes(
  { routes, log, netns: place }: LinuxHostOptions,
  parts: {
    readonly netns: Netns;
    readonly clock: LinuxClock;
    readonly links: LinuxLinks;
    readonly resolver: Resolver;
  },
): Routes {
  const { netns, clock, links, resolver } = parts;
  const now = () => clock.now();
  const resolve: Routes["resolve"] = (address) => resolver.resolve(address);
  if (routes?.kind !== "kernel") return new MemoryRoutes({ now, proto: 0, resolve });
  const { isThreaded = false, kind: _, ...options } = routes;
  if (!isThreaded) return new KernelRoutes({ netns, place, options, links, resolve, now, log });
  return new ThreadRoutes({ netns, place, options, resolve, now, log });
}
