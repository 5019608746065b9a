import { Afi } from "../../core/address.ts";
import { PlatformError } from "../../core/app-error.ts";
import type { LinkState, Links, VlanOptions } from "../contract.ts";
import { type Fib, wordsOf } from "./fib.ts";
import { Interface, type InterfaceAddress, parseInterfaceAddress, subnetOf } from "./interface.ts";
import { bitsOf } from "./ip.ts";
import type { IpStack } from "./ip-stack.ts";
import type { Process } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/**
 * The interfaces of a virtual kernel and what follows when one changes: local addresses, connected
 * routes, VLANs on top (which go down and come up with their parent, as on Linux), next-hop groups,
 * and news for whoever watches. News is a snapshot; a second change of a device before the first
 * was told replaces it, as a netlink reader meets it. An interface taken down loses its IPv6
 * addresses, unless told otherwise (Linux, `keep_addr_on_down`).
 */
export class LinkTable {
  readonly interfaces = new Map<string, Interface>();
  readonly #stack: IpStack;
  readonly #fib: Fib;
  readonly #timeline: Timeline;
  readonly #watchers = new Set<Watcher>();
  #nextIndex = 2;
  /** How long a change takes to reach a watcher. */
  newsDelayUs: number;
  isPrivileged: boolean;
  hasVlanSupport: boolean;
  keepsIpv6OnDown: boolean;

  constructor(options: {
    readonly stack: IpStack;
    readonly timeline: Timeline;
    readonly loopback: Interface;
    readonly newsDelayUs: number;
    readonly isPrivileged: boolean;
    readonly hasVlanSupport: boolean;
    readonly keepsIpv6OnDown: boolean;
  }) {
    this.#stack = options.stack;
    this.#fib = options.stack.fib;
    this.#timeline = options.timeline;
    this.newsDelayUs = options.newsDelayUs;
    this.isPrivileged = options.isPrivileged;
    this.hasVlanSupport = options.hasVlanSupport;
    this.keepsIpv6OnDown = options.keepsIpv6OnDown;
    this.interfaces.set(options.loopback.device, options.loopback);
    this.#refresh(options.loopback);
  }

  /** Links as one process has them. */
  facade(process: Process): Links {
    return {
      state: (device) => this.interfaces.get(device)?.state(),
      all: () => [...this.interfaces.values()].map((via) => via.state()),
      watch: (changed) => this.#watch(process, changed),
      ensureVlan: (options) => this.#ensureVlan(options),
    };
  }

  /** The interface of that name, which must exist. */
  named(device: string): Interface {
    const found = this.interfaces.get(device);
    if (found !== undefined) return found;
    throw new PlatformError("PLATFORM_LINK_UNKNOWN", `there is no interface ${device}`);
  }

  /** Adds an Ethernet interface; without a link and with carrier it is a dummy for own networks. */
  add(
    device: string,
    options: { readonly mtu?: number; readonly hasCarrier?: boolean },
  ): Interface {
    if (this.interfaces.has(device)) {
      throw new PlatformError("PLATFORM_LINK_CONFLICT", `interface ${device} exists already`);
    }
    const index = this.#takeIndex();
    const via = new Interface({ device, index, kind: "ethernet", mtu: options.mtu ?? 1500 });
    via.wireCarrier = options.hasCarrier ?? false;
    this.interfaces.set(device, via);
    this.#changed(via);
    return via;
  }

  /** Deletes an interface and the VLANs on top of it. */
  remove(device: string): void {
    const via = this.named(device);
    for (const child of [...via.subInterfaces.values()]) this.remove(child.device);
    via.parent?.subInterfaces.delete(via.vlanId);
    via.isAdminUp = false;
    this.interfaces.delete(device);
    this.#fib.deviceLost(via, "admin");
    this.#stack.setLocal(this.interfaces.values());
    via.wire?.adminChanged();
    this.#tell(device, undefined);
  }

  setAdmin(device: string, isUp: boolean): void {
    const via = this.named(device);
    if (via.isAdminUp === isUp) return;
    via.isAdminUp = isUp;
    if (!isUp) {
      this.#fib.deviceLost(via, "admin");
      if (!this.keepsIpv6OnDown) via.dropAddresses(Afi.Ipv6);
    }
    this.#changed(via);
    for (const child of via.subInterfaces.values()) this.setAdmin(child.device, isUp);
    via.wire?.adminChanged();
  }

  setCarrier(via: Interface, hasCarrier: boolean): void {
    via.wireCarrier = hasCarrier;
    for (const affected of [via, ...via.subInterfaces.values()]) {
      if (!hasCarrier) this.#fib.deviceLost(affected, "carrier");
      this.#changed(affected);
    }
  }

  setMtu(device: string, mtu: number): void {
    const via = this.named(device);
    via.mtu = mtu;
    this.#changed(via);
  }

  addAddress(device: string, text: string): void {
    const via = this.named(device);
    via.addAddress(parseInterfaceAddress(text));
    this.#changed(via);
  }

  removeAddress(device: string, text: string): void {
    const via = this.named(device);
    via.removeAddress(parseInterfaceAddress(text).text);
    this.#changed(via);
  }

  #ensureVlan(options: VlanOptions): LinkState {
    const existing = this.interfaces.get(options.device);
    const addresses = options.addresses.map(parseInterfaceAddress);
    if (existing === undefined && !this.isPrivileged) {
      throw new PlatformError("PLATFORM_PERMISSION", "creating an interface needs CAP_NET_ADMIN");
    }
    checkMtu(options, this.named(options.parent));
    const via = existing ?? this.#createVlan(options);
    if (via.parent?.device !== options.parent || via.vlanId !== options.vlanId) {
      const wanted = `VLAN ${options.vlanId} of ${options.parent}`;
      const text = `${options.device} exists and is not ${wanted}`;
      throw new PlatformError("PLATFORM_LINK_CONFLICT", text);
    }
    this.#shapeVlan(via, addresses, options.mtu);
    return via.state();
  }

  #createVlan({ device, parent: parentName, vlanId }: VlanOptions): Interface {
    const parent = this.named(parentName);
    if (!this.hasVlanSupport) {
      throw new PlatformError("PLATFORM_VLAN_UNSUPPORTED", "this kernel has no 802.1Q");
    }
    if (!Number.isInteger(vlanId) || vlanId < 1 || vlanId > 4094) {
      throw new PlatformError("PLATFORM_OPTION", `${vlanId} is not a VLAN (1 to 4094)`);
    }
    const taken = parent.subInterfaces.get(vlanId);
    if (taken !== undefined) {
      const text = `VLAN ${vlanId} of ${parentName} is ${taken.device} already`;
      throw new PlatformError("PLATFORM_LINK_CONFLICT", text);
    }
    const index = this.#takeIndex();
    const via = new Interface({ device, index, kind: "vlan", mtu: parent.mtu, parent, vlanId });
    via.isAdminUp = parent.isAdminUp;
    parent.subInterfaces.set(vlanId, via);
    this.interfaces.set(device, via);
    return via;
  }

  #shapeVlan(
    via: Interface,
    addresses: readonly InterfaceAddress[],
    mtu: number | undefined,
  ): void {
    via.mtu = mtu ?? via.mtu;
    if (via.parent?.isAdminUp === true) via.isAdminUp = true;
    for (const address of addresses) via.addAddress(address);
    this.#changed(via);
  }

  #watch(
    process: Process,
    changed: (device: string, state: LinkState | undefined) => void,
  ): { close(): void } {
    const watcher: Watcher = { process, changed, news: new Map() };
    this.#watchers.add(watcher);
    const held = process.own(() => this.#watchers.delete(watcher));
    return {
      close: () => {
        held.disown();
        this.#watchers.delete(watcher);
      },
    };
  }

  #changed(via: Interface): void {
    this.#refresh(via);
    this.#tell(via.device, via.state());
  }

  #refresh(via: Interface): void {
    this.#stack.setLocal(this.interfaces.values());
    if (via.kind === "loopback") return;
    const subnets = via.addresses.filter((own) => own.length < bitsOf(own.ip.afi));
    this.#fib.setConnected(
      via,
      (via.isAdminUp ? subnets : []).map((own) => ({
        afi: own.ip.afi,
        words: wordsOf(subnetOf(own)),
        length: own.length,
      })),
    );
  }

  #tell(device: string, state: LinkState | undefined): void {
    const { now, trace } = this.#timeline;
    const text = state === undefined ? "gone" : `${state.isAdminUp} ${state.hasCarrier}`;
    trace.note(now, this.#stack.place, `link ${device} ${text}`);
    for (const watcher of this.#watchers) {
      const isTold = watcher.news.has(device);
      watcher.news.set(device, state);
      if (isTold) continue;
      watcher.process.postLater(() => {
        const latest = watcher.news.get(device);
        watcher.news.delete(device);
        if (this.#watchers.has(watcher)) watcher.changed(device, latest);
      }, this.newsDelayUs);
    }
  }

  #takeIndex(): number {
    this.#nextIndex += 1;
    return this.#nextIndex - 1;
  }
}

function checkMtu({ mtu }: VlanOptions, parent: Interface): void {
  if (mtu === undefined || mtu <= parent.mtu) return;
  const text = `MTU ${mtu} is above the ${parent.mtu} of ${parent.device}`;
  throw new PlatformError("PLATFORM_LINK_CONFLICT", text);
}

interface Watcher {
  readonly process: Process;
  readonly changed: (device: string, state: LinkState | undefined) => void;
  /** Devices with news on its way, and what it is. */
  readonly news: Map<string, LinkState | undefined>;
}
