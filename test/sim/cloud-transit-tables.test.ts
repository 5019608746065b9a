/**
 * What a transit router's tables say of their routes in virtual time: the state of each and why it
 * is not in force, aggregates, static routes that follow BGP at once, changes that take time.
 */
import t from "tap";
import { CloudRig, circuit, edgeFile, vbr } from "./cloud-rig.ts";

const CLOUD = (tr: string, more = "", connections: readonly string[] = ["", ""]) => `
cloud: { name: lab }
vbrs:${connections.map((line, index) => vbr(index + 1, line)).join("")}
ecr: { name: ecr-1 }
vpcs:
  - name: vpc-a
    vswitches: [{ name: a, cidr: 10.64.0.0/24 }]
    routes: [{ prefix: 10.99.0.0/16, nextHop: instance, publish: true }]
  - name: vpc-b
    vswitches: [{ name: b, cidr: 10.65.0.0/24 }]
    routes: [{ prefix: 10.99.0.0/16, nextHop: instance, publish: true }]
transitRouters:
  - name: tr-1
    attachments:
      - { name: a, kind: vpc, to: vpc-a }
      - { name: b, kind: vpc, to: vpc-b }
      - { name: one, kind: vbr, to: vbr-1 }
      - { name: two, kind: vbr, to: vbr-2 }${tr}
${more}`;
const STANDBY = edgeFile(
  circuit(1) + circuit(2),
  "failover: { mode: active-standby, order: [circuit-1, circuit-2] }",
);

const rowsOf = (rig: CloudRig, prefix: string, at = 0) =>
  rig.cloud
    .view()
    .transitRouters[at]?.tables[0]?.routes.filter((row) => row.prefix === prefix)
    .map(({ nextHop, status, reason }) => [nextHop, status, reason]);

t.test("route states: active, candidate, standby, prohibited, rejected, and why", async (t) => {
  const maps = `
    routes: [{ prefix: 10.1.0.0/16, to: two }, { prefix: 10.77.0.0/16, to: blackhole }]
    routeMaps:
      - { priority: 10, direction: in, result: deny, match: { prefixes: [10.65.0.0/24] } }`;
  const rig = new CloudRig({ cloud: CLOUD(maps), edge: STANDBY }).start();
  t.same(rowsOf(rig, "10.1.0.0/16"), [
    ["two", "Standby", "BGP comes before static"],
    ["one", "Active", undefined],
    ["two", "Candidate", "AS_PATH of 2 > 1"],
  ]);
  t.same(rowsOf(rig, "10.77.0.0/16"), [["blackhole", "Active", undefined]]);
  t.same(rowsOf(rig, "10.65.0.0/24"), [["b", "Prohibited", "route map 10 of direction in"]]);
  t.same(rowsOf(rig, "10.99.0.0/16"), [
    ["a", "Active", undefined],
    ["b", "Rejected", "another VPC has the same prefix"],
  ]);
  const route = { do: "custom-route", vpc: "vpc-a", prefix: "10.99.0.0/16" } as const;
  t.equal(rig.cloud.do({ ...route, nextHop: undefined }), undefined);
  rig.run(2);
  t.same(rowsOf(rig, "10.99.0.0/16"), [["b", "Active", undefined]], "the other's turn");
  const shared = CLOUD("", "knobs: { vpcConflict: shared }");
  const both = [
    ["a", "Active", undefined],
    ["b", "Active", undefined],
  ];
  t.same(rowsOf(new CloudRig({ cloud: shared }).start(), "10.99.0.0/16"), both);
});

t.test("route states: preference, own region and the region's name as reasons", async (t) => {
  const map = `
    routeMaps:
      - priority: 10
        direction: in
        result: permit
        match: { sources: [two] }
        set: { preference: 60 }`;
  const rig = new CloudRig({ cloud: CLOUD(map) }).start();
  t.same(rowsOf(rig, "10.1.0.0/16"), [
    ["one", "Active", undefined],
    ["two", "Candidate", "preference 60 > 50"],
  ]);
  const far = (name: string, attachments: string) => `
  - name: tr-${name}
    region: ${name}
    attachments:
      - { name: line, kind: vbr, to: ${attachments} }
      - { name: back, kind: tr, to: tr-1 }`;
  const regions = `${CLOUD("", "", ["\n    connection: pc-1", "\n    connection: pc-2"])
    .replace("vpcs:", `${LINES}vpcs:`)
    .replace("      - { name: one, kind: vbr, to: vbr-1 }\n", "")
    .replace("{ name: two, kind: vbr, to: vbr-2 }", PEERS)
    .trimEnd()}${far("x", "vbr-1")}${far("y", "vbr-2")}
`;
  const three = new CloudRig({ cloud: regions }).start(20);
  t.same(rowsOf(three, "10.1.0.0/16"), [
    ["to-x", "Active", undefined],
    ["to-y", "Candidate", "the region's name comes later"],
  ]);
  t.same(rowsOf(three, "10.1.0.0/16", 1)?.[0], ["line", "Active", undefined]);
});
const LINES = `
regions: [{ name: h, cdt: true }, { name: x, cdt: true }, { name: y, cdt: true }]
accessPoints: [{ name: ap-x, region: x }, { name: ap-y, region: y }]
connections: [{ name: pc-1, accessPoint: ap-x }, { name: pc-2, accessPoint: ap-y }]
`;
const PEERS = "{ name: to-x, kind: tr, to: tr-x }\n      - { name: to-y, kind: tr, to: tr-y }";

t.test("static routes: in force in the moment BGP is gone, and out of it again", async (t) => {
  const routes = "\n    routes: [{ prefix: 10.1.0.0/16, to: blackhole }]";
  const rig = new CloudRig({ cloud: CLOUD(routes) }).start();
  const { world } = rig.ground;
  t.equal(rig.fate("vpc"), "delivered");
  for (const name of ["circuit-1", "circuit-2"]) rig.link(name).cut({ carrier: "seen" });
  const isLearnt = () =>
    rig.cloud
      .agent("tr-1")
      ?.view.speaker.rib.explain("10.1.0.0/16")
      ?.candidates.some(({ nextHop }) => nextHop.startsWith("10.253."));
  t.ok(rig.until(() => isLearnt() !== true, 60) !== undefined);
  const lostAt = world.now;
  t.ok(rig.until(() => rowsOf(rig, "10.1.0.0/16")?.[0]?.[1] === "Active", 5) !== undefined);
  t.ok(world.now - lostAt < 1000, `${world.now - lostAt} us after it`);
  for (const name of ["circuit-1", "circuit-2"]) rig.link(name).repair();
  t.ok(rig.until(() => isLearnt() === true, 200) !== undefined);
  const backAt = world.now;
  t.ok(rig.until(() => rowsOf(rig, "10.1.0.0/16")?.[0]?.[1] === "Standby", 5) !== undefined);
  t.ok(world.now - backAt < 1000, `${world.now - backAt} us after it`);
  const slow = new CloudRig({ cloud: CLOUD(routes, "knobs: { ownRouteDelay: 4s }") });
  slow.start(2);
  t.match(rowsOf(slow, "10.1.0.0/16"), [["blackhole", "Standby"]]);
  slow.run(20);
  t.equal(slow.fate("vpc"), "delivered");
});

t.test("aggregates: told in place of what they cover, while they cover something", async (t) => {
  const more = "\n    aggregates: [{ prefix: 10.64.0.0/15 }, { prefix: 10.0.0.0/8 }]";
  const rig = new CloudRig({ cloud: CLOUD(more) }).start();
  t.same(rig.toldToEdge("circuit-1"), ["10.0.0.0/8", "10.64.0.0/15"], "one covers no other");
  t.equal(rig.fate("idc"), "delivered");
  t.same(rowsOf(rig, "10.64.0.0/24"), [["a", "Active", "told as 10.64.0.0/15"]]);
  t.ok(rig.tableOf("tr-1").includes("10.64.0.0/24"), "the router forwards by the specific one");
  for (const attachment of ["a", "b"]) {
    const off = { do: "propagation", transitRouter: "tr-1", attachment, isOn: false } as const;
    t.equal(rig.cloud.do(off), undefined);
  }
  rig.run(5);
  t.same(rig.toldToEdge("circuit-1"), ["10.0.0.0/8"], "the data centre's own is inside of it");
  t.match(rowsOf(rig, "10.64.0.0/15"), [["tr-1", "Standby", /nothing inside/]]);
});

t.test("aggregates: told to VPCs only, and without anything inside, by knobs", async (t) => {
  const more = "\n    aggregates: [{ prefix: 10.0.0.0/8 }, { prefix: 172.16.0.0/12 }]";
  const knobs = "knobs: { aggregatesToldTo: vpc, aggregateNeeds: nothing }";
  const rig = new CloudRig({ cloud: CLOUD(more, knobs) }).start();
  t.same(rig.toldToEdge("circuit-1"), ["10.64.0.0/24", "10.65.0.0/24", "10.99.0.0/16"]);
  const learnt = rig.tableOf("vpc-a").filter((prefix) => !prefix.startsWith("10.64."));
  t.same(learnt, ["10.0.0.0/8", "10.99.0.0/16", "172.16.0.0/12"]);
  t.equal(rig.fate("vpc"), "delivered", "the data centre is behind the aggregate");
});

t.test("changes: association and propagation off and on, with the vendor's codes", async (t) => {
  const rig = new CloudRig({ cloud: CLOUD("", "knobs: { changeDelay: 5s }") }).start();
  const deed = { transitRouter: "tr-1", attachment: "one" } as const;
  const off = { ...deed, do: "propagation", isOn: false } as const;
  t.same(rig.backVia(), ["circuit-1", "circuit-2"]);
  t.equal(rig.cloud.do(off), undefined, "answered at once");
  t.match(rig.cloud.do(off), { code: "IncorrectStatus.AttachmentOrRouteTable" });
  rig.run(4);
  t.same(rig.backVia(), ["circuit-1", "circuit-2"], "not in force yet");
  rig.run(2);
  t.same(rig.backVia(), ["circuit-2"]);
  t.ok(rig.toldToEdge("circuit-1").includes("10.64.0.0/24"), "associated it still is");
  rig.cloud.do({ ...deed, do: "association", isOn: false });
  rig.run(6);
  t.same(rig.toldToEdge("circuit-1"), []);
  t.equal(rig.edgeState("circuit-1"), "Established");
  rig.cloud.do({ ...deed, do: "association", isOn: true });
  rig.cloud.do({ ...off, isOn: true });
  rig.run(7);
  t.same(rig.backVia(), ["circuit-1", "circuit-2"]);
  t.match(rig.cloud.do({ ...off, attachment: "nobody" }), { code: "Causeway.NotFound" });
});

t.test("changes: a route map is Creating and Deleting before it is Active and gone", async (t) => {
  const maps = `
    routeMaps: [{ priority: 10, direction: in, result: deny, match: { sources: [one] } }]`;
  const rig = new CloudRig({ cloud: CLOUD(maps, "knobs: { changeDelay: 5s }") }).start();
  const status = () => rig.cloud.view().transitRouters[0]?.routeMaps[0]?.status;
  const deed = { do: "route-map", transitRouter: "tr-1", direction: "in", priority: 10 } as const;
  t.equal(status(), "Active");
  rig.cloud.do({ ...deed, isOn: false });
  t.equal(status(), "Deleting");
  t.match(rig.cloud.do({ ...deed, isOn: true }), { code: "IncorrectStatus.RouteMap" });
  rig.run(6);
  t.equal(status(), "Deleted");
  rig.cloud.do({ ...deed, isOn: true });
  t.equal(status(), "Creating");
  rig.run(6);
  t.same(rig.backVia(), ["circuit-2"]);
});

const TWO_ROUTERS = `
cloud: { name: lab }
${LINES.trim()}
vbrs:${vbr(1, "\n    connection: pc-1")}${vbr(2, "\n    connection: pc-2")}
ecr: { name: ecr-1 }
vpcs: [{ name: vpc-a, region: x, vswitches: [{ name: a, cidr: 10.64.0.0/24 }] }]
transitRouters:
  - name: tr-x
    region: x
    attachments: [{ name: vpc, kind: vpc, to: vpc-a }, { name: far, kind: tr, to: tr-y }]
    routes: [{ prefix: 10.1.7.0/24, to: far }]
  - name: tr-y
    region: y
    attachments:
      - { name: line, kind: vbr, to: vbr-2 }
      - { name: near, kind: tr, to: tr-x }
      - { name: ecr, kind: ecr }
    routes: [{ prefix: 10.55.0.0/16, to: ecr }, { prefix: 10.56.0.0/16, to: line }]
`;

t.test("static routes: towards another region's router, never told back to it", async (t) => {
  const rig = new CloudRig({ cloud: TWO_ROUTERS, idc: "10.1.7.7" }).start(20);
  t.same(rowsOf(rig, "10.1.7.0/24"), [["far", "Active", undefined]]);
  t.equal(rig.fate("vpc"), "delivered");
  t.notOk(rig.tableOf("tr-y").includes("10.1.7.0/24"));
  t.ok(rig.tableOf("tr-x").includes("10.56.0.0/16"));
  t.notOk(rig.tableOf("tr-x").includes("10.55.0.0/16"), "one to the ECR is not told to a region");
});

t.test("route states: a router whose name begins like another's is told from it", async (t) => {
  const cloud = TWO_ROUTERS.replaceAll("tr-x", "tr").replaceAll("tr-y", "tr-b");
  const rig = new CloudRig({ cloud }).start(20);
  t.same(rowsOf(rig, "10.56.0.0/16"), [["far", "Active", undefined]]);
  t.same(rowsOf(rig, "10.64.0.0/24", 1), [["near", "Active", undefined]]);
});
