/** Some shipped drills in real time, in a lab of namespaces. */
import t from "tap";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { load, passes, play } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";

t.setTimeout(300_000);

const inLab = ["standby-takes-over.yaml", "vbr-restart-graceful.yaml", "vpc-withdrawn.yaml"];
for (const name of inLab) {
  t.test(`${name} in a lab of namespaces`, { skip: whyNoNamespaces() ?? false }, async (t) => {
    const { drill, edgeFile } = load(name);
    const inLab = () => play(drill, new NamespaceLab(drill, edgeFile));
    passes(t, await playPatiently(t, inLab));
  });
}
