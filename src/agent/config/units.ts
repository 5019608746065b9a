import { type AddressOctets, afiOf, parseAddress } from "../../core/address.ts";
import { assert } from "../../core/assert.ts";
import { lengthMax, maskAddress, type Prefix, parsePrefix } from "../../core/prefix.ts";

/** An address with the length of the subnet it is in: `10.0.1.2/30`. */
export interface LinkAddress {
  readonly address: AddressOctets;
  readonly subnet: Prefix;
}

export function parseLinkAddress(text: string): LinkAddress | undefined {
  const found = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = parseAddress(found?.[1] ?? "");
  const length = Number(found?.[2]);
  if (address === undefined || length > lengthMax(afiOf(address))) return undefined;
  return {
    address,
    subnet: { afi: afiOf(address), address: maskAddress(address, length), length },
  };
}

const BPS: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** `500kbps`, `1.5Gbps` in bits per second; multiples of a thousand, as lines are sold. */
export function parseBandwidthBps(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([kMGT])bps$/.exec(text);
  const bps = Math.round(Number(found?.[1]) * (BPS[found?.[2] ?? ""] ?? Number.NaN));
  return bps > 0 && Number.isSafeInteger(bps) ? bps : undefined;
}

export function formatBandwidth(bps: number): string {
  for (const [unit, size] of [
    ["T", 1e12],
    ["G", 1e9],
    ["M", 1e6],
  ] as const) {
    if (bps >= size) return `${bps / size}${unit}bps`;
  }
  return `${bps / 1e3}kbps`;
}

/** `80%` as 80. */
export function parsePercent(text: string): number | undefined {
  const percent = Number(/^(\d{1,3})%$/.exec(text)?.[1]);
  return percent >= 1 && percent <= 100 ? percent : undefined;
}

/** `127.0.0.1:9179` or `[::1]:9179`. */
export function parseEndpoint(text: string): { address: string; port: number } | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = found?.[1] ?? found?.[2] ?? "";
  const port = Number(found?.[3]);
  const octets = parseAddress(address);
  const isBracketed = found?.[1] !== undefined;
  if (octets === undefined || isBracketed !== (octets.length === 16) || port > 65535) {
    return undefined;
  }
  return { address, port };
}

/** A prefix of our own source text. */
export function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  assert(prefix !== undefined, `${text} is a prefix`);
  return prefix;
}

export const isLoopback = (address: string): boolean =>
  address.startsWith("127.") || parseAddress(address)?.join() === LOOPBACK6;

const LOOPBACK6 = "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1";
