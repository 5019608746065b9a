/**
 * What the cloud does to lines and sessions, in virtual time: ports, quotas, health checks,
 * failover groups and failover-test jobs, each against the shipped agent.
 */
import t from "tap";
import { CloudRig, circuit, ECR, edgeFile, GROUP, vbr } from "./cloud-rig.ts";

const TWO = `
cloud: { name: lab }
vbrs:${vbr(1)}${vbr(2)}
${ECR}
`;
const connections = (more: string) => `
accessPoints: [{ name: ap-1 }, { name: ap-2 }]
connections:
  - { name: pc-1, accessPoint: ap-1, accessDevice: d-1${more} }
  - { name: pc-2, accessPoint: ap-2, accessDevice: d-2 }
`;
const on = (number: number, more = "") => vbr(number, `\n    connection: pc-${number}${more}`);
const ON_PORTS = (more: string) => `
cloud: { name: lab }
${connections(more)}
vbrs:${on(1)}${on(2)}
${ECR}
`;

/** An edge of 111 prefixes and no budget; the last by number comes first. */
const EDGE_111 = edgeFile(circuit(1)).replace(
  /announce:.*/,
  `announce: [${Array.from({ length: 111 }, (_, index) => {
    return `{ prefix: 10.1.${110 - index}.0/24, rank: 1 }`;
  }).join(", ")}]`,
);
const ONE = (more: string) => `
cloud: { name: lab }
vbrs:${vbr(1)}
${ECR}
${more}`;

const eventsOf = (rig: CloudRig, name: string) =>
  rig.cloud.events().filter((event) => event.name === name);

t.test("quota: 110 routes of 111 stay, the session too, and an event says so", async (t) => {
  const noBudget = EDGE_111.replace("bfd:", "budget: { limit: 200 }\n    bfd:");
  const rig = new CloudRig({ cloud: ONE(""), edge: noBudget }).start();
  t.equal(rig.sessionState("vbr-1", "circuit-1"), "Established");
  t.match(rig.cloud.view().vbrs[0]?.peers[0], { receivedRouteCount: 110, droppedByQuota: 1 });
  const [event] = eventsOf(rig, "BgpPeerReceiveRoutes:Exceed");
  t.match(event, { level: "WARN", resource: "vbr-1", region: "region-1" });
  t.equal(rig.tableOf("ecr-1").filter((prefix) => prefix.startsWith("10.1.")).length, 110);
  t.equal(rig.cloud.do({ do: "set-route-quota", vbr: "vbr-1", routes: 200 }), undefined);
  rig.run(5);
  t.match(
    rig.cloud.view().vbrs[0]?.peers[0],
    { receivedRouteCount: 111 },
    "a raised quota takes them all",
  );
});

t.test("quota: with routesKept lowest-prefix the highest goes, not the last", async (t) => {
  const noBudget = EDGE_111.replace("bfd:", "budget: { limit: 200 }\n    bfd:");
  const cloud = ONE("knobs: { routesKept: lowest-prefix }");
  const rig = new CloudRig({ cloud, edge: noBudget, idc: "10.1.0.10" }).start();
  const table = rig.tableOf("ecr-1");
  t.notOk(table.includes("10.1.110.0/24"));
  t.equal(table.filter((prefix) => prefix.startsWith("10.1.")).length, 110);
  rig.reloadEdge((config) => ({
    ...config,
    announce: config.announce.filter(({ prefix }) => prefix !== "10.1.0.0/24"),
  }));
  rig.run(5);
  t.ok(rig.tableOf("ecr-1").includes("10.1.110.0/24"), "there is room for it now");
});

t.test("DownDelayTime: the port reports lost light late, the edge sees it at once", async (t) => {
  const cloud = ON_PORTS(", downDelay: 2s").replaceAll(/\n {4}bfd: .*/g, "");
  const edge = edgeFile(circuit(1) + circuit(2)).replaceAll(/bfd: .*/g, "bfd: off");
  const rig = new CloudRig({ cloud, edge }).start();
  rig.link("circuit-1").cut({ to: "edge", carrier: "seen" });
  rig.link("circuit-1").cut({ to: "vbr-1", carrier: "unseen" });
  t.equal(rig.cloud.do({ do: "light", connection: "pc-1", isOn: false }), undefined);
  rig.run(1.9);
  t.not(rig.edgeState("circuit-1"), "Established");
  t.equal(rig.sessionState("vbr-1", "circuit-1"), "Established", "the port still says Up");
  t.equal(rig.cloud.view().connections[0]?.port, "Up");
  rig.run(0.2);
  t.not(rig.sessionState("vbr-1", "circuit-1"), "Established");
  t.equal(rig.cloud.view().connections[0]?.port, "Down");
  t.match(eventsOf(rig, "PhysicalConnectionStatus:Down"), [{ resource: "pc-1" }]);
  t.match(eventsOf(rig, "BGPPeerStatus:Down"), [{ resource: "vbr-1", level: "CRITICAL" }]);
});

t.test("DownDelayTime: light that is back in time is never reported", async (t) => {
  const rig = new CloudRig({ cloud: ON_PORTS(", downDelay: 2s") }).start();
  rig.cloud.do({ do: "light", connection: "pc-1", isOn: false });
  rig.run(1.5);
  rig.cloud.do({ do: "light", connection: "pc-1", isOn: true });
  rig.run(5);
  t.same(eventsOf(rig, "PhysicalConnectionStatus:Down"), []);
  t.equal(rig.sessionState("vbr-1", "circuit-1"), "Established");
});

t.test(
  "port: shut by the cloud, by its device, by an unpaid bill: each is one reason",
  async (t) => {
    const rig = new CloudRig({ cloud: ON_PORTS("") }).start();
    rig.cloud.do({ do: "port", connection: "pc-1", isOpen: false });
    rig.cloud.do({ do: "device", device: "d-1", isUp: false });
    rig.cloud.do({ do: "business", connection: "pc-1", status: "FinancialLocked" });
    rig.run(2);
    t.not(rig.edgeState("circuit-1"), "Established", "both ends lost their carrier");
    t.equal(rig.fate("idc"), "delivered", "by way of circuit-2");
    t.same(rig.outVia(), ["circuit-2"]);
    rig.cloud.do({ do: "port", connection: "pc-1", isOpen: true });
    rig.cloud.do({ do: "device", device: "d-1", isUp: true });
    rig.run(20);
    t.same(rig.cloud.view().connections[0]?.shutBy, ["business status"]);
    rig.cloud.do({ do: "business", connection: "pc-1", status: "Normal" });
    const sec = rig.until(() => rig.edgeState("circuit-1") === "Established", 60);
    t.ok(sec !== undefined, `it comes back after ${sec} s`);
    t.match(rig.cloud.do({ do: "port", connection: "pc-9", isOpen: true }), {
      code: "InvalidPhysicalConnectionId.NotFound",
    });
  },
);

t.test("port: what is not Enabled carries nothing from the start", async (t) => {
  const rig = new CloudRig({ cloud: ON_PORTS(", status: Confirmed") }).start();
  t.not(rig.edgeState("circuit-1"), "Established");
  t.equal(rig.edgeState("circuit-2"), "Established");
  t.match(rig.cloud.view().connections[0], { port: "Down", shutBy: ["status Confirmed"] });
});

t.test(
  "failover group: the cloud leaves a dead VBR at once, without it seconds later",
  async (t) => {
    const outage = (cloud: string): number => {
      const rig = new CloudRig({ cloud }).start();
      rig.link("circuit-1").cut({ carrier: "unseen" });
      const isLost = () => rig.backVia().join() !== "circuit-2";
      t.ok(isLost(), "half of the flows are on the dead circuit");
      return rig.until(() => !isLost(), 30) ?? Number.NaN;
    };
    const [withGroup, without] = [outage(`${TWO}${GROUP}`), outage(TWO)];
    t.ok(withGroup < 1, `with a group: ${withGroup} s`);
    t.ok(without > 3 && without < 5, `without: ${without} s`);
    const quick = outage(`${TWO}knobs: { routeDelay: 0s }`);
    t.ok(quick < 1, `routeDelay 0s: ${quick} s`);
  },
);

const PROBED = `
cloud: { name: lab }
vbrs:${vbr(1, "\n    healthCheck: { source: 100.96.0.1 }")}${vbr(2)}
${ECR}
${GROUP}
`;

t.test("health check: 8 echoes lost move the cloud's traffic, BGP and BFD stay up", async (t) => {
  const rig = new CloudRig({ cloud: PROBED }).start(25);
  t.ok(rig.toldToEdge("circuit-1").includes("100.96.0.1/32"), "the probe's source is announced");
  t.notOk(rig.toldToEdge("circuit-2").includes("100.96.0.1/32"), "on its own circuit only");
  t.same(rig.backVia(), ["circuit-1", "circuit-2"]);
  t.match(rig.cloud.view().vbrs[0]?.healthCheck, { isFailed: false });
  rig.ground.edge.answersEcho = () => false;
  const sec = rig.until(() => rig.backVia().join() === "circuit-2", 60);
  t.ok(sec !== undefined && sec > 14 && sec <= 19, `CoPP drops the echoes: moved after ${sec} s`);
  t.equal(rig.sessionState("vbr-1", "circuit-1"), "Established");
  t.same(rig.outVia(), ["circuit-1", "circuit-2"], "the edge goes on as before");
  t.match(eventsOf(rig, "VbrHealthCheck:Failed"), [
    { resource: "vbr-1", text: "8 losses in a row" },
  ]);
  rig.ground.edge.answersEcho = () => true;
  const back = rig.until(() => rig.backVia().length === 2, 60);
  t.ok(back !== undefined && back > 12 && back <= 19, `8 answers bring it back after ${back} s`);
});

t.test("health check: probeOnly tells and moves nothing; both withdraws at the edge", async (t) => {
  const only = new CloudRig({ cloud: PROBED.replace("0.1 }", "0.1, probeOnly: true }") }).start();
  only.ground.edge.answersEcho = () => false;
  only.run(30);
  t.same(only.backVia(), ["circuit-1", "circuit-2"]);
  t.equal(eventsOf(only, "VbrHealthCheck:Failed").length, 1);

  const both = new CloudRig({ cloud: `${PROBED}knobs: { healthCheckWithdraws: both }` }).start();
  both.ground.edge.answersEcho = () => false;
  both.run(30);
  t.same(both.outVia(), ["circuit-2"]);
  t.same(both.toldToEdge("circuit-1"), ["100.96.0.1/32"], "the probe can still recover");
  both.cloud.do({ do: "health-check", vbr: "vbr-1", isOn: false });
  both.run(2);
  t.same(both.outVia(), ["circuit-1", "circuit-2"], "switched off, it holds nothing back");
});

t.test("failover-test job: the circuit is shut while it is Testing, and restored", async (t) => {
  const rig = new CloudRig({ cloud: ON_PORTS("") }).start();
  const job = {
    ...{ name: "ftj-1", region: "region-1", resources: ["pc-1"] },
    ...{ durationUs: 60_000_000, isStartedNow: true },
  };
  t.equal(rig.cloud.do({ do: "create-job", job }), undefined);
  t.equal(rig.cloud.view().jobs[0]?.state, "Starting");
  t.equal(rig.edgeState("circuit-1"), "Established");
  rig.run(6);
  t.equal(rig.cloud.view().jobs[0]?.state, "Testing");
  t.not(rig.edgeState("circuit-1"), "Established");
  t.same(rig.outVia(), ["circuit-2"]);
  t.match(rig.cloud.do({ do: "create-job", job: { ...job, name: "ftj-2" } }), {
    code: "EcFailoverTestJobResourceInAnotherProcessingJob",
  });
  rig.run(60);
  t.equal(rig.cloud.view().jobs[0]?.state, "Stopping", "its time is over");
  rig.run(6);
  t.equal(rig.cloud.view().jobs[0]?.state, "Stopped");
  t.ok(rig.until(() => rig.edgeState("circuit-1") === "Established", 60) !== undefined);
  const states = rig.cloud.events().filter(({ resource }) => resource === "ftj-1");
  t.same(
    states.map(({ name }) => name.split(":")[1]),
    ["Starting", "Testing", "Stopping", "Stopped"],
  );
});

t.test("session deeds: reset, disable, BFD timers and MD5 on a running VBR", async (t) => {
  const rig = new CloudRig({ cloud: TWO }).start();
  rig.cloud.do({ do: "reset-session", vbr: "vbr-1" });
  const peer = () => rig.edge.view.speaker.peer("circuit-1");
  t.ok(rig.until(() => peer()?.establishedTransitions === 2, 60) !== undefined);
  rig.cloud.do({ do: "disable-session", vbr: "vbr-1", isDisabled: true });
  rig.run(30);
  t.not(rig.edgeState("circuit-1"), "Established");
  rig.cloud.do({ do: "disable-session", vbr: "vbr-1", isDisabled: false });
  t.ok(rig.until(() => rig.edgeState("circuit-1") === "Established", 90) !== undefined);
  const bfd = { txIntervalUs: 1e6, rxIntervalUs: 1e6, multiplier: 10, hops: 255 };
  t.match(rig.cloud.do({ do: "set-bfd", vbr: "vbr-1", bfd: { ...bfd, txIntervalUs: 5 } }), {
    code: "IllegalParam.MinTxInterval",
  });
  t.equal(rig.cloud.do({ do: "set-bfd", vbr: "vbr-1", bfd }), undefined);
  rig.run(5);
  t.equal(rig.edgeState("circuit-1"), "Established", "timers change without a reset");
  rig.cloud.do({ do: "set-md5", vbr: "vbr-1", key: "another" });
  rig.run(60);
  t.not(rig.edgeState("circuit-1"), "Established", "a key of one side only lets nothing through");
  t.match(rig.cloud.do({ do: "reset-session", vbr: "vbr-9" }), { code: "InvalidVbrId.NotFound" });
});

t.test("VBR: one hop of BFD is single hop, more is multihop; active, without a key", async (t) => {
  const bfdOf = (hops: number) => {
    const cloud = TWO.replaceAll("hops: 255", `hops: ${hops}`);
    const edge = edgeFile(circuit(1) + circuit(2)).replaceAll("hops: 255", `hops: ${hops}`);
    const rig = new CloudRig({ cloud, edge }).start();
    t.equal(rig.edgeState("circuit-1"), "Established");
    return rig.cloud.agent("vbr-1")?.view.config.circuits[0]?.sessions[0]?.bfd;
  };
  const rest = { isPassive: false, auth: undefined };
  t.match(bfdOf(1), { mode: "single-hop", minTtl: 255, ...rest });
  t.match(bfdOf(255), { mode: "multihop", minTtl: 1, ...rest });
});

t.test("VBR: its circuit takes 1500 octets, and no more than its bandwidth", async (t) => {
  const slow = `
cloud: { name: lab }
vbrs:${vbr(1, "\n    bandwidth: 50Mbps")}
${ECR}`;
  const rig = new CloudRig({ cloud: slow, edge: edgeFile(circuit(1)) }).start();
  const send = { source: "10.1.0.10", destination: "10.64.0.10", ...{ sourcePort: 1 } };
  const fate = (lengthOctets: number) =>
    rig.ground.world.forward({ host: "idc", ...send, lengthOctets }).outcome;
  t.equal(fate(1500), "delivered");
  t.match(fate(1501), /mtu/);
  const dropped = () => {
    const counters = rig.link("circuit-1").counters("edge", "vbr-1");
    return [...(counters?.dropped.values() ?? [])].reduce((sum, count) => sum + count, 0);
  };
  const socket = rig.ground.idc.udp.open(
    { localAddress: "10.1.0.10", port: 5000, ttl: 64 },
    () => {},
  );
  const burst = (count: number) => {
    for (let index = 0; index < count; index += 1) {
      socket.send(new Uint8Array(1400), "10.64.0.10", 5001);
    }
    rig.run(1);
  };
  burst(400);
  t.equal(dropped(), 0, "a tenth of a second of its rate may wait");
  burst(600);
  t.ok(dropped() > 100, `${dropped()} of what is above it are lost`);
});
