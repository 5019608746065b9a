import t from "tap";
import { World } from "../../src/platform/virtual/world.ts";
import { kernelSuite } from "./kernel-suite.ts";
import { SEC } from "./topology.ts";

kernelSuite(t, "virtual", () => {
  const world = new World({ seed: 1 });
  const host = world.addHost("a");
  const far = world.addHost("b");
  for (const [number, device] of ["wire", "spare"].entries()) {
    const addresses = (end: number) => [`10.99.${number}.${end}/30`, `fd99:${number}::${end}/64`];
    world.link({
      between: [
        { host, device, addresses: addresses(1) },
        { host: far, device, addresses: addresses(2) },
      ],
    });
  }
  return {
    host,
    setFarEnd: (device, isUp) => far.setAdmin(device, isUp),
    setAdmin: (device, isUp) => host.setAdmin(device, isUp),
    until: async (predicate) => world.runUntil(predicate, world.now + 60 * SEC),
    pass: async (durationUs) => world.run({ forUs: durationUs }),
  };
});
