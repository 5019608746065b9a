import { type AddressOctets, formatAddress, isLinkLocal6, parseAddress } from "../core/address.ts";
import { containsAddress, maskAddress, type Prefix } from "../core/prefix.ts";
import type { LinkState, Links } from "../platform/contract.ts";

/** An address of ours and the subnet it stands in. */
interface Own {
  readonly own: AddressOctets;
  readonly text: string;
  readonly subnet: Prefix;
}

/** The host's links as the agent asks about them: is it up, why not, what is connected there. */
export class LinkBook {
  readonly #links: Links;
  readonly #changed: (device: string) => void;
  readonly #states = new Map<string, LinkState>();
  /** Of each state, read once: the agent asks again with every tick. */
  readonly #read = new WeakMap<LinkState, readonly Own[]>();
  #revision = 0;
  #watch: { close(): void } | undefined;

  constructor(links: Links, changed: (device: string) => void) {
    this.#links = links;
    this.#changed = changed;
  }

  start(): void {
    this.#watch = this.#links.watch((device, state) => {
      this.#set(device, state);
      this.#changed(device);
    });
    for (const state of this.#links.all()) this.#set(state.device, state);
  }

  /** Another number after every change. */
  get revision(): number {
    return this.#revision;
  }

  /** Reads a link that was just made, before its own event comes. */
  reread(device: string): void {
    const state = this.#links.state(device);
    if (state !== undefined) this.#set(device, state);
  }

  state(device: string): LinkState | undefined {
    return this.#states.get(device);
  }

  isUp(device: string): boolean {
    const state = this.#states.get(device);
    return state?.isAdminUp === true && state.hasCarrier;
  }

  /** Known, and of no use; not the same as unknown. */
  isDown(device: string): boolean {
    return this.#states.has(device) && !this.isUp(device);
  }

  /** Why a link is of no use, one sentence; `parent` is the interface a VLAN rides on. */
  describe(device: string, parent: string | undefined): string {
    const state = this.#states.get(device);
    if (parent !== undefined && !this.isUp(parent)) {
      return `link ${device} is down with its parent: ${this.describe(parent, undefined)}`;
    }
    if (state === undefined) return `link ${device} does not exist`;
    if (!state.isAdminUp) return `link ${device} is set down`;
    return state.hasCarrier ? `link ${device} is up` : `link ${device} has no carrier`;
  }

  /** Whether the address is on a subnet of the interface. */
  isConnected(device: string, address: AddressOctets): boolean {
    return this.#subnets(device).some(({ subnet }) => containsAddress(subnet, address));
  }

  /** Our address on the subnet of `remote`, on one interface or on any. */
  addressTowards(remote: string, device: string | undefined): string | undefined {
    const address = parseAddress(remote);
    if (address === undefined) return undefined;
    const devices = device === undefined ? this.#states.keys() : [device];
    for (const name of devices) {
      for (const { text, subnet } of this.#subnets(name)) {
        if (containsAddress(subnet, address)) return text;
      }
    }
    return undefined;
  }

  /** An address of the interface in the family of `remote`: what a router would speak from. */
  addressOn(device: string, remote: string): string | undefined {
    const octets = parseAddress(remote)?.length;
    return this.#subnets(device).find(({ own }) => own.length === octets)?.text;
  }

  /** Whether the address is ours, on one interface or on any. */
  hasAddress(address: string, device: string | undefined): boolean {
    const devices = device === undefined ? [...this.#states.keys()] : [device];
    return devices.some((name) => this.#subnets(name).some(({ text }) => text === address));
  }

  close(): void {
    this.#watch?.close();
  }

  #set(device: string, state: LinkState | undefined): void {
    this.#revision += 1;
    if (state === undefined) this.#states.delete(device);
    else this.#states.set(device, state);
  }

  #subnets(device: string): readonly Own[] {
    const state = this.#states.get(device);
    if (state === undefined) return [];
    const known = this.#read.get(state);
    if (known !== undefined) return known;
    const read = state.addresses.flatMap(parseInterfaceAddress);
    this.#read.set(state, read);
    return read;
  }
}

/** `10.0.0.1/30` → the address and its subnet; link-local subnets connect nothing by themselves. */
function parseInterfaceAddress(text: string): Own[] {
  const [addressText = "", lengthText = ""] = text.split("/");
  const own = parseAddress(addressText);
  const length = Number(lengthText);
  if (own === undefined || isLinkLocal6(own) || !Number.isInteger(length)) return [];
  if (length > own.length * 8) return [];
  const afi = own.length === 4 ? 1 : 2;
  const subnet: Prefix = { afi, address: maskAddress(own, length), length };
  return [{ own, text: formatAddress(own), subnet }];
}
