/** Changes of the cloud's routing as steps of a drill: what they do, and that they are taken back. */
import t from "tap";
import { loadCloud } from "../../../../src/sim/cloud/file/load.ts";
import { type CloudChange, deedOf, undone } from "../../../../src/sim/lab/cloud-changes.ts";

const CLOUD = `
cloud: { name: lab }
vbrs: [{ name: vbr-1, circuit: c1, local: 10.0.1.1/30, peer: 10.0.1.2, peerAs: 65010 }]
ecr: { name: ecr-1 }
vpcs:
  - name: vpc-a
    vswitches: [{ name: a, cidr: 10.64.0.0/24 }]
    allowedPrefixes: [10.64.0.0/16]
    routes: [{ prefix: 10.99.0.0/16, nextHop: nat-gateway }]
endpoints: [{ name: ep, vpc: vpc-a, address: 10.64.0.9, connection: Pending }]
`;

t.test("a change of the cloud's routing is a deed, and another takes it back", async (t) => {
  const { config } = loadCloud("cloud.yaml", CLOUD);
  t.ok(config);
  if (config === undefined) return;
  const both = (change: CloudChange) => [deedOf(change), undone(config, change)];
  const tr = { transitRouter: "tr-1" } as const;
  t.match(both({ ...tr, do: "route-map", priority: 10, transmit: "out", turn: "off" }), [
    { do: "route-map", direction: "out", priority: 10, isOn: false },
    { do: "route-map", direction: "out", priority: 10, isOn: true },
  ]);
  t.match(both({ ...tr, do: "propagation", attachment: "x", turn: "off" }), [
    { do: "propagation", attachment: "x", isOn: false },
    { do: "propagation", attachment: "x", isOn: true },
  ]);
  const prefixes = ["10.64.0.0/24"];
  const allowed = { do: "allowed-prefixes", association: "vpc-a" } as const;
  t.match(both({ ...allowed, prefixes, mode: "incremental" }), [
    { ...allowed, allowed: { prefixes, mode: "incremental" } },
    { ...allowed, allowed: { prefixes: ["10.64.0.0/16"], mode: "match" } },
  ]);
  const custom = { do: "custom-route", table: "vpc-a" } as const;
  t.match(both({ ...custom, prefix: "10.99.0.0/16", nextHop: "none" }), [
    { do: "custom-route", vpc: "vpc-a", nextHop: undefined },
    { do: "custom-route", vpc: "vpc-a", nextHop: "nat-gateway" },
  ]);
  t.match(both({ ...custom, prefix: "10.98.0.0/16", nextHop: "ecr" }), [
    { nextHop: "ecr" },
    { prefix: "10.98.0.0/16", nextHop: undefined },
  ]);
  t.match(both({ do: "endpoint", endpoint: "ep", connection: "Connected" }), [
    { connection: "Connected" },
    { connection: "Pending" },
  ]);
  t.match(both({ do: "cdt", region: "r", turn: "off" }), [{ isOpen: false }, { isOpen: true }]);
  t.match(both({ do: "ecr-route", prefix: "10.1.0.0/16", instance: "vbr-1", turn: "off" }), [
    { nextHop: "vbr-1", isOn: false },
    { isOn: true },
  ]);
});
