/**
 * What an access device can do and what it cannot, in virtual time: groups of more than two VBRs,
 * and old devices that hide the AS_PATH.
 */
import t from "tap";
import { CloudRig, circuit, ECR, edgeFile, vbr } from "./cloud-rig.ts";

const NUMBERS = [1, 2, 3, 4] as const;
const on = (number: number, more = "") => vbr(number, `\n    connection: pc-${number}${more}`);
const FOUR = (group: string) => `
cloud: { name: lab }
accessPoints: [{ name: ap-1 }, { name: ap-2 }]
connections:
${NUMBERS.map((one) => `  - { name: pc-${one}, accessPoint: ap-${(one % 2) + 1} }`).join("\n")}
vbrs:${NUMBERS.map((one) => on(one)).join("")}
${ECR}
${group}
`;
const EDGE = edgeFile(NUMBERS.map((one) => circuit(one)).join(""));

t.test("MULTI_MS_HA: three of four VBRs die, and the cloud leaves each at once", async (t) => {
  const outage = (group: string): number => {
    const rig = new CloudRig({ cloud: FOUR(group), edge: EDGE }).start();
    t.equal(rig.backVia(64).length, 4);
    for (const one of [1, 2, 3]) rig.link(`circuit-${one}`).cut({ carrier: "unseen" });
    const isLeft = () => rig.backVia(64).join() === "circuit-4";
    return rig.until(isLeft, 30) ?? Number.NaN;
  };
  const grouped = outage("failoverGroups: [{ name: ha, vbrs: [vbr-1, vbr-2, vbr-3, vbr-4] }]");
  t.ok(grouped < 1, `a group of four: ${grouped} s`);
  const paired = outage("failoverGroups: [{ name: ha, vbrs: [vbr-1, vbr-2] }]");
  t.ok(paired > 3, `a pair leaves vbr-3 to itself: ${paired} s`);
});

const OLD = (cen: "OK" | "NOK") => `
cloud: { name: lab }
accessPoints: [{ name: ap-1 }]
connections:
  - { name: pc-1, accessPoint: ap-1 }
  - { name: pc-2, accessPoint: ap-1, features: { CEN: ${cen} } }
vbrs:${on(1)}${on(2, "\n    sitelink: true")}
${ECR}
`;

t.test("CEN: an old device tells no AS_PATH but the cloud's, and no communities", async (t) => {
  const heard = circuit(2, "\n    import: [accept-all]\n    export: [reject-all]");
  const mark =
    "policy: { policies: { mark: [{ term: mark, set: { community: { add: [1:2] } } }] } }";
  const edge = `${edgeFile(circuit(1, "\n    export: [mark, announce-own]") + heard)}${mark}\n`;
  const told = (cen: "OK" | "NOK") => {
    const rig = new CloudRig({ cloud: OLD(cen), edge }).start();
    const slot = rig.edge.view.speaker.peer("circuit-2")?.slot;
    const candidates = rig.edge.view.speaker.rib.explain("10.1.0.0/16")?.candidates ?? [];
    const found = candidates.find((one) => one.slot === slot);
    const { asPath = [], communities = [] } = found?.attributes ?? {};
    return [asPath[0]?.ases, communities.length, found?.rejectedBy];
  };
  t.same(told("OK"), [[45104, 65010], 1, "own-as-loop"], "the edge knows its own AS");
  t.same(told("NOK"), [[45104], 0, undefined], "nothing in the path says whose it is");
});
