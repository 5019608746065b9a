/**
 * CEN route maps in virtual time: which routes each condition picks, turned round or not, on the
 * way into a transit router's table and out of it, of this region and of another.
 */
import t from "tap";
import { CloudRig, circuit, cloudFile, edgeFile, TWO_REGIONS } from "./cloud-rig.ts";

/** Three sources of routes: two VBRs with a prefix of their own each, and a VPC of both types. */
const CLOUD = (maps: string, more = "") =>
  cloudFile(`vpcs:
  - name: vpc-a
    vswitches: [{ name: a, cidr: 10.64.0.0/24 }]
    routes: [{ prefix: 10.99.0.0/16, nextHop: instance, publish: true }]
  - { name: vpc-b, vswitches: [{ name: b, cidr: 10.65.0.0/24 }] }
transitRouters:
  - name: tr-1${more}
    attachments:
      - { name: a, kind: vpc, to: vpc-a }
      - { name: b, kind: vpc, to: vpc-b }
      - { name: one, kind: vbr, to: vbr-1 }
      - { name: two, kind: vbr, to: vbr-2 }
    routes: [{ prefix: 10.77.0.0/16, to: blackhole }]
    routeMaps:${maps}
`);
const EDGE = `${edgeFile(
  circuit(1, "\n    export: [first, announce-own]") +
    circuit(2, "\n    export: [second, announce-own]"),
).replace("rank: 1 }", "rank: 1 }, { prefix: 10.2.0.0/16, rank: 2 }")}
policy:
  policies:
    first: [{ term: no, match: { prefix: 10.2.0.0/16 }, action: reject }]
    second: [{ term: no, match: { prefix: 10.1.0.0/16 }, action: reject }]
`;

const map = (direction: "in" | "out", match: string, rest = "result: deny") =>
  `\n      - { priority: 10, direction: ${direction}, ${rest}, match: { ${match} } }`;
const ALL = ["10.1.0.0/16", "10.2.0.0/16", "10.64.0.0/24", "10.65.0.0/24", "10.77.0.0/16"];
const EVERY = [...ALL, "10.99.0.0/16"];

const tableWith = (match: string): readonly string[] => {
  const rig = new CloudRig({ cloud: CLOUD(map("in", match)), edge: EDGE }).start(10);
  return rig.tableOf("tr-1").toSorted();
};

t.test("route maps in: sources, their kinds and tables, route types", async (t) => {
  const denied = (match: string) => {
    const left = tableWith(match);
    return EVERY.filter((prefix) => !left.includes(prefix));
  };
  const cases = {
    "sources: [one]": ["10.1.0.0/16"],
    "sources: [one], sourcesReverse: true": [
      ...["10.2.0.0/16", "10.64.0.0/24", "10.65.0.0/24"],
      "10.99.0.0/16",
    ],
    "sourceKinds: [vpc]": ["10.64.0.0/24", "10.65.0.0/24", "10.99.0.0/16"],
    "sourceTables: [vpc-b, vbr-2]": ["10.2.0.0/16", "10.65.0.0/24"],
    "routeTypes: [system]": ["10.64.0.0/24", "10.65.0.0/24"],
    "routeTypes: [custom]": ["10.99.0.0/16"],
    "routeTypes: [bgp]": ["10.1.0.0/16", "10.2.0.0/16"],
    "routeTypes: [bgp, custom], sources: [two], sourcesReverse: true": [
      "10.1.0.0/16",
      "10.99.0.0/16",
    ],
    "sourceKinds: [vpc], routeTypes: [system], sourceTables: [vpc-a]": ["10.64.0.0/24"],
    "prefixes: [10.64.0.0/15], prefixMode: include": ["10.64.0.0/24", "10.65.0.0/24"],
    "prefixes: [10.64.0.0/15], prefixMode: complete": [],
    "asns: [65010], asnMode: complete, sources: [one]": ["10.1.0.0/16"],
    "asns: [65010, 65011], asnMode: complete": [],
    "asns: [65010, 65011], asnMode: include": ["10.1.0.0/16", "10.2.0.0/16"],
    "family: ipv6": [],
  };
  for (const [match, wanted] of Object.entries(cases)) t.same(denied(match), wanted, match);
});

t.test("route maps out: destinations, reversed, by kind and by table", async (t) => {
  const told = (match: string) => {
    const cloud = CLOUD(map("out", `prefixes: [10.77.0.0/16], ${match}`));
    const rig = new CloudRig({ cloud, edge: EDGE }).start(10);
    const has = (node: string) => rig.tableOf(node).includes("10.77.0.0/16");
    return ["vpc-a", "vpc-b", "vbr-1", "vbr-2"].filter(has);
  };
  t.same(told("destinations: [a]"), ["vpc-b", "vbr-1", "vbr-2"]);
  t.same(told("destinations: [a, one], destinationsReverse: true"), ["vpc-a", "vbr-1"]);
  t.same(told("destinationKinds: [vbr]"), ["vpc-a", "vpc-b"]);
  t.same(told("destinationTables: [vpc-b, vbr-2]"), ["vpc-a", "vbr-1"]);
  t.same(told("routeTypes: [custom]"), [], "a static route of the router is a custom one");
  t.same(told("routeTypes: [system]"), ["vpc-a", "vpc-b", "vbr-1", "vbr-2"]);
});

t.test("route maps: communities, included or complete, and what replaces them", async (t) => {
  const marked = EDGE.replace(
    "action: reject }]",
    'action: reject }, { term: mark, set: { community: { add: ["64512:1", "64512:2"] } } }]',
  );
  const has = (match: string) => {
    const rig = new CloudRig({ cloud: CLOUD(map("in", match)), edge: marked }).start(10);
    return rig.tableOf("tr-1").includes("10.1.0.0/16");
  };
  t.equal(has('communities: ["64512:1", "64512:9"]'), false, "one of them is enough");
  t.equal(has('communities: ["64512:1"], communityMode: complete'), true);
  t.equal(has('communities: ["64512:1", "64512:2"], communityMode: complete'), false);
});

t.test("route maps: one belongs to a table, and is asked there only", async (t) => {
  const attach = "{ name: a, kind: vpc, to: vpc-a";
  const more = "\n    tables: [default, other]";
  const cloud = (table: string) =>
    CLOUD(map("in", "sources: [a]", `table: ${table}, result: deny`), more).replace(
      attach,
      `${attach}, propagations: [default, other]`,
    );
  const inOther = new CloudRig({ cloud: cloud("other"), edge: EDGE }).start(10);
  t.ok(inOther.tableOf("tr-1").includes("10.64.0.0/24"));
  t.notOk(inOther.tableOf("tr-1-other").includes("10.64.0.0/24"));
  const inDefault = new CloudRig({ cloud: cloud("default"), edge: EDGE }).start(10);
  t.notOk(inDefault.tableOf("tr-1").includes("10.64.0.0/24"));
  t.ok(inDefault.tableOf("tr-1-other").includes("10.64.0.0/24"));
});

const REGIONS = (near: string, far = "") => `${TWO_REGIONS}transitRouters:
  - name: tr-near
    region: near
    attachments:
      - { name: vpc, kind: vpc, to: vpc-a }
      - { name: vbr, kind: vbr, to: vbr-1 }
      - { name: peer, kind: tr, to: tr-far }
    routeMaps:${near}
  - name: tr-far
    region: far
    attachments:
      - { name: vpc, kind: vpc, to: vpc-b }
      - { name: line, kind: vbr, to: vbr-2 }
      - { name: peer, kind: tr, to: tr-near }
    routeMaps:${far === "" ? " []" : far}
`;

t.test("route maps: routes of another region by region, kind and source", async (t) => {
  const near = (match: string, direction: "in" | "out" = "in") => {
    const rig = new CloudRig({ cloud: REGIONS(map(direction, match)), edge: EDGE }).start(20);
    const table = rig.tableOf(direction === "in" ? "tr-near" : "tr-far");
    return ["10.1.0.0/16", "10.2.0.0/16", "10.64.0.0/24", "10.65.0.0/24"].filter((prefix) =>
      table.includes(prefix),
    );
  };
  t.same(near("sourceRegions: [far]"), ["10.1.0.0/16", "10.64.0.0/24"]);
  t.same(near("sourceRegions: [near]"), ["10.2.0.0/16", "10.65.0.0/24"]);
  t.same(near("sourceRegions: [far], sourceKinds: [vbr]"), [
    ...["10.1.0.0/16", "10.64.0.0/24"],
    "10.65.0.0/24",
  ]);
  t.same(near("sources: [line]"), ["10.1.0.0/16", "10.64.0.0/24", "10.65.0.0/24"]);
  t.same(near("sources: [vpc]"), ["10.1.0.0/16", "10.2.0.0/16", "10.65.0.0/24"], "its own vpc");
  const out = near("destinationRegions: [far], routeTypes: [system]", "out");
  t.same(out, ["10.1.0.0/16", "10.2.0.0/16", "10.65.0.0/24"]);
});

t.test("route maps: a preference of another region's route stays behind the own", async (t) => {
  const better = map("in", "sourceRegions: [far]", "result: permit, set: { preference: 1 }");
  const rig = new CloudRig({ cloud: REGIONS(better) }).start(20);
  t.same(rig.backVia(), ["circuit-1"], "the region comes before the preference");
});
