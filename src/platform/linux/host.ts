import { randomInt } from "node:crypto";
import type { Log } from "../../core/log.ts";
import { seededRng } from "../../core/rng.ts";
import type { Host, Routes } from "../contract.ts";
import { LinuxClock } from "./clock.ts";
import { LinuxLinks } from "./links.ts";
import { MemoryRoutes } from "./memory-routes.ts";
import { Netns } from "./netns.ts";
import { Resolver } from "./resolve.ts";
import { LinuxTcp } from "./tcp.ts";
import { LinuxUdp } from "./udp.ts";

/**
 * The host a daemon runs on: real sockets, real time, the kernel's interfaces and routes, in one
 * network namespace. It is cheap until used: nothing is opened before the first call that needs it,
 * so a worker thread takes a host of its own for nothing but a clock and a UDP socket. A process may
 * have several, in different namespaces.
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
  /** Routes are kept in memory only. */
  { readonly kind: "virtual" };

export interface LinuxHost extends Host {
  /** Ends sockets, alarms and watches; kernel routes stay (`routes.flush` takes them out). */
  close(): void;
}

export function createLinuxHost(options: LinuxHostOptions): LinuxHost {
  const netns = new Netns(options.netns);
  const clock = new LinuxClock();
  const tcp = new LinuxTcp(netns);
  const udp = new LinuxUdp(netns, clock);
  const links = new LinuxLinks(netns);
  const resolver = new Resolver(netns);
  const routes: Routes = new MemoryRoutes({
    now: () => clock.now(),
    proto: 0,
    resolve: (address) => resolver.resolve(address),
  });
  return {
    name: options.name,
    clock,
    wallClock: { nowMs: () => Date.now() },
    rng: seededRng(options.seed ?? randomInt(-(2 ** 31), 2 ** 31)),
    log: options.log,
    tcp,
    udp,
    routes,
    links,
    close: () => {
      clock.close();
      for (const part of [tcp, udp, routes, links, resolver, netns]) part.close();
    },
  };
}
