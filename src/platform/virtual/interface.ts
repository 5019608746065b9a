import type { Afi } from "../../core/address.ts";
import { PlatformError } from "../../core/app-error.ts";
import { maskAddress } from "../../core/prefix.ts";
import type { LinkState } from "../contract.ts";
import { bitsOf, type Ip, ip } from "./ip.ts";
import type { DropReason, Packet } from "./packet.ts";

/** An address on an interface, with the length of the subnet it stands in. */
export interface InterfaceAddress {
  readonly ip: Ip;
  readonly length: number;
  /** `10.0.0.1/30` */
  readonly text: string;
}

/** What an interface is plugged into. Answers why it could not even begin to carry the packet. */
export interface Wire {
  readonly name: string;
  transmit(vlanId: number, packet: Packet, nextHop: Ip): DropReason | undefined;
  /** Who would receive, without sending; or why nobody would. */
  probe(vlanId: number, packet: Packet, nextHop: Ip): WireProbe | DropReason;
  /** The interface was switched on or off. */
  adminChanged(): void;
}

export interface WireProbe {
  readonly host: string;
  /** The interface it would come in by. */
  readonly via: Interface;
  /** Expected: latency, half of the jitter, what rules add. */
  readonly delayUs: number;
  readonly arrivalProbability: number;
}

/**
 * A network device of a virtual kernel, as plain state: `LinkTable` changes it and draws the
 * consequences. A VLAN sub-interface has a parent and no wire of its own; its carrier is the
 * parent's.
 */
export class Interface {
  readonly device: string;
  readonly index: number;
  readonly kind: "loopback" | "ethernet" | "vlan";
  readonly parent: Interface | undefined;
  /** 0: untagged. */
  readonly vlanId: number;
  readonly subInterfaces = new Map<number, Interface>();
  addresses: readonly InterfaceAddress[] = [];
  mtu: number;
  isAdminUp = true;
  /** What the wire says; of no meaning on loopback and VLANs. */
  wireCarrier = false;
  wire: Wire | undefined;

  constructor(options: {
    readonly device: string;
    readonly index: number;
    readonly kind: "loopback" | "ethernet" | "vlan";
    readonly mtu: number;
    readonly parent?: Interface;
    readonly vlanId?: number;
  }) {
    this.device = options.device;
    this.index = options.index;
    this.kind = options.kind;
    this.mtu = options.mtu;
    this.parent = options.parent;
    this.vlanId = options.vlanId ?? 0;
  }

  get hasCarrier(): boolean {
    if (!this.isAdminUp) return false;
    if (this.kind === "loopback") return true;
    return this.parent === undefined ? this.wireCarrier : this.parent.hasCarrier;
  }

  /** The interface a frame with this tag belongs to. */
  tagged(vlanId: number): Interface | undefined {
    return vlanId === 0 ? this : this.subInterfaces.get(vlanId);
  }

  addAddress(address: InterfaceAddress): void {
    if (this.addresses.some((own) => own.text === address.text)) return;
    this.addresses = [...this.addresses, address];
  }

  removeAddress(text: string): void {
    this.addresses = this.addresses.filter((own) => own.text !== text);
  }

  dropAddresses(afi: Afi): void {
    this.addresses = this.addresses.filter((own) => own.ip.afi !== afi);
  }

  owns(address: Ip): boolean {
    for (const own of this.addresses) if (own.ip.text === address.text) return true;
    return false;
  }

  /** Sends to a neighbour; answers why the packet did not even leave. */
  transmit(packet: Packet, nextHop: Ip): DropReason | undefined {
    if (!this.isAdminUp) return "device-down";
    if (!this.hasCarrier) return "no-carrier";
    if (packet.lengthOctets > this.mtu) return "mtu";
    const port = this.parent ?? this;
    if (port.wire === undefined) return "not-attached";
    return port.wire.transmit(this.vlanId, packet, nextHop);
  }

  state(): LinkState {
    return {
      device: this.device,
      index: this.index,
      isAdminUp: this.isAdminUp,
      hasCarrier: this.hasCarrier,
      mtu: this.mtu,
      addresses: this.addresses.map((address) => address.text),
    };
  }
}

/** Reads `10.0.0.1/30`, host bits kept; without a length it is a host address. */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const [addressText = "", lengthText] = text.split("/");
  const address = ip(addressText);
  const bits = bitsOf(address.afi);
  const length = lengthText === undefined ? bits : Number(lengthText);
  if (!Number.isInteger(length) || length < 0 || length > bits) {
    throw new PlatformError("PLATFORM_ADDRESS_UNKNOWN", `${text} is not an interface address`);
  }
  return { ip: address, length, text: `${address.text}/${length}` };
}

/** The network part, of the subnet the address stands in. */
export const subnetOf = (address: InterfaceAddress): Uint8Array =>
  maskAddress(address.ip.octets, address.length);
