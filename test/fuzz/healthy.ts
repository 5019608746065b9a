/**
 * The healthy peer of the rig: it keeps its session and its BFD, remembers what it was told, and
 * takes offence at anything that a speaker in its right mind would not send.
 */
import { decodeMessage } from "../../src/bgp/wire/decode.ts";
import { type Frame, Framer } from "../../src/bgp/wire/framer.ts";
import type { NlriRun, UpdateMessage, WireContext } from "../../src/bgp/wire/message.ts";
import { NlriCursor } from "../../src/bgp/wire/nlri.ts";
import { toHex } from "../../src/core/bytes.ts";
import { formatPrefix } from "../../src/core/prefix.ts";
import { IPV4, IPV6 } from "../support/bgp-session.ts";

export class HealthyPeer {
  /** Prefixes it was told of and not told to forget. */
  readonly told = new Set<string>();
  /** What it objects to first. */
  offence: string | undefined;
  readonly #framer = new Framer();
  readonly #context: WireContext;

  constructor(extendedMessages: boolean) {
    this.#context = {
      ...{ as4: true, extendedMessages, addPath: [], families: [IPV4, IPV6] },
      ...{ session: "ebgp", peerAs: 65_001 },
    };
  }

  hear(octets: Uint8Array): void {
    this.#framer.push(octets);
    for (;;) {
      const frame = this.#framer.next(this.#context.extendedMessages);
      if (!frame.ok) this.#object(`header: ${frame.fault.because}`);
      if (!frame.ok || frame.value === undefined) return;
      this.#take(frame.value);
    }
  }

  #take(frame: Frame): void {
    const message = decodeMessage(frame, this.#context);
    if (!message.ok) this.#object(`${message.fault.because}: ${toHex(frame.octets)}`);
    else if (message.value.kind === "notification") this.#object("a NOTIFICATION");
    else if (message.value.kind === "update") this.#update(message.value, frame);
  }

  #update(update: UpdateMessage, frame: Frame): void {
    const fault = update.faults[0];
    if (fault !== undefined) this.#object(`${fault.because}: ${toHex(frame.octets)}`);
    for (const prefix of prefixesOf(update.unreach)) this.told.delete(prefix);
    for (const prefix of prefixesOf(update.reach)) this.told.add(prefix);
  }

  #object(offence: string): void {
    this.offence ??= `the healthy peer got ${offence}`;
  }
}

function prefixesOf(runs: readonly NlriRun[]): string[] {
  const cursor = new NlriCursor();
  const prefixes: string[] = [];
  for (const run of runs) {
    cursor.reset(run);
    while (cursor.next()) {
      const address = new Uint8Array(run.afi === 1 ? 4 : 16);
      cursor.copyAddress(address, 0);
      prefixes.push(formatPrefix({ afi: run.afi, address, length: cursor.length }));
    }
  }
  return prefixes;
}
