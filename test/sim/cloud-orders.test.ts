/**
 * Physical connections and VBRs from the application to the end, in virtual time: the states, what
 * the vendor refuses in each, and what becomes of the circuit.
 */
import t from "tap";
import type { ConnectionOrder, VbrOrder } from "../../src/sim/cloud/deeds/deeds.ts";
import { CloudRig, circuit, ECR, edgeFile, readCloud, vbr } from "./cloud-rig.ts";

const CLOUD = (first = "", second = "", vbrs = on(1) + on(2)) => `
cloud: { name: lab }
accessPoints: [{ name: ap-1 }, { name: ap-2 }]
connections:
  - { name: pc-1, accessPoint: ap-1${first} }
  - { name: pc-2, accessPoint: ap-2${second} }
  - { name: pc-3, accessPoint: ap-2, status: Initial }
vbrs:${vbrs}
${ECR}
`;
const on = (number: number, more = "") => vbr(number, `\n    connection: pc-${number}${more}`);

const order = (rig: CloudRig, connection: string, what: ConnectionOrder) =>
  rig.cloud.do({ do: "order-connection", connection, order: what })?.code;
const orderVbr = (rig: CloudRig, name: string, what: VbrOrder) =>
  rig.cloud.do({ do: "order-vbr", vbr: name, order: what })?.code;
const statusOf = (rig: CloudRig, name: string) =>
  rig.cloud.view().connections.find((one) => one.name === name)?.status;

t.test("connection: the way of an application, and what is refused on it", async (t) => {
  const rig = new CloudRig({ cloud: CLOUD() }).start(1);
  const say = (what: ConnectionOrder) => order(rig, "pc-3", what) ?? statusOf(rig, "pc-3");
  t.equal(say("confirm"), "IncorrectStatus.PhysicalConnection");
  t.equal(say("enable"), "Forbidden.NotAllowedInState");
  t.equal(say("delete"), "Forbidden.NotInAllowDeleteStatus");
  t.equal(say("reject"), "Rejected");
  t.equal(say("resubmit"), "Initial", "changed and sent in again");
  t.equal(say("approve"), "Approved");
  t.equal(say("allocate"), "Allocating");
  t.equal(say("cancel"), "Forbidden.NotAllowedInState", "somebody is at work on it");
  rig.run(5);
  t.equal(statusOf(rig, "pc-3"), "Allocated");
  t.equal(say("confirm"), "Confirmed");
  t.equal(say("enable"), "Confirmed", "accepted, and not done yet");
  t.equal(say("cancel"), "TaskConflict");
  rig.run(5);
  t.equal(statusOf(rig, "pc-3"), "Enabled");
  t.equal(say("enable"), "Enabled", "once more is no error");
  t.equal(say("recover"), "OperationDenied.PconnNotAllowRecover");
  t.equal(say("terminate"), "Terminating");
  rig.run(5);
  t.equal(statusOf(rig, "pc-3"), "Terminated");
  t.equal(say("delete"), "Deleted");
  t.equal(say("enable"), "Forbidden.NotAllowedInState");
  t.equal(order(rig, "pc-9", "enable"), "InvalidPhysicalConnectionId.NotFound");
  const names = rig.cloud.events().map(({ name }) => name);
  t.ok(names.includes("PhysicalConnection:Enabled"), "each state is an event");
});

t.test("connection: what is done to one keeps nobody of the same name waiting", async (t) => {
  const cloud = `${CLOUD().replace("pc-3", "vbr-1")}\nknobs: { taskTime: 3s }`;
  const rig = new CloudRig({ cloud }).start(1);
  t.equal(order(rig, "vbr-1", "approve"), undefined);
  t.equal(order(rig, "vbr-1", "allocate"), "TaskConflict", "the connection is busy");
  const deed = { do: "set-route-quota", vbr: "vbr-1", routes: 90 } as const;
  t.equal(rig.cloud.do(deed), undefined, "and the VBR is not");
});

t.test(
  "connection: a lab without ports refuses what it cannot do, and changes nothing",
  async (t) => {
    const rig = new CloudRig({ cloud: CLOUD(), lacks: "setPort" });
    const deed = { do: "business", connection: "pc-3", status: "FinancialLocked" } as const;
    t.equal(rig.cloud.do(deed)?.code, "Causeway.LabCannot");
    t.match(rig.cloud.view().connections[2], { name: "pc-3", businessStatus: "Normal" });
  },
);

t.test("connection: a lab without ports carries an overdue one that no lock closes", async (t) => {
  const overdue = CLOUD(", businessStatus: FinancialLocked").replace(", status: Initial", "");
  const start = (knobs: string) => () =>
    new CloudRig({ cloud: `${overdue}${knobs}`, lacks: "setPort" }).start();
  t.throws(start(""), { code: "PLATFORM_LINK_UNSUPPORTED" });
  t.equal(start("knobs: { businessLock: no-changes }")().edgeState("circuit-1"), "Established");
});

t.test("connection: an application that ends early", async (t) => {
  const rig = new CloudRig({ cloud: CLOUD() }).start(1);
  const say = (what: ConnectionOrder) => order(rig, "pc-3", what) ?? statusOf(rig, "pc-3");
  say("approve");
  say("allocate");
  t.equal(say("fail-allocation"), "Allocation Failed");
  rig.run(10);
  t.equal(statusOf(rig, "pc-3"), "Allocation Failed", "what was going on ended with it");
  t.equal(say("delete"), "Deleted");
  const other = new CloudRig({ cloud: CLOUD() }).start(1);
  t.equal(order(other, "pc-3", "cancel") ?? statusOf(other, "pc-3"), "Canceled");
});

t.test(
  "connection: enabled in operation its circuit comes up, then it is given back",
  async (t) => {
    const rig = new CloudRig({ cloud: CLOUD("", ", status: Confirmed") }).start();
    t.not(rig.edgeState("circuit-2"), "Established");
    t.equal(order(rig, "pc-2", "enable"), undefined);
    const up = rig.until(() => rig.edgeState("circuit-2") === "Established", 120);
    t.ok(up !== undefined && up >= 5, `${up} s after the order`);
    t.equal(order(rig, "pc-2", "terminate"), "Forbidden.VbrAttached");
    t.equal(orderVbr(rig, "vbr-2", "recover"), "InvalidOperation.OperationNotAllowedInState");
    t.equal(orderVbr(rig, "vbr-2", "terminate"), undefined);
    rig.run(10);
    t.not(rig.edgeState("circuit-2"), "Established");
    t.same([rig.outVia(), rig.backVia()], [["circuit-1"], ["circuit-1"]]);
    t.match(rig.cloud.view().vbrs[1], { name: "vbr-2", status: "terminated" });
    t.equal(rig.cloud.view().connections[1]?.port, "Up", "the port is the connection's");
    t.equal(orderVbr(rig, "vbr-2", "recover"), undefined);
    t.ok(rig.until(() => rig.edgeState("circuit-2") === "Established", 120) !== undefined);
    orderVbr(rig, "vbr-2", "terminate");
    rig.run(10);
    t.equal(order(rig, "pc-2", "terminate"), undefined);
    rig.run(10);
    t.match(rig.cloud.view().connections[1], { status: "Terminated", port: "Down" });
    t.equal(orderVbr(rig, "vbr-2", "recover"), "OperationFailed.PconnTrafficNotEnable");
    t.equal(order(rig, "pc-2", "delete"), "Forbidden.VBRExists");
    t.equal(orderVbr(rig, "vbr-9", "recover"), "InvalidVbrId.NotFound");
  },
);

t.test("VBR: one made for another account waits until that confirms it", async (t) => {
  const cloud = CLOUD("", "", on(1) + on(2, "\n    status: unconfirmed"));
  const rig = new CloudRig({ cloud }).start();
  t.equal(rig.edgeState("circuit-1"), "Established");
  t.not(rig.edgeState("circuit-2"), "Established");
  t.equal(orderVbr(rig, "vbr-2", "terminate"), "InvalidOperation.OperationNotAllowedInState");
  t.equal(orderVbr(rig, "vbr-2", "confirm"), undefined);
  t.ok(rig.until(() => rig.edgeState("circuit-2") === "Established", 90) !== undefined);
});

t.test("VLAN: a terminated VBR keeps it for seven days, then another may have it", async (t) => {
  const on1 = (number: number, more = "") =>
    vbr(number, `\n    connection: pc-1\n    vlan: 100${more}`);
  const after = (days: string) =>
    CLOUD("", "", on1(1) + on1(2, `\n    status: terminated\n    terminatedFor: ${days}`));
  t.throws(() => readCloud(after("6d")), /VLAN 100 of pc-1 is taken by vbr-1/);
  const edge = edgeFile(circuit(1) + circuit(2));
  const rig = new CloudRig({ cloud: after("7d"), edge }).start();
  t.equal(rig.edgeState("circuit-1"), "Established");
  t.equal(orderVbr(rig, "vbr-2", "recover"), "OperationFailed.VlanIdAlreadyInUse");
});

t.test("lock: an overdue connection loses its port and takes no orders", async (t) => {
  const rig = new CloudRig({ cloud: CLOUD() }).start();
  const lock = { do: "business", connection: "pc-1", status: "FinancialLocked" } as const;
  t.equal(rig.cloud.do(lock), undefined);
  rig.run(2);
  t.not(rig.edgeState("circuit-1"), "Established");
  t.match(rig.cloud.view().connections[0], { status: "Enabled", port: "Down" });
  t.equal(order(rig, "pc-1", "terminate"), "OperationFailed.PconnTrafficNotEnable");
  t.equal(orderVbr(rig, "vbr-1", "terminate"), undefined);
  rig.run(10);
  t.equal(orderVbr(rig, "vbr-1", "recover"), "OperationFailed.PconnTrafficNotEnable");
  rig.cloud.do({ ...lock, status: "Normal" });
  t.equal(orderVbr(rig, "vbr-1", "recover"), undefined);
  t.ok(rig.until(() => rig.edgeState("circuit-1") === "Established", 120) !== undefined);
});
