import fc from "fast-check";
import t from "tap";
import { Fib } from "../../../src/agent/fib.ts";
import { FibAudit } from "../../../src/agent/fib-audit.ts";
import type {
  GroupHop,
  PeerSlot,
  RouteChangeGroup,
  RouteChanges,
} from "../../../src/bgp/rib/contract.ts";
import { Afi } from "../../../src/core/address.ts";
import { formatPrefix, parsePrefix } from "../../../src/core/prefix.ts";
import { PrefixGroups } from "../../../src/core/prefix-groups.ts";
import { US_PER_SEC } from "../../../src/core/time.ts";
import { FakeClock, FakeRoutes, recordingEvents } from "../../support/agent-fakes.ts";

const slot = (number: number) => number as PeerSlot;
const hop = (number: number): GroupHop => ({ slot: slot(number), nextHop: `10.0.${number}.2` });

function group(id: number, primary: number[], backup: number[] = []): RouteChangeGroup {
  return { id, afi: Afi.Ipv4, primary: primary.map(hop), backup: backup.map(hop) };
}

/** `{"10.1.0.0/16": 1, "10.2.0.0/16": 0}` as columns. */
function rows(wanted: Readonly<Record<string, number>>): RouteChanges["batches"][number] {
  const list = Object.entries(wanted);
  const addresses = new Uint8Array(list.length * 4);
  for (const [row, [text]] of list.entries()) {
    addresses.set(parsePrefix(text)?.address ?? [], row * 4);
  }
  return {
    ...{ afi: Afi.Ipv4, count: list.length, addresses },
    lengths: Uint8Array.from(list, ([text]) => Number(text.split("/")[1])),
    groups: Uint32Array.from(list, ([, id]) => id),
  };
}

function changes(part: Partial<RouteChanges>): RouteChanges {
  return { newGroups: [], batches: [], removedGroups: [], ...part };
}

function rig() {
  const clock = new FakeClock();
  const routes = new FakeRoutes();
  const events = recordingEvents();
  const unreachable = new Set<number>();
  const state = { hasConverged: true };
  const fib = new Fib({
    ...{ routes, clock, events, seed: 1 },
    hopOf: ({ slot, nextHop }) =>
      unreachable.has(slot) ? undefined : { gateway: nextHop, device: `eth${slot}`, weight: 1 },
    pathOf: (at) => ({ peer: `vbr${at}`, circuit: `vbr${at}` }),
  });
  const audit = new FibAudit({
    ...{ fib, routes, clock, events, hasConverged: () => state.hasConverged },
  });
  const gatewaysOf = (id: number) => routes.groups.get(id)?.hops.map((way) => way.gateway);
  return { clock, routes, events, unreachable, state, fib, audit, gatewaysOf };
}

t.test("fib: groups go in before rows, and out after them", async (t) => {
  const { routes, fib, events } = rig();
  fib.apply(changes({ newGroups: [group(1, [1])], batches: [rows({ "10.1.0.0/16": 1 })] }));
  fib.apply(
    changes({
      newGroups: [group(2, [1, 2])],
      batches: [rows({ "10.1.0.0/16": 2 })],
      removedGroups: [1],
    }),
  );
  t.same(routes.calls, ["groups 1", "apply 1", "groups 2", "apply 1", "remove 1"]);
  t.same([...routes.rows], [["10.1.0.0/16", 2]]);
  t.same(
    events.of("fib.circuit.joined").map((fields) => fields.circuit),
    ["vbr1", "vbr2"],
  );
  t.same(fib.view.routes, { ipv4: 1, ipv6: 0 });
  t.match(fib.view.route("10.1.0.0/16"), { id: 2, circuits: ["vbr1", "vbr2"], via: "primary" });
  t.equal(fib.view.route("10.2.0.0/16"), undefined);
});

t.test("fib: a dead path leaves every group at once, without touching a row", async (t) => {
  const { clock, routes, fib, events, gatewaysOf } = rig();
  fib.apply(
    changes({
      newGroups: [group(1, [1, 2]), group(2, [1], [2]), group(3, [2])],
      batches: [rows({ "10.1.0.0/16": 1, "10.2.0.0/16": 2, "10.3.0.0/16": 3 })],
    }),
  );
  routes.calls.length = 0;
  routes.isHolding = true;
  fib.leave(slot(1), "BFD Down");
  t.same(routes.calls, ["groups 1,2"], "asked in the same call");
  t.same(events.of("fib.circuit.left"), [], "told when the kernel has moved");
  clock.advance(700);
  routes.settle();
  const [left] = events.of("fib.circuit.left");
  t.match(left, { circuit: "vbr1", groups: 2, tookUs: 700, reason: "BFD Down" });
  t.same([1, 2, 3].map(gatewaysOf), [["10.0.2.2"], ["10.0.2.2"], ["10.0.2.2"]]);
  t.match(fib.view.route("10.2.0.0/16"), { via: "backup", circuits: ["vbr2"] });
  fib.leave(slot(1), "again");
  t.equal(routes.calls.length, 1);
});

t.test("fib: a group that lost everything stays until the RIB follows", async (t) => {
  const { routes, fib, gatewaysOf } = rig();
  fib.apply(changes({ newGroups: [group(1, [1])], batches: [rows({ "10.1.0.0/16": 1 })] }));
  routes.calls.length = 0;
  fib.leave(slot(1), "BFD Down");
  t.same(routes.calls, []);
  t.same(gatewaysOf(1), ["10.0.1.2"]);
  t.equal(fib.view.groups()[0]?.via, "stranded");
  fib.apply(changes({ batches: [rows({ "10.1.0.0/16": 0 })], removedGroups: [1] }));
  t.same(routes.calls, ["apply 1", "remove 1"]);
});

t.test("fib: a path comes back with its session, rows of stranded groups with it", async (t) => {
  const { routes, fib, events, gatewaysOf } = rig();
  fib.apply(
    changes({
      newGroups: [group(1, [1, 2]), group(2, [1])],
      batches: [rows({ "10.1.0.0/16": 1, "10.2.0.0/16": 2 })],
    }),
  );
  fib.leave(slot(1), "link eth1 has no carrier");
  routes.groups.delete(2);
  routes.rows.delete("10.2.0.0/16");
  fib.join(slot(1));
  t.same(gatewaysOf(1), ["10.0.1.2", "10.0.2.2"]);
  t.same(gatewaysOf(2), ["10.0.1.2"], "the kernel had dropped it with the link");
  t.equal(routes.rows.get("10.2.0.0/16"), 2);
  const joined = events.of("fib.circuit.joined").map((fields) => fields.circuit);
  t.same(joined, ["vbr1", "vbr2", "vbr1"]);
});

t.test("fib: what cannot be resolved is not placed, and goes in when it can", async (t) => {
  const { routes, fib, unreachable } = rig();
  unreachable.add(1);
  fib.apply(changes({ newGroups: [group(1, [1])], batches: [rows({ "10.1.0.0/16": 1 })] }));
  t.equal(routes.groups.size, 0);
  t.equal(routes.rows.size, 0);
  t.equal(fib.view.groups()[0]?.via, "unplaced");
  unreachable.clear();
  fib.refresh();
  t.equal(routes.rows.get("10.1.0.0/16"), 1);
  fib.apply(changes({ batches: [rows({ "10.1.0.0/16": 0 })], removedGroups: [1] }));
  t.equal(routes.groups.size + routes.rows.size, 0);
});

t.test("fib: synced when everything asked so far was answered", async (t) => {
  const { clock, routes, fib, events } = rig();
  routes.isHolding = true;
  fib.apply(changes({ newGroups: [group(1, [1])], batches: [rows({ "10.1.0.0/16": 1 })] }));
  t.notOk(fib.view.isSynced);
  clock.advance(2_000);
  routes.settle();
  t.ok(fib.view.isSynced);
  t.same(events.of("fib.synced"), [{ routes: 1, tookUs: 2_000 }]);
});

t.test("audit: heals what is missing, wrong or nobody's, and counts it", async (t) => {
  const { clock, routes, fib, events, audit } = rig();
  fib.apply(
    changes({
      newGroups: [group(1, [1, 2])],
      batches: [rows({ "10.1.0.0/16": 1, "10.2.0.0/16": 1 })],
    }),
  );
  audit.start();
  clock.advance(1);
  t.equal(audit.completed, 1);
  t.same(events.of("fib.drift.healed"), []);
  routes.rows.delete("10.1.0.0/16");
  routes.groups.set(1, { id: 1, afi: Afi.Ipv4, hops: [] });
  routes.rows.set("10.9.0.0/16", 7);
  audit.start();
  clock.advance(1);
  t.same(events.of("fib.drift.healed"), [{ missing: 1, extra: 1, wrong: 1 }]);
  t.same([...routes.rows.keys()].sort(), ["10.1.0.0/16", "10.2.0.0/16"]);
  t.equal(routes.groups.get(1)?.hops.length, 2);
  t.same(fib.view.counters.drift, { missing: 1, extra: 1, wrong: 1 });
  clock.advance(5 * US_PER_SEC);
  t.equal(events.of("fib.drift.healed").length, 1, "the next look finds nothing");
});

t.test("audit: the last run's routes are kept until the agent has converged", async (t) => {
  const { clock, routes, state, audit } = rig();
  state.hasConverged = false;
  routes.rows.set("10.9.0.0/16", 7);
  audit.start();
  clock.advance(1);
  t.ok(routes.rows.has("10.9.0.0/16"));
  state.hasConverged = true;
  clock.advance(60 * US_PER_SEC);
  t.notOk(routes.rows.has("10.9.0.0/16"));
});

t.test("audit: what the kernel refuses is counted with its errno and tried again", async (t) => {
  const { clock, routes, fib, events } = rig();
  const refusal = { op: "route-add", subject: "10.1.0.0/16", errno: "ENETUNREACH" } as const;
  routes.refuse.set("10.1.0.0/16", { ...refusal, text: "Nexthop has invalid gateway" });
  fib.apply(changes({ newGroups: [group(1, [1])], batches: [rows({ "10.1.0.0/16": 1 })] }));
  t.match(events.of("fib.error"), [{ errno: "ENETUNREACH", subject: "10.1.0.0/16" }]);
  t.match(fib.view.counters.errors, [{ op: "route-add", errno: "ENETUNREACH", count: 1 }]);
  t.notOk(fib.view.isSynced);
  clock.advance(10 * US_PER_SEC);
  const tries = fib.view.counters.errors[0]?.count ?? 0;
  t.ok(tries >= 2 && tries <= 6, `${tries} tries in ten seconds`);
  routes.refuse.clear();
  clock.advance(120 * US_PER_SEC);
  t.equal(routes.rows.get("10.1.0.0/16"), 1);
  t.ok(fib.view.isSynced);
});

t.test("what a link that just went down refuses is told as that, and tried again", async (t) => {
  const { clock, routes, fib, events } = rig();
  const refusal = { op: "route-add", subject: "10.1.0.0/16", errno: "ENETDOWN" } as const;
  routes.refuse.set("10.1.0.0/16", { ...refusal, text: "its group went with its link" });
  fib.apply(changes({ newGroups: [group(1, [1])], batches: [rows({ "10.1.0.0/16": 1 })] }));
  t.same(events.of("fib.error"), [], "nobody is alarmed");
  t.match(events.of("fib.link.down"), [{ subject: "10.1.0.0/16", failures: 1 }]);
  routes.refuse.clear();
  clock.advance(120 * US_PER_SEC);
  t.equal(routes.rows.get("10.1.0.0/16"), 1);
});

t.test("audit: rows that change while it reads are left alone", async (t) => {
  const { clock, routes, fib, events, audit } = rig();
  fib.apply(changes({ newGroups: [group(1, [1])], batches: [rows({ "10.1.0.0/16": 1 })] }));
  routes.isHolding = true;
  audit.start();
  fib.apply(
    changes({
      newGroups: [group(2, [2])],
      batches: [rows({ "10.1.0.0/16": 0, "10.2.0.0/16": 2 })],
    }),
  );
  routes.settle();
  clock.advance(1);
  t.equal(audit.completed, 1);
  t.same(events.of("fib.drift.healed"), []);
});

t.test("fib table: the same as a Map, whatever is set and removed", async (t) => {
  const anyPrefix = fc.tuple(fc.nat(40), fc.nat(3), fc.constantFrom(16, 24));
  const anyStep = fc.tuple(anyPrefix, fc.nat(4));
  const property = fc.property(fc.array(anyStep, { maxLength: 400 }), (steps) => {
    const table = new PrefixGroups(4, 7);
    const model = new Map<string, number>();
    for (const [[a, b, length], id] of steps) {
      const address = Uint8Array.of(10, a, length === 24 ? b : 0, 0);
      const key = formatPrefix({ afi: Afi.Ipv4, address, length });
      if (id === 0) {
        if (table.remove(address, 0, length) !== (model.get(key) ?? 0)) return false;
        model.delete(key);
      } else {
        table.set(address, 0, length, id);
        model.set(key, id);
      }
      if (table.size !== model.size) return false;
    }
    const found = new Map<string, number>();
    for (let at = 0; at < table.slots; at += 1) {
      const length = table.lengthAt(at);
      if (length === undefined) continue;
      const key = formatPrefix({ afi: Afi.Ipv4, address: table.addressAt(at), length });
      found.set(key, table.groupAt(at));
    }
    return found.size === model.size && [...model].every(([key, id]) => found.get(key) === id);
  });
  fc.assert(property, { numRuns: 200 });
  const wide = new PrefixGroups(16, 3);
  for (let index = 1; index <= 5_000; index += 1) {
    wide.set(
      Uint8Array.of(0x20, 1, index >> 8, index & 255, ...new Array(12).fill(0)),
      0,
      48,
      index,
    );
  }
  t.equal(wide.size, 5_000);
  t.equal(wide.group(Uint8Array.of(0x20, 1, 0x0f, 0xa0, ...new Array(12).fill(0)), 0, 48), 4_000);
});
