import t from "tap";
import { skipWithoutNetns as skip, sleep, TwinNetns, until } from "../support/netns.ts";
import { kernelSuite } from "./kernel-suite.ts";

if (skip === false) {
  kernelSuite(t, "linux", (t) => {
    const twin = new TwinNetns(t);
    twin.cable("spare", 1);
    const routes = { kind: "kernel", table: 254, proto: 202, metric: 20 } as const;
    return {
      host: twin.host("a", { routes }),
      setFarEnd: (device, isUp) => twin.ip("b", `link set ${device} ${isUp ? "up" : "down"}`),
      setAdmin: (device, isUp) => twin.ip("a", `link set ${device} ${isUp ? "up" : "down"}`),
      until,
      pass: (durationUs) => sleep(durationUs / 1_000),
    };
  });
} else {
  t.test("linux kernel", { skip }, async () => undefined);
}
