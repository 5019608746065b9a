import type { RouteFailure, RouteGroup } from "../contract.ts";
import { KernelIds } from "./kernel-ids.ts";
import { NetlinkSocket } from "./netlink.ts";
import { Netns } from "./netns.ts";
import { NextHopGroups } from "./nexthop-groups.ts";

/**
 * Moves next-hop groups and does nothing else: for the BFD thread, which takes a circuit out of use
 * without waiting for whoever owns the routes (design §3). It finds the very groups of a
 * `createLinuxHost` with the same table, in the same namespace, from whatever thread. On kernels
 * without next-hop objects every answer is a failure, and the owner's own move has to do.
 */
export interface GroupMover {
  setGroups(groups: readonly RouteGroup[]): readonly RouteFailure[];
  close(): void;
}

export function createGroupMover(options: {
  readonly netns?: string;
  readonly table: number;
  readonly proto: number;
  /** Of the run whose groups are to be moved. */
  readonly epoch?: number;
}): GroupMover {
  const netns = new Netns(options.netns);
  const socket = new NetlinkSocket(netns);
  const ids = new KernelIds(options.table, options.epoch);
  const groups = new NextHopGroups({ socket, netns, ids, proto: options.proto });
  return {
    setGroups: (wanted) => groups.define(wanted).failures,
    close: () => {
      socket.close();
      netns.close();
    },
  };
}
