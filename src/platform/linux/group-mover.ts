import type { GroupsSite, RouteFailure, RouteGroup } from "../contract.ts";
import { KernelIds } from "./kernel-ids.ts";
import { NetlinkSocket } from "./netlink.ts";
import { Netns } from "./netns.ts";
import { NextHopGroups } from "./nexthop-groups.ts";

/**
 * Moves next-hop groups and does nothing else: for the BFD thread, which takes a circuit out of use
 * without waiting for whoever owns the routes (design §3). It finds the very groups of the host
 * that told their site, and makes none: one its owner has removed meanwhile stays away.
 */
export interface GroupMover {
  setGroups(groups: readonly RouteGroup[]): readonly RouteFailure[];
  close(): void;
}

export function createGroupMover(site: GroupsSite): GroupMover {
  const netns = new Netns(site.netns);
  const socket = new NetlinkSocket(netns);
  const ids = new KernelIds(site.table, site.epoch);
  const groups = new NextHopGroups({ socket, netns, ids, proto: site.proto });
  return {
    setGroups: (wanted) => groups.replace(wanted),
    close: () => {
      socket.close();
      netns.close();
    },
  };
}
