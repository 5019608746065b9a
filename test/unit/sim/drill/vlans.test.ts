/** VLANs of a drill's files: both ends must mean the same one, and light belongs to a port. */
import t from "tap";
import { formatProblems } from "../../../../src/agent/config/document.ts";
import { loadDrill } from "../../../../src/sim/drill/file/load.ts";
import { filesOf } from "../../../support/drills.ts";

const edge = (faces: readonly [string, string]) => `
router: { name: a, as: 65010, id: 10.255.0.1 }
circuits:
${faces
  .map(
    (face, at) => `  - name: c${at + 1}
    profile: alibaba-vbr
    # causeway: allow W402
    interface: ${face}
    local: 10.0.${at + 1}.2/30
    remote: 10.0.${at + 1}.1
    bfd: { interval: 300ms, multiplier: 3, hops: 255 }
`,
  )
  .join("")}
announce: [{ prefix: 10.1.0.0/16 }]
`;

const cloud = (vlans: readonly [string, string]) => `
cloud: { name: c }
vbrs:
${vlans
  .map(
    (vlan, at) => `  - name: v${at + 1}
    circuit: c${at + 1}
${vlan}
    local: 10.0.${at + 1}.1/30
    peer: 10.0.${at + 1}.2
    peerAs: 65010
    bfd: off
`,
  )
  .join("")}
ecr: { name: e, prefixes: [10.64.0.0/16] }
`;

const drill = (step: string) => `
drill: x
description: VLANs
edge: edge.yaml
cloud: cloud.yaml
seed: 1
traffic: { idc: 10.1.0.1, vpc: 10.64.0.1, flows: 1, interval: 1ms }
steps: [${step}]
`;

interface Case {
  readonly faces?: readonly [string, string];
  readonly vlans?: readonly [string, string];
  readonly step?: string;
}

const QUIET = "{ do: expect, session: all, is: up, within: 1s }";
const TAGGED = ["{ parent: eth1, vlan: 100 }", "{ parent: eth1, vlan: 200 }"] as const;

function told({ faces = TAGGED, vlans = ["", ""], step = QUIET }: Case): string {
  const files = filesOf({ "edge.yaml": edge(faces), "cloud.yaml": cloud(vlans) });
  const { problems } = loadDrill("drill.yaml", drill(step), files);
  return formatProblems(problems.filter(({ severity }) => severity === "error"));
}

t.test("both ends state it: they must agree", async (t) => {
  t.equal(told({ vlans: ["    vlan: 100", "    vlan: 200"] }), "");
  t.equal(
    told({ vlans: ["    vlan: 100", "    vlan: 201"] }),
    "cloud.yaml:13:11: error D103: c2: the edge's eth1.200 is in VLAN 200, v2 is in VLAN 201; " +
      "they would not hear each other\n",
  );
  t.match(told({ vlans: ["    vlan: 0", ""] }), /^cloud.yaml:6:11: .* v1 sends no tag;/);
  const untagged = ["{ parent: eth1, vlan: 0 }", "{ parent: eth2, vlan: 7 }"] as const;
  t.match(
    told({ faces: untagged, vlans: ["    vlan: 5", ""] }),
    /eth1 sends no tag, v1 is in VLAN/,
  );
});

t.test("one end states it: the other follows", async (t) => {
  t.equal(told({}), "", "the cloud follows the edge");
  const faces = ["{ device: c1, vlan: 0 }", "{ device: c2 }"] as const;
  t.equal(
    told({ faces, vlans: ["    vlan: 100", "    vlan: 200"] }),
    "",
    "a device made by others",
  );
});

t.test("no light is lost for one circuit of a shared port", async (t) => {
  const step = "{ at: 1s, do: cut, circuit: c1, carrier: seen }";
  t.match(told({ step }), /^drill.yaml:8:\d+: error D103: c1 shares eth1 with other circuits/);
  t.match(told({ step: step.replace("circuit: c1", "circuit: all") }), /c1 shares eth1/);
  const faces = ["{ parent: eth1, vlan: 100 }", "{ parent: eth2, vlan: 200 }"] as const;
  t.equal(told({ faces, step }), "", "alone on its port");
  t.equal(told({ step: step.replace(", carrier: seen", "") }), "");
});
