import { readFileSync } from "node:fs";
import t, { type Test } from "tap";
import { type Afi, afiOf, parseAddress } from "../../src/core/address.ts";
import { parsePrefix } from "../../src/core/prefix.ts";
import type {
  KernelRoute,
  RouteBatch,
  RouteGroup,
  RouteResult,
  Routes,
} from "../../src/platform/contract.ts";
import { createGroupMover } from "../../src/platform/linux/group-mover.ts";
import type { LinuxHost, LinuxHostOptions } from "../../src/platform/linux/host.ts";
import { skipWithoutNetns as skip, sleep, TwinNetns, until } from "../support/netns.ts";

const KERNEL = { kind: "kernel", table: 254, proto: 202, metric: 20 } as const;

/** Calls of `Routes` as promises. */
class Fib {
  readonly routes: Routes;

  constructor(host: LinuxHost) {
    this.routes = host.routes;
  }

  set(id: number, ...hops: string[]): Promise<RouteResult> {
    return new Promise((done) => this.routes.setGroups([group(id, ...hops)], done));
  }

  remove(...ids: number[]): Promise<RouteResult> {
    return new Promise((done) => this.routes.removeGroups(ids, done));
  }

  apply(rows: Readonly<Record<string, number>>): Promise<RouteResult> {
    return new Promise((done) => this.routes.apply(batch(rows), done));
  }

  dump(): Promise<readonly KernelRoute[]> {
    return new Promise((done) => this.routes.dump(done));
  }
}

/** Hops are written `gateway device [weight]`. */
function group(id: number, ...hops: string[]): RouteGroup {
  const parsed = hops.map((text) => {
    const [gateway = "", device = "", weight = "1"] = text.split(" ");
    return { gateway, device, weight: Number(weight) };
  });
  const octets = parseAddress(parsed[0]?.gateway ?? "") ?? new Uint8Array(4);
  return { id, afi: afiOf(octets), hops: parsed };
}

function batch(rows: Readonly<Record<string, number>>): RouteBatch {
  const prefixes = Object.keys(rows).map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new Error(`${text} is a prefix`);
    return prefix;
  });
  const afi: Afi = prefixes[0]?.afi ?? 1;
  const octets = afi === 1 ? 4 : 16;
  const addresses = new Uint8Array(prefixes.length * octets);
  for (const [row, { address }] of prefixes.entries()) addresses.set(address, row * octets);
  return {
    afi,
    count: prefixes.length,
    addresses,
    lengths: Uint8Array.from(prefixes, ({ length }) => length),
    groups: Uint32Array.from(Object.values(rows)),
  };
}

/** Prefix → hops, sorted, as text. */
function outline(routes: readonly KernelRoute[]): Record<string, string> {
  const word = (hop: KernelRoute["hops"][number]) => `${hop.gateway} ${hop.device} ${hop.weight}`;
  const entries = routes.map(
    ({ prefix, hops }) => [prefix, hops.map(word).sort().join(", ")] as const,
  );
  return Object.fromEntries(entries.sort(([x], [y]) => (x < y ? -1 : 1)));
}

async function open(t: Test, options: LinuxHostOptions["routes"] = KERNEL) {
  const twin = new TwinNetns(t);
  twin.cable("spare", 1);
  const host = twin.host("a", { routes: options });
  return { twin, host, fib: new Fib(host) };
}

/** The same behaviour, whether groups are objects of the kernel or spelled out in every route. */
for (const [name, options] of [
  ["next-hop objects", KERNEL],
  ["next-hop objects, own thread", { ...KERNEL, isThreaded: true }],
  ["plain routes", { ...KERNEL, hasNextHopObjects: false }],
] as const) {
  t.test(`${name}: add, move, remove, ECMP`, { skip }, async (t) => {
    const { twin, fib } = await open(t, options);

    t.match(await fib.set(7, "10.99.0.2 wire"), { applied: 1, failures: [] });
    const added = await fib.apply({ "192.0.2.0/24": 7, "198.51.100.0/25": 7, "0.0.0.0/0": 7 });
    t.match(added, { applied: 3, failures: [] });
    t.match(twin.ip("a", "route get 192.0.2.9"), /via 10\.99\.0\.2 dev wire/);
    t.match(twin.ip("a", "-d route show proto 202"), /192\.0\.2\.0\/24 .*metric 20/);
    t.same(outline(await fib.dump()), {
      "0.0.0.0/0": "10.99.0.2 wire 1",
      "192.0.2.0/24": "10.99.0.2 wire 1",
      "198.51.100.0/25": "10.99.0.2 wire 1",
    });
    t.same(fib.routes.resolve("192.0.2.1"), { device: "wire", gateway: "10.99.0.2" });

    await fib.set(7, "10.99.1.2 spare");
    await until(() => twin.ip("a", "route get 192.0.2.9").includes("spare"));
    t.match(twin.ip("a", "route get 192.0.2.9"), /via 10\.99\.1\.2 dev spare/, "the group moved");

    await fib.set(8, "10.99.0.2 wire 3", "10.99.1.2 spare");
    t.match(await fib.apply({ "192.0.2.0/24": 8 }), { applied: 1 }, "a row moves to other groups");
    t.match(await fib.apply({ "198.51.100.0/25": 0, "203.0.113.0/24": 0 }), { applied: 2 });
    t.same(outline(await fib.dump()), {
      "0.0.0.0/0": "10.99.1.2 spare 1",
      "192.0.2.0/24": "10.99.0.2 wire 3, 10.99.1.2 spare 1",
    });

    t.match(fib.routes.flush(), { applied: 2, failures: [] });
    t.equal(twin.ip("a", "route show proto 202"), "", "no route is left");
    t.equal(twin.ip("a", "nexthop show").trim(), "", "nor any object");
    t.same(await fib.dump(), []);
  });

  t.test(`${name}: IPv6, and IPv4 by way of an IPv6 gateway`, { skip }, async (t) => {
    const { twin, fib } = await open(t, options);
    await fib.set(1, "fd99:0::2 wire", "fd99:1::2 spare");
    t.match(await fib.apply({ "2001:db8:1::/48": 1, "::/0": 1 }), { applied: 2, failures: [] });
    t.match(twin.ip("a", "-6 route get 2001:db8:1::9"), /via fd99:[01]?:?:2/);
    const both = "fd99:1::2 spare 1, fd99::2 wire 1";
    t.same(outline(await fib.dump()), { "2001:db8:1::/48": both, "::/0": both });
    await fib.set(1, "fd99:1::2 spare");
    await until(() => twin.ip("a", "-6 route get 2001:db8:1::9").includes("spare"));
    t.match(twin.ip("a", "-6 route get 2001:db8:1::9"), /dev spare/);
    t.match(await fib.apply({ "2001:db8:1::/48": 0 }), { applied: 1, failures: [] });

    const wanted = { ...group(2, "fd99:0::2 wire"), afi: 1 } as const;
    await new Promise((done) => fib.routes.setGroups([wanted], done));
    t.match(await fib.apply({ "192.0.2.0/24": 2 }), { applied: 1, failures: [] });
    t.match(twin.ip("a", "route get 192.0.2.9"), /via inet6 fd99::2 dev wire/);
    t.same(outline(await fib.dump())["192.0.2.0/24"], "fd99::2 wire 1");
    t.match(fib.routes.flush(), { applied: 2, failures: [] });
    t.equal(twin.ip("a", "-6 route show proto 202"), "");
  });

  t.test(`${name}: another program's route is left alone and named`, { skip }, async (t) => {
    const { twin, fib } = await open(t, options);
    twin.ip("a", "route add 192.0.2.0/24 via 10.99.1.2 proto 4 metric 20");
    twin.ip("a", "-6 route add 2001:db8::/32 via fd99:1::2 proto 4 metric 20");
    await fib.set(1, "10.99.0.2 wire");
    await fib.set(2, "fd99:0::2 wire");
    const [v4, v6] = [
      await fib.apply({ "192.0.2.0/24": 1, "198.51.100.0/24": 1 }),
      await fib.apply({ "2001:db8::/32": 2 }),
    ];
    t.match(v4, {
      applied: 1,
      failures: [{ op: "route-add", subject: "192.0.2.0/24", errno: "EEXIST" }],
    });
    t.match(v6, { applied: 0, failures: [{ subject: "2001:db8::/32", errno: "EEXIST" }] });
    t.match(v4.failures[0]?.text, /another program/);
    t.match(await fib.apply({ "192.0.2.0/24": 0 }), { applied: 1 }, "nor is it removed");
    fib.routes.flush();
    t.match(twin.ip("a", "route show 192.0.2.0/24"), /10\.99\.1\.2 .*proto static/);
    t.match(twin.ip("a", "-6 route show 2001:db8::/32"), /fd99:1::2 .*proto static/);
    twin.ip("a", "route del 192.0.2.0/24");
    await fib.set(1, "10.99.0.2 wire");
    t.match(
      await fib.apply({ "192.0.2.0/24": 1 }),
      { applied: 1 },
      "once it is gone, ours goes in",
    );
  });

  t.test(`${name}: routes come back with their interface`, { skip }, async (t) => {
    const { twin, fib } = await open(t, options);
    await fib.set(1, "10.99.0.2 wire");
    await fib.set(2, "10.99.0.2 wire", "10.99.1.2 spare");
    await fib.apply({ "192.0.2.0/24": 1, "198.51.100.0/24": 2 });
    const before = outline(await fib.dump());
    twin.ip("a", "link set wire down");
    t.ok(
      await until(() => twin.ip("a", "route show proto 202 192.0.2.0/24") === ""),
      "the kernel took the route along without a word",
    );
    t.match(twin.ip("a", "route get 198.51.100.1"), /dev spare/, "the other has a way left");
    twin.ip("a", "link set wire up");
    t.ok(await until(() => twin.ip("a", "route show proto 202 192.0.2.0/24").includes("192.0.2")));
    t.ok(await until(() => twin.ip("a", "route show proto 202 198.51.100.0/24") !== ""));
    await sleep(20);
    t.same(outline(await fib.dump()), before, "all as before");
  });
}

t.test("a row for a group that went with its link comes with it again", { skip }, async (t) => {
  const { twin, fib } = await open(t);
  await fib.set(1, "10.99.0.2 wire");
  await fib.apply({ "192.0.2.0/24": 1 });
  twin.ip("a", "link set wire down");
  t.match(await fib.apply({ "198.51.100.0/24": 1 }), {
    applied: 0,
    failures: [{ op: "route-add", subject: "198.51.100.0/24", errno: "ENETDOWN" }],
  });
  t.match((await fib.set(1, "10.99.0.2 wire")).failures, [{ errno: "ENETDOWN" }]);
  twin.ip("a", "link set wire up");
  for (const prefix of ["192.0.2.0/24", "198.51.100.0/24"]) {
    t.ok(await until(() => twin.ip("a", `route show proto 202 ${prefix}`) !== ""), prefix);
  }
});

t.test("failures carry the kernel's own words", { skip }, async (t) => {
  const { fib } = await open(t);
  t.match((await fib.set(1, "10.77.0.1 wire")).failures, [
    { op: "group-set", subject: "group 1", errno: "ENETUNREACH", text: /invalid gateway/ },
  ]);
  t.match((await fib.set(1, "10.99.0.2 nowhere")).failures, [{ errno: "ENODEV", text: /nowhere/ }]);
  t.match((await fib.set(1, "10.99.0.2 wire 300")).failures, [{ errno: "EINVAL" }]);
  t.match((await fib.set(2 ** 21, "10.99.0.2 wire")).failures, [{ op: "group-set" }]);
  t.match(await fib.apply({ "192.0.2.0/24": 1 }), {
    applied: 0,
    failures: [{ op: "route-add", subject: "192.0.2.0/24", errno: "ENOENT" }],
  });
  const mixed = await fib.set(1, "10.77.0.1 wire", "10.99.0.2 wire");
  t.match(mixed.failures, [{ subject: "group 1", text: /10\.77\.0\.1 on wire/ }]);
  t.match(await fib.apply({ "192.0.2.0/24": 1 }), { applied: 1 }, "the hop that works is used");
  const bent = batch({ "192.0.2.0/24": 1, "198.51.100.0/24": 1 });
  bent.addresses[3] = 9;
  const result = await new Promise<RouteResult>((done) => fib.routes.apply(bent, done));
  t.match(result, {
    applied: 1,
    failures: [{ subject: "192.0.2.9/24", errno: "EINVAL", text: /Invalid prefix/ }],
  });
  t.match(await fib.remove(1, 99), { applied: 2, failures: [] }, "what is not there is removed");
});

t.test("groups: equal hops are merged, unused objects removed", { skip }, async (t) => {
  const { twin, fib } = await open(t);
  await fib.set(1, "10.99.0.2 wire", "10.99.0.2 wire 2");
  await fib.set(2, "10.99.1.2 spare");
  await fib.apply({ "192.0.2.0/24": 1 });
  t.same(outline(await fib.dump()), { "192.0.2.0/24": "10.99.0.2 wire 3" });
  await fib.remove(2);
  t.equal(
    twin.ip("a", "nexthop show").trim().split("\n").length,
    2,
    "a group and its hop are left",
  );
});

for (const isThreaded of [false, true]) {
  const where = isThreaded ? "in a thread" : "in the loop";
  t.test(`${where} groups overtake rows, and undo a removal`, { skip }, async (t) => {
    const { fib } = await open(t, { ...KERNEL, isThreaded });
    await fib.set(1, "10.99.0.2 wire");
    const order: string[] = [];
    const big = batch(many(5_000, 1));
    await new Promise<void>((done) => {
      fib.routes.apply(big, () => order.push("rows"));
      fib.routes.removeGroups([1], () => {
        order.push("removed");
        done();
      });
      fib.routes.setGroups([group(1, "10.99.1.2 spare")], () => order.push("group"));
    });
    t.same(order, ["group", "rows", "removed"], "groups do not wait for rows");
    const routes = outline(await fib.dump());
    t.equal(Object.keys(routes).length, 5_000, "a group that is set again is not removed");
    t.same([...new Set(Object.values(routes))], ["10.99.1.2 spare 1"]);
    fib.routes.apply(big, () => order.push("flushed"));
    t.match(fib.routes.flush(), { applied: 5_000 });
    t.same(await fib.dump(), [], "a flush drops what is queued");
    // A thread may have been done with the rows before the flush came; the loop cannot.
    if (!isThreaded) t.notOk(order.includes("flushed"));
  });
}

t.test(
  "a second run adopts what the first one left, and a mover finds its groups",
  { skip },
  async (t) => {
    const { twin, host, fib } = await open(t);
    await fib.set(1, "10.99.0.2 wire", "10.99.1.2 spare");
    await fib.apply({ "192.0.2.0/24": 1, "198.51.100.0/24": 1 });
    host.close();
    t.match(twin.ip("a", "route get 192.0.2.9"), /10\.99/, "routes outlive the process");
    twin.ip("a", "route add 203.0.113.0/24 via 10.99.0.2 proto 202 metric 77");

    const again = new Fib(twin.host("a", { routes: KERNEL }));
    await again.set(1, "10.99.1.2 spare"); // a number the first run used otherwise
    await again.set(5, "10.99.1.2 spare");
    t.match(await again.apply({ "192.0.2.0/24": 5 }), { applied: 1 }, "ours may be replaced");
    t.same(outline(await again.dump()), {
      "192.0.2.0/24": "10.99.1.2 spare 1",
      "198.51.100.0/24": "10.99.0.2 wire 1, 10.99.1.2 spare 1",
    });
    t.ok(twin.log.some(({ event, fields }) => event === "fib.adopted" && fields.routes === 2));
    t.equal(twin.ip("a", "route show 203.0.113.0/24"), "", "an old metric of ours is cleared away");

    const mover = createGroupMover({
      netns: twin.spaces.nameOf("a"),
      ...{ table: 254, proto: 202, epoch: 1 },
    });
    t.teardown(() => mover.close());
    t.same(mover.setGroups([group(5, "10.99.0.2 wire")]), []);
    t.match(twin.ip("a", "route get 192.0.2.9"), /dev wire/, "moved from outside");
    t.match(await again.set(5, "10.99.0.2 wire"), { failures: [] }, "the owner follows");
    t.match(mover.setGroups([group(77, "10.99.0.2 wire")]), [{ errno: "ENOENT" }], "makes none");
    t.same(outline(await again.dump())["192.0.2.0/24"], "10.99.0.2 wire 1");

    const objects = () => twin.ip("a", "nexthop show proto 202").match(/group/g)?.length ?? 0;
    t.equal(objects(), 3, "what adopted routes point at stays");
    await again.apply({ "198.51.100.0/24": 5 });
    await again.dump();
    t.equal(objects(), 2, "and goes when nothing does");
  },
);

t.test("other tables: own objects, own routes", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const main = new Fib(twin.host("a", { routes: KERNEL }));
  const other = new Fib(twin.host("a", { routes: { ...KERNEL, table: 1001 } }));
  await main.set(1, "10.99.0.2 wire");
  await other.set(1, "10.99.0.2 wire");
  await main.apply({ "192.0.2.0/24": 1 });
  await other.apply({ "198.51.100.0/24": 1 });
  t.same(Object.keys(outline(await main.dump())), ["192.0.2.0/24"]);
  t.same(Object.keys(outline(await other.dump())), ["198.51.100.0/24"]);
  other.routes.flush();
  t.same(Object.keys(outline(await main.dump())), ["192.0.2.0/24"], "the other one's flush");
  t.equal(twin.try("a", "ip route show table 1001").text.includes("198.51"), false);
});

t.test("nexthop_compat_mode is left, in the host's namespace only", { skip }, async (t) => {
  const path = "/proc/sys/net/ipv4/nexthop_compat_mode";
  const before = readFileSync(path, "latin1");
  const { twin } = await open(t);
  t.equal(twin.spaces.exec("a", "cat", [path]).trim(), "0");
  t.equal(readFileSync(path, "latin1"), before, "ours is untouched");
});

function many(count: number, id: number): Record<string, number> {
  const rows: Record<string, number> = {};
  for (let row = 0; row < count; row += 1) {
    rows[`${20 + (row >> 16)}.${(row >> 8) & 0xff}.${row & 0xff}.0/24`] = id;
  }
  return rows;
}
