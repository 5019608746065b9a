/**
 * What a table costs in the RIB alone, in one process and without sockets: UPDATE octets of a feeder
 * in, UPDATE octets to a sink out, and the changes for the FIB. The feed has the shape of the one the
 * rivals were measured with: seven prefixes an attribute set, three to five ASes, communities on most.
 * B sends the same table with a longer path.
 *
 *   node --expose-gc dist/bench/rib.js [prefixes=1000000] [sinks=1]
 */
import { ACCEPT_ALL } from "../src/bgp/policy/chain.ts";
import type { PeerSlot, RibPeer } from "../src/bgp/rib/contract.ts";
import { Rib } from "../src/bgp/rib/rib.ts";
import { encodeAttributes } from "../src/bgp/wire/attribute-encode.ts";
import { SegmentType } from "../src/bgp/wire/iana.ts";
import type { PathAttributes, WireContext } from "../src/bgp/wire/message.ts";
import { encodeNlri, type NlriPrefix } from "../src/bgp/wire/nlri.ts";
import { decodeUpdate, encodeUpdate } from "../src/bgp/wire/update.ts";
import { ByteWriter } from "../src/core/bytes.ts";
import { type Rng, seededRng } from "../src/core/rng.ts";

const COUNT = Number(process.argv[2] ?? 1_000_000);
const SINKS = Number(process.argv[3] ?? 1);
const SLICE = 4096;
const FAMILY = { afi: 1, safi: 1 };
const CONTEXT: WireContext = {
  as4: true,
  extendedMessages: false,
  addPath: [],
  families: [FAMILY],
  session: "ebgp",
  peerAs: undefined,
};

/** Messages back to back in one buffer, as a socket delivers them. */
interface Feed {
  readonly updates: Uint8Array;
  readonly withdrawals: Uint8Array;
  readonly sets: number;
}

function prefixesOf(rng: Rng): NlriPrefix[] {
  const prefixes = new Map<string, NlriPrefix>();
  while (prefixes.size < COUNT) {
    const length = rng.unit() < 0.6 ? 24 : rng.int(16, 23);
    const word = ((rng.int(0x0100_0000, 0xdfff_ffff) >>> 0) & (-1 << (32 - length))) >>> 0;
    const address = Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
    prefixes.set(`${word}/${length}`, { address, length });
  }
  return [...prefixes.values()];
}

function feedOf(prefixes: readonly NlriPrefix[], rng: Rng, feeder: number): Feed {
  const updates = new ByteWriter(1 << 20);
  const withdrawals = new ByteWriter(1 << 20);
  let sets = 0;
  for (let from = 0; from < prefixes.length; ) {
    const to = Math.min(prefixes.length, from + rng.int(1, 13));
    const nlri = encodeNlri(prefixes.slice(from, to));
    const attributes = encodeAttributes(attributesOf(rng, feeder), {
      as4: true,
      session: "ebgp",
      includeNextHop: true,
    });
    updates.octets(encodeUpdate({ attributes, nlri }));
    withdrawals.octets(encodeUpdate({ withdrawn: nlri }));
    sets += 1;
    from = to;
  }
  return { updates: updates.finish(), withdrawals: withdrawals.finish(), sets };
}

function attributesOf(rng: Rng, feeder: number): PathAttributes {
  const ases = Array.from({ length: rng.int(2, 4) }, () => rng.int(1, 400_000));
  const own = new Array<number>(feeder).fill(65_000 + feeder);
  return {
    origin: 0,
    asPath: [{ type: SegmentType.AsSequence, ases: [...own, ...ases] }],
    nextHop: Uint8Array.of(192, 0, 2, feeder),
    ...(rng.unit() < 0.3 ? { med: rng.int(0, 1000) } : {}),
    ...(rng.unit() < 0.6
      ? { communities: Array.from({ length: rng.int(1, 6) }, () => rng.int(1, 0x7fff_ffff)) }
      : {}),
    ...(rng.unit() < 0.15 ? { largeCommunities: [rng.int(1, 9e5), rng.int(1, 99), 1] } : {}),
  };
}

const rib = new Rib({ localAs: 64_512, bgpIdentifier: 1, rng: seededRng(1) });
const slotOf = (number: number): PeerSlot => number as PeerSlot;
const sinks = Array.from({ length: SINKS }, (_, index) => slotOf(10 + index));
let octetsOut = 0;
let messagesOut = 0;
let fibRows = 0;
/** The longest a single call took. */
let stallMs = 0;

function timed<Result>(call: () => Result): Result {
  const from = performance.now();
  const result = call();
  stallMs = Math.max(stallMs, performance.now() - from);
  return result;
}

function up(number: number, isSink: boolean): void {
  const address = Uint8Array.of(198, 51, 100, number);
  const peer: RibPeer = {
    slot: slotOf(number),
    policyPeer: {
      name: `peer-${number}`,
      kind: "ebgp",
      remoteAs: isSink ? 65_500 : 65_000 + number,
      localAs: 64_512,
      localAddress4: address,
      localAddress6: undefined,
    },
    remoteAddress: Uint8Array.of(192, 0, 2, number),
    importPolicy: ACCEPT_ALL,
    exportPolicy: isSink ? ACCEPT_ALL : { ...NOTHING },
    isRouteReflectorClient: false,
    nextHopSelf: false,
    allowOwnAs: 0,
    maxPrefix: undefined,
    budget: undefined,
  };
  rib.setPeer(peer);
  rib.peerUp(slotOf(number), {
    bgpIdentifier: number,
    as4: true,
    messageOctetsMax: 4096,
    families: [FAMILY],
  });
}

const NOTHING = {
  name: "nothing",
  looksAtPrefix: false,
  looksAtPeer: false,
  evaluate: ({ attributes }: { readonly attributes: PathAttributes }) =>
    ({ verdict: "reject", by: "nothing", attributes }) as const,
};

/** As a speaker would: decide, tell the FIB, tell peers, in slices. */
function flush(isToEnd: boolean): void {
  let hasWork = true;
  while (hasWork) {
    hasWork = timed(() => rib.work(SLICE));
    const changes = timed(() => rib.takeRouteChanges());
    for (const batch of changes?.batches ?? []) fibRows += batch.count;
    for (const slot of [slotOf(1), slotOf(2), ...sinks]) {
      while (rib.hasUpdates(slot)) {
        for (const message of timed(() => rib.takeUpdates(slot, 65_536))) {
          octetsOut += message.length;
          messagesOut += 1;
        }
      }
    }
    if (!isToEnd) return;
  }
}

/** Takes up to `count` messages of 64 KiB each time; returns where the next one begins. */
function receive(number: number, messages: Uint8Array, from = 0, count = Infinity): number {
  let at = from;
  let read = from;
  for (let left = count; left > 0 && at < messages.length; left -= 1) {
    const end = at + (((messages[at + 16] ?? 0) << 8) | (messages[at + 17] ?? 0));
    const update = decodeUpdate(messages.subarray(at + 19, end), CONTEXT);
    if (!update.ok) throw new Error(update.fault.because);
    rib.receive(slotOf(number), update.value);
    at = end;
    if (at - read < 65_536) continue;
    read = at;
    flush(false);
  }
  flush(true);
  return at;
}

function phase(name: string, routes: number, run: () => void): void {
  octetsOut = 0;
  messagesOut = 0;
  fibRows = 0;
  stallMs = 0;
  const from = performance.now();
  const cpu = process.cpuUsage();
  run();
  const ms = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  globalThis.gc?.();
  console.log(
    name.padEnd(34),
    `${ms.toFixed(0)} ms`.padStart(9),
    `cpu ${((user + system) / 1e3).toFixed(0)} ms`.padStart(12),
    `${(((user + system) * 1e3) / routes).toFixed(0)} ns/route`.padStart(15),
    `${(octetsOut / 1e6).toFixed(1)} MB in ${messagesOut}`.padStart(20),
    `fib ${fibRows}`.padStart(13),
    `stall ${stallMs.toFixed(1)} ms`.padStart(15),
    `rss ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MB`.padStart(12),
  );
}

const prefixes = prefixesOf(seededRng(7));
const a = feedOf(prefixes, seededRng(8), 1);
const b = feedOf(prefixes, seededRng(8), 2);
prefixes.length = 0;
globalThis.gc?.();
console.log(
  `${COUNT} prefixes, ${a.sets} attribute sets a feeder, ${SINKS} sinks;`,
  `rss with the feeds ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MB`,
);
for (const sink of sinks) up(sink, true);
up(1, false);
up(2, false);
flush(true);
phase("ingest A, to the sinks", COUNT, () => receive(1, a.updates));
phase("B, worse", COUNT, () => receive(2, b.updates));
phase("A withdraws", COUNT, () => receive(1, a.withdrawals));
phase("A again", COUNT, () => receive(1, a.updates));
phase("session of A lost", COUNT, () => {
  rib.peerDown(slotOf(1));
  flush(true);
});
up(1, false);
phase("A again", COUNT, () => receive(1, a.updates));
const tenth = Math.floor(a.sets / 10);
phase("A flaps a tenth, 5 times", COUNT, () => {
  for (let round = 0; round < 5; round += 1) {
    receive(1, a.withdrawals, 0, tenth);
    receive(1, a.updates, 0, tenth);
  }
});
phase("one UPDATE at a time, 1000 of them", 1000, () => {
  for (let left = 500, at = 0; left > 0; left -= 1) at = receive(1, b.updates, at, 1);
  for (let left = 500, at = 0; left > 0; left -= 1) at = receive(1, a.updates, at, 1);
});
phase("a late sink", COUNT, () => {
  up(9, true);
  while (rib.hasUpdates(slotOf(9))) {
    for (const message of timed(() => rib.takeUpdates(slotOf(9), 65_536))) {
      octetsOut += message.length;
    }
  }
});
phase("A and B withdraw", 2 * COUNT, () => {
  receive(1, a.withdrawals);
  receive(2, b.withdrawals);
});
