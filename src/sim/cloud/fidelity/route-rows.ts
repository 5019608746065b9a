/** The rows of `docs/fidelity.md` about the ECR and what is told of it. */
import { area, type FidelityRow } from "./fidelity.ts";

const BAD_QUOTAS = ["unit/sim/cloud/load.test.ts", "cloud file: quotas, each at its line"] as const;
const KNOBS = "sim/cloud-knobs.test.ts";
const ECR_TESTS = "sim/cloud-ecr.test.ts";
const ROUTES = "sim/cloud-routes.test.ts";
const CLOUD = "sim/cloud.test.ts";

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
    behaviour: "route policies of the ECR: permit, deny, prepend and communities, in and out",
    isModelled: "yes",
    key: "ecr.routeMaps",
    byDefault: "none",
    source: "D-ERM",
    grade: "document",
    test: [ECR_TESTS, "ECR: route policies prepend"],
  },
  {
    behaviour: "of its rules the first that matches decides; none lets a route through as it is",
    isModelled: "yes",
    key: "ecr.routeMaps[].priority",
    source: "D-ERM",
    grade: "inferred",
    test: [ECR_TESTS, "ECR: of its rules the first"],
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
    behaviour: "one change at a time of a VPC's table, a VBR or a connection: `TaskConflict`",
    isModelled: "yes",
    knob: "taskTimeUs",
    source: "K5, K1",
    grade: "inferred",
    test: [KNOBS, "taskTime: "],
  },
  {
    behaviour: "the vendor's HTTP API, RAM, billing; states of objects as the API lists them",
    isModelled: "no",
    source: "K5",
    grade: "document",
  },
]);

export const ROUTE_ROWS: readonly FidelityRow[] = [...ECR, ...EVENTS];
