/**
 * VPCs in virtual time: what each next hop type means to a private line, endpoints of PrivateLink
 * whose connection or zone is lost.
 */
import t from "tap";
import { CloudRig, circuit, cloudFile, edgeFile, vbr } from "./cloud-rig.ts";

const CLOUD = (routes = "", more = "") =>
  cloudFile(`vpcs:
  - name: vpc-a
    vswitches: [{ name: a, cidr: 10.64.0.0/24 }, { name: b, cidr: 10.64.1.0/24 }]
    routes: [${routes}]
${more}`);

t.test("VPC: what is behind a next hop answers a private line, if it is published", async (t) => {
  const types = [
    ...["instance", "network-interface", "ha-vip", "nat-gateway", "vpn-gateway"],
    ...["ipv4-gateway", "ipv6-gateway", "gwlb-endpoint"],
  ];
  const routes = types.map((type, index) => {
    return `{ prefix: 10.80.${index}.0/24, nextHop: ${type}, publish: true }`;
  });
  const quiet = ["gateway-endpoint", "route-target-group", "vpc-peer", "ecr"].map((type, index) => {
    return `{ prefix: 10.81.${index}.0/24, nextHop: ${type} }`;
  });
  const cloud = CLOUD([...routes, ...quiet].join(", "));
  const rig = new CloudRig({ cloud, vpc: "10.80.3.1" }).start();
  const told = rig.toldToEdge("circuit-1").filter((prefix) => prefix.startsWith("10.8"));
  t.same(
    told,
    types.map((_, index) => `10.80.${index}.0/24`),
  );
  t.equal(rig.fate("idc"), "delivered");
  t.equal(rig.fate("vpc"), "delivered");
});

t.test("VPC: a route to a VPN gateway takes the place of a transit router's", async (t) => {
  const cloud = `
cloud: { name: lab }
vbrs:${vbr(1)}
ecr: { name: ecr-1 }
vpcs: [{ name: vpc-a, vswitches: [{ name: a, cidr: 10.64.0.0/24 }] }]
transitRouters:
  - name: tr-1
    attachments: [{ name: v, kind: vpc, to: vpc-a }, { name: e, kind: ecr }]
`;
  const rig = new CloudRig({ cloud, edge: edgeFile(circuit(1)) }).start();
  const route = { do: "custom-route", vpc: "vpc-a", prefix: "10.1.0.0/16" } as const;
  const refused = { code: "RouteConflict.AlreadyExist" };
  t.match(rig.cloud.do({ ...route, nextHop: "nat-gateway" }), refused);
  t.match(rig.cloud.do({ ...route, nextHop: "router-interface" }), {
    code: "Causeway.NotModelled",
  });
  t.equal(rig.cloud.do({ ...route, nextHop: "vpn-gateway" }), undefined);
  rig.run(2);
  const rows = rig.cloud.view().vpcs[0]?.table.filter(({ prefix }) => prefix === "10.1.0.0/16");
  t.match(rows, [{ type: "Custom" }, { type: "Dynamic", isActive: false }]);
  const onEcr = new CloudRig({ cloud: CLOUD() }).start();
  t.match(onEcr.cloud.do({ ...route, nextHop: "vpn-gateway" }), refused, "the ECR's stays");
});

const ENDPOINT = (connection: string) => `
endpoints:
  - name: ep-1
    vpc: vpc-a
    service: epsrv-1
    zones: [{ zone: a, address: 10.64.0.50 }, { zone: b, address: 10.64.1.50 }]
    connection: ${connection}
`;

t.test("PrivateLink: an endpoint answers while it is connected, zone by zone", async (t) => {
  const rig = new CloudRig({ cloud: CLOUD("", ENDPOINT("Connected")), vpc: "10.64.0.50" }).start();
  const deed = { do: "endpoint", endpoint: "ep-1" } as const;
  const zone = { do: "endpoint-zone", endpoint: "ep-1" } as const;
  t.equal(rig.fate("idc"), "delivered");
  t.equal(rig.cloud.do({ ...zone, zone: "b", isUp: false }), undefined);
  t.equal(rig.fate("idc"), "delivered", "the other zone's address is another");
  rig.cloud.do({ ...zone, zone: "a", isUp: false });
  t.equal(rig.fate("idc"), "blackhole");
  rig.cloud.do({ ...zone, zone: "a", isUp: true });
  t.equal(rig.fate("idc"), "delivered");
  rig.cloud.do({ ...deed, connection: "Disconnected" });
  t.equal(rig.fate("idc"), "blackhole");
  t.ok(rig.toldToEdge("circuit-1").includes("10.64.0.0/24"), "no route says so");
  rig.cloud.do({ ...deed, connection: "Connected" });
  t.equal(rig.fate("idc"), "delivered");
  t.match(rig.cloud.do({ ...zone, zone: "x", isUp: true }), { code: "EndpointZoneNotFound" });
  const unknown = { ...deed, endpoint: "x", connection: "Connected" } as const;
  t.match(rig.cloud.do(unknown), { code: "EndpointNotFound" });
  const pending = new CloudRig({
    cloud: CLOUD("", ENDPOINT("Pending")),
    vpc: "10.64.1.50",
  }).start();
  t.equal(pending.fate("idc"), "blackhole", "one that nobody has accepted");
});

const TABLES = (table: string, more = "") =>
  cloudFile(`vpcs:
  - name: vpc-a
    vswitches: [{ name: a, cidr: 10.64.0.0/24 }, { name: b, cidr: 10.64.1.0/24 }]
    tables: [{ name: t1, vswitches: [b]${table} }]
${more}`);
const inB = (cloud: string) => new CloudRig({ cloud, vpc: "10.64.1.10" }).start();

t.test("VPC: a vSwitch goes by the custom table it is associated to", async (t) => {
  const rig = inB(TABLES(""));
  t.same([...rig.toldToEdge("circuit-1")].toSorted(), ["10.64.0.0/24", "10.64.1.0/24"]);
  t.equal(rig.fate("idc"), "delivered");
  t.equal(rig.fate("vpc"), "delivered", "the table takes dynamic routes");
  t.equal(rig.vpc.name, "vpc-a-t1");
  const between = (host: string, source: string, destination: string) =>
    rig.ground.world.forward({ host, source, destination, sourcePort: 1, destinationPort: 2 })
      .outcome;
  t.equal(between("vpc-a-t1", "10.64.1.10", "10.64.0.10"), "delivered", "inside of the VPC");
  t.equal(between("vpc-a", "10.64.0.10", "10.64.1.10"), "delivered");
  const [system, custom] = rig.cloud.view().vpcs;
  t.match(system?.table[1], { prefix: "10.64.1.0/24", type: "System" });
  t.match(custom, { name: "vpc-a-t1" });
  const route = { do: "custom-route", vpc: "vpc-a-t1", prefix: "10.64.0.0/24" } as const;
  t.match(rig.cloud.do({ ...route, nextHop: "instance" }), { code: "InvalidCIDRBlock.Duplicate" });
});

t.test("VPC: a custom table without propagation has no way back, routes of its own", async (t) => {
  const rig = inB(TABLES(", propagation: false"));
  t.equal(rig.fate("idc"), "delivered", "the data centre reaches it");
  t.equal(rig.fate("vpc"), "no-route", "and it does not answer");
  const route = { do: "custom-route", vpc: "vpc-a-t1", prefix: "10.1.0.0/16" } as const;
  t.equal(rig.cloud.do({ ...route, nextHop: "ecr" }), undefined);
  t.equal(rig.fate("vpc"), "delivered", "by hand");
  const walled = inB(TABLES(", routes: [{ prefix: 10.1.0.0/16, nextHop: blackhole }]"));
  t.equal(walled.fate("vpc"), "blackhole");
  const other = new CloudRig({ cloud: TABLES(", propagation: false"), vpc: "10.64.0.10" }).start();
  t.equal(other.fate("vpc"), "delivered", "the system table is another");
});

t.test("VPC: custom tables behind a transit router, and in allowed prefixes", async (t) => {
  const tr = `
transitRouters:
  - name: tr-1
    attachments: [{ name: v, kind: vpc, to: vpc-a }, { name: e, kind: ecr }]`;
  const rig = inB(TABLES("", tr));
  t.same([...rig.toldToEdge("circuit-1")].toSorted(), ["10.64.0.0/24", "10.64.1.0/24"]);
  t.equal(rig.fate("vpc"), "delivered");
  t.equal(rig.fate("idc"), "delivered");
  const table = rig.cloud.view().transitRouters[0]?.tables[0]?.routes;
  t.match(table?.filter(({ nextHop }) => nextHop === "v").length, 2);
  const allowed = TABLES("").replace(
    "    tables:",
    "    allowedPrefixes: [10.64.0.0/16]\n    tables:",
  );
  const summed = inB(allowed);
  t.same(summed.toldToEdge("circuit-1"), ["10.64.0.0/16"]);
  t.equal(summed.fate("idc"), "delivered");
});
