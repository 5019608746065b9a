import t from "tap";
import type { Log } from "../../src/core/log.ts";
import { createLinuxHost } from "../../src/platform/linux/host.ts";
import { platformSuite, type SuiteHosts } from "./suite.ts";

const log: Log = { write: () => undefined };

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function loopback(addressA: string, addressB: string, foreignAddress: string): SuiteHosts {
  const a = createLinuxHost({ name: "a", log });
  const b = createLinuxHost({ name: "b", log });
  return {
    ...{ a, b, addressA, addressB, foreignAddress },
    until: async (predicate) => {
      for (let turn = 0; turn < 4_000 && !predicate(); turn += 1) await sleep(5);
      return predicate();
    },
    pass: (durationUs) => sleep(durationUs / 1_000),
    close: () => {
      a.close();
      b.close();
    },
  };
}

platformSuite(t, "linux, IPv4 loopback", () => loopback("127.0.0.1", "127.0.0.2", "203.0.113.9"));
platformSuite(t, "linux, IPv6 loopback", () => loopback("::1", "::1", "2001:db8::9"));
