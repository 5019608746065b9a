/** The rows of `docs/fidelity.md` about lines, sessions and what keeps them alive. */
import type { FidelityRow } from "./fidelity.ts";
import { BGP_ROWS } from "./fidelity-bgp-rows.ts";

const KNOBS = "sim/cloud-knobs.test.ts";
const CLOUD = "sim/cloud.test.ts";
const IPV6 = "sim/cloud-ipv6.test.ts";
const LOAD = "unit/sim/cloud/load.test.ts";
const MACHINES = "unit/sim/cloud/machines.test.ts";
const ORDERS = "sim/cloud-orders.test.ts";
const BAD_QUOTAS = [LOAD, "cloud file: quotas, each at its line"] as const;
const BAD_LINES = [LOAD, "cloud file: faults of lines, VBRs and groups"] as const;

type Row = Omit<FidelityRow, "area">;

const area = (name: string, rows: readonly Row[]): readonly FidelityRow[] =>
  rows.map((row) => ({ area: name, ...row }));

const LINES = area("Access points and physical connections", [
  {
    behaviour: "two connections an access point, more on request",
    isModelled: "yes",
    quota: "connectionsPerAccessPoint",
    source: "D-QUO",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "five VBRs of one account on a connection",
    isModelled: "yes",
    quota: "vbrsPerConnection",
    source: "D-QUO",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "connections ordered and not paid for",
    isModelled: "yes",
    quota: "unpaidConnections",
    source: "D-QUO",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "VBRs of an access device; the vendor refuses and publishes no number",
    isModelled: "yes",
    quota: "vbrsPerAccessDevice",
    source: "K5",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "BFD sessions of an access device; no number is published",
    isModelled: "yes",
    quota: "bfdSessionsPerAccessDevice",
    source: "K5",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "health checks of an access device; no number is published",
    isModelled: "yes",
    quota: "healthChecksPerAccessDevice",
    source: "K5",
    grade: "document",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "only an Enabled connection carries anything",
    isModelled: "yes",
    key: "connections[].status",
    byDefault: "Enabled",
    source: "K1, D-FAQ",
    grade: "document",
    test: [CLOUD, "port: what is not Enabled carries nothing from the start"],
  },
  {
    behaviour:
      "the way of an application, Initial to Enabled to Terminated, with the refusals of each",
    isModelled: "yes",
    key: "do: order-connection",
    source: "K1, K5",
    grade: "document",
    test: [ORDERS, "connection: the way of an application"],
  },
  {
    behaviour: "how long allocating, enabling and terminating take",
    isModelled: "yes",
    knob: "orderTransitionUs",
    source: "",
    grade: "assumed",
    test: [ORDERS, "connection: the way of an application"],
  },
  {
    behaviour: "a connection with VBRs on it is not terminated, with any it is not deleted",
    isModelled: "yes",
    key: "do: order-connection",
    source: "K1, K5",
    grade: "document",
    test: [ORDERS, "connection: enabled in operation its circuit comes up"],
  },
  {
    behaviour: "a terminated VBR no longer counts as one that is on its connection",
    isModelled: "yes",
    key: "do: order-vbr",
    source: "K1",
    grade: "inferred",
    test: [ORDERS, "connection: enabled in operation its circuit comes up"],
  },
  {
    behaviour: "an overdue or locked connection takes no orders",
    isModelled: "yes",
    key: "connections[].businessStatus",
    byDefault: "Normal",
    source: "K5",
    grade: "inferred",
    test: [ORDERS, "lock: an overdue connection loses its port"],
  },
  {
    behaviour: "an overdue connection's port is down",
    isModelled: "yes",
    key: "connections[].businessStatus",
    byDefault: "Normal",
    source: "K1",
    grade: "inferred",
    test: [CLOUD, "port: shut by the cloud, by its device, by an unpaid bill"],
  },
  {
    behaviour: "whether that is so, or a locked connection only refuses to be changed",
    isModelled: "yes",
    knob: "businessLock",
    source: "K1",
    grade: "inferred",
    test: [KNOBS, "businessLock: "],
  },
  {
    behaviour: "`DownDelayTime`, 0 to 10 s in steps of 100 ms: lost light is reported later",
    isModelled: "yes",
    key: "connections[].downDelay",
    byDefault: "0s",
    source: "K1",
    grade: "document",
    test: [CLOUD, "DownDelayTime: the port reports lost light late"],
  },
  {
    behaviour: "light that is back within it is never reported",
    isModelled: "yes",
    source: "K1",
    grade: "inferred",
    test: [CLOUD, "DownDelayTime: light that is back in time is never reported"],
  },
  {
    behaviour: "a port the cloud shuts is down without that delay, or with it",
    isModelled: "yes",
    knob: "shutPortDelay",
    source: "",
    grade: "assumed",
    test: [KNOBS, "shutPortDelay: "],
  },
  {
    behaviour: "how long a port that opens needs to report Up",
    isModelled: "yes",
    knob: "portUpDelayUs",
    source: "",
    grade: "assumed",
    test: [MACHINES, "port: a shut port is down at once"],
  },
  {
    behaviour: "what a device cannot do is refused: BFD, failover groups, the ECR (MP-BGP)",
    isModelled: "yes",
    key: "connections[].features",
    byDefault: "OK",
    source: "K1, K5",
    grade: "document",
    test: [LOAD, "cloud file: failover groups and features of devices"],
  },
  {
    behaviour: "LOA, optics, negotiation (fixed speed, full duplex), MACsec, hosted connections",
    isModelled: "no",
    source: "K1, D-LIM",
    grade: "document",
  },
  {
    behaviour: "LACP: several connections are several circuits, told apart by BGP",
    isModelled: "no",
    source: "D-LIM",
    grade: "inferred",
  },
  {
    behaviour: "130 or 250 Mbit/s a flow; 10 Gbit/s for object storage",
    isModelled: "no",
    source: "D-FAQ, D-LIM",
    grade: "document",
  },
]);

const VBR = area("VBR", [
  {
    behaviour: "VLAN 0 to 2999, unique on its connection; 0 is the whole port",
    isModelled: "yes",
    key: "vbrs[].vlan",
    byDefault: "0",
    source: "K1, K5",
    grade: "document",
    test: BAD_LINES,
  },
  {
    behaviour: "a terminated VBR keeps its VLAN for seven days",
    isModelled: "yes",
    key: "vbrs[].terminatedFor",
    byDefault: "0s",
    source: "D-FAQ",
    grade: "document",
    test: [ORDERS, "VLAN: a terminated VBR keeps it for seven days"],
  },
  {
    behaviour:
      "unconfirmed, active, terminated, recovered; deleting needs it detached, which no deed does",
    isModelled: "part",
    key: "vbrs[].status",
    byDefault: "active",
    source: "K1, K5",
    grade: "document",
    test: [ORDERS, "VBR: one made for another account waits"],
  },
  {
    behaviour: "VBRs that wait for another account; the vendor says idle ones",
    isModelled: "yes",
    quota: "idleVbrs",
    source: "D-OLD",
    grade: "inferred",
    test: BAD_QUOTAS,
  },
  {
    behaviour: "frames carry the VLAN's tag, where the edge's file has VLANs; else a wire each",
    isModelled: "yes",
    key: "vbrs[].vlan",
    byDefault: "the edge's",
    source: "K1",
    grade: "document",
    test: ["sim/drill-vlan.test.ts", "frames carry the tag of their circuit"],
  },
  {
    behaviour: "interconnect of /24 to /30, both ends in one subnet, none of 100.64.0.0/10",
    isModelled: "yes",
    key: "vbrs[].local",
    source: "K1, K5, D-LIM",
    grade: "document",
    test: BAD_LINES,
  },
  {
    behaviour:
      "a second subnet and a second session for IPv6 (`EnableIpv6`), independent of IPv4's",
    isModelled: "yes",
    key: "vbrs[].ipv6",
    byDefault: "none",
    source: "K1, D-IP6",
    grade: "document",
    test: [IPV6, "IPv6: sessions of the two families are independent"],
  },
  {
    behaviour: "masks of the IPv6 interconnect: /48 to /127",
    isModelled: "yes",
    key: "vbrs[].ipv6.local",
    source: "",
    grade: "assumed",
    test: [LOAD, "cloud file: faults of IPv6, each at its line"],
  },
  {
    behaviour: "both families through ECR, transit router and VPC, each in sessions of its own",
    isModelled: "yes",
    source: "K1, K3",
    grade: "inferred",
    test: [IPV6, "IPv6: through a transit router"],
  },
  {
    behaviour: "IPv6 in an IPsec connection or over a peering connection; turned off again",
    isModelled: "no",
    source: "K1, D-IP6",
    grade: "document",
  },
  {
    behaviour: "MTU 1500, or 8500 for every VBR of the ECR",
    isModelled: "yes",
    key: "vbrs[].mtu",
    byDefault: "1500",
    source: "K1",
    grade: "document",
    test: [CLOUD, "VBR: its circuit takes 1500 octets"],
  },
  {
    behaviour: "bandwidth of the vendor's steps, at most the connection's; traffic above is lost",
    isModelled: "yes",
    key: "vbrs[].bandwidth",
    byDefault: "unlimited",
    source: "K1, K5",
    grade: "document",
    test: BAD_LINES,
  },
  {
    behaviour: "bandwidth of a VBR that names none: unlimited, its connection's, or a rate",
    isModelled: "yes",
    knob: "defaultBandwidth",
    source: "",
    grade: "assumed",
    test: [KNOBS, "defaultBandwidth: "],
  },
  {
    behaviour: "how much traffic above it may wait before it is dropped",
    isModelled: "yes",
    knob: "policerQueueUs",
    source: "",
    grade: "assumed",
    test: [KNOBS, "policerQueue: "],
  },
  {
    behaviour: "routes of other customers over sitelink only",
    isModelled: "yes",
    key: "vbrs[].sitelink",
    byDefault: "false",
    source: "K1",
    grade: "document",
    test: ["sim/cloud-routes.test.ts", "VBR: routes of one customer reach another"],
  },
]);

export const LINE_ROWS: readonly FidelityRow[] = [...LINES, ...VBR, ...BGP_ROWS];
