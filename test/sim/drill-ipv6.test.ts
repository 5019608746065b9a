/** Both families on one circuit, with real sockets: real kernels' routes, and loopback addresses. */
import t from "tap";
import type { Drill } from "../../src/sim/drill/drill.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { load, passes, play } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";

t.setTimeout(120_000);

/** The shipped drill as far as the circuit is cut and both families have left it. */
function untilTheRepair(): { readonly drill: Drill; readonly edgeFile: string } {
  const { drill, edgeFile } = load("dual-stack.yaml");
  const repair = drill.steps.findIndex((step) => step.do === "restore");
  return { drill: { ...drill, steps: drill.steps.slice(0, repair) }, edgeFile };
}

const labs: readonly (readonly [
  string,
  string | undefined,
  (drill: Drill, file: string) => Lab,
])[] = [
  ["namespaces", whyNoNamespaces(), (drill, file) => new NamespaceLab(drill, file)],
  ["loopback sockets", undefined, (drill) => new LoopbackLab(drill)],
];
for (const [name, reason, labOf] of labs) {
  t.test(`dual-stack over ${name}`, { skip: reason ?? false }, async (t) => {
    const { drill, edgeFile } = untilTheRepair();
    passes(t, await playPatiently(t, () => play(drill, labOf(drill, edgeFile))));
  });
}
