/** The rows of `docs/fidelity.md` about what happens when a circuit is lost, or is said to be. */
import { area } from "./fidelity.ts";

const CLOUD = "sim/cloud.test.ts";
const LOAD = "unit/sim/cloud/load.test.ts";
const MACHINES = "unit/sim/cloud/machines.test.ts";
const TOPOLOGY = "sim/cloud-topologies.test.ts";
const KNOBS = "sim/cloud-knobs.test.ts";
const FEATURES = "sim/cloud-features.test.ts";
const BAD_FEATURES = [LOAD, "cloud file: failover groups and features of devices"] as const;

export const SURVIVAL_ROWS = area("Failover groups, health checks, jobs", [
  {
    behaviour: "VBRs of one region, each on a device of its own, BFD on, one group each",
    isModelled: "yes",
    key: "failoverGroups",
    source: "K5, D-FG",
    grade: "document",
    test: BAD_FEATURES,
  },
  {
    behaviour: "two in a group (`MSHA`), up to eight on one ECR (`MULTI_MS_HA`)",
    isModelled: "yes",
    key: "failoverGroups[].vbrs",
    source: "K1",
    grade: "document",
    test: [FEATURES, "MULTI_MS_HA: three of four VBRs die"],
  },
  {
    behaviour: "with a group the cloud follows in less than 1 s",
    isModelled: "yes",
    source: "D-FG",
    grade: "document",
    test: [CLOUD, "failover group: the cloud leaves a dead VBR at once"],
  },
  {
    behaviour: "without one it takes several seconds",
    isModelled: "yes",
    knob: "routeDelayUs",
    source: "D-FG",
    grade: "inferred",
    test: [CLOUD, "failover group: the cloud leaves a dead VBR at once"],
  },
  {
    behaviour: "ICMP every 2 s (to 3 s), 8 losses (3 to 8) in a row; probe's source /32 by BGP",
    isModelled: "yes",
    key: "vbrs[].healthCheck",
    byDefault: "none",
    source: "D-HC, K3",
    grade: "document",
    test: [CLOUD, "health check: 8 echoes lost move the cloud's traffic"],
  },
  {
    behaviour: "probes only, no switch (`HealthCheckOnly`)",
    isModelled: "yes",
    key: "vbrs[].healthCheck.probeOnly",
    byDefault: "false",
    source: "K3",
    grade: "document",
    test: [CLOUD, "health check: probeOnly tells and moves nothing"],
  },
  {
    behaviour: "answers in a row that make it well again",
    isModelled: "yes",
    knob: "healthCheckRecovery",
    source: "",
    grade: "assumed",
    test: [KNOBS, "healthCheckRecovery: "],
  },
  {
    behaviour: "whether a failed check withdraws at the customer as well",
    isModelled: "yes",
    knob: "healthCheckWithdraws",
    source: "",
    grade: "assumed",
    test: [CLOUD, "health check: probeOnly tells and moves nothing"],
  },
  {
    behaviour: "failover-test job: 1 to 4320 minutes, states Init to Stopped, one a region",
    isModelled: "yes",
    key: "do: create-job",
    source: "K1, K5",
    grade: "document",
    test: [CLOUD, "failover-test job: the circuit is shut while it is Testing"],
  },
  {
    behaviour: "resources of a job; refusals with the vendor's codes",
    isModelled: "yes",
    quota: "jobResources",
    source: "K5",
    grade: "document",
    test: [MACHINES, "failover-test job: what the vendor refuses, by its code"],
  },
  {
    behaviour: "jobs on VBRs and BGP peers as well (one page says so, another does not)",
    isModelled: "yes",
    knob: "jobTypes",
    source: "K1",
    grade: "inferred",
    test: [KNOBS, "jobTypes: "],
  },
  {
    behaviour: "such a job takes sessions down in order, and leaves the port alone",
    isModelled: "yes",
    key: "knobs.jobTypes",
    byDefault: "connections",
    source: "",
    grade: "assumed",
    test: [KNOBS, "jobTypes: "],
  },
  {
    behaviour: "how long a job is Starting and Stopping",
    isModelled: "yes",
    knob: "jobTransitionUs",
    source: "",
    grade: "assumed",
    test: [KNOBS, "portUpDelay, orderTransition, jobTransition: "],
  },
  {
    behaviour: "the four high-reliability topologies, and a VPN as backup, by name",
    isModelled: "yes",
    key: "topology",
    source: "K1",
    grade: "document",
    test: [TOPOLOGY, "optimal-disaster-recovery: an access point and a device"],
  },
]);
