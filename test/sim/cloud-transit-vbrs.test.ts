/**
 * VBRs attached to a transit router itself, without an ECR, in virtual time: what the router
 * chooses among them, whom it tells what, how fast it leaves a circuit that died.
 */
import t from "tap";
import { CloudRig, circuit, edgeFile, GROUP, vbr } from "./cloud-rig.ts";

const VPC = "vpcs: [{ name: vpc-a, vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }] }]";
const TR = (more = "", attachments = "", vbrs = vbr(1) + vbr(2)) => `
cloud: { name: lab }
vbrs:${vbrs}
ecr: { name: ecr-1 }
${VPC}
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-a }
      - { name: to-vbr-1, kind: vbr, to: vbr-1 }
      - { name: to-vbr-2, kind: vbr, to: vbr-2 }${attachments}${more}
`;
const BOTH = ["circuit-1", "circuit-2"];
const STANDBY = edgeFile(
  circuit(1) + circuit(2),
  "failover: { mode: active-standby, order: [circuit-1, circuit-2] }",
);
const pathsOf = (rig: CloudRig, node: string): number => {
  const rib = rig.cloud.agent(node)?.view.speaker.rib;
  return rib?.explain("10.1.0.0/16")?.candidates.length ?? 0;
};

t.test("VBRs on a transit router: equal routes share the load, no ECR in between", async (t) => {
  const rig = new CloudRig({ cloud: TR() }).start();
  t.same(rig.toldToEdge("circuit-1"), ["10.64.0.0/24"], "without AddBgpNetwork");
  t.same(rig.outVia(), BOTH);
  t.same(rig.backVia(), BOTH);
  t.equal(rig.sessionState("vbr-1", "tr-1"), "Established");
  t.equal(rig.sessionState("vbr-1", "ecr-1"), "none");
});

t.test("VBRs on a transit router: AS_PATH before preference", async (t) => {
  const map = `
    routeMaps:
      - priority: 10
        direction: in
        result: permit
        match: { sources: [to-vbr-1], sourceKinds: [vbr] }
        set: { preference: 60 }`;
  const rig = new CloudRig({ cloud: TR(map) }).start();
  t.same(rig.backVia(), ["circuit-2"], "the lower preference wins among equals");
  const prepended = new CloudRig({ cloud: TR(map), edge: STANDBY }).start();
  t.same(prepended.backVia(), ["circuit-1"], "but not over a shorter AS_PATH");
});

t.test("VBRs on a transit router: seconds to leave one, less with a failover group", async (t) => {
  const secondsToLeave = (cloud: string) => {
    const rig = new CloudRig({ cloud, edge: STANDBY }).start();
    t.same(rig.backVia(), ["circuit-1"]);
    rig.link("circuit-1").cut({ carrier: "unseen" });
    return rig.until(() => rig.backVia().join() === "circuit-2", 30) ?? Number.NaN;
  };
  const alone = secondsToLeave(TR());
  t.ok(alone > 3 && alone < 5, `${alone} s alone`);
  const grouped = secondsToLeave(TR() + GROUP);
  t.ok(grouped < 2, `${grouped} s in a group`);
});

t.test("VBRs on a transit router: priority 5000 tells no VBR or ECR of another", async (t) => {
  const cloud = TR("", "\n      - { name: to-ecr, kind: ecr }", vbr(1) + vbr(2) + vbr(3));
  const edge = edgeFile(circuit(1) + circuit(2) + circuit(3));
  const rig = new CloudRig({ cloud, edge }).start();
  t.same(rig.backVia(64), [...BOTH, "circuit-3"], "the VPC has all three");
  t.equal(pathsOf(rig, "tr-1"), 3);
  for (const node of ["vbr-1", "vbr-2", "vbr-3", "ecr-1"]) t.equal(pathsOf(rig, node), 1, node);
});

t.test("VBRs on a transit router: a failed health check moves the traffic", async (t) => {
  const probed = vbr(1, "\n    healthCheck: { source: 100.96.0.1 }") + vbr(2);
  const rig = new CloudRig({ cloud: TR("", "", probed) }).start(25);
  t.same(rig.backVia(), BOTH);
  rig.ground.edge.answersEcho = () => false;
  const sec = rig.until(() => rig.backVia().join() === "circuit-2", 60);
  t.ok(sec !== undefined && sec > 14 && sec <= 19, `moved after ${sec} s`);
});

t.test("VBRs on a transit router: association, propagation, static routes", async (t) => {
  const untold = TR().replace("to: vbr-1 }", "to: vbr-1, advertise: false }");
  const silent = new CloudRig({ cloud: untold }).start();
  t.same(silent.toldToEdge("circuit-1"), []);
  t.same(silent.backVia(), BOTH, "its routes are taken all the same");
  const deaf = new CloudRig({
    cloud: TR().replace("to: vbr-1 }", "to: vbr-1, propagations: [] }"),
  });
  t.same(deaf.start().backVia(), ["circuit-2"]);
  const routes = "\n    routes: [{ prefix: 10.1.7.0/24, to: to-vbr-2 }]";
  const led = new CloudRig({ cloud: TR(routes), idc: "10.1.7.7" }).start();
  t.same(led.backVia(), ["circuit-2"], "the longer prefix leads to one VBR");
  t.same(led.toldToEdge("circuit-1"), ["10.64.0.0/24"], "and is told to neither");
  t.notOk(led.tableOf("vbr-2").includes("10.1.7.0/24"), "or it would go round");
});

const REGIONS = (isEcmp: boolean) => `
cloud: { name: lab }
regions: [{ name: near, cdt: true, latency: 20ms }, { name: far, cdt: true, latency: 20ms }]
accessPoints: [{ name: ap-near, region: near }, { name: ap-far, region: far }]
connections:
  - { name: pc-1, accessPoint: ap-near }
  - { name: pc-2, accessPoint: ap-far }
vbrs:${vbr(1, "\n    connection: pc-1")}${vbr(2, "\n    connection: pc-2")}
ecr: { name: ecr-1 }
${VPC}
transitRouters:
  - name: tr-near
    region: near
    multiRegionEcmp: ${isEcmp}
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-a }
      - { name: to-vbr, kind: vbr, to: vbr-1 }
      - { name: to-far, kind: tr, to: tr-far }
  - name: tr-far
    region: far
    attachments: [{ name: to-vbr, kind: vbr, to: vbr-2 }, { name: to-near, kind: tr, to: tr-near }]
`;

t.test("VBRs on transit routers of two regions: the own region comes first", async (t) => {
  for (const isEcmp of [false, true]) {
    const rig = new CloudRig({ cloud: REGIONS(isEcmp) }).start(20);
    t.same(rig.outVia(), BOTH);
    t.same(rig.backVia(), ["circuit-1"], "whatever is said of names of regions");
    rig.link("circuit-1").cut({ carrier: "unseen" });
    t.ok(rig.until(() => rig.backVia().join() === "circuit-2", 10) !== undefined);
  }
});
