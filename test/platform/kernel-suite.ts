import type { Test } from "tap";
import { Afi } from "../../src/core/address.ts";
import { AppError } from "../../src/core/app-error.ts";
import { parsePrefix } from "../../src/core/prefix.ts";
import type { Host, KernelRoute, LinkState, RouteResult } from "../../src/platform/contract.ts";

/**
 * A host with two cables, as the suite needs it: `wire` on 10.99.0.1/30 to 10.99.0.2, `spare` on
 * 10.99.1.1/30 to 10.99.1.2; IPv6 fd99:N::1/64 likewise. Real ones need a network namespace.
 */
export interface KernelHost {
  readonly host: Host;
  /** Switches the far end of a cable on or off: the host sees its carrier come and go. */
  setFarEnd(device: "wire" | "spare", isUp: boolean): void;
  /** `ip link set … up` or `down` on the host itself. */
  setAdmin(device: string, isUp: boolean): void;
  until(predicate: () => boolean): Promise<boolean>;
  pass(durationUs: number): Promise<void>;
}

/** What the virtual kernel promises of interfaces and routes, the real one must do. */
export function kernelSuite(t: Test, name: string, open: (t: Test) => KernelHost): void {
  for (const [title, check] of CASES) {
    t.test(`${name}: ${title}`, async (t) => {
      await check(t, new Probe(open(t)));
    });
  }
}

type Case = (t: Test, probe: Probe) => Promise<void>;

const resolving: Case = async (t, { kernel }) => {
  const { routes } = kernel.host;
  t.same(routes.resolve("10.99.1.2"), { device: "spare" }, "a neighbour needs no gateway");
  t.same(routes.resolve("fd99:0::2"), { device: "wire" });
  t.equal(routes.resolve("198.51.100.1"), undefined);
  t.equal(routes.resolve("10.99.0.1")?.device, "lo", "an address of its own");
};

const groupsAndRoutes: Case = async (t, probe) => {
  t.match(await probe.setGroup(1, "wire", "spare"), { applied: 1, failures: [] });
  t.match(await probe.setGroup(2, "spare"), { applied: 1 });
  t.match(await probe.apply({ "10.1.0.0/16": 1, "10.1.2.0/24": 2 }), { applied: 2, failures: [] });
  t.same(await probe.table(), { "10.1.0.0/16": "spare 1, wire 1", "10.1.2.0/24": "spare 1" });
  t.same(probe.kernel.host.routes.resolve("10.1.2.3"), { device: "spare", gateway: "10.99.1.2" });
  await probe.setGroup(2, "wire");
  t.equal(probe.way("10.1.2.3"), "wire", "a replaced group moves its routes at once");
  t.match(await probe.apply({ "10.1.2.0/24": 0 }), { applied: 1, failures: [] });
  t.match(await probe.apply({ "10.1.2.0/24": 0 }), { applied: 1, failures: [] }, "gone is gone");
  t.match(await probe.removeGroup(2), { applied: 1, failures: [] });
  t.match(await probe.removeGroup(2), { applied: 1, failures: [] }, "gone is gone");
  t.equal((await probe.apply({ "10.1.2.0/24": 2 })).failures.length, 1, "no route to no group");
  probe.kernel.host.routes.flush();
  t.same(await probe.table(), {});
  t.equal(probe.way("10.1.0.1"), undefined);
};

const weights: Case = async (t, probe) => {
  const hops = [
    { gateway: "10.99.0.2", device: "wire", weight: 3 },
    { gateway: "10.99.1.2", device: "spare", weight: 1 },
    { gateway: "10.99.1.2", device: "spare", weight: 1 },
  ];
  t.match(await probe.define(1, hops), { applied: 1, failures: [] });
  await probe.apply({ "10.1.0.0/16": 1 });
  t.same(await probe.table(), { "10.1.0.0/16": "spare 2, wire 3" }, "equal hops become one");
};

const refusals: Case = async (t, probe) => {
  const refusalOf = async (gateway: string, device: string) => {
    const { failures, applied } = await probe.define(1, [{ gateway, device, weight: 1 }]);
    t.equal(applied, 0);
    return failures[0];
  };
  t.match(await refusalOf("10.99.0.2", "nowhere"), { subject: "group 1", errno: "ENODEV" });
  t.match(await refusalOf("203.0.113.1", "wire"), { errno: /^E(INVAL|NETUNREACH|HOSTUNREACH)$/ });
  probe.kernel.setFarEnd("wire", false);
  await probe.settled("wire", (state) => !state.hasCarrier);
  t.match(await refusalOf("10.99.0.2", "wire"), { errno: "ENETDOWN" });
  t.match(await probe.setGroup(1, "wire", "spare"), {
    applied: 0,
    failures: [{ op: "group-set", subject: "group 1", errno: "ENETDOWN" }],
  });
  t.match(await probe.apply({ "10.1.0.0/16": 1 }), { applied: 1 }, "the hop that works is in use");
  t.same(await probe.table(), { "10.1.0.0/16": "spare 1" });
};

const lostCarrier: Case = async (t, probe) => {
  await probe.setGroup(1, "wire", "spare");
  await probe.setGroup(2, "wire");
  await probe.apply({ "10.1.0.0/16": 1, "10.2.0.0/16": 2, "10.0.0.0/8": 1 });
  probe.kernel.setFarEnd("wire", false);
  await probe.settled("wire", (state) => !state.hasCarrier);
  t.equal(probe.way("10.1.0.1"), "spare");
  t.equal(probe.way("10.2.0.1"), "spare", "what lost its last hop is gone: the shorter prefix");
  t.equal(probe.way("10.99.0.2"), "wire", "the connected route stays");
  probe.kernel.setFarEnd("wire", true);
  const isHealed = () => probe.way("10.2.0.1") === "wire";
  t.ok(await probe.kernel.until(isHealed), "put right when the interface is back");
  const healed = { "10.1.0.0/16": "spare 1, wire 1", "10.2.0.0/16": "wire 1" };
  t.same(await probe.table(), { ...healed, "10.0.0.0/8": "spare 1, wire 1" });
};

/** The host's process has no part in it: routes stay, and their group falls back by itself. */
const spareHop: Case = async (t, probe) => {
  const wire = { gateway: "10.99.0.2", device: "wire", weight: 1 };
  const spare = { gateway: "10.99.1.2", device: "spare", weight: 1 };
  t.match(await probe.define(1, [wire], Afi.Ipv4, [spare]), { applied: 1, failures: [] });
  await probe.apply({ "10.2.0.0/16": 1 });
  t.same(await probe.table(), { "10.2.0.0/16": "wire 1" }, "it carries nothing");
  for (const last of [1, 32, 77, 200]) t.equal(probe.way(`10.2.0.${last}`), "wire");
  for (const round of ["once", "and again"]) {
    probe.kernel.setFarEnd("wire", false);
    await probe.settled("wire", (state) => !state.hasCarrier);
    t.equal(probe.way("10.2.0.1"), "spare", `until there is nothing else, ${round}`);
    t.same(await probe.table(), { "10.2.0.0/16": "spare 1" });
    probe.kernel.setFarEnd("wire", true);
    t.ok(await probe.kernel.until(() => probe.way("10.2.0.1") === "wire"), "and gives it back");
    t.same(await probe.table(), { "10.2.0.0/16": "wire 1" });
  }
  t.match(await probe.define(1, [spare], Afi.Ipv4, []), { applied: 1, failures: [] });
  t.same(await probe.table(), { "10.2.0.0/16": "spare 1" }, "the owner has the last word");
  t.match(await probe.define(1, [wire, spare], Afi.Ipv4, []), { applied: 1, failures: [] });
  t.same(await probe.table(), { "10.2.0.0/16": "spare 1, wire 1" });

  t.match(await probe.define(2, [wire], Afi.Ipv4), { applied: 1 });
  await probe.apply({ "10.3.0.0/16": 2 });
  t.match(await probe.define(2, [wire], Afi.Ipv4, [spare]), { applied: 1, failures: [] });
  t.match(await probe.table(), { "10.3.0.0/16": "wire 1" }, "a group of the other kind has none");
};

const adminDown: Case = async (t, probe) => {
  await probe.setGroup(1, "wire", "spare");
  await probe.setGroup(2, "spare");
  await probe.apply({ "10.1.0.0/16": 1, "10.2.0.0/16": 2 });
  probe.kernel.setAdmin("spare", false);
  await probe.settled("spare", (state) => !state.isAdminUp);
  t.equal(probe.way("10.1.0.1"), "wire");
  t.equal(probe.way("10.2.0.1"), undefined);
  t.equal(probe.way("10.99.1.2"), undefined, "the connected route goes as well");
  const gone = await probe.table();
  t.same(gone, { "10.1.0.0/16": "wire 1" });
  probe.kernel.setAdmin("spare", true);
  await probe.settled("spare", (state) => state.hasCarrier);
  t.equal(probe.way("10.99.1.2"), "spare", "and comes back");
  const { addresses = [] } = probe.kernel.host.links.state("spare") ?? {};
  t.ok(addresses.includes("10.99.1.1/30"), "IPv4 addresses stay on what is down");
  t.notOk(addresses.includes("fd99:1::1/64"), "IPv6 addresses do not");
  const isWhole = async () => (await probe.table())["10.1.0.0/16"] === "spare 1, wire 1";
  await probe.kernel.pass(100_000);
  t.ok(await isWhole(), "the group is whole again");
  t.equal(probe.way("10.2.0.1"), undefined, "a route that was seen to be gone is not written");
  await probe.apply({ "10.2.0.0/16": 2 });
  t.equal(probe.way("10.2.0.1"), "spare");
};

const bothFamilies: Case = async (t, probe) => {
  await probe.setGroup(1, "wire");
  await probe.apply({ "10.1.0.0/16": 1 });
  const ipv6 = [{ gateway: "fd99:0::2", device: "wire", weight: 1 }];
  await probe.define(3, ipv6, Afi.Ipv6);
  t.match(await probe.apply({ "2001:db8::/32": 3 }), { applied: 1, failures: [] });
  t.same(await probe.table(), { "10.1.0.0/16": "wire 1", "2001:db8::/32": "wire 1" });
  t.equal(probe.way("2001:db8::1"), "wire");
};

const watching: Case = async (t, probe) => {
  const { links } = probe.kernel.host;
  const news: string[] = [];
  const watch = links.watch((device, state) => {
    if (device === "spare") news.push(`${state?.isAdminUp} ${state?.hasCarrier}`);
  });
  t.match(links.state("spare"), { isAdminUp: true, hasCarrier: true, mtu: 1500 });
  t.ok(links.state("spare")?.addresses.includes("10.99.1.1/30"));
  t.equal(links.state("nowhere"), undefined);
  t.ok(links.all().some(({ device }) => device === "lo"));
  probe.kernel.setFarEnd("spare", false);
  t.ok(await probe.kernel.until(() => news.at(-1) === "true false"), "carrier lost");
  t.match(links.state("spare"), { isAdminUp: true, hasCarrier: false });
  probe.kernel.setFarEnd("spare", true);
  t.ok(await probe.kernel.until(() => news.at(-1) === "true true"), "carrier back");
  probe.kernel.setAdmin("spare", false);
  t.ok(await probe.kernel.until(() => news.at(-1) === "false false"), "taken down");
  watch.close();
  const { length } = news;
  probe.kernel.setAdmin("spare", true);
  await probe.settled("spare", (state) => state.hasCarrier);
  t.equal(news.length, length, "a closed watch hears nothing");
};

const vlans: Case = async (t, probe) => {
  const { links } = probe.kernel.host;
  const options = { device: "wire.7", parent: "wire", vlanId: 7, addresses: ["10.99.7.1/30"] };
  const codeOf = (changes: Partial<typeof options> & { readonly mtu?: number }) => {
    try {
      links.ensureVlan({ ...options, ...changes });
      return undefined;
    } catch (error) {
      return error instanceof AppError ? error.code : String(error);
    }
  };
  const first = codeOf({});
  if (first === "PLATFORM_VLAN_UNSUPPORTED") {
    t.comment("this kernel has no 802.1Q");
    return;
  }
  t.equal(first, undefined);
  const state = links.state("wire.7");
  t.match(state, { isAdminUp: true, hasCarrier: true, addresses: ["10.99.7.1/30"] });
  t.equal(links.ensureVlan(options).index, state?.index, "what is as asked is adopted");
  t.equal(probe.way("10.99.7.2"), "wire.7");
  t.equal(codeOf({ vlanId: 8 }), "PLATFORM_LINK_CONFLICT");
  t.equal(codeOf({ device: "wire.9", parent: "nowhere" }), "PLATFORM_LINK_UNKNOWN");
  probe.kernel.setFarEnd("wire", false);
  await probe.settled("wire.7", (vlan) => !vlan.hasCarrier);
  t.equal(links.state("wire.7")?.hasCarrier, false, "the carrier is the parent's");
};

const CASES: readonly (readonly [string, Case])[] = [
  ["next hops resolve", resolving],
  ["groups and their routes", groupsAndRoutes],
  ["weights", weights],
  ["refusals", refusals],
  ["lost carrier, and back", lostCarrier],
  ["a spare hop takes over", spareHop],
  ["admin down, and up", adminDown],
  ["both families", bothFamilies],
  ["links are watched", watching],
  ["VLANs", vlans],
];

type Hop = { readonly gateway: string; readonly device: string; readonly weight: number };

/** Calls of `Routes` as promises that let time pass until they are answered. */
class Probe {
  readonly kernel: KernelHost;

  constructor(kernel: KernelHost) {
    this.kernel = kernel;
  }

  setGroup(id: number, ...devices: ("wire" | "spare")[]): Promise<RouteResult> {
    const gateways = { wire: "10.99.0.2", spare: "10.99.1.2" };
    const hops = devices.map((device) => ({ gateway: gateways[device], device, weight: 1 }));
    return this.define(id, hops);
  }

  define(
    id: number,
    hops: readonly Hop[],
    afi: Afi = Afi.Ipv4,
    spare?: readonly Hop[],
  ): Promise<RouteResult> {
    const group = { id, afi, hops, ...(spare && { spare }) };
    return this.#ask((done) => this.kernel.host.routes.setGroups([group], done));
  }

  removeGroup(id: number): Promise<RouteResult> {
    return this.#ask((done) => this.kernel.host.routes.removeGroups([id], done));
  }

  apply(rows: Readonly<Record<string, number>>): Promise<RouteResult> {
    const prefixes = Object.keys(rows).map((text) => parsePrefix(text));
    const afi = prefixes[0]?.afi ?? Afi.Ipv4;
    const width = afi === Afi.Ipv4 ? 4 : 16;
    const addresses = new Uint8Array(prefixes.length * width);
    for (const [row, prefix] of prefixes.entries()) {
      if (prefix !== undefined) addresses.set(prefix.address, row * width);
    }
    const lengths = Uint8Array.from(prefixes, (prefix) => prefix?.length ?? 0);
    const groups = Uint32Array.from(Object.values(rows));
    const batch = { afi, count: prefixes.length, addresses, lengths, groups };
    return this.#ask((done) => this.kernel.host.routes.apply(batch, done));
  }

  /** Prefix → `device weight`, sorted: the kernel's own table of ours. */
  async table(): Promise<Record<string, string>> {
    const routes = await this.#ask<readonly KernelRoute[]>((done) =>
      this.kernel.host.routes.dump(done),
    );
    const rows = routes.map(({ prefix, hops }) => {
      const words = hops.map(({ device, weight }) => `${device} ${weight}`).sort();
      return [prefix, words.join(", ")] as const;
    });
    return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  way(address: string): string | undefined {
    return this.kernel.host.routes.resolve(address)?.device;
  }

  /** Waits until an interface is as described. */
  async settled(device: string, isSo: (state: LinkState) => boolean): Promise<void> {
    await this.kernel.until(() => {
      const state = this.kernel.host.links.state(device);
      return state !== undefined && isSo(state);
    });
  }

  async #ask<Answer>(request: (done: (answer: Answer) => void) => void): Promise<Answer> {
    const answers: Answer[] = [];
    request((answer) => answers.push(answer));
    if (!(await this.kernel.until(() => answers.length > 0))) throw new Error("no answer came");
    const [answer] = answers;
    if (answer === undefined) throw new Error("the answer is empty");
    return answer;
  }
}
