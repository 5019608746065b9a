import fc from "fast-check";
import t from "tap";
import { after } from "../../src/core/time.ts";
import { type Net, type Node, pair, peerConfig, speakerConfig } from "../support/bgp-pair.ts";

const HIGH = 0x0a00_0003;
const LOW = 0x0a00_0002;

const us = (max: number) => fc.integer({ min: 50, max });
const distance = fc.record({ thereUs: us(6000), backUs: us(6000), acceptUs: us(6000) });

/** Both ends begin at instants of their own, and every connection has a way of its own. */
const race = fc.record({
  beginAUs: fc.nat(8000),
  beginBUs: fc.nat(8000),
  distances: fc.array(distance, { minLength: 4, maxLength: 4 }),
  isAHigher: fc.boolean(),
});

const REFUSED = { thereUs: 1000, backUs: 1000, acceptUs: 50 };

function begin(
  net: Net,
  node: Node,
  afterUs: number,
  changes: Parameters<typeof speakerConfig>[0],
) {
  const config = speakerConfig(changes);
  net.at(after(net.now, afterUs), () => node.deliver({ kind: "configure", config }));
}

/** Came up once, and nothing after that. */
const isSteady = (history: readonly string[]): boolean =>
  history.filter((step) => step.endsWith(">Established")).length === 1 &&
  history.at(-1)?.endsWith(">Established") === true;

t.test("RFC 4271 §6.8 race: whoever dials when, one connection comes up and stays", async (t) => {
  let collisions = 0;
  const holds = fc.property(race, ({ beginAUs, beginBUs, distances, isAHigher }) => {
    let dialled = 0;
    const { net, a, b } = pair({
      ...{ a: { isShutdown: true }, b: { isShutdown: true } },
      distances: () => distances[dialled++ % distances.length] ?? REFUSED,
    });
    const [idOfA, idOfB] = isAHigher ? [HIGH, LOW] : [LOW, HIGH];
    const toB = { bgpIdentifier: idOfA, peers: [peerConfig()] };
    const toA = { name: "a", remoteAddress: "10.0.0.1", remoteAs: 65001 };
    const ofB = { localAs: 45104, bgpIdentifier: idOfB, peers: [peerConfig(toA)] };
    begin(net, a, beginAUs, toB);
    begin(net, b, beginBUs, ofB);
    net.run(60);
    if (dialled > 1) collisions += 1;
    return isSteady(a.history("b")) && isSteady(b.history("a"));
  });
  fc.assert(holds, { numRuns: 2000 });
  t.ok(collisions > 500, `${collisions} of them were races`);
});
