/**
 * What a lab of namespaces lends the cloud (`CloudField`): ports by netlink, the administrator's
 * routes in the kernels by `ip route`, pings by the node's own ICMP.
 */
import type { LinuxHost } from "../../../platform/linux/host.ts";
import type { CloudField, FieldRoute } from "../../cloud/deeds/deeds.ts";
import type { CloudNetwork } from "../../cloud/network.ts";
import type { Namespaces } from "./namespaces.ts";

export interface FieldGround {
  readonly network: CloudNetwork;
  readonly namespaces: Namespaces;
  host(node: string): LinuxHost;
}

export function namespaceField({ network, namespaces, host }: FieldGround): CloudField {
  const kernel = new Map<string, readonly string[]>();
  return {
    setPort(circuit, isUp) {
      const end = network.customers.find((one) => one.circuit === circuit);
      if (end === undefined) return;
      namespaces.devices.setUp(end.node, end.device, isUp);
    },
    ping(node, { source, destination, timeoutUs }, done) {
      host(node).ping({ source, destination, timeoutUs }, done);
    },
    /** The rows of learnt routes have a metric, so those of the administrator come first. */
    setRoute(node, prefix, to) {
      const key = `${node} ${prefix}`;
      const before = kernel.get(key);
      const wanted = to === undefined ? undefined : routeOf(prefix, to);
      if (wanted?.join() === before?.join()) return;
      const isReplaced = wanted !== undefined && wanted[0] !== "local" && before?.[0] !== "local";
      if (before !== undefined && !isReplaced) namespaces.ip(node, ["route", "del", ...before]);
      if (wanted === undefined) kernel.delete(key);
      else {
        namespaces.ip(node, ["route", "replace", ...wanted]);
        kernel.set(key, wanted);
      }
    },
  };
}

/** In the words of `ip route`; a local one is in a table of its own. */
function routeOf(prefix: string, to: FieldRoute): readonly string[] {
  if (to === "local") return ["local", prefix, "dev", "lo"];
  if (to === "blackhole") {
    // A host inside of a network that is local as a whole: only there it comes before that.
    const isHost = prefix.endsWith(prefix.includes(":") ? "/128" : "/32");
    return ["blackhole", prefix, ...(isHost ? ["table", "local"] : [])];
  }
  const hops = "gateway" in to ? [to] : to;
  const [only] = hops;
  if (hops.length === 1 && only !== undefined) {
    return [prefix, "via", only.gateway, "dev", only.device];
  }
  const ways = hops.flatMap(({ gateway, device }) => ["nexthop", "via", gateway, "dev", device]);
  return [prefix, ...ways];
}
