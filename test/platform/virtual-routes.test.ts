import fc from "fast-check";
import t from "tap";
import { Afi } from "../../src/core/address.ts";
import { containsAddress, type Prefix, parsePrefix } from "../../src/core/prefix.ts";
import type {
  Host,
  KernelRoute,
  RouteBatch,
  RouteGroup,
  RouteResult,
} from "../../src/platform/contract.ts";
import { wordsOf } from "../../src/platform/virtual/fib.ts";
import type { HostOptions } from "../../src/platform/virtual/host.ts";
import { PrefixMap } from "../../src/platform/virtual/prefix-map.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { at, MS, SEC } from "./topology.ts";

/** An edge with three circuits eth1…eth3 to vbr1…vbr3 on 10.0.i.0/30 and 2001:db8:i::/64. */
function edgeOf(options: HostOptions = {}) {
  const world = new World({ seed: 1 });
  const edge = world.addHost("edge", options);
  const circuits = [1, 2, 3].map((index) => {
    const vbr = world.addHost(`vbr${index}`);
    vbr.addLocalPrefix("172.16.0.0/12");
    vbr.addLocalPrefix("2001:db8:f::/48");
    return world.link({
      between: [
        {
          host: edge,
          device: `eth${index}`,
          addresses: [`10.0.${index}.1/30`, `2001:db8:${index}::1/64`],
        },
        {
          host: vbr,
          device: "port",
          addresses: [`10.0.${index}.2/30`, `2001:db8:${index}::2/64`],
        },
      ],
      latencyUs: 100,
    });
  });
  return { world, edge, circuits };
}

const group = (id: number, ...circuits: number[]): RouteGroup => ({
  id,
  afi: Afi.Ipv4,
  hops: circuits.map((index) => ({ gateway: `10.0.${index}.2`, device: `eth${index}`, weight: 1 })),
});

function batch(rows: readonly (readonly [prefix: string, group: number])[]): RouteBatch {
  const prefixes = rows.map(([prefix]) => parsed(prefix));
  const afi = prefixes[0]?.afi ?? Afi.Ipv4;
  const width = afi === Afi.Ipv4 ? 4 : 16;
  const addresses = new Uint8Array(rows.length * width);
  for (const [row, prefix] of prefixes.entries()) addresses.set(prefix.address, row * width);
  return {
    afi,
    count: rows.length,
    addresses,
    lengths: Uint8Array.from(prefixes, ({ length }) => length),
    groups: Uint32Array.from(rows, ([, id]) => id),
  };
}

/** Runs one request to its end. */
function ask<Answer>(world: World, request: (done: (answer: Answer) => void) => void): Answer {
  const answers: Answer[] = [];
  request((answer) => answers.push(answer));
  t.equal(answers.length, 0, "nothing is answered inside the call");
  world.run({ forUs: SEC });
  return at(answers, 0);
}

const setGroups = (world: World, host: Host, ...groups: RouteGroup[]): RouteResult =>
  ask(world, (done) => host.routes.setGroups(groups, done));
const apply = (world: World, host: Host, ...rows: [string, number][]): RouteResult =>
  ask(world, (done) => host.routes.apply(batch(rows), done));
const dump = (world: World, host: Host): readonly KernelRoute[] =>
  ask(world, (done) => host.routes.dump(done));
const wayTo = (host: Host, address: string) => host.routes.resolve(address)?.device;

t.test("groups move their routes at once; longest prefix wins; dump tells it all", async (t) => {
  const { world, edge } = edgeOf();
  t.match(setGroups(world, edge, group(1, 1, 2), group(2, 3)), { applied: 2, failures: [] });
  t.match(apply(world, edge, ["172.16.0.0/12", 1], ["172.20.0.0/16", 2]), { applied: 2 });
  t.same(edge.routes.resolve("172.20.1.1"), { device: "eth3", gateway: "10.0.3.2" });
  t.equal(wayTo(edge, "172.16.1.1"), "eth1");
  t.same(edge.routes.resolve("10.0.2.2"), { device: "eth2" }, "a connected route has no gateway");
  t.same(edge.routes.resolve("10.0.2.1"), { device: "lo" }, "an address of its own");
  t.equal(edge.routes.resolve("8.8.8.8"), undefined);
  t.same(dump(world, edge), [
    {
      prefix: "172.16.0.0/12",
      hops: [
        { gateway: "10.0.1.2", device: "eth1", weight: 1 },
        { gateway: "10.0.2.2", device: "eth2", weight: 1 },
      ],
      proto: 186,
    },
    {
      prefix: "172.20.0.0/16",
      hops: [{ gateway: "10.0.3.2", device: "eth3", weight: 1 }],
      proto: 186,
    },
  ]);
  setGroups(world, edge, group(1, 2));
  t.equal(wayTo(edge, "172.16.1.1"), "eth2", "the route moved with its group");
  apply(world, edge, ["172.20.0.0/16", 0]);
  t.equal(wayTo(edge, "172.20.1.1"), "eth2");
  t.match(apply(world, edge, ["172.20.0.0/16", 0]), { applied: 1, failures: [] }, "gone is gone");
  t.match(edge.routes.flush(), { applied: 1 });
  t.equal(dump(world, edge).length, 0);
  t.equal(wayTo(edge, "10.0.2.2"), "eth2", "others' routes are never touched");
});

t.test("refusals are Linux's", async (t) => {
  const { world, edge, circuits } = edgeOf();
  const refusalOf = (wanted: RouteGroup) => at(setGroups(world, edge, wanted).failures, 0).text;
  const hop = { gateway: "10.0.1.2", device: "eth1", weight: 1 };
  const of = (change: Partial<typeof hop>): RouteGroup => ({
    ...group(9),
    hops: [{ ...hop, ...change }],
  });
  t.match(refusalOf(of({ device: "eth9" })), "10.0.1.2 on eth9: Invalid device index");
  t.match(refusalOf(of({ gateway: "10.0.2.2" })), "Nexthop has invalid gateway");
  t.match(refusalOf(of({ gateway: "2001:db8:1::2" })), "Nexthop has invalid gateway");
  t.match(refusalOf(of({ weight: 0 })), "Invalid value for weight");
  at(circuits, 0).cut();
  t.match(refusalOf(of({})), "Carrier for nexthop device is down");
  edge.setAdmin("eth1", false);
  t.match(refusalOf(of({})), "Nexthop device is not up");
  const { failures, applied } = apply(world, edge, ["172.16.0.0/12", 7]);
  t.equal(applied, 0);
  const text = "Nexthop id does not exist";
  t.same(failures, [{ op: "route-add", subject: "172.16.0.0/12", errno: "EINVAL", text }]);
  const removed = ask<RouteResult>(world, (done) => edge.routes.removeGroups([7], done));
  t.match(removed, { applied: 1, failures: [] }, "gone is gone");
  const poor = edgeOf({ isPrivileged: false });
  t.match(setGroups(poor.world, poor.edge, group(1, 1)).failures, [{ errno: "EPERM" }]);
});

t.test("a group takes the hops that work, and one hop but once", async (t) => {
  const { world, edge, circuits } = edgeOf();
  at(circuits, 0).cut();
  t.match(setGroups(world, edge, group(1, 1, 2, 3, 2)), {
    applied: 0,
    failures: [{ op: "group-set", subject: "group 1", errno: "ENETDOWN" }],
  });
  apply(world, edge, ["172.16.0.0/16", 1]);
  t.match(dump(world, edge)[0]?.hops, [
    { device: "eth2", weight: 2 },
    { device: "eth3", weight: 1 },
  ]);
  at(circuits, 0).repair();
  world.run({ forUs: SEC });
  t.equal(dump(world, edge)[0]?.hops.length, 3, "the first joins when its interface is back");
});

t.test("lost carrier: hops leave their groups, the last one takes the routes along", async (t) => {
  const { world, edge, circuits } = edgeOf();
  setGroups(world, edge, group(1, 1, 2), group(2, 1), group(3, 3));
  apply(world, edge, ["172.16.0.0/16", 1], ["172.17.0.0/16", 2], ["172.18.0.0/16", 3]);
  apply(world, edge, ["172.0.0.0/8", 3]);
  at(circuits, 0).cut();
  t.equal(wayTo(edge, "172.16.1.1"), "eth2", "the other member carries");
  t.equal(wayTo(edge, "172.17.1.1"), "eth3", "nothing is left of it but a shorter prefix");
  t.equal(wayTo(edge, "172.18.1.1"), "eth3", "an unrelated circuit is untouched");
  t.equal(wayTo(edge, "10.0.1.2"), "eth1", "the connected route stays and leads nowhere");
  t.equal(apply(world, edge, ["172.19.0.0/16", 2]).failures.length, 1, "the group is gone too");
  at(circuits, 0).repair();
  t.equal(wayTo(edge, "172.17.1.1"), "eth3", "the kernel brings nothing back");
  world.run({ forUs: SEC });
  t.equal(wayTo(edge, "172.17.1.1"), "eth1", "the process that wrote it does");
  t.equal(dump(world, edge).find(({ prefix }) => prefix === "172.16.0.0/16")?.hops.length, 2);
  at(circuits, 0).cut();
  const left = dump(world, edge).map(({ prefix }) => prefix);
  t.same(left, ["172.0.0.0/8", "172.16.0.0/16", "172.18.0.0/16"]);
  at(circuits, 0).repair();
  world.run({ forUs: SEC });
  t.equal(wayTo(edge, "172.17.1.1"), "eth3", "unless it has seen since that it was gone");
  t.equal(apply(world, edge, ["172.17.0.0/16", 2]).applied, 1, "its group works again");
  edge.process.kill();
  at(circuits, 0).cut();
  at(circuits, 0).repair();
  world.run({ forUs: SEC });
  t.equal(wayTo(edge, "172.17.1.1"), "eth3", "and unless it is dead");
});

t.test(
  "admin down takes connected and static routes as well; the connected come back",
  async (t) => {
    const { edge } = edgeOf();
    edge.addRoute({ prefix: "192.168.0.0/16", hops: [{ gateway: "10.0.3.2", device: "eth3" }] });
    t.equal(wayTo(edge, "192.168.1.1"), "eth3");
    edge.setAdmin("eth3", false);
    t.equal(wayTo(edge, "10.0.3.2"), undefined);
    edge.setAdmin("eth3", true);
    t.equal(wayTo(edge, "10.0.3.2"), "eth3");
    t.equal(wayTo(edge, "192.168.1.1"), undefined, "an administrator's route does not");
  },
);

t.test("a silent cut changes no table", async (t) => {
  const { world, edge, circuits } = edgeOf();
  setGroups(world, edge, group(1, 1));
  apply(world, edge, ["172.16.0.0/16", 1]);
  at(circuits, 0).cut({ carrier: "unseen" });
  const flow = { host: "edge", source: "10.0.1.1", destination: "172.16.0.1" };
  t.match(world.forward(flow), { outcome: "cut", host: "edge" });
  setGroups(world, edge, group(1, 2));
  t.match(world.forward(flow), { outcome: "delivered", host: "vbr2" });
});

t.test("requests take their time and wait their turn; groups overtake them", async (t) => {
  const { world, edge } = edgeOf({ routeCosts: { callUs: 1_000, routeUs: 10 } });
  const done: [string, number, number][] = [];
  const note = (name: string) => (result: RouteResult) =>
    done.push([name, world.now, result.tookUs]);
  edge.routes.setGroups([group(1, 1)], note("groups"));
  const rows = Array.from({ length: 5_000 }, (_, index): [string, number] => [
    `172.${16 + (index >> 8)}.${index & 255}.0/24`,
    1,
  ]);
  const columns = batch(rows);
  edge.routes.apply(columns, note("routes"));
  columns.groups.fill(0);
  edge.routes.removeGroups([1], note("removed"));
  world.run({ untilUs: 10_000 });
  edge.routes.setGroups([group(1, 2)], note("groups again"));
  t.equal(wayTo(edge, "172.16.1.1"), undefined, "not yet");
  world.run({ untilUs: 42_000 });
  t.equal(wayTo(edge, "172.16.1.1"), "eth2", "the first slice; columns are taken at the call");
  t.equal(wayTo(edge, "172.35.1.1"), undefined, "the second comes later");
  world.run({ untilUs: SEC });
  t.same(done, [
    ["groups", 1_000, 1_000],
    ["groups again", 11_000, 1_000],
    ["routes", 51_000, 51_000],
    ["removed", 52_000, 52_000],
  ]);
  t.equal(wayTo(edge, "172.35.1.1"), "eth2", "a group set again is not removed");
});

t.test("a frozen process does not go on; a killed one leaves half of it", async (t) => {
  const { world, edge } = edgeOf();
  let isDone = false;
  const finish = () => {
    isDone = true;
  };
  setGroups(world, edge, group(1, 1));
  edge.process.freeze();
  edge.routes.apply(batch([["172.16.1.0/24", 1]]), finish);
  world.run({ forUs: SEC });
  t.equal(wayTo(edge, "172.16.1.1"), undefined);
  edge.process.thaw();
  world.run({ forUs: SEC });
  t.equal(wayTo(edge, "172.16.1.1"), "eth1");
  t.ok(isDone);
  isDone = false;
  const rows = Array.from({ length: 9_000 }, (_, index): [string, number] => [
    `172.${20 + (index >> 8)}.${index & 255}.0/24`,
    1,
  ]);
  edge.routes.apply(batch(rows), finish);
  world.run({ forUs: 9_000 });
  edge.process.kill();
  world.run({ forUs: SEC });
  t.notOk(isDone);
  const after = edge.spawn("after");
  t.equal(dump(world, after.host).length, 1 + 4_096, "the next one finds them, to adopt");
  setGroups(world, after.host, group(1, 3));
  t.equal(wayTo(after.host, "172.20.1.1"), "eth1", "by the group of the run before, as on Linux");
  after.host.routes.apply(batch([["172.20.1.0/24", 1]]), finish);
  world.run({ forUs: SEC });
  t.equal(wayTo(after.host, "172.20.1.1"), "eth3");
});

t.test("injected errors hit what they name", async (t) => {
  const { world, edge } = edgeOf();
  setGroups(world, edge, group(1, 1));
  const fault = edge.addRouteFault((op, subject) =>
    op === "route-add" && subject === "172.17.0.0/16"
      ? { errno: "ENOMEM", text: "out of memory" }
      : undefined,
  );
  const rows: [string, number][] = [
    ["172.16.0.0/16", 1],
    ["172.17.0.0/16", 1],
  ];
  t.match(apply(world, edge, ...rows), {
    applied: 1,
    failures: [{ subject: "172.17.0.0/16", errno: "ENOMEM" }],
  });
  fault.remove();
  t.match(apply(world, edge, ...rows), { applied: 2 });
});

/** How many of many flows leave by each circuit. */
function spread(world: World, flows: number, ports: boolean): number[] {
  const counts = [0, 0, 0];
  for (let index = 0; index < flows; index += 1) {
    const walk = world.forward({
      host: "edge",
      source: "10.0.1.1",
      destination: `172.16.${ports ? 0 : index >> 8}.${ports ? 1 : index & 255}`,
      sourcePort: 1_024 + index,
      destinationPort: 80,
    });
    const circuit = Number(walk.host.slice(3)) - 1;
    counts[circuit] = at(counts, circuit) + 1;
  }
  return counts;
}

t.test(
  "ECMP spreads flows by weight, keeps a flow where it is, and hashes what it is told",
  async (t) => {
    const { world, edge } = edgeOf();
    setGroups(world, edge, group(1, 1, 2));
    apply(world, edge, ["172.16.0.0/12", 1]);
    const even = spread(world, 2_000, false);
    t.ok(at(even, 0) > 850 && at(even, 1) > 850, `half each: ${even}`);
    t.same(spread(world, 2_000, false), even, "again the same");
    const alike = spread(world, 500, true);
    t.ok(alike.includes(500), "addresses alone decide by default");
    edge.hashPolicy = "l4";
    const byPort = spread(world, 2_000, true);
    t.ok(at(byPort, 0) > 850 && at(byPort, 1) > 850, `with ports: ${byPort}`);
    const weighted = group(1, 1, 2);
    const hops = weighted.hops.map((hop, index) => ({ ...hop, weight: index === 0 ? 3 : 1 }));
    setGroups(world, edge, { ...weighted, hops });
    const skewed = spread(world, 2_000, true);
    t.ok(at(skewed, 0) > 1_400 && at(skewed, 0) < 1_600, `three to one: ${skewed}`);
  },
);

t.test("packets and walks take the same way", async (t) => {
  const { world, edge } = edgeOf({ hashPolicy: "l4" });
  setGroups(world, edge, group(1, 1, 2, 3));
  apply(world, edge, ["172.16.0.0/12", 1]);
  const arrivals: string[] = [];
  for (const name of ["vbr1", "vbr2", "vbr3"]) {
    const options = { localAddress: "0.0.0.0", port: 7, ttl: 64 };
    world.host(name).udp.open(options, () => arrivals.push(name));
  }
  const predicted: string[] = [];
  for (let index = 0; index < 50; index += 1) {
    const address = `172.16.0.${index + 1}`;
    const socket = edge.udp.open({ localAddress: "10.0.1.1", port: 0, ttl: 64 }, () => undefined);
    socket.send(Uint8Array.of(1), address, 7);
    const flow = { host: "edge", source: "10.0.1.1", destination: address };
    predicted.push(world.forward({ ...flow, sourcePort: socket.port, destinationPort: 7 }).host);
    world.run({ forUs: MS });
  }
  t.same(arrivals, predicted);
  t.equal(new Set(predicted).size, 3);
});

t.test("IPv6 routes", async (t) => {
  const { world, edge } = edgeOf();
  const hops = [{ gateway: "2001:db8:2::2", device: "eth2", weight: 1 }];
  t.match(setGroups(world, edge, { id: 1, afi: Afi.Ipv6, hops }), { applied: 1 });
  t.match(apply(world, edge, ["2001:db8:f::/48", 1]), { applied: 1 });
  t.same(edge.routes.resolve("2001:db8:f:1::1"), { device: "eth2", gateway: "2001:db8:2::2" });
  t.equal(edge.routes.resolve("2001:db8:e::1"), undefined);
  const flow = { host: "edge", source: "2001:db8:2::1", destination: "2001:db8:f:9::9" };
  t.match(world.forward(flow), { outcome: "delivered", host: "vbr2" });
  t.match(dump(world, edge), [{ prefix: "2001:db8:f::/48" }]);
  t.match(apply(world, edge, ["172.16.0.0/12", 1]).failures, [{ errno: "EINVAL" }], "family");
});

t.test("longest-prefix match agrees with a list", async (t) => {
  const octet = fc.constantFrom(0, 1, 2, 127, 128, 255);
  const v4 = fc.array(octet, { minLength: 4, maxLength: 4 }).map((all) => Uint8Array.from(all));
  const v6 = fc.array(octet, { minLength: 16, maxLength: 16 }).map((all) => Uint8Array.from(all));
  const change = (address: fc.Arbitrary<Uint8Array>, bits: number) =>
    fc.record({ address, length: fc.nat({ max: bits }), isRemoval: fc.boolean() });
  for (const [afi, address, bits] of [
    [Afi.Ipv4, v4, 32],
    [Afi.Ipv6, v6, 128],
  ] as const) {
    fc.assert(
      fc.property(
        fc.array(change(address, bits), { maxLength: 40 }),
        fc.array(address, { maxLength: 10 }),
        (changes, addresses) => {
          const map = new PrefixMap<number>(afi);
          const list = new Map<string, { prefix: Prefix; value: number }>();
          for (const [value, { address, length, isRemoval }] of changes.entries()) {
            const prefix = prefixAround(address, length);
            const key = `${prefix.address}/${length}`;
            if (isRemoval) {
              t.equal(map.delete(wordsOf(address), length), list.delete(key));
            } else {
              map.set(wordsOf(address), length, value);
              list.set(key, { prefix, value });
            }
          }
          t.equal(map.size, list.size);
          const visited = new Map<string, number>();
          map.forEach((octets, length, value) => {
            visited.set(`${octets}/${length}`, value);
          });
          t.same(visited, new Map([...list].map(([key, { value }]) => [key, value])));
          for (const probe of [...addresses, ...changes.map(({ address }) => address)]) {
            const best = [...list.values()]
              .filter(({ prefix }) => containsAddress(prefix, probe))
              .sort((a, b) => b.prefix.length - a.prefix.length)[0];
            t.equal(
              map.longest(wordsOf(probe), () => true),
              best?.value,
            );
            t.equal(map.matchedLength, best?.prefix.length ?? -1);
          }
        },
      ),
      { numRuns: 60 },
    );
  }
});

function prefixAround(address: Uint8Array, length: number): Prefix {
  const masked = address.map((octet, index) => {
    const bits = Math.min(8, Math.max(0, length - index * 8));
    return octet & (0xff00 >> bits) & 0xff;
  });
  return { afi: address.length === 4 ? Afi.Ipv4 : Afi.Ipv6, address: masked, length };
}

function parsed(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(text);
  return prefix;
}
