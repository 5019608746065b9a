import fc from "fast-check";
import t from "tap";
import { Fib, PROTO_STATIC, wordsOf } from "../../../src/platform/virtual/fib.ts";
import {
  Interface,
  parseInterfaceAddress,
  subnetOf,
} from "../../../src/platform/virtual/interface.ts";
import { type Ip, ip, ipOf } from "../../../src/platform/virtual/ip.ts";

const DEVICES = [1, 2].map(
  (index) => new Interface({ device: `eth${index}`, index, kind: "ethernet", mtu: 1500 }),
);
const DESTINATIONS = ["10.0.1.9", "10.0.2.9", "10.0.3.9", "192.0.2.1", "2001:db8::9"];
const PREFIXES = ["0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.9/32"];

/** The same address, of which a table cannot have an answer at hand. */
const stranger = (address: Ip): Ip => ipOf(address.octets.slice());

t.test("fib: what it remembers of an address is what it would find, whatever happens", async () => {
  const deed = fc.record({
    kind: fc.constantFrom(
      ...["static", "no-static", "connected", "group", "no-group", "route", "no-route"],
      ...["lost", "restore", "forget"],
    ),
    prefix: fc.constantFrom(...PREFIXES),
    group: fc.integer({ min: 1, max: 3 }),
    devices: fc.subarray(DEVICES, { minLength: 1 }),
    metric: fc.nat({ max: 2 }),
    how: fc.constantFrom("carrier" as const, "admin" as const),
  });
  fc.assert(
    fc.property(fc.array(deed, { minLength: 20, maxLength: 60, size: "max" }), (deeds) => {
      const fib = new Fib(1);
      for (const { kind, prefix, group: id, devices, metric, how } of deeds) {
        const address = parseInterfaceAddress(prefix);
        const words = wordsOf(subnetOf(address));
        const hops = devices.map((via) => ({ gateway: ip("10.0.1.1"), via, weight: 1 }));
        const group = fib.groups.get(id);
        if (kind === "static") {
          const target = { kind: "unicast" as const, proto: PROTO_STATIC, metric, hops };
          fib.addStatic(address.ip, address.length, target);
        } else if (kind === "no-static") fib.removeStatic(address.ip, address.length);
        else if (kind === "connected") {
          const subnets = metric === 0 ? [] : [{ afi: 1 as const, words, length: 24 }];
          for (const via of devices) fib.setConnected(via, subnets);
        } else if (kind === "group") {
          fib.setGroup(id, { afi: 1, proto: 186, metric: 20, hops, spares: [] });
        } else if (kind === "forget") fib.forgetLostRoutes();
        else if (kind === "no-route") fib.removeRoute(1, words, address.length);
        else if (kind === "lost") for (const via of devices) fib.deviceLost(via, how);
        else if (group === undefined) continue;
        else if (kind === "no-group") fib.removeGroup(group);
        else if (kind === "route") fib.setRoute(words, address.length, group);
        else if (kind === "restore") fib.restoreRoutes(group);
        for (const destination of DESTINATIONS.map(ip)) {
          if (fib.lookup(destination) !== fib.lookup(stranger(destination))) return false;
        }
      }
      return true;
    }),
    { numRuns: 300 },
  );
});
