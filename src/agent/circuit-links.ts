import { PlatformError } from "../core/app-error.ts";
import type { Links } from "../platform/contract.ts";
import type { CircuitConfig } from "./config/edge-config.ts";
import type { Events } from "./event-journal.ts";
import type { LinkBook } from "./link-book.ts";
import { deviceOf } from "./speaker-config.ts";

/** The interfaces circuits stand on: VLANs of ours made, adopted and made again, others there. */
export class CircuitLinks {
  readonly #links: Links;
  readonly #book: LinkBook;
  readonly #events: Events;

  constructor(links: Links, book: LinkBook, events: Events) {
    this.#links = links;
    this.#book = book;
    this.#events = events;
  }

  /** Throws PlatformError, with a sentence for people, where the host cannot have it so. */
  prepare(circuits: readonly CircuitConfig[]): void {
    for (const circuit of circuits) {
      const device = deviceOf(circuit);
      if (circuit.vlan === undefined && device !== undefined) {
        if (this.#links.state(device) !== undefined) continue;
        const missing = `this host has no interface ${device}`;
        const message = `circuit ${circuit.name}: ${missing}; check its name with "ip link"`;
        throw new PlatformError("PLATFORM_LINK_UNKNOWN", message);
      }
    }
    for (const circuit of circuits) this.#ensureVlan(circuit);
  }

  /**
   * Makes VLANs again that somebody removed, and returns their devices; as long as one is missing
   * its circuit is down anyway.
   */
  restore(circuits: readonly CircuitConfig[]): readonly string[] {
    return circuits.flatMap((circuit) => {
      const { name, device, vlan } = circuit;
      if (vlan === undefined || this.#book.state(device) !== undefined) return [];
      try {
        this.#ensureVlan(circuit);
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        const fields = { circuit: name, text: error.message };
        this.#events.emit("warn", "circuit.link.missing", fields);
        return [];
      }
      this.#events.emit("warn", "circuit.link.restored", { circuit: name });
      return [device];
    });
  }

  #ensureVlan({ device, vlan }: CircuitConfig): void {
    if (vlan === undefined) return;
    const { parent, id, addresses, mtu } = vlan;
    const options = { device, parent, vlanId: id, addresses, ...(mtu !== undefined && { mtu }) };
    this.#links.ensureVlan(options);
    this.#book.reread(device);
  }
}
