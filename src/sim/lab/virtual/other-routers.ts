/**
 * The customer's routers beside the edge: on segments of its circuits, each with a cable of its own
 * to the data centre, which sends by the edge and is sent to by whichever router the cloud chose. A
 * drill looks at the edge's journal; of the sessions of these the cloud's journal tells.
 */
import { Agent } from "../../../agent/agent.ts";
import { startInlineBfdEngine } from "../../../agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../../agent/config/edge-config.ts";
import type { Host } from "../../../platform/contract.ts";
import type { VirtualHost } from "../../../platform/virtual/host.ts";
import type { World } from "../../../platform/virtual/world.ts";
import type { CustomerEnd } from "../../cloud/network.ts";
import { LAB_HOST } from "../../cloud/world.ts";
import type { Drill } from "../../drill/drill.ts";
import { withoutApi } from "../edge-faults.ts";

/** Its ends on the wire of a circuit. */
export function routerEnds(world: World, { routers = [] }: Drill, end: CustomerEnd) {
  return routers.flatMap(({ name, circuits }) =>
    circuits
      .filter((circuit) => circuit.name === end.circuit)
      .map(({ device, sessions }) => ({
        host: world.host(name),
        device,
        addresses: sessions.map(({ localAddress = "" }) => withMask(end, localAddress)),
      })),
  );
}

/** Names of the hosts that are the customer's on a circuit, beside the edge. */
export const routersOn = ({ routers = [] }: Drill, circuit: string): readonly string[] =>
  routers
    .filter(({ circuits }) => circuits.some(({ name }) => name === circuit))
    .map(({ name }) => name);

const withMask = ({ local, ipv6 }: CustomerEnd, address: string): string => {
  const own = address.includes(":") ? (ipv6?.local ?? "") : local;
  return `${address}/${own.split("/")[1]}`;
};

/** Hosts and cables to the data centre; circuits are plugged in with those of the edge. */
export function addRouters(world: World, { routers = [] }: Drill, idc: VirtualHost): void {
  for (const [index, router] of routers.entries()) {
    const host = world.addHost(router.name, LAB_HOST);
    const [own, other] = cableOf(index);
    world.link({
      between: [
        { host, device: IDC_DEVICE, addresses: own.map(({ text, mask }) => `${text}/${mask}`) },
        {
          host: idc,
          device: router.name,
          addresses: other.map(({ text, mask }) => `${text}/${mask}`),
        },
      ],
      latencyUs: CABLE_LATENCY_US,
    });
  }
}

/**
 * Why labs on a real clock cannot play the drill, in words that follow "cannot"; undefined where
 * they can: they have one machine for the customer.
 */
export function whyNoRouters({ routers = [] }: Drill): string | undefined {
  if (routers.length === 0) return undefined;
  const names = routers.map(({ name }) => name).join(" and ");
  return `add ${names}: routers beside the edge are of virtual time only`;
}

export class OtherRouters {
  readonly #all: ReadonlyMap<string, OtherRouter>;

  constructor(world: World, { routers = [] }: Drill) {
    this.#all = new Map(
      routers.map((config, index) => {
        return [config.name, new OtherRouter(world.host(config.name), config, index)];
      }),
    );
  }

  start(): void {
    for (const router of this.#all.values()) router.start();
  }

  powerOff(name: string): void {
    this.#all.get(name)?.powerOff();
  }

  powerOn(name: string): void {
    this.#all.get(name)?.powerOn();
  }

  stop(): void {
    for (const router of this.#all.values()) router.stop();
  }
}

class OtherRouter {
  readonly #machine: VirtualHost;
  readonly #config: EdgeConfig;
  readonly #index: number;
  #agent: Agent | undefined;
  #lives = 0;

  constructor(machine: VirtualHost, config: EdgeConfig, index: number) {
    this.#machine = machine;
    this.#config = withoutApi(config);
    this.#index = index;
  }

  start(): void {
    this.#boot(this.#machine);
  }

  powerOff(): void {
    this.#machine.powerOff();
    this.#agent = undefined;
  }

  powerOn(): void {
    this.#machine.powerOn();
    this.#lives += 1;
    this.#boot(this.#machine.spawn(`main-${this.#lives + 1}`).host);
  }

  stop(): void {
    this.#agent?.stop("drill ends", () => undefined);
  }

  #boot(host: Host): void {
    for (const { prefix } of this.#config.announce) {
      const to = cableOf(this.#index)[1].find(({ text }) => isIpv6(text) === isIpv6(prefix));
      const hops = to === undefined ? [] : [{ gateway: to.text, device: IDC_DEVICE }];
      this.#machine.addRoute({ prefix, hops });
    }
    const startBfd = startInlineBfdEngine(host);
    this.#agent = new Agent({ host, config: this.#config, startBfd });
    this.#agent.start();
  }
}

const IDC_DEVICE = "idc";
const CABLE_LATENCY_US = 200;

const isIpv6 = (text: string): boolean => text.includes(":");

interface CableEnd {
  readonly text: string;
  readonly mask: number;
}

/** The router's end and the data centre's, behind those of the edge. */
function cableOf(index: number): readonly [readonly CableEnd[], readonly CableEnd[]] {
  const first = (index + 1) * 4;
  const end = (host: number): readonly CableEnd[] => [
    { text: `10.254.0.${first + host}`, mask: 30 },
    { text: `fd00:10:254:${(index + 1).toString(16)}::${host}`, mask: 126 },
  ];
  return [end(1), end(2)];
}
