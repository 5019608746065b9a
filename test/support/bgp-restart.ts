import type { ConnectionId } from "../../src/bgp/speaker/inputs.ts";
import type { Capability, Family } from "../../src/bgp/wire/message.ts";
import { encodeEndOfRib } from "../../src/bgp/wire/update.ts";
import { peerConfig } from "./bgp-pair.ts";
import { IPV4, IPV6, localOpen } from "./bgp-session.ts";
import { announce, Solo, soloConfig } from "./bgp-solo.ts";

export interface Announced {
  readonly restartTimeSec?: number;
  readonly notification?: boolean;
  readonly restarted?: boolean;
  /** Families with their F bit; undefined announces no graceful restart. */
  readonly families?: readonly (Family & { readonly forwardingPreserved: boolean })[] | undefined;
  readonly bgpIdentifier?: number;
}

export const kept4 = [{ ...IPV4, forwardingPreserved: true }];

/** A speaker with graceful restart on, and the hand that plays its peer. */
export class Restarting extends Solo {
  constructor(isOn = true) {
    const { capabilities } = peerConfig();
    const families = [IPV4, IPV6];
    super(soloConfig({ families, capabilities: { ...capabilities, gracefulRestart: isOn } }));
  }

  /** The peer comes, or comes back. */
  come(announced: Announced = {}): ConnectionId {
    const { families = kept4, bgpIdentifier = 0x0a00_0002, ...bits } = announced;
    const isSilent = "families" in announced && announced.families === undefined;
    const base = localOpen({ localAs: 45_104 }).capabilities;
    const restart: Capability = {
      kind: "graceful-restart",
      ...{ restarted: false, notification: true, restartTimeSec: 90, families, ...bits },
    };
    const capabilities: Capability[] = [
      ...base,
      { kind: "multiprotocol", family: IPV6 },
      ...(isSilent ? [] : [restart]),
    ];
    return this.establish({ capabilities, bgpIdentifier });
  }

  tell(connection: ConnectionId, ...prefixes: string[]): void {
    this.say(connection, announce(prefixes));
    this.settle();
  }

  endOfRib(connection: ConnectionId, family: Family = IPV4): void {
    this.say(connection, encodeEndOfRib(family));
    this.settle();
  }

  /** The connection breaks without a word. */
  lose(connection: ConnectionId): void {
    this.input({ kind: "tcp-closed", connection, cause: "reset", text: "connection reset" });
    this.settle();
  }

  /** Prefixes that have a best path, with what is about to happen to them. */
  routes(): string[] {
    this.settle();
    const rows = this.speaker.view.rib.routes({ rib: "loc-rib", offset: 0, limit: 100 });
    return rows.map((row) => row.prefix);
  }
}
