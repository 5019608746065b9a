/** The rows of `docs/fidelity.md` about the ECR, VPCs, VPNs and what is told of them. */
import type { FidelityRow } from "./fidelity.ts";

const BAD_QUOTAS = ["unit/sim/cloud/load.test.ts", "cloud file: quotas, each at its line"] as const;
const KNOBS = "sim/cloud-knobs.test.ts";
const ECR_TESTS = "sim/cloud-ecr.test.ts";
const ROUTES = "sim/cloud-routes.test.ts";
const CLOUD = "sim/cloud.test.ts";
const BAD_ROUTES = ["unit/sim/cloud/load.test.ts", "cloud file: faults of VPCs"] as const;

type Row = Omit<FidelityRow, "area">;

const area = (name: string, rows: readonly Row[]): readonly FidelityRow[] =>
  rows.map((row) => ({ area: name, ...row }));

const ECR = area("Express Connect Router", [
  {
    behaviour: "shorter AS_PATH wins, equal ones share the load over at most 32",
    isModelled: "yes",
    key: "ecr.ecmp",
    byDefault: "32",
    source: "D-ECR, D-FAQ",
    grade: "document",
    test: [ROUTES, "ECR: equal AS_PATHs share the load"],
  },
  {
    behaviour:
      "equal after AS_PATH and ORIGIN, at ECR and transit router: all, lowest router id, oldest",
    isModelled: "yes",
    knob: "hubTieBreak",
    source: "",
    grade: "assumed",
    test: [KNOBS, "hubTieBreak: "],
  },
  {
    behaviour: "VPC to VPC and VPC to transit router is not forwarded",
    isModelled: "yes",
    source: "D-ECR, D-CEN",
    grade: "document",
    test: [ROUTES, "ECR: VPCs on it do not reach each other"],
  },
  {
    behaviour: "allowed prefixes of a transit router, by its attachment, in both modes",
    isModelled: "yes",
    key: "attachments[].allowedPrefixes",
    byDefault: "none",
    source: "K2, D-ECR",
    grade: "document",
    test: [ECR_TESTS, "ECR: allowed prefixes of a transit router"],
  },
  {
    behaviour: "single routes switched off, by prefix and next hop",
    isModelled: "yes",
    key: "do: ecr-route",
    source: "K2",
    grade: "document",
    test: [ECR_TESTS, "ECR: a route switched off"],
  },
  {
    behaviour: "a region whose Cloud Data Transfer is closed later: nothing passes between regions",
    isModelled: "yes",
    key: "do: cdt",
    source: "K5, D-BILL",
    grade: "inferred",
    test: [ECR_TESTS, "regions: one whose Cloud Data Transfer is closed"],
  },
  {
    behaviour: "allowed prefixes in MatchMode and IncrementalMode, of VPCs on the ECR",
    isModelled: "yes",
    key: "vpcs[].allowedPrefixes",
    byDefault: "none",
    source: "K2",
    grade: "document",
    test: [ROUTES, "ECR: allowed prefixes stand for the VPC's own"],
  },
  {
    behaviour: "VPCs on an ECR; the vendor refuses and publishes no number",
    isModelled: "yes",
    quota: "vpcsPerEcr",
    source: "K5",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "transit routers on an ECR; no number is published",
    isModelled: "yes",
    quota: "transitRoutersPerEcr",
    source: "K5",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "allowed prefixes of a VPC; no number is published",
    isModelled: "yes",
    quota: "allowedPrefixesPerVpc",
    source: "K5",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "between regions NearBy or ECMP",
    isModelled: "yes",
    key: "ecr.transitMode",
    byDefault: "near-by",
    source: "K2",
    grade: "inferred",
    test: [ROUTES, "regions: near-by prefers the VBR of the VPC's region"],
  },
  {
    behaviour: "Cloud Data Transfer has to be open for traffic between regions",
    isModelled: "yes",
    key: "regions[].cdt",
    byDefault: "false",
    source: "K5, D-BILL",
    grade: "document",
    test: ["unit/sim/cloud/load.test.ts", "cloud file: faults of lines, VBRs and groups"],
  },
  {
    behaviour: "latency between regions",
    isModelled: "yes",
    key: "regions[].latency",
    byDefault: "20ms",
    source: "",
    grade: "assumed",
    test: ["unit/sim/cloud/load.test.ts", "cloud file: every key is read"],
  },
  {
    behaviour: "a region is lost whole",
    isModelled: "yes",
    key: "do: region",
    source: "",
    grade: "assumed",
    test: [ROUTES, "regions: one is lost with its ports and routers"],
  },
  {
    behaviour: "MED 2000 of the ECR's default path to a transit router",
    isModelled: "no",
    source: "K2",
    grade: "document",
  },
  {
    behaviour: "bandwidth between regions, cross-account grants, resource states, Conflict.Lock",
    isModelled: "no",
    source: "K2, K5",
    grade: "document",
  },
]);

const VPC = area("VPC, service range, PrivateLink", [
  {
    behaviour: "system before custom before dynamic; a dynamic route comes back",
    isModelled: "yes",
    key: "vpcs[].routes",
    source: "D-RT",
    grade: "document",
    test: [ROUTES, "VPC: a custom route beats the dynamic one"],
  },
  {
    behaviour: "a dynamic route inside of a system route is not effective",
    isModelled: "yes",
    source: "D-RT",
    grade: "document",
    test: [ROUTES, "VPC: a dynamic route inside of a vSwitch"],
  },
  {
    behaviour: "active dynamic routes of a table by the ECR",
    isModelled: "yes",
    quota: "ecrRoutesPerVpcTable",
    source: "D-RT",
    grade: "document",
    test: [ROUTES, "VPC: dynamic routes beyond the quota"],
  },
  {
    behaviour: "which of them are active: the lowest prefixes, or the first received",
    isModelled: "yes",
    knob: "vpcRoutesActive",
    source: "",
    grade: "assumed",
    test: [KNOBS, "vpcRoutesActive: "],
  },
  {
    behaviour: "dynamic routes of a table by a transit router",
    isModelled: "yes",
    quota: "dynamicRoutesPerVpcTable",
    source: "D-RT",
    grade: "document",
    test: [ROUTES, "VPC: on a transit router its table has another quota"],
  },
  {
    behaviour: "custom routes of a table; refusals with the vendor's codes",
    isModelled: "yes",
    quota: "customRoutesPerVpcTable",
    source: "D-RT, K5",
    grade: "document",
    test: [ROUTES, "VPC: custom routes to an instance are published"],
  },
  {
    behaviour: "vSwitches of a VPC",
    isModelled: "yes",
    quota: "vswitchesPerVpc",
    source: "D-RT",
    grade: "document",
    test: BAD_ROUTES,
  },
  {
    behaviour: "custom routes told to the ECR on demand",
    isModelled: "yes",
    key: "vpcs[].routes[].publish",
    byDefault: "false",
    source: "D-RT",
    grade: "document",
    test: [ROUTES, "VPC: custom routes to an instance are published"],
  },
  {
    behaviour: "next hop types; here `instance`, `hub` and `blackhole` stand for them all",
    isModelled: "part",
    key: "vpcs[].routes[].nextHop",
    source: "K1",
    grade: "document",
    test: [ROUTES, "VPC: a custom route beats the dynamic one"],
  },
  {
    behaviour: "a vSwitch's IPv6 network: a /64 of its VPC's /56, system routes of their own",
    isModelled: "yes",
    key: "vpcs[].vswitches[].ipv6",
    byDefault: "none",
    source: "K1",
    grade: "document",
    test: ["sim/cloud-ipv6.test.ts", "IPv6: each circuit has a session a family"],
  },
  {
    behaviour: "custom tables, prefix lists, security groups, HaVip",
    isModelled: "no",
    source: "D-RT",
    grade: "document",
  },
  {
    behaviour: "100.64.0.0/10 is refused whole and told in its halves",
    isModelled: "yes",
    key: "ecr.prefixes",
    source: "D-FAQ, D-LIM",
    grade: "document",
    test: [ROUTES, "service range: told in its halves"],
  },
  {
    behaviour: "a custom route more specific than 100.64.0.0/10 (the vendor contradicts itself)",
    isModelled: "yes",
    knob: "serviceRangeRoutes",
    source: "D-RT, K1",
    grade: "inferred",
    test: [KNOBS, "serviceRangeRoutes: "],
  },
  {
    behaviour: "a PrivateLink endpoint is an address of a vSwitch; states, zones, names are not",
    isModelled: "part",
    key: "endpoints",
    source: "K4",
    grade: "inferred",
    test: [ROUTES, "service range: told in its halves, an endpoint answers"],
  },
]);

const VPN = area("VPN as standby", [
  {
    behaviour: "IPsec connection on a transit router, BGP in a /30 of 169.254.0.0/16",
    isModelled: "yes",
    key: "vpns",
    source: "K1, D-CEN",
    grade: "document",
    test: [ROUTES, "VPN: carries the traffic of both directions"],
  },
  {
    behaviour: "latency of the way through the internet",
    isModelled: "yes",
    key: "vpns[].latency",
    byDefault: "15ms",
    source: "",
    grade: "assumed",
    test: [ROUTES, "VPN: carries the traffic of both directions"],
  },
  {
    behaviour: "IKE, ESP, rekeying, DPD, two tunnels, route weights, the VPN's health check",
    isModelled: "no",
    source: "K1",
    grade: "document",
  },
]);

const EVENTS = area("Events and metrics", [
  {
    behaviour: "`BGPPeerStatus:Down` and `BgpPeerReceiveRoutes:Exceed`",
    isModelled: "yes",
    source: "D-CMS",
    grade: "document",
    test: [CLOUD, "quota: 110 routes of 111 stay"],
  },
  {
    behaviour: "events of ports, health checks and jobs; the vendor's names are not known",
    isModelled: "yes",
    source: "",
    grade: "assumed",
    test: [CLOUD, "DownDelayTime: the port reports lost light late"],
  },
  {
    behaviour: "loss of the health check as a metric; latency and traffic are not",
    isModelled: "part",
    source: "D-CMS",
    grade: "document",
    test: [CLOUD, "health check: 8 echoes lost move the cloud's traffic"],
  },
  {
    behaviour: "the vendor's HTTP API, RAM, billing, TaskConflict, middle states",
    isModelled: "no",
    source: "K5",
    grade: "document",
  },
]);

export const ROUTE_ROWS: readonly FidelityRow[] = [...ECR, ...VPC, ...VPN, ...EVENTS];
