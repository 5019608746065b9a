/**
 * A limit of each flow's own beside that of the line, as clouds have it where a flow stays on one
 * core of a gateway: what is more than a tenth of a second ahead of its rate is lost.
 */
import type { Micros } from "../../core/time.ts";
import { type Packet, portsOf } from "./packet.ts";

const BURST_US = 100_000;
/** Flows that have caught up with the clock say nothing; they are forgotten in one go. */
const FLOWS_KEPT = 1_024;

export class FlowPolicer {
  /** Until when each flow has used up its rate. */
  readonly #usedUntil = new Map<string, number>();

  /** Whether the packet may go; then it counts. */
  admits(packet: Packet, now: Micros, flowBps: number): boolean {
    const flow = flowOf(packet);
    const used = Math.max(now, this.#usedUntil.get(flow) ?? 0);
    const until = used + (packet.lengthOctets * 8e6) / flowBps;
    if (until - now > BURST_US) return false;
    if (this.#usedUntil.size >= FLOWS_KEPT) this.#forget(now);
    this.#usedUntil.set(flow, until);
    return true;
  }

  #forget(now: Micros): void {
    for (const [flow, until] of this.#usedUntil) if (until <= now) this.#usedUntil.delete(flow);
  }
}

function flowOf({ source, destination, body }: Packet): string {
  const [from, to] = portsOf(body);
  return `${body.kind} ${source.text} ${from} ${destination.text} ${to}`;
}
