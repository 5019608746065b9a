/**
 * What CloudMonitor would tell of the cloud: the two events the vendor names for Express Connect,
 * and ours for what it has no published name for (`fidelity.ts` says which is which).
 */
import type { JournalEntry } from "../../../agent/journal.ts";
import { vbrOfCustomer } from "../config/bgp-config.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { CloudEvent } from "../deeds/deeds.ts";

export class Monitor {
  readonly #config: CloudConfig;
  readonly #events: CloudEvent[] = [];
  readonly #watchers = new Set<(event: CloudEvent) => void>();

  constructor(config: CloudConfig) {
    this.#config = config;
  }

  events(): readonly CloudEvent[] {
    return this.#events;
  }

  watch(changed: (event: CloudEvent) => void): { close(): void } {
    this.#watchers.add(changed);
    return { close: () => void this.#watchers.delete(changed) };
  }

  tell(event: CloudEvent): void {
    this.#events.push(event);
    for (const watcher of this.#watchers) watcher(event);
  }

  /** An entry of a node's journal: some of them are what the vendor raises an event for. */
  heard(node: string, entry: JournalEntry): void {
    const { at, fields } = entry;
    const { peer, limit, reason = "down", text: words = reason } = fields;
    const vbr = vbrOfCustomer(this.#config, node, peer);
    if (vbr === undefined) return;
    const common = { at, resource: vbr.name, region: vbr.region };
    if (entry.event === "bgp.peer.down") {
      const text = `${String(peer)}: ${String(words)}`;
      this.tell({ ...common, level: "CRITICAL", name: "BGPPeerStatus:Down", text });
    } else if (entry.event === "bgp.prefix-limit.exceeded") {
      const text = `${String(peer)}: more than ${String(limit)} routes`;
      this.tell({ ...common, level: "WARN", name: "BgpPeerReceiveRoutes:Exceed", text });
    }
  }
}
