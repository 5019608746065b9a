/**
 * What kernel routes cost (root, network namespaces): filling a table, moving all of it by one group,
 * moving row by row, reading it back, taking it out; in the loop and in a thread, with the longest
 * time this thread was held up by it. A failover is measured with the queue full as well.
 *
 *   node dist/bench/fib.js [routes]
 */
import { Afi } from "../src/core/address.ts";
import type { RouteBatch, RouteGroup, RouteResult, Routes } from "../src/platform/contract.ts";
import { createLinuxHost, type RoutesOptions } from "../src/platform/linux/host.ts";
import { Namespaces, whyNoNamespaces } from "../src/sim/lab/namespaces/namespaces.ts";

const COUNT = Number(process.argv[2] ?? 100_000);
const KERNEL = { kind: "kernel", table: 254, proto: 202, metric: 20 } as const;
const CASES: readonly (readonly [string, RoutesOptions])[] = [
  ["in the loop", KERNEL],
  ["in a thread", { ...KERNEL, isThreaded: true }],
  ["in the loop, plain routes", { ...KERNEL, hasNextHopObjects: false }],
];

const why = whyNoNamespaces();
if (why !== undefined) console.log(`nothing to measure: ${why}`);
else for (const [name, options] of CASES) await measure(name, options);

async function measure(name: string, options: RoutesOptions): Promise<void> {
  const spaces = new Namespaces();
  try {
    for (const node of ["edge", "cloud"]) spaces.add(node, {});
    for (const number of [1, 2]) {
      const end = (node: string, host: number) => ({
        ...{ node, device: `c${number}` },
        addresses: [`10.200.${number}.${host}/30`],
      });
      spaces.veth(end("edge", 1), end("cloud", 2));
    }
    const host = createLinuxHost({
      ...{ name: "edge", netns: spaces.nameOf("edge"), routes: options },
      log: { write: () => undefined },
    });
    console.log(`\n${name}, ${COUNT} routes          ms   us/route   user us/route   held up ms`);
    await play(host.routes);
    host.close();
  } finally {
    spaces.dispose();
  }
}

async function play(routes: Routes): Promise<void> {
  const set = (group: RouteGroup) => (done: (result: RouteResult) => void) =>
    routes.setGroups([group], done);
  const apply = (group: number) => (done: (result: RouteResult) => void) =>
    routes.apply(table(group), done);
  await timed("two groups", 1, set(via(1, 1)));
  await timed("", 1, set(via(2, 2)));
  await timed("fill", COUNT, apply(1));
  await timed("move all by their group", 1, set(via(1, 2)));
  await timed("and back", 1, set(via(1, 1)));
  await timed("move row by row", COUNT, apply(2));
  const refill = new Promise<RouteResult>((done) => routes.apply(table(1), done));
  await timed("move a group, queue full", 1, set(via(2, 1)));
  await refill;
  await timed("dump", COUNT, (done) =>
    routes.dump((found) => done({ applied: found.length, failures: [], tookUs: 0 })),
  );
  await timed("remove", COUNT, apply(0));
  await timed("fill again", COUNT, apply(1));
  await timed("flush", COUNT, (done) => done(routes.flush()));
}

async function timed(
  what: string,
  count: number,
  act: (done: (result: RouteResult) => void) => void,
): Promise<void> {
  let heldUp = 0;
  let last = performance.now();
  let isDone = false;
  const look = (): void => {
    heldUp = Math.max(heldUp, performance.now() - last);
    last = performance.now();
    if (!isDone) setTimeout(look, 1);
  };
  setTimeout(look, 1);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await new Promise<RouteResult>(act);
  const ms = performance.now() - start;
  const { user } = process.cpuUsage(cpu);
  isDone = true;
  look();
  if (what === "") return;
  const failures = result.applied === count ? "" : `  ${count - result.applied} failed`;
  const perRoute = count === 1 ? "" : ((ms * 1_000) / count).toFixed(2);
  console.log(
    what.padEnd(28),
    ms.toFixed(ms < 10 ? 2 : 0).padStart(10),
    perRoute.padStart(10),
    (count === 1 ? "" : (user / count).toFixed(2)).padStart(15),
    heldUp.toFixed(1).padStart(12) + failures,
  );
}

function via(id: number, circuit: number): RouteGroup {
  const hop = { gateway: `10.200.${circuit}.2`, device: `c${circuit}`, weight: 1 };
  return { id, afi: Afi.Ipv4, hops: [hop] };
}

/** As a provider's table is: mostly /24, scattered over the unicast space. */
function table(group: number): RouteBatch {
  const addresses = new Uint8Array(COUNT * 4);
  for (let row = 0; row < COUNT; row += 1) {
    addresses[row * 4] = 16 + (row % 180);
    const rest = Math.floor(row / 180);
    addresses[row * 4 + 1] = rest & 0xff;
    addresses[row * 4 + 2] = rest >> 8;
  }
  return {
    ...{ afi: Afi.Ipv4, count: COUNT, addresses },
    lengths: new Uint8Array(COUNT).fill(24),
    groups: new Uint32Array(COUNT).fill(group),
  };
}
