/**
 * IPv6 beside IPv4 in virtual time: a session for each family on a circuit, and a cloud that
 * carries both.
 */
import t from "tap";
import type { RouteView } from "../../src/sim/cloud/tables/route-view.ts";
import { CloudRig, circuit, edgeFile, readEdge, vbr } from "./cloud-rig.ts";

const V6 = { idc: "fd00:10::10", vpc: "fd00:64:0:1::10" } as const;
const both = (number: number, more = "") =>
  circuit(
    number,
    `
    ipv6: { local: "fd00:0:0:${number}::2/126", remote: "fd00:0:0:${number}::1" }${more}`,
  );
const dual = (number: number) =>
  vbr(
    number,
    `
    ipv6: { local: "fd00:0:0:${number}::1/126", peer: "fd00:0:0:${number}::2" }`,
  );
const EDGE = edgeFile(both(1) + both(2)).replace(
  /announce:.*/,
  'announce: [{ prefix: 10.1.0.0/16, rank: 1 }, { prefix: "fd00:10::/32", rank: 2 }]',
);
const VPC = `
vpcs:
  - name: vpc-1
    ipv6: fd00:64::/56
    vswitches: [{ name: vsw-1, cidr: 10.64.0.0/24, ipv6: "fd00:64:0:1::/64" }]`;
const CLOUD = `
cloud: { name: lab }
vbrs:${dual(1)}${dual(2)}
ecr: { name: ecr-1 }
failoverGroups: [{ name: ha, vbrs: [vbr-1, vbr-2] }]${VPC}
`;
const ROUTERS = (more: string) => `${CLOUD}transitRouters:
  - name: tr-1
    attachments:
      - { name: to-ecr, kind: ecr }
      - { name: to-vpc, kind: vpc, to: vpc-1 }${more}
`;
const rigOf = (cloud: string, edge = EDGE) => {
  const ipv4 = new CloudRig({ cloud, edge });
  const ipv6 = new CloudRig({ cloud, edge, ...V6 });
  return { ipv4: ipv4.start(), ipv6: ipv6.start() };
};

t.test("IPv6: each circuit has a session a family, and traffic goes both ways", async (t) => {
  const { ipv4, ipv6 } = rigOf(CLOUD);
  for (const peer of ["circuit-1", "circuit-1-v6", "circuit-2", "circuit-2-v6"]) {
    t.equal(ipv6.edgeState(peer), "Established", peer);
  }
  t.same(ipv6.toldToEdge("circuit-1"), ["10.64.0.0/24"], "a family is told in its own session");
  t.same(ipv6.toldToEdge("circuit-1-v6"), ["fd00:64:0:1::/64"]);
  t.match(ipv6.cloud.view().vbrs[0]?.peers, [
    { name: "circuit-1", group: "vbr-1", address: "10.0.1.2", receivedRouteCount: 1 },
    { name: "circuit-1-v6", group: "vbr-1-v6", address: "fd00:0:0:1::2", receivedRouteCount: 1 },
  ]);
  for (const rig of [ipv4, ipv6]) {
    t.same(
      [rig.outVia(), rig.backVia()],
      [
        ["circuit-1", "circuit-2"],
        ["circuit-1", "circuit-2"],
      ],
    );
  }
  t.match(
    ipv6.cloud.view().vpcs[0]?.table.filter(({ prefix }) => prefix.includes(":")),
    [
      { prefix: "fd00:64:0:1::/64", type: "System", isActive: true },
      { prefix: "fd00:10::/32", type: "Dynamic", isActive: true },
    ],
  );
});

t.test("IPv6: a dead circuit takes both families along, and gives both back", async (t) => {
  for (const rig of Object.values(rigOf(CLOUD))) {
    rig.link("circuit-1").cut({ carrier: "unseen" });
    rig.run(3);
    t.same(
      [rig.edgeState("circuit-1"), rig.edgeState("circuit-1-v6")].includes("Established"),
      false,
    );
    t.same([rig.outVia(), rig.backVia()], [["circuit-2"], ["circuit-2"]]);
    rig.link("circuit-1").repair();
    rig.run(90);
    t.same(
      [rig.outVia(), rig.backVia()],
      [
        ["circuit-1", "circuit-2"],
        ["circuit-1", "circuit-2"],
      ],
    );
  }
});

t.test("IPv6: a port that was shut has the addresses of both families again", async (t) => {
  const { ipv6: rig } = rigOf(CLOUD);
  const port = { do: "port", connection: "circuit-1" } as const;
  t.equal(rig.cloud.do({ ...port, isOpen: false }), undefined);
  rig.run(3);
  t.same([rig.outVia(), rig.backVia()], [["circuit-2"], ["circuit-2"]]);
  t.equal(rig.cloud.do({ ...port, isOpen: true }), undefined);
  rig.run(90);
  t.same(
    [rig.edgeState("circuit-1"), rig.edgeState("circuit-1-v6")],
    ["Established", "Established"],
  );
});

t.test("IPv6: sessions of the two families are independent", async (t) => {
  const { ipv6: rig } = rigOf(CLOUD);
  const deed = {
    do: "disable-session",
    vbr: "vbr-1",
    peer: "circuit-1-v6",
    isDisabled: true,
  } as const;
  t.equal(rig.cloud.do(deed), undefined);
  rig.run(3);
  t.equal(rig.edgeState("circuit-1"), "Established", "the other goes on");
  t.same([rig.outVia(), rig.backVia()], [["circuit-2"], ["circuit-2"]]);
});

t.test("IPv6: a VBR without it stays with IPv4 in a cloud that has it", async (t) => {
  const cloud = CLOUD.replace(dual(2), vbr(2));
  const edge = EDGE.replace(both(2), circuit(2));
  const { ipv4, ipv6 } = rigOf(cloud, edge);
  t.same(
    [ipv4.outVia(), ipv4.backVia()],
    [
      ["circuit-1", "circuit-2"],
      ["circuit-1", "circuit-2"],
    ],
  );
  t.same([ipv6.outVia(), ipv6.backVia()], [["circuit-1"], ["circuit-1"]]);
});

t.test("IPv6: through a transit router, with a static route and a route map of IPv6", async (t) => {
  const { ipv4, ipv6 } = rigOf(ROUTERS(""));
  for (const rig of [ipv4, ipv6])
    t.same([rig.fate("idc"), rig.fate("vpc")], ["delivered", "delivered"]);
  const statics = ROUTERS(`
    routes: [{ prefix: "fd00:99::/32", to: to-ecr }, { prefix: "fd00:98::/32", to: to-vpc }]
    routeMaps:
      - { priority: 10, direction: in, result: deny, match: { sources: [to-ecr], family: ipv6 } }`);
  const mapped = rigOf(statics);
  t.same([mapped.ipv4.fate("vpc"), mapped.ipv6.fate("vpc")], ["delivered", "no-route"]);
  const way = (destination: string) =>
    mapped.ipv6.ground.world.forward({ host: "tr-1", source: V6.vpc, destination }).path[0];
  t.match(
    way("fd00:98::1")?.nextHop,
    /^fd00:10:253:/,
    "a static route goes by the next hop's IPv6",
  );
  t.match(way("fd00:99::1")?.nextHop, /^fd00:10:253:/);
});

t.test("IPv6: a VPC's table has one quota for both families", async (t) => {
  const { ipv6: rig } = rigOf(`${CLOUD}quotas: { ecrRoutesPerVpcTable: 1 }\n`);
  const dynamic = rig.cloud.view().vpcs[0]?.table.filter(({ type }) => type === "Dynamic");
  t.match(dynamic, [
    { prefix: "10.1.0.0/16", isActive: true },
    { prefix: "fd00:10::/32", isActive: false, reason: "over-quota" },
  ]);
});

t.test("IPv6: a peer's route quota is that of its family", async (t) => {
  const { ipv6: rig } = rigOf(
    CLOUD.replaceAll("peerAs: 65010", "peerAs: 65010\n    routeQuota: 1"),
  );
  t.match(rig.cloud.view().vbrs[0]?.peers, [
    { receivedRouteCount: 1, droppedByQuota: 0 },
    { receivedRouteCount: 1, droppedByQuota: 0 },
  ]);
});

t.test("IPv6: custom routes of a VPC to its hub and to an instance", async (t) => {
  const cloud = CLOUD.replace(
    VPC,
    `${VPC}
    routes:
      - { prefix: "fd00:97::/32", nextHop: hub }
      - { prefix: "fd00:96::/32", nextHop: instance, publish: true }`,
  );
  const { ipv6: rig } = rigOf(cloud);
  t.ok(rig.toldToEdge("circuit-1-v6").includes("fd00:96::/32"));
  const step = (destination: string) =>
    rig.ground.world.forward({ host: "vpc-1", source: V6.vpc, destination });
  t.match(step("fd00:97::1").path[0]?.nextHop, /^fd00:10:253:/);
  t.equal(step("fd00:96::1").outcome, "delivered");
});

t.test("IPv6: routes beyond a quota return in the order they came, in each session", async (t) => {
  const cloud = `${CLOUD.replaceAll("peerAs: 65010", "peerAs: 65010\n    routeQuota: 2")}
knobs: { droppedRoutes: return-at-once }
`;
  const announcing = (...numbers: readonly number[]) => {
    const rows = numbers.flatMap((one) => [
      `{ prefix: 10.1.${one}.0/24, rank: 1 }`,
      `{ prefix: "fd00:10:${one}::/48", rank: 1 }`,
    ]);
    return EDGE.replace(/announce:.*/, `announce: [${rows.join(", ")}]`);
  };
  const rig = new CloudRig({ cloud, edge: announcing(5, 6), idc: "10.1.5.10" }).start();
  rig.reloadEdge(() => readEdge(announcing(1, 5, 6)));
  rig.run(5);
  const kept = rig.tableOf("vbr-1").filter((prefix) => /^(10\.1|fd00:10):?/.test(prefix));
  t.same(kept, ["10.1.5.0/24", "10.1.6.0/24", "fd00:10:5::/48", "fd00:10:6::/48"]);
});

t.test("IPv6: next hops are shown by the names of nodes and attachments", async (t) => {
  const { ipv6: rig } = rigOf(CLOUD);
  const nextHops = (table: readonly RouteView[] | undefined, prefix: string) =>
    table?.find((row) => row.prefix === prefix)?.nextHops;
  const { vpcs, routers } = rig.cloud.view();
  t.same(nextHops(vpcs[0]?.table, "fd00:10::/32"), ["ecr-1"]);
  const ecr = routers.find(({ kind }) => kind === "ecr")?.routes;
  t.same(nextHops(ecr, "fd00:64:0:1::/64"), ["vpc-1"]);
  const routed = rigOf(ROUTERS("")).ipv6.cloud.view().transitRouters[0]?.tables[0]?.routes;
  t.match(
    routed?.filter(({ prefix }) => prefix.includes(":")).map(({ nextHop }) => nextHop),
    ["to-ecr", "to-vpc"],
  );
});
