/** The rows of `docs/fidelity.md` about the ECR, transit routers, VPCs and what is told of them. */
import type { FidelityRow } from "./fidelity.ts";

const ROUTES = "sim/cloud-routes.test.ts";
const TRANSIT_VBRS = "sim/cloud-transit-vbrs.test.ts";
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
    behaviour: "tie-breaks after AS_PATH: ORIGIN, then nothing, so that all that is equal is used",
    isModelled: "yes",
    source: "",
    grade: "assumed",
    test: [ROUTES, "ECR: the shorter AS_PATH wins, the longer takes over"],
  },
  {
    behaviour: "VPC to VPC and VPC to transit router is not forwarded",
    isModelled: "yes",
    source: "D-ECR, D-CEN",
    grade: "document",
    test: [ROUTES, "ECR: VPCs on it do not reach each other"],
  },
  {
    behaviour: "allowed prefixes in MatchMode and IncrementalMode, of VPCs on the ECR",
    isModelled: "part",
    key: "vpcs[].allowedPrefixes",
    byDefault: "none",
    source: "K2",
    grade: "document",
    test: [ROUTES, "ECR: allowed prefixes stand for the VPC's own"],
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
    behaviour: "single routes switched off; MED 2000 of the default path",
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

const TRANSIT = area("Transit router and CEN", [
  {
    behaviour: "route tables, association, propagation, advertising; all on as the console does",
    isModelled: "yes",
    key: "transitRouters[].attachments",
    byDefault: "default table",
    source: "D-CEN, K3",
    grade: "document",
    test: [ROUTES, "transit router: an attachment knows the table"],
  },
  {
    behaviour: "priority 5000: VBR, ECR and VPN routes are not told to each other",
    isModelled: "yes",
    source: "K3, D-CEN",
    grade: "document",
    test: [ROUTES, "transit router: priority 5000 keeps VPN and ECR apart"],
  },
  {
    behaviour: "selection: BGP, AS_PATH, own region, preference, region by name",
    isModelled: "yes",
    key: "routeMaps[].set.preference",
    byDefault: "50",
    source: "D-CEN",
    grade: "document",
    test: [ROUTES, "transit router: AS_PATH before preference"],
  },
  {
    behaviour: "equal routes of one region share the load",
    isModelled: "yes",
    source: "D-CEN",
    grade: "document",
    test: [ROUTES, "transit router: AS_PATH before preference"],
  },
  {
    behaviour: "ECMP over several regions, where the name of the region is not looked at",
    isModelled: "yes",
    key: "transitRouters[].multiRegionEcmp",
    byDefault: "false",
    source: "K3, D-CEN",
    grade: "document",
    test: [ROUTES, "transit routers of three regions"],
  },
  {
    behaviour: "route maps: match, permit, deny, next priority, preference, communities, prepend",
    isModelled: "part",
    key: "transitRouters[].routeMaps",
    source: "K3",
    grade: "document",
    test: [ROUTES, "transit router: route maps deny, prepend and set communities"],
  },
  {
    behaviour: "route maps that match a region, a table, a route type, or in reverse",
    isModelled: "no",
    source: "K3",
    grade: "document",
  },
  {
    behaviour: "static routes rank behind BGP; one that takes over is noticed within 1 s",
    isModelled: "yes",
    key: "transitRouters[].routes",
    source: "D-CEN",
    grade: "document",
    test: [ROUTES, "transit router: a static route is in force while BGP"],
  },
  {
    behaviour: "VBRs on a transit router of their region, without ECR; each is on one or the other",
    isModelled: "yes",
    key: "attachments[].kind: vbr",
    source: "K3, D-CEN",
    grade: "document",
    test: [TRANSIT_VBRS, "VBRs on a transit router: equal routes share"],
  },
  {
    behaviour: "with VBRs the same selection: AS_PATH, own region, preference; equal ones share",
    isModelled: "yes",
    source: "D-CEN",
    grade: "document",
    test: [TRANSIT_VBRS, "VBRs on a transit router: AS_PATH before preference"],
  },
  {
    behaviour: "a static route of the router to a VBR",
    isModelled: "yes",
    key: "transitRouters[].routes",
    source: "D-CEN",
    grade: "document",
    test: [TRANSIT_VBRS, "VBRs on a transit router: association, propagation"],
  },
  {
    behaviour: "it is not told to that VBR, nor to any other gateway of the router",
    isModelled: "yes",
    source: "",
    grade: "assumed",
    test: [TRANSIT_VBRS, "VBRs on a transit router: association, propagation"],
  },
  {
    behaviour: "VBRs and the ECR on one transit router at once (an older page forbids it)",
    isModelled: "yes",
    source: "",
    grade: "assumed",
    test: [TRANSIT_VBRS, "VBRs on a transit router: priority 5000"],
  },
  {
    behaviour: "CCN, SAG, basic edition, aggregation",
    isModelled: "no",
    source: "K3, D-CEN",
    grade: "document",
  },
  {
    behaviour: "route states (Candidate, Standby, Rejected) and asynchronous changes",
    isModelled: "no",
    source: "K3",
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
    behaviour: "which of them are active: the lowest prefixes",
    isModelled: "yes",
    source: "",
    grade: "assumed",
    test: [ROUTES, "VPC: dynamic routes beyond the quota"],
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
    behaviour: "custom tables, prefix lists, security groups, HaVip, IPv6 in the VPC",
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
    source: "D-RT, K1",
    grade: "inferred",
    test: [ROUTES, "VPC: custom routes to an instance are published"],
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

export const ROUTE_ROWS: readonly FidelityRow[] = [...ECR, ...TRANSIT, ...VPC, ...VPN, ...EVENTS];
