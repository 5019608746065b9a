/** The rows of `docs/fidelity.md` about BGP and BFD between a VBR and its customers. */
import type { FidelityRow } from "./fidelity.ts";

const CLOUD = "sim/cloud.test.ts";
const LOAD = "unit/sim/cloud/load.test.ts";
const KNOBS = "sim/cloud-knobs.test.ts";
const PEERS = "sim/cloud-bgp.test.ts";
const BAD_LINES = [LOAD, "cloud file: faults of lines, VBRs and groups"] as const;
const BAD_GROUPS = [LOAD, "cloud file: faults of BGP groups and peers"] as const;
const DEFAULTS = [LOAD, "cloud file: what is not said is the vendor's default"] as const;

type Row = Omit<FidelityRow, "area">;

const area = (name: string, rows: readonly Row[]): readonly FidelityRow[] =>
  rows.map((row) => ({ area: name, ...row }));

const BGP = area("BGP towards the customer", [
  {
    behaviour: "cloud's AS 45104, or 64512–65534 and 4200000000–4294967294 without 65025",
    isModelled: "yes",
    key: "cloud.as",
    byDefault: "45104",
    source: "K1, K5, D-ECR",
    grade: "document",
    test: BAD_LINES,
  },
  {
    behaviour: "one AS for all VBRs of the ECR",
    isModelled: "yes",
    key: "cloud.as",
    source: "K5, D-ECR",
    grade: "document",
    test: DEFAULTS,
  },
  {
    behaviour: "another AS shown to one customer (`IsFakeAsn`)",
    isModelled: "yes",
    key: "vbrs[].fakeAs",
    byDefault: "none",
    source: "K1",
    grade: "document",
    test: ["sim/cloud-routes.test.ts", "VBR: fakeAs is the AS its customer sees"],
  },
  {
    behaviour: "hold time 30 s, keepalive 10 s",
    isModelled: "yes",
    key: "vbrs[].hold",
    byDefault: "30s / 10s",
    source: "K1, K5",
    grade: "inferred",
    test: DEFAULTS,
  },
  {
    behaviour: "groups of peers on one interconnect; what a group says goes for all its peers",
    isModelled: "yes",
    key: "vbrs[].groups",
    byDefault: "one of one peer",
    source: "D-BGP, K1",
    grade: "document",
    test: [PEERS, "BGP groups: two routers on one interconnect have a session each"],
  },
  {
    behaviour: "BGP peers of a VBR, all groups together",
    isModelled: "yes",
    quota: "bgpPeersPerVbr",
    source: "D-BGP, K1",
    grade: "document",
    test: BAD_GROUPS,
  },
  {
    behaviour: "a peer is in the subnet of the interconnect, and there once",
    isModelled: "yes",
    key: "vbrs[].groups[].peers[].address",
    source: "K1, K5",
    grade: "document",
    test: BAD_GROUPS,
  },
  {
    behaviour: "peers of one VBR whose routes have AS_PATHs of one length share its traffic",
    isModelled: "yes",
    key: "ecr.ecmp",
    byDefault: "32",
    source: "",
    grade: "assumed",
    test: [PEERS, "BGP groups: two routers on one interconnect have a session each"],
  },
  {
    behaviour: "a customer's AS is not 45104, nor the cloud's own",
    isModelled: "yes",
    key: "vbrs[].peerAs",
    source: "K1, K5, D-BGP",
    grade: "document",
    test: BAD_LINES,
  },
  {
    behaviour: "110 routes a peer; what is above is dropped and the session stays",
    isModelled: "yes",
    key: "vbrs[].routeQuota",
    byDefault: "110",
    source: "D-BGP, D-QUO, K1",
    grade: "document",
    test: [CLOUD, "quota: 110 routes of 111 stay"],
  },
  {
    behaviour: "which routes stay",
    isModelled: "yes",
    knob: "routesKept",
    source: "",
    grade: "assumed",
    test: [CLOUD, "quota: with routesKept lowest-prefix"],
  },
  {
    behaviour: "with `first-received`: whether dropped routes come back as soon as there is room",
    isModelled: "yes",
    knob: "droppedRoutes",
    source: "",
    grade: "assumed",
    test: [KNOBS, "droppedRoutes: "],
  },
  {
    behaviour: "MD5 key; another key resets the session",
    isModelled: "yes",
    key: "vbrs[].md5",
    byDefault: "none",
    source: "K1, D-BGP",
    grade: "document",
    test: [CLOUD, "session deeds: reset, disable, BFD timers and MD5"],
  },
  {
    behaviour: "how long an MD5 key may be",
    isModelled: "yes",
    knob: "md5KeyMax",
    source: "",
    grade: "assumed",
    test: [KNOBS, "md5KeyMax: "],
  },
  {
    behaviour: "MED of the customer",
    isModelled: "yes",
    knob: "customerMed",
    source: "",
    grade: "assumed",
    test: ["sim/cloud-routes.test.ts", "customer's MED: ignored, or compared"],
  },
  {
    behaviour: "ORIGIN of the customer",
    isModelled: "yes",
    knob: "customerOrigin",
    source: "",
    grade: "assumed",
    test: [KNOBS, "customerOrigin: "],
  },
  {
    behaviour: "GRACEFUL_SHUTDOWN (RFC 8326) of the customer",
    isModelled: "yes",
    knob: "gracefulShutdown",
    source: "",
    grade: "assumed",
    test: ["sim/cloud-routes.test.ts", "GRACEFUL_SHUTDOWN: honoured, or ignored"],
  },
  {
    behaviour: "graceful restart (RFC 4724)",
    isModelled: "yes",
    knob: "gracefulRestart",
    source: "",
    grade: "assumed",
    test: ["sim/cloud-routes.test.ts", "graceful restart: offered by the knob only"],
  },
  {
    behaviour: "ROUTE-REFRESH (RFC 2918), enhanced (RFC 7313)",
    isModelled: "yes",
    knob: "routeRefresh",
    source: "",
    grade: "assumed",
    test: [KNOBS, "routeRefresh, extendedMessages: "],
  },
  {
    behaviour: "extended messages (RFC 8654)",
    isModelled: "yes",
    knob: "extendedMessages",
    source: "",
    grade: "assumed",
    test: [KNOBS, "routeRefresh, extendedMessages: "],
  },
  {
    behaviour: "GTSM (RFC 5082)",
    isModelled: "yes",
    knob: "gtsm",
    source: "",
    grade: "assumed",
    test: [KNOBS, "gtsm: "],
  },
  {
    behaviour: "ADD-PATH, LLGR, TCP-AO: not offered",
    isModelled: "yes",
    source: "",
    grade: "assumed",
    test: [KNOBS, "routeRefresh, extendedMessages: "],
  },
  {
    behaviour:
      "no-export of the customer: obeyed towards other customers, ignored, kept at its VBR",
    isModelled: "yes",
    knob: "customerNoExport",
    source: "",
    grade: "assumed",
    test: [KNOBS, "customerNoExport: "],
  },
  {
    behaviour: "a default route of the customer",
    isModelled: "yes",
    knob: "customerDefault",
    source: "",
    grade: "assumed",
    test: [KNOBS, "customerDefault: "],
  },
  {
    behaviour: "the cloud's own AS in a customer's AS_PATH (allowas-in)",
    isModelled: "yes",
    knob: "ownAsAllowed",
    source: "",
    grade: "assumed",
    test: [KNOBS, "ownAsAllowed: "],
  },
  {
    behaviour: "private ASes in what other customers are told",
    isModelled: "yes",
    knob: "privateAs",
    source: "",
    grade: "assumed",
    test: [KNOBS, "privateAs: "],
  },
  {
    behaviour:
      "old devices (`CEN` is NOK) tell a customer no AS_PATH but 45104, and no communities",
    isModelled: "yes",
    key: "connections[].features.CEN",
    byDefault: "OK",
    source: "D-LOOP, K1",
    grade: "document",
    test: ["sim/cloud-features.test.ts", "CEN: an old device tells no AS_PATH"],
  },
]);

const BFD = area("BFD", [
  {
    behaviour: "off until a peer enables it; 1000 ms × 3, 255 hops",
    isModelled: "yes",
    key: "vbrs[].bfd",
    byDefault: "off",
    source: "K1, D-BFD",
    grade: "document",
    test: DEFAULTS,
  },
  {
    behaviour: "200 to 1000 ms, multiplier 3 to 10, 1 to 255 hops",
    isModelled: "yes",
    key: "vbrs[].bfd",
    source: "K1, K5",
    grade: "document",
    test: [CLOUD, "session deeds: reset, disable, BFD timers and MD5"],
  },
  {
    behaviour: "one hop is port 3784 and TTL 255, more is 4784; or always one of them",
    isModelled: "yes",
    knob: "bfdEncapsulation",
    source: "D-BFD",
    grade: "inferred",
    test: [KNOBS, "bfdRole, bfdEncapsulation: "],
  },
  {
    behaviour: "role: the VBR begins, or waits to hear",
    isModelled: "yes",
    knob: "bfdRole",
    source: "",
    grade: "assumed",
    test: [KNOBS, "bfdRole, bfdEncapsulation: "],
  },
  {
    behaviour: "no echo, no demand mode, no authentication",
    isModelled: "yes",
    source: "",
    grade: "assumed",
    test: [CLOUD, "VBR: one hop of BFD is single hop, more is multihop"],
  },
]);

export const BGP_ROWS: readonly FidelityRow[] = [...BGP, ...BFD];
