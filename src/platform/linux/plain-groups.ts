import { parseAddress } from "../../core/address.ts";
import type { RouteFailure, RouteGroup } from "../contract.ts";
import { type GroupStore, groupFailure, mergeHops, type ResolvedHop } from "./group-store.ts";
import type { MessageWriter } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { deviceIndex } from "./resolve.ts";
import { Rta } from "./rtnetlink.ts";
import { C } from "./sys.ts";

/**
 * Groups for kernels without next-hop objects (before 5.3): every route carries its ways out, and a
 * group that changes has all its routes written again. Slow, but the semantics stay.
 */
export class PlainGroups implements GroupStore {
  readonly rewriteReplaces = true;
  readonly #netns: Netns;
  readonly #groups = new Map<number, { wanted: RouteGroup; hops: readonly ResolvedHop[] }>();

  constructor(netns: Netns) {
    this.#netns = netns;
  }

  define(groups: readonly RouteGroup[]): {
    readonly failures: readonly RouteFailure[];
    readonly rewrite: readonly number[];
  } {
    const failures: RouteFailure[] = [];
    const rewrite: number[] = [];
    for (const wanted of groups) {
      const hops: ResolvedHop[] = [];
      for (const hop of wanted.hops) {
        const interfaceIndex = deviceIndex(this.#netns, hop.device);
        if (interfaceIndex !== 0) hops.push({ ...hop, interfaceIndex });
        else {
          const text = `there is no interface ${hop.device}`;
          failures.push(groupFailure("group-set", wanted.id, "ENODEV", text));
        }
      }
      const before = this.#groups.get(wanted.id);
      if (before !== undefined && hops.length > 0) rewrite.push(wanted.id);
      this.#groups.set(wanted.id, {
        wanted,
        hops: hops.length > 0 ? mergeHops(hops) : (before?.hops ?? []),
      });
    }
    return { failures, rewrite };
  }

  remove(ids: readonly number[]): readonly RouteFailure[] {
    for (const id of ids) this.#groups.delete(id);
    return [];
  }

  over(device: string): readonly RouteGroup[] {
    return [...this.#groups.values()]
      .map(({ wanted }) => wanted)
      .filter(({ hops }) => hops.some((hop) => hop.device === device));
  }

  isUsable(id: number): boolean {
    return (this.#groups.get(id)?.hops.length ?? 0) > 0;
  }

  /** Routes carry their hops themselves. */
  isLost(): boolean {
    return false;
  }

  writeTarget(writer: MessageWriter, id: number): void {
    const group = this.#groups.get(id);
    const [first, ...others] = group?.hops ?? [];
    if (group === undefined || first === undefined) return;
    if (others.length === 0) {
      writeGateway(writer, group.wanted, first);
      writer.attrU32(Rta.OIF, first.interfaceIndex);
      return;
    }
    const nest = writer.beginNest(Rta.MULTIPATH);
    for (const hop of [first, ...others]) {
      // `struct rtnexthop` is laid out like an attribute: length, then flags and weight.
      const entry = writer.beginNest((hop.weight - 1) << 8);
      writer.u32(hop.interfaceIndex);
      writeGateway(writer, group.wanted, hop);
      writer.endNest(entry);
    }
    writer.endNest(nest);
  }

  groupOf(): undefined {
    return undefined;
  }

  sweep(): void {
    // Hops that are spelled out leave nothing behind.
  }

  removeAll(): readonly RouteFailure[] {
    this.#groups.clear();
    return [];
  }
}

/** An IPv4 route by way of an IPv6 gateway (RFC 8950) says so in another attribute. */
function writeGateway(writer: MessageWriter, { afi }: RouteGroup, { gateway }: ResolvedHop): void {
  const octets = parseAddress(gateway) ?? new Uint8Array(4);
  if ((octets.length === 4) === (afi === 1)) writer.attrOctets(Rta.GATEWAY, octets);
  else writer.attrOctets(Rta.VIA, Uint8Array.of(C.AF_INET6, 0, ...octets));
}
