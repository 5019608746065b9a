/**
 * IPsec as its users see it, without a single key: dead peer detection gives a tunnel up whose line
 * says nothing, IKE brings it back a while after the line is whole, negotiating keys again may cost
 * a moment, and of two tunnels the slave carries traffic while the master cannot. Lines are the
 * lab's; where it lends none, BGP alone finds out.
 */
import type { Agent } from "../../../agent/agent.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import { after, type Micros } from "../../../core/time.ts";
import type { Alarm, Clock } from "../../../platform/contract.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { VpnConfig } from "../config/vpn-config.ts";
import type { CloudEvent, CloudField, FieldLine } from "../deeds/deeds.ts";
import { type CloudState, isRevoked } from "../deeds/state.ts";

export interface TunnelParts {
  readonly config: CloudConfig;
  readonly clock: Clock;
  readonly state: CloudState;
  readonly field: CloudField;
  agent(node: string): Agent | undefined;
  reload(node: string): void;
  tell(event: CloudEvent): void;
}

/** R-U-THERE is sent three times before the peer is dead. */
const DPD_PROBES = 3;

export class VpnTunnels {
  readonly #parts: TunnelParts;
  readonly #tunnels: readonly Tunnel[];
  readonly #switch: Alarm;

  constructor(parts: TunnelParts) {
    this.#parts = parts;
    this.#tunnels = parts.config.vpns.map((vpn) => {
      return new Tunnel(parts, vpn, () => this.changed());
    });
    this.#switch = parts.clock.createAlarm(() => this.#chooseCarriers());
  }

  start(): void {
    for (const tunnel of this.#tunnels) tunnel.start();
  }

  stop(): void {
    this.#switch.set(undefined);
    for (const tunnel of this.#tunnels) tunnel.stop();
  }

  heard(node: string, { event }: JournalEntry): void {
    const isSession = event === "bgp.peer.up" || event === "bgp.peer.down";
    if (isSession && this.#parts.config.vpns.some(({ name }) => name === node)) this.changed();
  }

  /** Something that decides which tunnel carries the traffic. */
  changed(): void {
    const { clock, config } = this.#parts;
    this.#switch.set(after(clock.now(), config.knobs.tunnelSwitchUs));
  }

  #chooseCarriers(): void {
    const { config, state } = this.#parts;
    for (const { name, connection, role, tunnelMode } of config.vpns) {
      if (role === "master" || tunnelMode === "ecmp") continue;
      const master = config.vpns.find((one) => one.connection === connection);
      const isStandby = master !== undefined && this.#isUsable(master);
      if (isStandby === state.vpn(name).isStandby) continue;
      state.vpn(name).isStandby = isStandby;
      this.#parts.reload(name);
    }
  }

  #isUsable(vpn: VpnConfig): boolean {
    const state = this.#parts.state.vpn(vpn.name);
    const session = this.#parts.agent(vpn.name)?.view.speaker.peer(vpn.circuit)?.state;
    return !state.isDown && !isRevoked(vpn, state) && session === "Established";
  }
}

class Tunnel {
  readonly #parts: TunnelParts;
  readonly #vpn: VpnConfig;
  readonly #changed: () => void;
  readonly #dpd: Alarm;
  readonly #rekey: Alarm;
  #line: FieldLine | undefined;
  #block: { remove(): void } | undefined;
  #unanswered = 0;
  /** IKE has an answer again and is negotiating. */
  #isNegotiating = false;
  #isRekeying = false;

  constructor(parts: TunnelParts, vpn: VpnConfig, changed: () => void) {
    this.#parts = parts;
    this.#vpn = vpn;
    this.#changed = changed;
    this.#dpd = parts.clock.createAlarm(() => this.#look());
    this.#rekey = parts.clock.createAlarm(() => this.#turnKeys());
  }

  start(): void {
    this.#line = this.#parts.field.lineOf?.(this.#vpn.circuit);
    if (this.#line === undefined) return;
    if (this.#vpn.hasDpd) this.#wait(this.#dpd, this.#probeUs());
    if (this.#parts.config.knobs.rekeyOutageUs > 0) this.#wait(this.#rekey, this.#vpn.lifetimeUs);
  }

  stop(): void {
    this.#dpd.set(undefined);
    this.#rekey.set(undefined);
  }

  get #state() {
    return this.#parts.state.vpn(this.#vpn.name);
  }

  #probeUs(): number {
    return this.#parts.config.knobs.dpdTimeoutUs / DPD_PROBES;
  }

  #wait(alarm: Alarm, us: number): void {
    alarm.set(after(this.#parts.clock.now(), us));
  }

  #look(): void {
    const isWhole = this.#line?.isWhole() === true;
    this.#unanswered = isWhole ? 0 : this.#unanswered + 1;
    let nextUs = this.#probeUs();
    if (!this.#state.isDown) {
      if (this.#unanswered >= DPD_PROBES) this.#turn(true, "no answer to dead peer detection");
    } else if (!isWhole) {
      this.#isNegotiating = false;
    } else if (this.#isNegotiating) {
      this.#isNegotiating = false;
      this.#turn(false, "IKE and IPsec are established again");
    } else {
      this.#isNegotiating = true;
      nextUs = this.#parts.config.knobs.ikeSetupUs;
    }
    this.#wait(this.#dpd, nextUs);
  }

  #turn(isDown: boolean, text: string): void {
    this.#state.isDown = isDown;
    this.#hold(isDown);
    const at: Micros = this.#parts.clock.now();
    const { name: resource, region } = this.#vpn;
    const level = isDown ? "CRITICAL" : "INFO";
    const name = `VpnTunnel:${isDown ? "Down" : "Up"}`;
    this.#parts.tell({ at, level, name, resource, region, text });
    this.#parts.reload(resource);
    this.#changed();
  }

  /** The old keys are gone before the new ones are there: for so long nothing passes. */
  #turnKeys(): void {
    const { rekeyOutageUs } = this.#parts.config.knobs;
    this.#isRekeying = !this.#isRekeying;
    if (!this.#state.isDown) this.#hold(this.#isRekeying);
    const restUs = this.#vpn.lifetimeUs - rekeyOutageUs;
    this.#wait(this.#rekey, this.#isRekeying ? rekeyOutageUs : restUs);
  }

  #hold(isHeld: boolean): void {
    this.#block?.remove();
    this.#block = isHeld ? this.#line?.block() : undefined;
  }
}
