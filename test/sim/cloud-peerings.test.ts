/**
 * Peering connections (router interfaces) in virtual time: static routes on both sides, what the
 * customer is told, and what becomes of the traffic when a circuit dies that no routing looks at.
 */
import t from "tap";
import { CloudRig, circuit, edgeFile, vbr } from "./cloud-rig.ts";

const ROUTED = (number: number) => `
    routes: [{ prefix: 10.64.0.0/24, to: ri-${number} }]
    networks: [10.64.0.0/24]`;
const CHECK = (number: number) => `, healthCheck: { source: 100.96.0.${number} }`;

interface PeeredOptions {
  /** Weights of the two next hops of the VPC's route. */
  readonly weights?: readonly [number, number];
  readonly isChecked?: boolean;
  readonly more?: string;
}

const PEERED = ({ weights = [100, 100], isChecked = true, more = "" }: PeeredOptions = {}) => `
cloud: { name: lab }
vbrs:${vbr(1, ROUTED(1))}${vbr(2, ROUTED(2))}
ecr: { name: ecr-1 }
vpcs:
  - name: vpc-a
    vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }]
    routes:
      - prefix: 10.1.0.0/16
        nextHop: peering
        via: [{ peering: ri-1, weight: ${weights[0]} }, { peering: ri-2, weight: ${weights[1]} }]
peerings:
  - { name: ri-1, vbr: vbr-1, vpc: vpc-a${isChecked ? CHECK(1) : ""} }
  - { name: ri-2, vbr: vbr-2, vpc: vpc-a${isChecked ? CHECK(2) : ""} }
${more}`;

const BOTH = ["circuit-1", "circuit-2"];
const STANDBY = edgeFile(
  circuit(1) + circuit(2),
  "failover: { mode: active-standby, order: [circuit-1, circuit-2] }",
);

t.test("peering: static routes and the networks told carry both directions", async (t) => {
  const rig = new CloudRig({ cloud: PEERED({ isChecked: false }) }).start();
  t.same(rig.toldToEdge("circuit-1"), ["10.64.0.0/24"]);
  t.equal(rig.fate("idc"), "delivered");
  t.equal(rig.fate("vpc"), "delivered");
  t.same(rig.outVia(), BOTH);
  t.same(rig.backVia(), BOTH, "equal weights share the load");
  t.equal(rig.cloud.agent("vbr-1")?.view.speaker.peer("ecr-1"), undefined, "not on the ECR");
  t.equal(rig.cloud.agent("vpc-a")?.view.speaker.peer("vbr-1"), undefined, "no BGP between them");
  t.match(rig.cloud.view().vpcs[0]?.table.at(-1), { prefix: "10.1.0.0/16", type: "Custom" });
});

t.test("peering: a route into connections is not entered while it runs, nor changed", async (t) => {
  const rig = new CloudRig({ cloud: PEERED({ isChecked: false }) }).start();
  const enter = (prefix: string) =>
    (["peering", "router-interface"] as const).map(
      (nextHop) => rig.cloud.do({ do: "custom-route", vpc: "vpc-a", prefix, nextHop })?.code,
    );
  const refused = ["Causeway.NotModelled", "Causeway.NotModelled"];
  t.same(enter("10.9.0.0/16"), refused);
  t.same(enter("10.1.0.0/16"), refused, "one that is there");
  const last = rig.cloud.view().vpcs[0]?.table.at(-1);
  t.match(last, { prefix: "10.1.0.0/16", nextHops: ["ri-1", "ri-2"], isActive: true });
  t.equal(rig.fate("vpc"), "delivered");
});

t.test("peering: a network told without a route for it is a blackhole at the VBR", async (t) => {
  const cloud = PEERED().replace("routes: [{ prefix: 10.64.0.0/24, to: ri-1 }]", "routes: []");
  const rig = new CloudRig({ cloud, edge: STANDBY }).start();
  t.ok(rig.toldToEdge("circuit-1").includes("10.64.0.0/24"));
  t.notSame(rig.fate("idc"), "delivered");
  const untold = PEERED().replaceAll("networks: [10.64.0.0/24]", "networks: []");
  const silent = new CloudRig({ cloud: untold }).start();
  t.same(silent.toldToEdge("circuit-1"), ["100.96.0.1/32"], "a static route alone tells nobody");
});

t.test("peering: weights 100 and 0, the health check moves the VPC's route", async (t) => {
  const cloud = PEERED({ weights: [100, 0] });
  const rig = new CloudRig({ cloud, edge: STANDBY }).start(25);
  t.ok(rig.toldToEdge("circuit-1").includes("100.96.0.1/32"), "the probe's source is announced");
  t.notOk(rig.toldToEdge("circuit-2").includes("100.96.0.1/32"), "by its own VBR only");
  t.same(rig.backVia(), ["circuit-1"]);
  rig.link("circuit-1").cut({ carrier: "unseen" });
  const out = rig.until(() => rig.outVia().join() === "circuit-2", 5);
  t.ok(out !== undefined && out < 2, `BFD moves the edge in ${out} s`);
  const back = rig.until(() => rig.backVia().join() === "circuit-2", 60);
  t.ok(back !== undefined && back > 12 && back <= 19, `8 losses move the VPC after ${back} s`);
  t.match(
    rig.cloud.events().filter(({ name }) => name === "RouterInterfaceHealthCheck:Failed"),
    [{ level: "CRITICAL", resource: "ri-1", text: "8 losses in a row" }],
  );
  t.match(rig.cloud.view().peerings, [
    { name: "ri-1", status: "Active", healthCheck: { isFailed: true } },
    { name: "ri-2", status: "Active", healthCheck: { isFailed: false } },
  ]);
  rig.link("circuit-1").repair();
  const again = rig.until(() => rig.backVia().join() === "circuit-1", 90);
  t.ok(again !== undefined && again > 12, `8 answers bring it back after ${again} s`);
});

t.test("peering: without a health check the VPC goes on into a dead circuit", async (t) => {
  const cloud = PEERED({ weights: [100, 0], isChecked: false });
  const rig = new CloudRig({ cloud, edge: STANDBY }).start();
  rig.link("circuit-1").cut({ carrier: "unseen" });
  rig.run(120);
  t.equal(rig.fate("idc"), "delivered", "the edge has left it");
  t.not(rig.fate("vpc"), "delivered", "nothing tells the VPC");
});

t.test("peering: of equal interfaces a failed one leaves, with the last all is lost", async (t) => {
  const rig = new CloudRig({ cloud: PEERED() }).start(25);
  t.same(rig.backVia(), BOTH);
  rig.link("circuit-1").cut({ carrier: "unseen" });
  t.ok(rig.until(() => rig.backVia().join() === "circuit-2", 30) !== undefined);
  rig.link("circuit-2").cut({ carrier: "unseen" });
  rig.run(30);
  t.not(rig.fate("vpc"), "delivered");
  rig.link("circuit-1").repair();
  t.ok(rig.until(() => rig.backVia().join() === "circuit-1", 90) !== undefined);
});

t.test("peering: a failed check withdraws the networks where the knob says both", async (t) => {
  const failed = (more: string) => {
    const rig = new CloudRig({ cloud: PEERED({ more }) }).start(25);
    rig.ground.edge.answersEcho = () => false;
    rig.run(30);
    return rig.toldToEdge("circuit-1").toSorted();
  };
  t.same(failed(""), ["10.64.0.0/24", "100.96.0.1/32"]);
  t.same(failed("knobs: { healthCheckWithdraws: both }"), ["100.96.0.1/32"], "it can recover");
});

t.test("peering: a deactivated interface carries nothing, neither way", async (t) => {
  const rig = new CloudRig({ cloud: PEERED({ isChecked: false }) }).start();
  const off = { do: "peering", peering: "ri-1", isActive: false } as const;
  t.equal(rig.cloud.do(off), undefined);
  t.same(rig.backVia(), ["circuit-2"]);
  t.ok(rig.outVia().length > 2, "flows of the edge end at vbr-1, which has no way on");
  t.equal(rig.cloud.do(off)?.code, "IncorrectRIStatus");
  t.match(rig.cloud.view().peerings[0], { name: "ri-1", status: "Inactive" });
  t.equal(rig.cloud.do({ ...off, isActive: true }), undefined);
  t.same(rig.backVia(), BOTH);
  const fault = rig.cloud.do({ ...off, peering: "ri-9" });
  t.equal(fault?.code, "InvalidRouterInterfaceId.NotFound");
});

t.test("peering: beside a transit router the peering's route beats the dynamic one", async (t) => {
  const cloud = PEERED({ isChecked: false })
    .replace("vbrs:", `vbrs:${vbr(3)}`)
    .concat("transitRouters: [{ name: tr-1, attachments: [")
    .concat("{ name: a, kind: vpc, to: vpc-a }, { name: e, kind: ecr }] }]");
  const edge = edgeFile(circuit(1) + circuit(2) + circuit(3));
  const rig = new CloudRig({ cloud, edge }).start();
  t.ok(rig.tableOf("tr-1").includes("10.1.0.0/16"), "by way of vbr-3 and the ECR");
  t.same(rig.backVia(), BOTH);
  const row = rig.cloud.view().vpcs[0]?.table.find(({ type }) => type === "Dynamic");
  t.match(row, { prefix: "10.1.0.0/16", isActive: false, reason: "custom-route" });
});

const NO_ECR = /^ecr: .*\n/m;
const ON_TR = `
cloud: { name: lab }
vbrs:${vbr(1)}${vbr(2)}
vpcs: [{ name: vpc-a, vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }] }]
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-a }
      - { name: to-vbr-1, kind: vbr, to: vbr-1 }
      - { name: to-vbr-2, kind: vbr, to: vbr-2 }
`;

for (const [name, cloud] of [
  ["peering connections", PEERED({ isChecked: false }).replace(NO_ECR, "")],
  ["a transit router", ON_TR],
] as const) {
  t.test(`${name} without an ECR: prefixes are withdrawn and announced`, async (t) => {
    const rig = new CloudRig({ cloud }).start();
    t.same(rig.toldToEdge("circuit-1"), ["10.64.0.0/24"]);
    t.same(rig.backVia(), BOTH);
    rig.cloud.withdraw("10.64.0.0/24");
    rig.cloud.announce("10.99.0.0/16");
    rig.run(2);
    t.same(rig.toldToEdge("circuit-1"), ["10.99.0.0/16"]);
    rig.cloud.announce("10.64.0.0/24");
    rig.cloud.withdraw("10.99.0.0/16");
    rig.run(2);
    t.same(rig.toldToEdge("circuit-2"), ["10.64.0.0/24"]);
    t.equal(rig.fate("idc"), "delivered");
  });
}
