import fc from "fast-check";
import t from "tap";
import { Afi } from "../../src/core/address.ts";
import { PlatformError } from "../../src/core/app-error.ts";
import { PrefixGroups } from "../../src/core/prefix-groups.ts";
import { micros } from "../../src/core/time.ts";
import type { KernelRoute, RouteBatch, RouteResult } from "../../src/platform/contract.ts";
import { adminError, platformError } from "../../src/platform/linux/errors.ts";
import { KernelIds } from "../../src/platform/linux/kernel-ids.ts";
import { LinkTable } from "../../src/platform/linux/link-table.ts";
import { MemoryRoutes } from "../../src/platform/linux/memory-routes.ts";
import {
  forEachAttribute,
  forEachMessage,
  MessageWriter,
  readAnswer,
  textAt,
} from "../../src/platform/linux/netlink-codec.ts";
import { decodeSockaddr, encodeSockaddr } from "../../src/platform/linux/sockaddr.ts";
import { Errno, errnoName, SysError } from "../../src/platform/linux/sys.ts";

t.test("prefix groups: behaves as a map from prefix to group", async (t) => {
  // Few addresses and a small table: rows collide, wrap around and move into holes.
  const step = fc.record({
    address: fc.integer({ min: 0, max: 1_500 }),
    length: fc.constantFrom(0, 24, 32),
    group: fc.integer({ min: 0, max: 3 }),
  });
  const walk = fc.array(step, { minLength: 1, maxLength: 3_000, size: "max" });
  for (const afi of [Afi.Ipv4, Afi.Ipv6]) {
    fc.assert(
      fc.property(walk, (steps) => {
        const table = new PrefixGroups(afi === Afi.Ipv4 ? 4 : 16, 7);
        const model = new Map<string, number>();
        const octets = new Uint8Array(2 * table.octets);
        for (const { address, length, group } of steps) {
          new DataView(octets.buffer).setUint32(table.octets, address);
          const key = `${address}/${length}`;
          if (group === 0) {
            table.remove(octets, table.octets, length);
            model.delete(key);
          } else {
            table.set(octets, table.octets, length, group);
            model.set(key, group);
          }
          const kept = model.get(key) ?? 0;
          if (table.group(octets, table.octets, length) !== kept) return false;
        }
        const found = new Map<string, number>();
        for (let slot = 0; slot < table.slots; slot += 1) {
          const length = table.lengthAt(slot);
          if (length === undefined) continue;
          const view = new DataView(table.addressAt(slot).slice().buffer);
          found.set(`${view.getUint32(0)}/${length}`, table.groupAt(slot));
        }
        return table.size === model.size && [...model].every(([key, id]) => found.get(key) === id);
      }),
      { numRuns: 40 },
    );
  }
  t.pass();
});

t.test("netlink messages: what is written is read", async (t) => {
  const writer = new MessageWriter(8);
  writer.begin(24, 0x500, 7).u32(1).attrU32(30, 99).attrText(3, "eth0");
  const nest = writer.beginNest(0x8012);
  writer
    .attrOctets(1, Uint8Array.of(9, 8, 7))
    .endNest(nest)
    .end();
  writer.begin(25, 0, 8).u16(5).u8(1).u8(2).end();
  writer.addFlags(4);
  const found: { type: number; flags: number; seq: number }[] = [];
  forEachMessage(writer.view(), ({ type, flags, seq, view, octets, from, to }) => {
    found.push({ type, flags, seq });
    if (type !== 24) return;
    const attributes: unknown[] = [];
    forEachAttribute(view, from + 4, to, (attribute, at, end) => {
      if (attribute === 30) attributes.push(view.getUint32(at, true));
      else if (attribute === 3) attributes.push(textAt(octets, at, end));
      else {
        forEachAttribute(view, at, end, (inner, innerAt, innerEnd) => {
          attributes.push(attribute, inner, ...octets.subarray(innerAt, innerEnd));
        });
      }
    });
    t.same(attributes, [99, "eth0", 0x12, 1, 9, 8, 7]);
  });
  t.same(found, [
    { type: 24, flags: 0x501, seq: 7 },
    { type: 25, flags: 0x5, seq: 8 },
  ]);
  t.equal(writer.count, 2);
  t.equal(writer.reset().length, 0);
});

t.test("netlink messages: arbitrary octets never throw", async (t) => {
  const table = new LinkTable();
  const types = fc.constantFrom(16, 17, 20, 21, 2);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), types, (body, type) => {
      forEachMessage(body, () => undefined);
      const padded = new Uint8Array(body.length + 16);
      padded.set(body);
      const writer = new MessageWriter().begin(type, 0x300, 1).octets(padded).end();
      forEachMessage(writer.view(), (message) => {
        if (type === 2) readAnswer(message);
        else table.apply(message);
      });
      return true;
    }),
  );
  t.pass();
});

t.test("kernel numbers: groups and hops of a table never meet those of others", async (t) => {
  const main = new KernelIds(254);
  const other = new KernelIds(1001);
  const ids = fc.integer({ min: 1, max: 2 ** 17 - 1 });
  fc.assert(
    fc.property(ids, fc.ipV4(), fc.nat(), fc.nat(7), (id, gateway, index, attempt) => {
      const kernelId = main.ofGroup(id) ?? 0;
      const hop = main.ofHop(gateway, index, attempt);
      return (
        main.groupOf(kernelId) === id &&
        !main.isHop(kernelId) &&
        main.isHop(hop) &&
        main.groupOf(hop) === undefined &&
        other.groupOf(kernelId) === undefined &&
        !other.isHop(hop) &&
        main.ofHop(gateway, index, attempt) === hop
      );
    }),
  );
  t.equal(main.ofGroup(0), undefined);
  t.equal(main.ofGroup(2 ** 20), undefined);
});

t.test("socket addresses: both ways, and nothing else", async (t) => {
  for (const address of ["10.0.0.1", "::", "2001:db8::9", "::ffff:10.0.0.1"]) {
    t.equal(decodeSockaddr(encodeSockaddr(address, 179)).port, 179);
  }
  t.same(decodeSockaddr(encodeSockaddr("fe80::1", 1, 7)), { address: "fe80::1", port: 1 });
  for (const address of ["", "10.0.0", "fe80::1%eth0", "localhost"]) {
    t.throws(() => encodeSockaddr(address, 1), { code: "PLATFORM_OPTION" });
  }
});

t.test("errors: a sentence with what was wanted, and a code", async (t) => {
  const code = (errno: number) => platformError("listening", new SysError("bind", errno)).code;
  t.equal(code(Errno.EACCES), "PLATFORM_PERMISSION");
  t.equal(code(Errno.EADDRNOTAVAIL), "PLATFORM_ADDRESS_UNKNOWN");
  t.equal(code(Errno.EOPNOTSUPP), "PLATFORM_UNSUPPORTED");
  t.equal(code(Errno.EMFILE), "PLATFORM_RESOURCE");
  t.equal(code(Errno.EBUSY), "PLATFORM_SYSTEM");
  t.match(platformError("listening", new SysError("bind", Errno.EACCES)).message, /^listening /);
  t.match(adminError("raising x", new SysError("x", Errno.EPERM)).message, /CAP_NET_ADMIN/);
  const known = new PlatformError("PLATFORM_X", "x");
  t.equal(platformError("x", known), known, "what has a sentence keeps it");
  t.throws(() => platformError("x", new TypeError("a bug")), { message: "a bug" });
  t.equal(errnoName(11), "EAGAIN");
  t.equal(errnoName(99_999), "E99999");
});

t.test("routes in memory answer as a kernel would", async (t) => {
  const routes = new MemoryRoutes({
    now: () => micros(0),
    proto: 202,
    resolve: () => ({ device: "lo" }),
  });
  const row = (prefix: readonly number[], length: number, group: number): RouteBatch => ({
    ...{ afi: Afi.Ipv4, count: 1, addresses: Uint8Array.from(prefix) },
    ...{ lengths: Uint8Array.of(length), groups: Uint32Array.of(group) },
  });
  const apply = (batch: RouteBatch) =>
    new Promise<RouteResult>((done) => routes.apply(batch, done));
  const dump = () => new Promise<readonly KernelRoute[]>((done) => routes.dump(done));
  const hops = [{ gateway: "10.0.0.2", device: "eth0", weight: 1 }];
  t.match(await apply(row([10, 1, 0, 0], 16, 4)), {
    applied: 0,
    failures: [{ op: "route-add", subject: "10.1.0.0/16", errno: "EINVAL" }],
  });
  let isCalm = false;
  const set = new Promise<RouteResult>((done) => {
    routes.setGroups([{ id: 4, afi: Afi.Ipv4, hops }], (result) => {
      t.ok(isCalm, "nothing is said inside the call");
      done(result);
    });
    isCalm = true;
  });
  t.match(await set, { applied: 1, failures: [] });
  t.match(await apply(row([10, 1, 0, 0], 16, 4)), { applied: 1 });
  t.match(await apply(row([10, 2, 0, 0], 16, 4)), { applied: 1 });
  t.match(await apply(row([10, 2, 0, 0], 16, 0)), { applied: 1 });
  t.same(await dump(), [{ prefix: "10.1.0.0/16", hops, proto: 202 }]);
  t.same(routes.resolve("127.0.0.1"), { device: "lo" });
  await new Promise((done) => routes.removeGroups([4], done));
  t.same(await dump(), [], "a group takes its routes along");
  t.match(routes.flush(), { applied: 0 });
  routes.close();
});
