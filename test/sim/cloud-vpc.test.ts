/**
 * VPCs in virtual time: what each next hop type means to a private line, endpoints of PrivateLink
 * whose connection or zone is lost.
 */
import t from "tap";
import { CloudRig, circuit, edgeFile, vbr } from "./cloud-rig.ts";

const EDGE = edgeFile(circuit(1) + circuit(2));
const CLOUD = (routes = "", more = "") => `
cloud: { name: lab }
vbrs:${vbr(1)}${vbr(2)}
ecr: { name: ecr-1 }
vpcs:
  - name: vpc-a
    vswitches: [{ name: a, cidr: 10.64.0.0/24 }, { name: b, cidr: 10.64.1.0/24 }]
    routes: [${routes}]
${more}`;

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
  const rig = new CloudRig({ cloud, edge: EDGE, vpc: "10.80.3.1" }).start();
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
  const onEcr = new CloudRig({ cloud: CLOUD(), edge: EDGE }).start();
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
  const rig = new CloudRig({
    ...{ cloud: CLOUD("", ENDPOINT("Connected")), edge: EDGE, vpc: "10.64.0.50" },
  }).start();
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
    ...{ cloud: CLOUD("", ENDPOINT("Pending")), edge: EDGE, vpc: "10.64.1.50" },
  }).start();
  t.equal(pending.fate("idc"), "blackhole", "one that nobody has accepted");
});
