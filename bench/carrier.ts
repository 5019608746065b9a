/**
 * What it costs an active circuit with a standby to lose its carrier (root, network namespaces):
 *
 *   node dist/bench/carrier.js [routes]
 *
 * from the far end's `down` until the last of the routes has a way out again, with the group's
 * spare hop (ADR 0012) and without: then the kernel takes the routes along, and they are written
 * anew. A second thread asks the kernel, for this one is busy writing.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { RouteGroup, RouteResult } from "../src/platform/contract.ts";
import { createLinuxHost } from "../src/platform/linux/host.ts";
import { Namespaces, whyNoNamespaces } from "../src/sim/lab/namespaces/namespaces.ts";

const QUIET = { write: () => undefined };
const ACTIVE = { gateway: "10.9.0.2", device: "active", weight: 1 };
const STANDBY = { gateway: "10.9.1.2", device: "standby", weight: 1 };
const TRIALS = 5;

interface Watched {
  readonly netns: string;
  readonly address: string;
}

const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

async function measure(routes: number): Promise<void> {
  for (const hasSpare of [false, true]) {
    const figures: number[] = [];
    for (let trial = 0; trial < TRIALS; trial += 1) figures.push(await once(routes, hasSpare));
    const [median] = figures.sort((a, b) => a - b).slice(Math.floor(TRIALS / 2));
    const text = figures.map((figure) => figure.toFixed(1)).join(", ");
    const what = hasSpare ? "with a spare hop" : "without";
    console.log(`${routes} routes, ${what}: median ${median?.toFixed(1)} ms of ${text}`);
  }
}

async function once(count: number, hasSpare: boolean): Promise<number> {
  const spaces = new Namespaces();
  for (const node of ["near", "far"]) spaces.add(node, {});
  for (const [number, device] of ["active", "standby"].entries()) {
    const end = (node: string, host: number) => {
      return { node, device, addresses: [`10.9.${number}.${host}/30`] };
    };
    spaces.veth(end("near", 1), end("far", 2));
  }
  const netns = spaces.nameOf("near");
  const kernel = { kind: "kernel", table: 254, proto: 202, metric: 20 } as const;
  const host = createLinuxHost({ name: "near", netns, log: QUIET, routes: kernel });
  const set = (group: RouteGroup) =>
    new Promise<RouteResult>((done) => host.routes.setGroups([group], done));
  const group = { id: 1, afi: 1 } as const;
  await set({ ...group, hops: [ACTIVE], ...(hasSpare && { spare: [STANDBY] }) });
  const { batch, last } = table(count);
  await new Promise((done) => host.routes.apply(batch, done));
  const leaving = new Promise<void>((done) => {
    host.links.watch((device, state) => {
      if (device !== "active" || state?.hasCarrier !== false) return;
      const moved = { ...group, hops: [STANDBY], ...(hasSpare && { spare: [] }) };
      void set(moved).then(() => done());
    });
  });
  const alive = setInterval(() => undefined, 1_000); // a link's news alone keeps no process
  const watched: Watched = { netns, address: last };
  const worker = new Worker(new URL(import.meta.url), { workerData: watched });
  await heard(worker);
  const fromUs = nowUs();
  spaces.devices.setUp("far", "active", false);
  const [movedUs] = await Promise.all([heard(worker), leaving]);
  clearInterval(alive);
  host.routes.flush();
  host.close();
  spaces.dispose();
  return (movedUs - fromUs) / 1000;
}

const heard = (worker: Worker) => new Promise<number>((resolve) => worker.once("message", resolve));

/** Says that it is there, then when the address has the other way. */
function watch({ netns, address }: Watched): void {
  const { routes } = createLinuxHost({ name: "watch", netns, log: QUIET });
  routes.resolve(address);
  parentPort?.postMessage(0);
  while (routes.resolve(address)?.device !== STANDBY.device);
  parentPort?.postMessage(nowUs());
  process.exit();
}

function table(count: number) {
  const addresses = new Uint8Array(count * 4);
  const view = new DataView(addresses.buffer);
  for (let row = 0; row < count; row += 1) view.setUint32(row * 4, 0x1400_0000 + (row << 8));
  const lengths = new Uint8Array(count).fill(24);
  const groups = new Uint32Array(count).fill(1);
  const last = `${[...addresses.subarray(-4, -1)].join(".")}.1`;
  return { batch: { afi: 1 as const, count, addresses, lengths, groups }, last };
}

if (!isMainThread) watch(workerData as Watched);
else if (whyNoNamespaces() !== undefined) console.log(`skipped: ${whyNoNamespaces()}`);
else for (const routes of [500, Number(process.argv[2] ?? 100_000)]) await measure(routes);
