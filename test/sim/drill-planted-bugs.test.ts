/**
 * The drills as a safety net: an edge with a bug planted in it, one of four, is caught by a shipped
 * drill that passes without it. The bugs go in through the lab's injection point, so that no shipped
 * line knows of them.
 */
import t from "tap";
import type { EdgeConfig } from "../../src/agent/config/edge-config.ts";
import type { Host, Routes, Udp } from "../../src/platform/contract.ts";
import type { EdgeInjection } from "../../src/sim/lab/virtual/virtual-edge.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { load, passes, play } from "../support/drills.ts";

const playWith = (name: string, bug: EdgeInjection) => {
  const { drill } = load(`${name}.yaml`);
  return play(drill, new VirtualLab(drill, bug));
};

/** The file's rule for the way back is not read. */
const noSoak = ({ failover, ...config }: EdgeConfig): EdgeConfig => {
  const { failback: _, ...rest } = failover;
  return { ...config, failover: rest };
};

const noBudget = (config: EdgeConfig): EdgeConfig => ({
  ...config,
  circuits: config.circuits.map((circuit) => ({
    ...circuit,
    sessions: circuit.sessions.map((session) => ({ ...session, budget: undefined })),
  })),
});

/** The parts of a host one by one, for a host may be an object with a class behind it. */
const partsOf = ({ name, clock, wallClock, rng, log, tcp, udp, routes, links }: Host): Host => {
  return { name, clock, wallClock, rng, log, tcp, udp, routes, links };
};

/** Groups are changed in the agent's mind only, once they have been made. */
function staleFib(host: Host): Host {
  const known = new Set<number>();
  const { routes } = host;
  const stale: Routes = {
    kind: routes.kind,
    setGroups(groups, done) {
      const fresh = groups.filter(({ id }) => !known.has(id));
      for (const { id } of fresh) known.add(id);
      routes.setGroups(fresh, done);
    },
    removeGroups: (ids, done) => routes.removeGroups(ids, done),
    apply: (batch, done) => routes.apply(batch, done),
    dump: (done) => routes.dump(done),
    resolve: (address) => routes.resolve(address),
    flush: () => routes.flush(),
    close: () => routes.close(),
  };
  return { ...partsOf(host), routes: stale };
}

const BFD_PORTS = [3784, 4784];
/** Octet 2 of a control packet is Detect Mult (RFC 5880 §4.1). */
const DETECT_MULT = 2;

/** The remote's Detect Mult is taken for one more than it is. */
function lateByOne(host: Host): Host {
  const udp: Udp = {
    open: (options, receive) =>
      host.udp.open(options, (datagram) => {
        const octets = datagram.octets.slice();
        if (BFD_PORTS.includes(options.port)) octets[DETECT_MULT] = (octets[DETECT_MULT] ?? 0) + 1;
        receive({ ...datagram, octets });
      }),
  };
  return { ...partsOf(host), udp };
}

const BUGS: readonly (readonly [string, string, EdgeInjection, RegExp])[] = [
  ["no failback soak", "failback-soaks", { config: noSoak }, /circuit-2|lost|flows|soak/],
  ["the budget is ignored", "quota-budget", { config: noBudget }, /prefix-limit\.exceeded/],
  ["a stale FIB", "two-circuits", { host: staleFib }, /goes via circuit-2/],
  ["BFD's multiplier off by one", "vlan-removed", { host: lateByOne }, /detection|is down/],
];

for (const [bug, drill, injection, because] of BUGS) {
  t.test(`${bug}: ${drill} catches it, and passes without`, async (t) => {
    const sound = await playWith(drill, {});
    passes(t, sound);
    const broken = await playWith(drill, injection);
    t.equal(broken.verdict, "FAIL", broken.because);
    t.match(broken.because, because);
  });
}

t.test("a stale FIB is also seen by the checker that reads RIB and kernel", async (t) => {
  const { checks } = await playWith("two-circuits", { host: staleFib });
  const check = checks.find((one) => one.check === "always fib-is-rib");
  t.equal(check?.status, "fail");
  t.match(check?.observed, /10\.64\.0\.0\/16: the RIB says 10\.0\.2\.1, the kernel has/);
});
