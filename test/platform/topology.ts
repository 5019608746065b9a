import type { Host, TcpConnection, TcpHandler, UdpDatagram } from "../../src/platform/contract.ts";
import type { VirtualHost } from "../../src/platform/virtual/host.ts";
import type { VirtualLink } from "../../src/platform/virtual/link.ts";
import { type LinkOptions, World } from "../../src/platform/virtual/world.ts";

export const MS = 1_000;
export const SEC = 1_000_000;

export type Shape = Partial<Omit<LinkOptions, "between" | "name">>;

export interface Pair {
  readonly world: World;
  readonly a: VirtualHost;
  readonly b: VirtualHost;
  readonly link: VirtualLink;
}

/** `a` 10.0.0.1/30 and 2001:db8::1/64 — `b` 10.0.0.2/30 and 2001:db8::2/64. */
export function pair(shape: Shape = {}, seed = 1): Pair {
  const world = new World({ seed });
  const a = world.addHost("a");
  const b = world.addHost("b");
  const link = world.link({
    between: [
      { host: a, device: "eth0", addresses: ["10.0.0.1/30", "2001:db8::1/64"] },
      { host: b, device: "eth0", addresses: ["10.0.0.2/30", "2001:db8::2/64"] },
    ],
    ...shape,
  });
  return { world, a, b, link };
}

/**
 * Routers in a row, r0 … r(n−1), on 10.0.i.0/30 between ri and r(i+1); each knows the whole row.
 * The ends own 172.16.0.1 and 172.16.0.2.
 */
export function row(count: number, shape: Shape = {}): { world: World; routers: VirtualHost[] } {
  const world = new World({ seed: 1 });
  const routers = Array.from({ length: count }, (_, index) => world.addHost(`r${index}`));
  for (let index = 0; index + 1 < count; index += 1) {
    world.link({
      between: [
        { host: at(routers, index), device: "right", addresses: [`10.0.${index}.1/30`] },
        { host: at(routers, index + 1), device: "left", addresses: [`10.0.${index}.2/30`] },
      ],
      latencyUs: MS,
      ...shape,
    });
  }
  at(routers, 0).addInterface("lan", { addresses: ["172.16.0.1/32"] });
  at(routers, count - 1).addInterface("lan", { addresses: ["172.16.0.2/32"] });
  for (const [index, router] of routers.entries()) {
    const right = { gateway: `10.0.${index}.2`, device: "right" };
    const left = { gateway: `10.0.${index - 1}.1`, device: "left" };
    if (index + 1 < count) router.addRoute({ prefix: "172.16.0.2/32", hops: [right] });
    if (index > 0) router.addRoute({ prefix: "172.16.0.1/32", hops: [left] });
  }
  return { world, routers };
}

/** Listens for datagrams and keeps a copy of each, with when it came. */
export function udpSink(world: World, host: Host, localAddress: string, port: number) {
  const got: { at: number; octets: Uint8Array; datagram: UdpDatagram }[] = [];
  host.udp.open({ localAddress, port, ttl: 64 }, (datagram) => {
    got.push({ at: world.now, octets: datagram.octets.slice(), datagram });
  });
  return got;
}

/** A handler that records; `received` grows by copies. */
export class Ear implements TcpHandler {
  readonly events: string[] = [];
  received: number[] = [];
  cause: string | undefined;
  connection: TcpConnection | undefined;
  /** Called with every piece of data. */
  heard: ((octets: Uint8Array) => void) | undefined;

  connected(): void {
    this.events.push("connected");
  }

  data(octets: Uint8Array): void {
    for (const octet of octets) this.received.push(octet);
    this.heard?.(octets);
  }

  progress(queuedOctets: number): void {
    this.events.push(`progress ${queuedOctets}`);
  }

  closed(cause: { readonly kind: string }): void {
    this.cause = cause.kind;
    this.events.push("closed");
  }
}

/** A listener on 179 that accepts everything; the ears in the order of acceptance. */
export function listen(host: Host, localAddress: string, options: { minTtl?: number } = {}): Ear[] {
  const ears: Ear[] = [];
  host.tcp.listen({ localAddress, port: 179, ...options }, (connection) => {
    const ear = new Ear();
    ear.connection = connection;
    ears.push(ear);
    return ear;
  });
  return ears;
}

export function connect(host: Host, remoteAddress: string, md5Key?: string): Ear {
  const ear = new Ear();
  const options = { remoteAddress, remotePort: 179, ...(md5Key === undefined ? {} : { md5Key }) };
  ear.connection = host.tcp.connect(options, ear);
  return ear;
}

export function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`there is an item ${index}`);
  return item;
}
