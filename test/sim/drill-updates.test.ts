/**
 * What the edge says and takes, judged by its UPDATEs: leaks that no table ever showed, and words
 * that a healthy peer did not need. The faults are planted where only the wire can show them.
 */
import t from "tap";
import { parsePrefix } from "../../src/core/prefix.ts";
import { after } from "../../src/core/time.ts";
import type { Host, TcpConnection } from "../../src/platform/contract.ts";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { announcing, withdrawing } from "../../src/sim/lab/flood.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import type { EdgeInjection } from "../../src/sim/lab/virtual/virtual-edge.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { withTcp } from "../../src/sim/lab/watch/tapped-tcp.ts";
import type { CheckReport } from "../../src/sim/report/report.ts";
import { play, readDrill, type SoundLoad, sound, written } from "../support/drills.ts";

const LEAK = "10.99.0.0/16";

const load = (steps: string, more = "") =>
  sound(readDrill(written(`steps:\n${steps}\nalways: [no-leak, session-isolation]\n${more}`)));

async function checksOf(drill: Drill, lab: Lab): Promise<ReadonlyMap<string, CheckReport>> {
  const { checks } = await play(drill, lab);
  return new Map(checks.map((check) => [check.check, check]));
}

const QUIET = "  - { do: expect, session: all, is: up, for: 3s }";
/** The VBR tells a prefix that is not agreed on, and takes it back a millisecond later. */
const BLINK =
  `  - { at: 500ms, do: flood, circuit: circuit-1, prefix: ${LEAK}, count: 1, for: 1ms }\n` +
  "  - { do: expect, session: all, is: up, for: 500ms }";

/** The edge's second connection says something of its own, a second after it was made. */
function saying(octets: (say: (octets: Uint8Array) => void, later: Later) => void): EdgeInjection {
  return {
    host(host: Host) {
      const later: Later = (delayUs, run) =>
        host.clock.createAlarm(run).set(after(host.clock.now(), delayUs));
      const watch = (connection: TcpConnection): TcpConnection => {
        later(1_000_000, () => {
          if (connection.remoteAddress !== "10.0.2.1") return;
          octets((said) => void connection.send(said), later);
        });
        return connection;
      };
      return withTcp(host, {
        listen: (options, accept) => host.tcp.listen(options, (raw) => accept(watch(raw))),
        connect: (options, handler) => watch(host.tcp.connect(options, handler)),
      });
    },
  };
}
type Later = (delayUs: number, run: () => void) => void;

const told = (text: string) => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(text);
  const nextHop = Uint8Array.of(10, 0, 2, 2);
  return {
    announcement: announcing([prefix], { as: 65010, nextHop }),
    withdrawal: withdrawing([prefix]),
  };
};

t.test("an edge that says what was agreed on, once, is not found guilty", async (t) => {
  const { drill } = load(QUIET);
  const checks = await checksOf(drill, new VirtualLab(drill));
  t.equal(checks.get("always no-leak")?.status, "pass");
  t.equal(checks.get("always session-isolation")?.status, "pass");
});

t.test("a prefix the edge tells for a millisecond is a leak, with session and time", async (t) => {
  const { announcement, withdrawal } = told(LEAK);
  const bug = saying((say, later) => {
    say(announcement);
    later(1_000, () => say(withdrawal));
  });
  const { drill } = load(QUIET);
  const leak = (await checksOf(drill, new VirtualLab(drill, bug))).get("always no-leak");
  t.equal(leak?.status, "fail");
  t.match(leak?.observed, /^edge-1 advertised 10\.99\.0\.0\/16 to circuit-2 at [+-]\d/);
  const { drill: allowed } = load(QUIET, `allow: [${LEAK}]`);
  const checks = await checksOf(allowed, new VirtualLab(allowed, bug));
  t.equal(checks.get("always no-leak")?.status, "pass", "unless the drill allows it");
});

const LABS: readonly (readonly [string, string | false, (of: SoundLoad) => Lab])[] = [
  ["in virtual time", false, ({ drill }) => new VirtualLab(drill)],
  ["on loopback sockets", false, ({ drill }) => new LoopbackLab(drill)],
  [
    "in network namespaces",
    whyNoNamespaces() ?? false,
    ({ drill, edgeFile }) => new NamespaceLab(drill, edgeFile),
  ],
];
for (const [where, skip, open] of LABS) {
  t.test(`a prefix the edge takes for a millisecond is a leak, ${where}`, { skip }, async (t) => {
    const loaded = load(BLINK);
    const leak = (await checksOf(loaded.drill, open(loaded))).get("always no-leak");
    t.equal(leak?.status, "fail");
    t.match(leak?.observed, /^edge-1 accepted 10\.99\.0\.0\/17 from circuit-1 at \+\d/);
  });
}

t.test("what the edge's policy refuses is no leak, however often it is said", async (t) => {
  const { drill } = load(BLINK.replace(LEAK, "10.1.9.0/24"));
  const checks = await checksOf(drill, new VirtualLab(drill));
  t.equal(checks.get("always no-leak")?.status, "pass");
});

t.test("an UPDATE that says again what its peer knows is needless, to a healthy one", async (t) => {
  const { announcement } = told("10.1.0.0/16");
  // Its own words are not those of the agent: the second one changes nothing.
  const bug = saying((say, later) => {
    say(announcement);
    later(1_000, () => say(announcement));
  });
  const { drill } = load(QUIET);
  const found = (await checksOf(drill, new VirtualLab(drill, bug))).get("always session-isolation");
  t.equal(found?.status, "fail");
  t.match(
    found?.observed,
    /UPDATEs? that changed nothing, the first to circuit-2 of 10\.1\.0\.0\/16 at/,
  );
  const { drill: touched } = load(`  - { at: 100ms, do: reset-tcp, circuit: circuit-2 }\n${QUIET}`);
  const again = await checksOf(touched, new VirtualLab(touched, bug));
  t.equal(again.get("always session-isolation")?.status, "pass", "a touched one is not judged");
});
