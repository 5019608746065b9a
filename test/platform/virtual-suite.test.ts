import t from "tap";
import { World } from "../../src/platform/virtual/world.ts";
import { platformSuite, type SuiteHosts } from "./suite.ts";

const PATIENCE_US = 600_000_000;

const inWorld = (
  world: World,
  rest: Pick<SuiteHosts, "a" | "b" | "addressA" | "addressB" | "foreignAddress">,
): SuiteHosts => ({
  ...rest,
  until: async (predicate) => world.runUntil(predicate, world.now + PATIENCE_US),
  pass: async (durationUs) => world.run({ forUs: durationUs }),
  close: () => undefined,
});

function linked(addressA: string, addressB: string, length: number): SuiteHosts {
  const world = new World({ seed: 1 });
  const a = world.addHost("a");
  const b = world.addHost("b");
  world.link({
    between: [
      { host: a, device: "eth0", addresses: [`${addressA}/${length}`] },
      { host: b, device: "eth0", addresses: [`${addressB}/${length}`] },
    ],
    latencyUs: 1_000,
    jitterUs: 300,
  });
  return inWorld(world, { a, b, addressA, addressB, foreignAddress: "203.0.113.9" });
}

platformSuite(t, "virtual, IPv4 link", () => linked("10.0.0.1", "10.0.0.2", 30));
platformSuite(t, "virtual, IPv6 link", () => linked("2001:db8::1", "2001:db8::2", 64));
platformSuite(t, "virtual, loopback", () => {
  const world = new World({ seed: 1 });
  const a = world.addHost("a");
  return inWorld(world, {
    a,
    b: a,
    addressA: "127.0.0.1",
    addressB: "127.0.0.2",
    foreignAddress: "203.0.113.9",
  });
});
